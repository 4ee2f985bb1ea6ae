from datetime import date, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.attendance.codes import load_codes
from appliance.attendance.totals import Totals, UncountedCodeError, pupil_days, pupil_totals, totals_of
from appliance.schooldays import Closure, DayStatus, day_status, days_between, default_year
from appliance.views import Counting

COUNTING = {code.code: code.counting for code in load_codes()}
FIRST, LAST = date(2026, 9, 1), date(2026, 11, 30)
OPEN, CLOSED, HOLIDAY = (
    DayStatus(True, False, ""),
    DayStatus(True, True, "学級閉鎖"),
    DayStatus(False, False, "祝日"),
)

dates = st.dates(FIRST, LAST)
marks_of_a_pupil = st.dictionaries(dates, st.sampled_from(sorted(COUNTING)))
any_days = st.lists(st.sampled_from([OPEN, OPEN, OPEN, CLOSED, HOLIDAY]), max_size=91).map(
    lambda states: [(FIRST + timedelta(days=n), state) for n, state in enumerate(states)]
)


def calendar_days(*closures: Closure) -> list[tuple[date, DayStatus]]:
    calendar = msgspec.structs.replace(default_year(2026), closures=closures)
    return [(on, day_status(calendar, on, ("P3",), "3-1", 2)) for on in days_between(FIRST, LAST)]


@given(any_days, marks_of_a_pupil, st.none() | dates, st.none() | dates)
def test_every_school_day_is_counted_exactly_once(
    days: list[tuple[date, DayStatus]], marks: dict[date, str], begins: date | None, ends: date | None
) -> None:
    totals = pupil_totals(days, marks, COUNTING, begins, ends)
    enrolled = [on for on, s in days if s.counts_as_school_day and (begins or FIRST) <= on <= (ends or LAST)]
    assert totals.school_days == len(enrolled)
    assert totals.present + totals.absent + totals.suspended == totals.school_days
    assert totals.must_attend == totals.school_days - totals.suspended
    assert min(totals.present, totals.absent, totals.suspended, totals.must_attend) >= 0
    assert totals.late <= totals.present and totals.left_early <= totals.present
    assert totals.elsewhere <= totals.present and totals.online <= totals.suspended


@given(any_days, marks_of_a_pupil)
def test_totals_equal_a_count_by_hand(days: list[tuple[date, DayStatus]], marks: dict[date, str]) -> None:
    totals = pupil_totals(days, marks, COUNTING)
    absent = suspended = late = 0
    for on, status in days:
        meant = COUNTING.get(marks.get(on, ""), Counting.PRESENT)
        if not status.counts_as_school_day:
            continue
        if status.suspended or meant in (Counting.SUSPENDED, Counting.ONLINE):
            suspended += 1
        elif meant is Counting.ABSENT:
            absent += 1
        elif meant in (Counting.LATE, Counting.LATE_AND_LEFT):
            late += 1
    assert (totals.absent, totals.suspended, totals.late) == (absent, suspended, late)


@given(any_days, marks_of_a_pupil, dates)
def test_a_period_is_the_sum_of_its_parts(
    days: list[tuple[date, DayStatus]], marks: dict[date, str], cut: date
) -> None:
    before = [day for day in days if day[0] < cut]
    after = [day for day in days if day[0] >= cut]
    parts = pupil_totals(before, marks, COUNTING) + pupil_totals(after, marks, COUNTING)
    assert parts == pupil_totals(days, marks, COUNTING)


@given(any_days, marks_of_a_pupil)
def test_closing_a_class_never_changes_the_number_of_school_days(
    days: list[tuple[date, DayStatus]], marks: dict[date, str]
) -> None:
    closed = [(on, CLOSED if status == OPEN else status) for on, status in days]
    totals = pupil_totals(closed, marks, COUNTING)
    assert totals.school_days == pupil_totals(days, marks, COUNTING).school_days == totals.suspended


@given(any_days, marks_of_a_pupil)
def test_totals_can_be_counted_again_from_the_listed_days(
    days: list[tuple[date, DayStatus]], marks: dict[date, str]
) -> None:
    assert totals_of(pupil_days(days, marks, COUNTING)) == pupil_totals(days, marks, COUNTING)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("present", Totals(school_days=1, must_attend=1, present=1)),
        ("sick", Totals(school_days=1, must_attend=1, absent=1)),
        ("other_absence", Totals(school_days=1, must_attend=1, absent=1)),
        ("suspended", Totals(school_days=1, suspended=1)),
        ("mourning", Totals(school_days=1, suspended=1)),
        ("late", Totals(school_days=1, must_attend=1, present=1, late=1)),
        ("left_early", Totals(school_days=1, must_attend=1, present=1, left_early=1)),
        ("late_and_left", Totals(school_days=1, must_attend=1, present=1, late=1, left_early=1)),
        ("attended_elsewhere", Totals(school_days=1, must_attend=1, present=1, elsewhere=1)),
        ("online", Totals(school_days=1, suspended=1, online=1)),
    ],
)
def test_each_code_counts_as_the_rules_say(code: str, expected: Totals) -> None:
    assert pupil_totals([(FIRST, OPEN)], {FIRST: code}, COUNTING) == expected


def test_no_number_of_late_days_becomes_an_absence() -> None:
    days = calendar_days()
    totals = pupil_totals(days, {on: "late" for on, _ in days}, COUNTING)
    assert totals.late == totals.present == totals.school_days and totals.absent == 0


def test_a_pupil_who_came_in_is_counted_from_the_day_of_entry() -> None:
    days = [(on, OPEN) for on in days_between(date(2026, 10, 5), date(2026, 10, 9))]
    marks = {date(2026, 10, 6): "sick", date(2026, 10, 8): "sick"}
    totals = pupil_totals(days, marks, COUNTING, begins=date(2026, 10, 7))
    assert (totals.school_days, totals.absent, totals.present) == (3, 1, 2)


def test_a_pupil_who_left_is_counted_up_to_and_including_the_day_of_leaving() -> None:
    days = [(on, OPEN) for on in days_between(date(2026, 10, 5), date(2026, 10, 9))]
    marks = {date(2026, 10, 7): "sick", date(2026, 10, 8): "sick"}
    totals = pupil_totals(days, marks, COUNTING, ends=date(2026, 10, 7))
    assert (totals.school_days, totals.absent, totals.present) == (3, 1, 2)


def test_a_pupil_who_changed_the_class_is_counted_in_each_and_added() -> None:
    # 3-2 was closed before the pupil came into it: those days are not the pupil's.
    third, fifth = date(2026, 10, 7), date(2026, 10, 9)
    one = [(on, OPEN) for on in days_between(date(2026, 10, 5), fifth)]
    two = [(on, CLOSED if on < third else OPEN) for on, _ in one]
    total = pupil_totals(one, {}, COUNTING, ends=date(2026, 10, 6)) + pupil_totals(two, {}, COUNTING, begins=third)
    assert total == Totals(school_days=5, must_attend=5, present=5)


def test_marks_on_days_without_school_are_passed_over() -> None:
    assert pupil_totals([(FIRST, HOLIDAY)], {FIRST: "sick"}, COUNTING) == Totals()


def test_a_mark_that_was_taken_back_is_attendance() -> None:
    assert pupil_totals([(FIRST, OPEN)], {FIRST: ""}, COUNTING).present == 1


def test_a_code_that_is_no_longer_configured_is_refused_and_never_guessed() -> None:
    with pytest.raises(UncountedCodeError) as caught:
        pupil_totals([(FIRST, OPEN)], {FIRST: "flu-2009"}, COUNTING)
    assert caught.value.params == {"attendance_code": "flu-2009"}
