"""A month as a grid: what stands on each day, transfers, closed days; many cells at once or none."""

from collections.abc import Iterator
from datetime import date

import pytest

from appliance.attendance.desk import ClosedDayError, UnknownClassError, UnknownCodeError
from appliance.attendance.pasting import PastedCellError, PastedTooMuchError, pasted_cells
from appliance.office import Office
from appliance.views import MonthGrid, Span
from tests.school import School

OCTOBER = date(2026, 10, 1)
TUESDAY, SUNDAY = date(2026, 10, 6), date(2026, 10, 4)


@pytest.fixture
def office(own: School) -> Iterator[Office]:
    opened = own.office("sato")
    yield opened
    opened.logout()


def grid_of(office: Office, place: int = 0) -> MonthGrid:
    return office.attendance.month(office.attendance.classes(OCTOBER)[place].class_id, OCTOBER)


def code_of(grid: MonthGrid, row: int, on: date) -> str:
    return grid.pupils[row].codes[on.day - 1]


def test_every_day_of_the_month_says_what_it_is(office: Office) -> None:
    grid = grid_of(office)
    assert [day.on.day for day in grid.days] == list(range(1, 32)) and grid.month == OCTOBER
    assert not grid.days[SUNDAY.day - 1].open and grid.days[SUNDAY.day - 1].reason == "日曜日"
    assert grid.days[TUESDAY.day - 1].open and not grid.days[TUESDAY.day - 1].confirmed
    office.attendance.confirm(grid.class_id, TUESDAY)
    assert grid_of(office).days[TUESDAY.day - 1].confirmed
    assert all(all(pupil.inside) and len(pupil.codes) == 31 for pupil in grid.pupils)


def test_many_cells_are_kept_at_once_counted_and_taken_back_at_once(office: Office) -> None:
    before = grid_of(office, 1)
    first, second = (pupil.pupil_id for pupil in before.pupils[:2])
    saved = office.attendance.mark_many(
        before.class_id, [(first, TUESDAY, "sick"), (second, TUESDAY, "late"), (first, date(2026, 10, 7), "sick")]
    )
    grid = grid_of(office, 1)
    assert (code_of(grid, 0, TUESDAY), code_of(grid, 1, TUESDAY)) == ("sick", "late")
    assert grid.pupils[0].totals.absent == before.pupils[0].totals.absent + 2
    assert grid.totals.rows[0] == grid.pupils[0].totals
    office.attendance.undo(saved)
    assert [pupil.codes for pupil in grid_of(office, 1).pupils] == [pupil.codes for pupil in before.pupils]


@pytest.mark.parametrize(
    ("on", "code", "pupil", "error"),
    [
        (SUNDAY, "sick", None, ClosedDayError),
        (TUESDAY, "nonsense", None, UnknownCodeError),
        (TUESDAY, "sick", "nobody", UnknownClassError),
    ],
)
def test_one_cell_that_cannot_be_kept_keeps_none(
    office: Office, on: date, code: str, pupil: str | None, error: type[Exception]
) -> None:
    before = grid_of(office, 2)
    good, other = (entry.pupil_id for entry in before.pupils[:2])
    with pytest.raises(error):
        office.attendance.mark_many(before.class_id, [(good, TUESDAY, "sick"), (pupil or other, on, code)])
    assert grid_of(office, 2) == before


def test_what_is_pasted_is_taken_by_symbol_or_name_and_only_where_it_changes(office: Office) -> None:
    grid, codes = grid_of(office, 3), office.attendance.codes()
    first, second = (pupil.pupil_id for pupil in grid.pupils[:2])
    day = TUESDAY.day - 1
    assert pasted_cells("病\t遅刻\r\n\t ﾁ \r\n", grid, 0, day, codes) == [
        (first, day, "sick"),
        (first, day + 1, "late"),
        (second, day + 1, "late"),
    ]
    assert pasted_cells("病", grid, 0, day, codes) == [(first, day, "sick")]
    office.attendance.mark_many(grid.class_id, [(first, TUESDAY, "sick")])
    assert pasted_cells("病\t病", grid_of(office, 3), 0, day, codes) == [(first, day + 1, "sick")]
    assert pasted_cells("\n病", grid_of(office, 3), 0, day, codes) == [(first, day, ""), (second, day, "sick")]


@pytest.mark.parametrize("text", ["病\n?", "病\t病\t病\t病\t病", "\n" * 60 + "病"])
def test_a_cell_that_cannot_be_pasted_is_named(office: Office, text: str) -> None:
    with pytest.raises(PastedCellError) as caught:
        pasted_cells(text, grid_of(office), 0, date(2026, 10, 6).day - 1, office.attendance.codes())
    assert caught.value.params["row"] and caught.value.params["column"]


@pytest.mark.parametrize("text", ["", "\n\t\n", "病\n" * 2000])
def test_nothing_and_too_much_are_refused(office: Office, text: str) -> None:
    with pytest.raises(PastedTooMuchError):
        pasted_cells(text, grid_of(office), 0, 0, office.attendance.codes())


def test_the_year_is_the_sum_of_its_months_and_the_term_of_its_own(office: Office) -> None:
    grid = grid_of(office, 4)
    pupil = grid.pupils[0].pupil_id
    for on in (date(2026, 5, 12), date(2026, 9, 8), TUESDAY, date(2026, 11, 10)):
        office.attendance.mark(grid.class_id, on, pupil, "sick")

    def absent(on: date, span: Span) -> tuple[str, int, int]:
        totals = office.attendance.totals(grid.class_id, on, span)
        row = next(row for row in totals.rows if row.pupil_id == pupil)
        return totals.name, row.absent, row.school_days

    months = [absent(date(2026, month, 1), Span.MONTH) for month in range(4, 13)]
    assert [count for _, count, _ in months] == [0, 1, 0, 0, 0, 1, 1, 1, 0]
    today = office.today()
    year = absent(today, Span.YEAR)
    assert year[:2] == ("2026年度", 4)
    if today < date(2027, 1, 1):
        assert year[2] == sum(days for _, _, days in months)
    assert absent(date(2026, 5, 1), Span.TERM)[:2] == ("1学期", 1)
    assert absent(date(2026, 11, 1), Span.TERM)[:2] == ("2学期", 3)
