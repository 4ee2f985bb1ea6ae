"""A person's months add up, whatever was punched, declared and answered."""

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from appliance.hours.limits import month_before
from appliance.hours.ofperson import PersonHours, counting
from appliance.hours.reckoning import DayKind, Staff, Stamp, Way, total
from appliance.hours.records import Approval, Correction, DayRecord, Shift
from appliance.hours.settings import load_hours

SETTINGS = load_hours()
TODAY = date(2026, 7, 31)
DAYS = st.dates(date(2026, 3, 1), date(2026, 6, 30))
STAMPS = st.lists(st.builds(Stamp, DAYS, st.integers(0, 1439), st.sampled_from(Way)), max_size=30)
CORRECTIONS = st.builds(
    Correction,
    reason=st.just("x"),
    spans=st.none() | st.just(((480, 1200),)),
    scheduled=st.none() | st.integers(0, 600),
)
MINUTES = st.integers(0, 300)


def shift(since: date, **more: object) -> Shift:
    usual: dict[str, object] = {"name": "A", "begin": 480, "end": 990, "rest": 45, **more}
    return Shift(person="aa", since=since, **usual)  # type: ignore[arg-type]


@st.composite
def people(draw: st.DrawFn) -> PersonHours:
    days = {
        on: DayRecord(person="aa", on=on, rest=draw(MINUTES), telework=draw(MINUTES), correction=draw(CORRECTIONS))
        for on in draw(st.lists(DAYS, max_size=5))
    }
    answers = {
        on: Approval(person="aa", on=on, answered=draw(CORRECTIONS), granted=draw(st.booleans()))
        for on in draw(st.lists(DAYS, max_size=5))
    }
    staff = draw(st.sampled_from(Staff))
    shifts = draw(st.sampled_from(((), (shift(date(2026, 5, 1), staff=staff),))))
    return PersonHours("aa", SETTINGS, draw(STAMPS), days, answers, shifts)


@given(people())
def test_a_month_is_its_days_and_a_year_its_months(hours: PersonHours) -> None:
    year = 0
    for back in (3, 2, 1, 0):
        month = month_before(date(2026, 6, 1), back)
        view = hours.month(month, "", TODAY)
        assert view.total == total(day.reckoned for day in view.days)
        assert view.total.overtime == hours.overtime(month) == view.standing.overtime
        year = hours.overtime(month) + (year if month.month != 4 else 0)
        assert view.standing.year == year
    assert [point.standing.overtime for point in hours.trend(date(2026, 6, 1), 2)] == [
        hours.overtime(date(2026, 5, 1)), hours.overtime(date(2026, 6, 1)),
    ]  # fmt: skip


@given(people(), DAYS, CORRECTIONS)
def test_what_nobody_answered_changes_nothing(hours: PersonHours, on: date, asked: Correction) -> None:
    days = dict(hours.days or {})
    days[on] = days.get(on, DayRecord(person="aa", on=on))
    plain = PersonHours("aa", SETTINGS, hours.stamps, days, hours.approvals, hours.shifts)
    days = {
        **days,
        on: DayRecord(person="aa", on=on, rest=days[on].rest, telework=days[on].telework, correction=asked),
    }
    waiting = PersonHours("aa", SETTINGS, hours.stamps, days, hours.approvals, hours.shifts)
    assert waiting.day(on, TODAY).reckoned == plain.day(on, TODAY).reckoned


def test_a_shift_counts_from_its_day_on() -> None:
    shifts = (shift(date(2026, 4, 1)), shift(date(2026, 6, 15), begin=510, end=1020))
    hours = PersonHours("aa", SETTINGS, shifts=shifts)
    assert [hours.shift(date(2026, m, d)).begin for m, d in ((3, 1), (4, 1), (6, 14), (6, 15))] == [
        480,
        480,
        480,
        510,
    ]
    assert PersonHours("aa", SETTINGS).shift(TODAY).scheduled == 465


def test_hours_moved_to_a_day_off() -> None:
    saturday = date(2026, 6, 6)
    moved = Approval(
        person="aa",
        on=saturday,
        answered=Correction(reason="振替", spans=((480, 990),), scheduled=465),
        granted=True,
    )
    hours = PersonHours("aa", SETTINGS, approvals={saturday: moved})
    day = hours.day(saturday, TODAY)
    assert (day.kind, day.scheduled, day.reckoned.overtime) == (DayKind.WEEKLY_OFF, 465, 45)
    assert counting(None) is None
