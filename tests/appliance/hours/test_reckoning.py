"""在校等時間 and what is over 所定: the published vector, every kind of day, punches that do not pair."""

from datetime import date

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from appliance.hours.reckoning import (
    DayKind,
    Doubt,
    Reckoned,
    Span,
    Staff,
    Stamp,
    Way,
    Work,
    day_kind,
    merged,
    pair,
    reckon,
    total,
)

SHIFT = Span(8 * 60, 16 * 60 + 30)
SCHEDULED = 7 * 60 + 45
MONDAY = date(2026, 6, 1)
TUESDAY = date(2026, 6, 2)
IN, OUT = Way.IN, Way.OUT


def clock(text: str) -> int:
    hours, _, minutes = text.partition(":")
    return int(hours) * 60 + int(minutes)


def span(begin: str, end: str) -> Span:
    return Span(clock(begin), clock(end))


def workday(*present: Span, **more: int) -> Work:
    return Work(DayKind.WORKDAY, SCHEDULED, present, SHIFT, **more)


def test_the_published_vector() -> None:
    day = reckon(workday(span("7:30", "19:30"), rest=15, self_study=60), Staff.TEACHING)
    assert (day.presence, day.at_work, day.overtime) == (clock("12:00"), clock("10:45"), clock("3:00"))


def test_only_a_rest_that_was_taken_is_left_out() -> None:
    assert reckon(workday(span("8:00", "16:30")), Staff.TEACHING).overtime == 45
    assert reckon(workday(span("8:00", "16:30"), rest=45), Staff.TEACHING).overtime == 0


def test_telework_and_off_campus_count_and_what_was_taken_home_does_not() -> None:
    day = reckon(Work(DayKind.WORKDAY, SCHEDULED, telework=400, off_campus=100, taken_home=90), Staff.TEACHING)
    assert (day.at_work, day.overtime, day.taken_home) == (500, 35, 90)


@pytest.mark.parametrize("kind", [DayKind.WEEKLY_OFF, DayKind.HOLIDAY])
def test_a_day_off_is_overtime_altogether_unless_hours_were_moved_there(kind: DayKind) -> None:
    worked = (span("8:00", "12:30"),)
    assert reckon(Work(kind, 0, worked, SHIFT), Staff.TEACHING).overtime == 270
    assert reckon(Work(kind, 240, worked, SHIFT), Staff.TEACHING).overtime == 30
    assert reckon(Work(kind, SCHEDULED, worked, SHIFT), Staff.TEACHING).overtime == 0


@pytest.mark.parametrize(
    ("on", "kind"),
    [
        (date(2026, 6, 1), DayKind.WORKDAY),
        (date(2026, 6, 6), DayKind.WEEKLY_OFF),
        (date(2026, 5, 5), DayKind.HOLIDAY),
        (date(2026, 5, 6), DayKind.HOLIDAY),  # 振替休日
        (date(2026, 5, 3), DayKind.WEEKLY_OFF),  # a holiday on a Sunday
        (date(2026, 12, 28), DayKind.WORKDAY),
        (date(2026, 12, 29), DayKind.HOLIDAY),
        (date(2027, 1, 2), DayKind.WEEKLY_OFF),
        (date(2029, 1, 3), DayKind.HOLIDAY),
    ],
)
def test_what_a_day_is(on: date, kind: DayKind) -> None:
    assert day_kind(on) is kind


def test_the_overtime_of_staff_with_allowances_goes_by_category() -> None:
    late = reckon(workday(span("8:00", "23:30"), rest=45), Staff.OFFICE)
    assert (late.weekday, late.night, late.overtime) == (clock("5:30"), clock("1:30"), clock("7:00"))
    over_midnight = reckon(workday(span("8:00", "26:00"), rest=45), Staff.OFFICE)
    assert (over_midnight.weekday, over_midnight.night) == (clock("5:30"), clock("4:00"))
    early = reckon(workday(span("4:00", "16:30"), rest=45), Staff.OFFICE)
    assert (early.weekday, early.night) == (clock("3:00"), clock("1:00"))
    sunday = reckon(Work(DayKind.WEEKLY_OFF, 0, (span("20:00", "23:00"),), SHIFT), Staff.OFFICE)
    assert (sunday.weekly_off, sunday.night, sunday.weekday) == (120, 60, 0)
    assert reckon(Work(DayKind.HOLIDAY, 0, (span("9:00", "10:00"),)), Staff.OFFICE).holiday == 60


def test_a_shift_at_night_is_no_overtime() -> None:
    night = Work(DayKind.WORKDAY, 465, (span("20:00", "28:45"),), span("20:00", "28:30"), rest=45)
    assert reckon(night, Staff.OFFICE) == Reckoned(presence=525, at_work=480, overtime=15, night=15)


def test_teachers_have_no_categories() -> None:
    day = reckon(workday(span("8:00", "26:00")), Staff.TEACHING)
    assert (day.weekday, day.night, day.weekly_off, day.holiday) == (0, 0, 0, 0) and day.overtime


def stamps(*told: tuple[date, str, Way]) -> list[Stamp]:
    return [Stamp(on, clock(at), way) for on, at, way in told]


def test_punches_make_presence() -> None:
    made = pair(
        stamps((MONDAY, "8:00", IN), (MONDAY, "12:00", OUT), (MONDAY, "13:00", IN), (MONDAY, "17:00", OUT))
    )
    assert made.spans == {MONDAY: (span("8:00", "12:00"), span("13:00", "17:00"))} and made.doubts == {}


def test_a_night_belongs_to_the_day_it_began_on() -> None:
    made = pair(
        stamps((MONDAY, "20:00", IN), (TUESDAY, "1:30", OUT), (TUESDAY, "8:00", IN), (TUESDAY, "17:00", OUT))
    )
    assert made.spans == {MONDAY: (span("20:00", "25:30"),), TUESDAY: (span("8:00", "17:00"),)}


def test_a_key_pressed_twice_is_one_press() -> None:
    told = ((MONDAY, "8:00", IN), (MONDAY, "8:03", IN), (MONDAY, "17:00", OUT), (MONDAY, "17:04", OUT))
    made = pair(stamps(*told))
    assert made.spans == {MONDAY: (span("8:00", "17:04"),)} and made.doubts == {}


def test_going_and_coming_in_one_minute() -> None:
    told = ((MONDAY, "8:00", IN), (MONDAY, "12:00", IN), (MONDAY, "12:00", OUT), (MONDAY, "17:00", OUT))
    made = pair(stamps(*told))
    assert made.spans == {MONDAY: (span("8:00", "17:00"),)} and made.doubts == {}


def test_coming_and_going_within_one_minute_shows_as_a_day_of_no_length() -> None:
    made = pair(stamps((MONDAY, "8:00", IN), (MONDAY, "8:00", OUT)))
    assert made.spans == {MONDAY: (span("8:00", "8:00"),)} and made.doubts == {} and made.came is None


@pytest.mark.parametrize(
    ("told", "spans", "doubts"),
    [
        ([(MONDAY, "8:00", IN)], {}, {MONDAY: (Doubt.NO_OUT,)}),
        ([(MONDAY, "17:00", OUT)], {}, {MONDAY: (Doubt.NO_IN,)}),
        (
            [(MONDAY, "8:00", IN), (TUESDAY, "7:50", IN), (TUESDAY, "17:00", OUT)],
            {TUESDAY: (span("7:50", "17:00"),)},
            {MONDAY: (Doubt.NO_OUT,)},
        ),
        ([(MONDAY, "8:00", IN), (TUESDAY, "17:00", OUT)], {}, {MONDAY: (Doubt.NO_OUT,), TUESDAY: (Doubt.NO_IN,)}),
        (
            [(MONDAY, "8:00", IN), (MONDAY, "13:00", IN), (MONDAY, "17:00", OUT)],
            {MONDAY: (span("8:00", "17:00"),)},
            {MONDAY: (Doubt.REPEATED,)},
        ),
    ],
)
def test_punches_that_do_not_pair_are_doubtful(
    told: list[tuple[date, str, Way]], spans: dict[date, tuple[Span, ...]], doubts: dict[date, tuple[Doubt, ...]]
) -> None:
    made = pair(stamps(*told))
    assert (made.spans, made.doubts) == (spans, doubts)


SPANS = st.builds(lambda begin, length: Span(begin, begin + length), st.integers(0, 1439), st.integers(0, 900))
MINUTES = st.integers(0, 1000)
WORKS = st.builds(
    Work,
    st.sampled_from(DayKind),
    st.integers(0, 600),
    st.lists(SPANS, max_size=4).map(tuple),
    st.none() | SPANS,
    MINUTES,
    MINUTES,
    MINUTES,
    MINUTES,
    MINUTES,
)
STAMPS = st.lists(
    st.builds(Stamp, st.sampled_from((MONDAY, TUESDAY)), st.integers(0, 1439), st.sampled_from(Way)), max_size=12
)


@given(WORKS, st.sampled_from(Staff))
def test_nothing_is_ever_negative_and_the_categories_are_the_overtime(work: Work, staff: Staff) -> None:
    day = reckon(work, staff)
    parts = (day.weekday, day.night, day.weekly_off, day.holiday)
    assert all(minutes >= 0 for minutes in (day.presence, day.at_work, day.overtime, *parts))
    assert sum(parts) == (day.overtime if staff is Staff.OFFICE else 0)
    assert day.overtime <= day.at_work <= day.presence + work.off_campus + work.telework


@given(st.lists(st.tuples(WORKS, st.sampled_from(Staff)), max_size=31), st.integers(0, 31))
def test_a_month_is_the_sum_of_its_days(month: list[tuple[Work, Staff]], at: int) -> None:
    days = [reckon(work, staff) for work, staff in month]
    assert total(days) == total(days[:at]) + total(days[at:])
    assert total(days).overtime == sum(day.overtime for day in days)


@given(STAMPS)
@example(
    [Stamp(MONDAY, 0, Way.IN), Stamp(MONDAY, 6, Way.IN), Stamp(MONDAY, 6, Way.OUT), Stamp(TUESDAY, 5, Way.OUT)]
)
def test_presence_never_overlaps_and_forgets_no_press(told: list[Stamp]) -> None:
    made = pair(told)
    for spans in made.spans.values():
        assert spans == (merged(spans) or spans[:1])
        # It begins on its day and ends within a day of a coming of that day; presses that meet are one span.
        assert all(0 <= span.begin < 1440 and span.begin <= span.end < 2 * 1440 + 5 for span in spans)
    assert made == pair([*reversed(told), *told])
    assert bool(told) is bool(made.spans or made.doubts)
