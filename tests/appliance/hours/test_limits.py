"""The limits at their edges, the means over a turn of the year, and files of settings that are refused."""

from datetime import date
from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.hours.limits import Reason, Signal, month_before, standing
from appliance.hours.settings import HoursFileError, HoursSettingError, Pattern, load_hours

LIMITS = load_hours().limits
JUNE = date(2026, 6, 1)


def months(last: date, *hours: float) -> dict[date, int]:
    """Return overtime of the months up to `last`."""
    return {month_before(last, len(hours) - 1 - n): round(made * 60) for n, made in enumerate(hours)}


def reasons(overtime: dict[date, int], month: date = JUNE) -> set[Reason]:
    return {told.reason for told in standing(overtime, month, LIMITS).reasons}


@pytest.mark.parametrize(
    ("minutes", "signal", "told"),
    [
        (0, Signal.GREEN, set()),
        (30 * 60, Signal.GREEN, set()),
        (30 * 60 + 1, Signal.GREEN, {Reason.GOAL}),
        (45 * 60, Signal.GREEN, {Reason.GOAL}),
        (45 * 60 + 1, Signal.YELLOW, {Reason.GOAL, Reason.MONTH}),
        (80 * 60, Signal.YELLOW, {Reason.GOAL, Reason.MONTH}),
        (80 * 60 + 1, Signal.RED, {Reason.GOAL, Reason.MONTH, Reason.MONTH_HIGH}),
        (100 * 60 - 1, Signal.RED, {Reason.GOAL, Reason.MONTH, Reason.MONTH_HIGH}),
        (100 * 60, Signal.RED, {Reason.GOAL, Reason.MONTH, Reason.MONTH_HIGH, Reason.MONTH_MOST}),
    ],
)
def test_a_month_at_its_edges(minutes: int, signal: Signal, told: set[Reason]) -> None:
    assert standing({JUNE: minutes}, JUNE, LIMITS).signal is signal
    assert reasons({JUNE: minutes}) == told


def test_a_year_of_44_hours_is_over_360_in_december() -> None:
    december = date(2026, 12, 1)
    year = months(december, *[44] * 9)
    assert Reason.YEAR not in reasons(months(date(2026, 11, 1), *[44] * 8), date(2026, 11, 1))
    found = standing(year, december, LIMITS)
    assert (found.year, found.signal) == (396 * 60, Signal.YELLOW)
    assert next(t for t in found.reasons if t.reason is Reason.YEAR).limit == 360 * 60


def test_april_begins_a_year_but_no_mean() -> None:
    april = date(2026, 4, 1)
    found = standing(months(april, 85, 79), april, LIMITS)
    assert (found.year, found.months_over, found.worst_mean) == (79 * 60, 1, 82 * 60)
    assert found.signal is Signal.RED
    assert [(t.found, t.limit, t.months) for t in found.reasons if t.reason is Reason.MEAN] == [(4920, 4800, 2)]


def test_a_mean_needs_every_month() -> None:
    assert Reason.MEAN not in reasons({month_before(JUNE, 2): 99 * 60, JUNE: 79 * 60})
    assert Reason.MEAN not in reasons(months(JUNE, 81, 79))
    assert Reason.MEAN in reasons({**months(JUNE, 81, 79), JUNE: 79 * 60 + 1})
    six = standing(months(JUNE, 99, 79, 78, 78, 78, 79), JUNE, LIMITS)
    assert [t.months for t in six.reasons if t.reason is Reason.MEAN] == [6]


def test_six_months_over_45_and_no_more() -> None:
    september, october = date(2026, 9, 1), date(2026, 10, 1)
    assert Reason.LAST_MONTH in reasons(months(september, *[46] * 6), september)
    assert reasons(months(september, *[46] * 5), september) == {Reason.GOAL, Reason.MONTH}
    seven = standing(months(october, *[46] * 7), october, LIMITS)
    assert Reason.MONTHS_OVER in {t.reason for t in seven.reasons} and seven.signal is Signal.RED


@given(st.lists(st.integers(0, 7200), min_size=1, max_size=24), st.integers(0, 600))
def test_more_overtime_never_makes_the_light_better(hours: list[int], more: int) -> None:
    year = {month_before(JUNE, len(hours) - 1 - n): made for n, made in enumerate(hours)}
    worse = {**year, JUNE: year[JUNE] + more}
    order = list(Signal)
    before, after = standing(year, JUNE, LIMITS), standing(worse, JUNE, LIMITS)
    assert order.index(after.signal) >= order.index(before.signal)
    assert after.year - before.year == more
    assert before.worst_mean is None or min(year.values()) <= before.worst_mean <= max(year.values())


def test_the_shipped_file() -> None:
    shipped = load_hours()
    assert [p.name for p in shipped.pattern] == list("ABCDEF")
    assert {p.scheduled for p in shipped.pattern} == {465}
    assert (LIMITS.goal, LIMITS.month, LIMITS.year, LIMITS.months_over) == (30, 45, 360, 6)


SHIPPED = files("appliance.hours").joinpath("hours.toml").read_text("utf-8")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("month = 45 ", "month = 90 "),
        ("goal = 30", "goal = 0"),
        ("months_over = 6", "months_over = 13"),
        ("year = 360", "year = 30"),
        ("mean = 80", "mean = 101"),
        ("goal = 30", "gaol = 30"),
        ('name = "B"', 'name = "A"'),
        ('ends = "16:30"', 'ends = "08:40"'),
        ('ends = "16:30"', 'ends = "49:00"'),
        ('ends = "16:30"', 'ends = "8時"'),
        ('codes = ["00", "04"]', 'codes = ["0"]'),
        ('day_ends = "05:00"', 'day_ends = "24:00"'),
        ("first = 5", "first = 2"),
        ("\n[report]", "\n[reports]"),
    ],
)
def test_a_file_that_contradicts_itself_is_refused(tmp_path: Path, old: str, new: str) -> None:
    assert old in SHIPPED
    file = tmp_path / "hours.toml"
    file.write_text(SHIPPED.replace(old, new, 1), "utf-8")
    with pytest.raises(HoursSettingError) as caught:
        load_hours(file)
    assert caught.value.params["file"] == str(file) and caught.value.params["problem"]


def test_a_file_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(HoursFileError):
        load_hours(tmp_path / "nowhere.toml")
    (tmp_path / "hours.toml").write_bytes(b"\xff\xfe[limits]")
    with pytest.raises(HoursFileError):
        load_hours(tmp_path / "hours.toml")


def test_a_file_with_a_byte_order_mark_and_a_night_shift(tmp_path: Path) -> None:
    file = tmp_path / "hours.toml"
    file.write_text("\ufeff" + SHIPPED.replace('ends = "16:30"', 'ends = "25:30"', 1), "utf-8")
    assert load_hours(file).pattern[0].scheduled == 1005
    with pytest.raises(ValueError, match="end after"):
        Pattern(name="X", begins="17:00", ends="17:30", rest=45)
