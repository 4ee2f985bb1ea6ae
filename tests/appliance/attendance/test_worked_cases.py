"""The worked cases of the attendance book as schools publish them, one test each, with their numbers."""

from collections.abc import Mapping
from datetime import date, timedelta

import msgspec
import pytest

from appliance.attendance.codes import load_codes
from appliance.attendance.influenza import COVID, INFLUENZA, INFLUENZA_INFANT, earliest_return
from appliance.attendance.mourning import load_mourning, mourning_days
from appliance.attendance.totals import Totals, closure_remarks, pupil_days, pupil_totals, totals_of
from appliance.schooldays import Closure, DayStatus, SchoolYear, day_status, days_between, default_year
from appliance.views import Counting

COUNTING = {code.code: code.counting for code in load_codes()}
FLU = "インフルエンザ"
TERM = date(2019, 9, 2), date(2019, 12, 23)
"""A second term of 76 school days."""


def days(
    calendar: SchoolYear,
    grade: str,
    class_id: str,
    *,
    classes: int = 2,
    special: bool = False,
    period: tuple[date, date] = TERM,
) -> list[tuple[date, DayStatus]]:
    return [
        (on, day_status(calendar, on, (grade,), class_id, classes, special_needs=special))
        for on in days_between(*period)
    ]


def with_closures(*closures: Closure) -> SchoolYear:
    return msgspec.structs.replace(default_year(2019), closures=closures)


def flu(scope: str, target: str, first: date, length: int, **more: object) -> Closure:
    fields = {"scope": scope, "target": target, "first": first, "reason": FLU}
    return msgspec.convert(fields | {"last": first + timedelta(days=length - 1)} | more, Closure)


def count(listed: list[tuple[date, DayStatus]], marks: Mapping[date, str] | None = None) -> Totals:
    return pupil_totals(listed, marks or {}, COUNTING)


def test_case_1_class_closed_in_a_grade_of_several_classes_is_suspension_for_every_pupil() -> None:
    on = date(2019, 11, 12)
    calendar = with_closures(flu("class", "3-1", on, 1))
    ill_before = count(days(calendar, "P3", "3-1"), {on: "sick"})
    well = count(days(calendar, "P3", "3-1"))
    assert (well.school_days, well.suspended, well.must_attend, well.present) == (76, 1, 75, 75)
    assert ill_before == well, "on a closed day nobody is absent"
    assert count(days(calendar, "P3", "3-2")) == Totals(school_days=76, must_attend=76, present=76)


def test_case_1_class_closed_in_a_grade_of_one_class_takes_a_school_day_away() -> None:
    calendar = with_closures(flu("class", "3-1", date(2019, 11, 12), 1))
    totals = count(days(calendar, "P3", "3-1", classes=1))
    assert (totals.school_days, totals.suspended, totals.must_attend) == (75, 0, 75)


@pytest.mark.parametrize("how", ["grade closure", "every class closed"])
def test_case_2_three_days_closed_of_which_the_whole_grade_only_on_the_third(how: str) -> None:
    first = date(2019, 11, 12)
    third = first + timedelta(days=2)
    own = flu("class", "3-1", first, 3, grades=("P3",))
    other = (
        flu("grade", "P3", third, 1) if how == "grade closure" else flu("class", "3-2", third, 1, grades=("P3",))
    )
    calendar = with_closures(own, other)
    totals = count(days(calendar, "P3", "3-1"))
    assert (totals.school_days, totals.suspended, totals.must_attend, totals.present) == (75, 2, 73, 73)
    assert count(days(calendar, "P3", "3-2")) == Totals(school_days=75, must_attend=75, present=75)


def test_case_3_a_second_term_of_76_days_at_a_real_school() -> None:
    calendar = with_closures(
        flu("grade", "P5", date(2019, 10, 11), 1, reason="台風", basis="other", except_classes=("sn-1",)),
        flu("grade", "P3", date(2019, 12, 10), 2, except_classes=("sn-1",)),
        flu("class", "4-1", date(2019, 12, 3), 2),
        flu("class", "4-2", date(2019, 12, 4), 3),
    )
    assert count(days(calendar, "P1", "1-1")).school_days == 76
    assert count(days(calendar, "P5", "5-1")).school_days == 75
    assert count(days(calendar, "P3", "3-2")).school_days == 74
    assert count(days(calendar, "P3", "sn-1", special=True)).school_days == 76
    assert count(days(calendar, "P5", "sn-1", special=True)).school_days == 76
    for class_id, closed in (("4-1", 2), ("4-2", 3)):
        counted = pupil_days(days(calendar, "P4", class_id, classes=3), {}, COUNTING)
        totals = totals_of(counted)
        assert (totals.school_days, totals.suspended, totals.must_attend) == (76, closed, 76 - closed)
        assert closure_remarks(counted) == (f"インフルエンザに伴う学級閉鎖{closed}",)
    # A day taken from 授業日数 is no reason in 備考.
    assert closure_remarks(pupil_days(days(calendar, "P3", "3-2"), {}, COUNTING)) == ()


def test_case_4_influenza_keeps_a_pupil_at_home_for_at_least_six_days() -> None:
    onset = date(2019, 12, 2)
    for fever_went in range(4):
        assert earliest_return(onset, onset + timedelta(days=fever_went)) == onset + timedelta(days=6)
    at_home = list(days_between(onset, earliest_return(onset, onset) - timedelta(days=1)))
    assert len(at_home) == 6
    assert earliest_return(onset, date(2019, 12, 6), INFLUENZA) == date(2019, 12, 9)


def test_case_4_influenza_of_a_small_child_needs_three_days_without_fever() -> None:
    onset = date(2019, 12, 2)
    assert earliest_return(onset, date(2019, 12, 4), INFLUENZA_INFANT) == date(2019, 12, 8)
    assert earliest_return(onset, date(2019, 12, 5), INFLUENZA_INFANT) == date(2019, 12, 9)
    assert earliest_return(onset, date(2019, 12, 5), INFLUENZA) == date(2019, 12, 8)


def test_case_4_covid_needs_five_days_and_one_after_the_symptoms_eased() -> None:
    onset = date(2019, 12, 2)
    assert earliest_return(onset, date(2019, 12, 6), COVID) == date(2019, 12, 8)
    assert earliest_return(onset, date(2019, 12, 7), COVID) == date(2019, 12, 9)


def test_case_4_suspension_for_influenza_takes_only_school_days_from_must_attend() -> None:
    onset = date(2019, 12, 2)  # a Monday; day 6 is a Sunday
    last = earliest_return(onset, onset + timedelta(days=2)) - timedelta(days=1)
    totals = count(days(default_year(2019), "P3", "3-1"), {on: "suspended" for on in days_between(onset, last)})
    assert (totals.school_days, totals.suspended, totals.must_attend, totals.absent) == (76, 5, 71, 0)


def test_case_5_mourning_gives_the_days_of_the_table() -> None:
    table = load_mourning()
    given = {rule.relation: rule.days for rule in table}
    assert 5 <= given["父母"] <= 7
    assert (given["祖父母"], given["兄弟姉妹"], given["曽祖父母"], given["おじ・おば"]) == (3, 3, 1, 1)
    friday = date(2019, 11, 15)
    off = mourning_days(table, "祖父母", friday)
    assert off == (friday, date(2019, 11, 16), date(2019, 11, 17))
    totals = count(days(default_year(2019), "P3", "3-1"), dict.fromkeys(off, "mourning"))
    assert (totals.suspended, totals.must_attend, totals.absent) == (1, 75, 0), "the weekend is in no total"


def test_case_6_lessons_at_home_or_elsewhere_count_as_attendance_and_are_told_apart() -> None:
    marks = {date(2019, 11, day): "attended_elsewhere" for day in (5, 6, 7)}
    totals = count(days(default_year(2019), "P3", "3-1"), marks)
    assert (totals.present, totals.absent, totals.suspended, totals.elsewhere) == (76, 0, 0, 3)


def test_case_6_online_lessons_of_an_emergency_lie_inside_the_suspended_days() -> None:
    closure = flu("class", "3-1", date(2019, 11, 12), 3)
    marks = {date(2019, 11, 12): "online", date(2019, 11, 13): "online", date(2019, 11, 20): "online"}
    totals = count(days(with_closures(closure), "P3", "3-1"), marks)
    assert (totals.school_days, totals.suspended, totals.online, totals.present) == (76, 4, 3, 72)


def test_case_7_entrance_examinations_count_as_the_school_decides() -> None:
    # 受験 is 校長裁量: either code is at hand, and must_attend follows it.
    examined = date(2019, 12, 12)
    listed = days(default_year(2019), "J3", "9-1")
    excused, present = count(listed, {examined: "suspended"}), count(listed, {examined: "attended_elsewhere"})
    assert (excused.must_attend, excused.present) == (75, 75)
    assert (present.must_attend, present.present) == (76, 76)


def test_case_8_a_correction_is_counted_as_it_now_stands_and_august_says_summer_vacation() -> None:
    listed = days(default_year(2019), "P3", "3-1")
    on = date(2019, 11, 12)
    assert count(listed, {on: "sick"}).absent == 1
    assert count(listed, {on: "late"}) == Totals(school_days=76, must_attend=76, present=76, late=1)
    august = days(default_year(2019), "P3", "3-1", period=(date(2019, 8, 1), date(2019, 8, 31)))
    assert count(august) == Totals()
    assert {status.reason for _, status in august} == {"夏季休業"}


def test_the_codes_that_the_cases_use_count_as_they_say() -> None:
    assert COUNTING["online"] is Counting.ONLINE and COUNTING["mourning"] is Counting.SUSPENDED
    assert {code.code for code in load_codes() if code.unexcused} == {"other_absence"}
