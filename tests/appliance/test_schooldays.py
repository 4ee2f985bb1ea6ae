import os
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.schooldays import (
    CalendarOrderError,
    CalendarOutsideError,
    CalendarTargetError,
    Closure,
    DayOff,
    DayStatus,
    SchoolYear,
    Term,
    Vacation,
    day_status,
    decode,
    default_year,
    encode,
    holidays_in,
    require_valid,
    school_days,
    school_year_of,
    term_of,
)

DATA = Path(os.environ.get("KURABAKO_TEST_DATA") or Path(__file__).resolve().parents[2].parent / "shared" / "data")
HOLIDAYS = DATA / "holidays" / "syukujitsu.csv"
TUESDAY = date(2026, 11, 10)


def closed(scope: str, target: str = "", **more: object) -> Closure:
    fields = {"scope": scope, "target": target, "first": TUESDAY, "last": TUESDAY, "reason": "インフルエンザ"}
    return msgspec.convert(fields | more, Closure, str_keys=False)


def on_tuesday(
    *closures: Closure,
    grades: tuple[str, ...] = ("P3",),
    class_id: str = "3-1",
    count: int = 2,
    special: bool = False,
) -> DayStatus:
    calendar = msgspec.structs.replace(default_year(2026), closures=closures)
    return day_status(calendar, TUESDAY, grades, class_id, count, special_needs=special)


@pytest.mark.parametrize("year", range(2000, 2028))
def test_holidays_equal_those_of_the_cabinet_office(year: int) -> None:
    if not HOLIDAYS.exists():
        pytest.skip("the Cabinet Office file of holidays (shared data) is not here")
    lines = HOLIDAYS.read_bytes().decode("cp932").splitlines()[1:]
    official = {date(*map(int, line.split(",")[0].split("/"))) for line in lines}
    assert set(holidays_in(year)) == {on for on in official if on.year == year}


def test_holidays_have_japanese_names() -> None:
    assert holidays_in(2026)[date(2026, 9, 22)] == "国民の休日"
    assert holidays_in(2026)[date(2026, 5, 6)] == "振替休日"
    assert holidays_in(2026)[date(2026, 11, 23)] == "勤労感謝の日"


def test_the_module_does_not_load_the_slow_holidays_package() -> None:
    code = "import sys, appliance.schooldays; sys.exit('holidays' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    ("on", "year"), [(date(2026, 3, 31), 2025), (date(2026, 4, 1), 2026), (date(2027, 1, 1), 2026)]
)
def test_the_school_year_turns_on_1_april(on: date, year: int) -> None:
    assert school_year_of(on) == year


@pytest.mark.parametrize(
    ("on", "reason"),
    [
        (date(2026, 11, 14), "土曜日"),
        (date(2026, 11, 15), "日曜日"),
        (date(2026, 11, 3), "文化の日"),
        (date(2026, 8, 3), "夏季休業"),
        (date(2026, 12, 25), "冬季休業"),
        (date(2027, 1, 7), "冬季休業"),
        (date(2026, 4, 1), "春季休業"),
        (date(2027, 3, 31), "学年末休業"),
        (date(2026, 3, 31), "年度外"),
        (date(2027, 4, 1), "年度外"),
    ],
)
def test_days_without_school_say_why(on: date, reason: str) -> None:
    assert day_status(default_year(2026), on, ("P3",), "3-1", 2) == DayStatus(False, False, reason)


def test_an_ordinary_day_is_a_school_day_without_a_reason() -> None:
    assert on_tuesday() == DayStatus(True, False, "")


@pytest.mark.parametrize("on", [date(2026, 11, 14), date(2026, 11, 3), date(2026, 8, 21)])
def test_an_extra_day_overrides_weekend_holiday_and_vacation(on: date) -> None:
    calendar = msgspec.structs.replace(default_year(2026), extra_days=(on,))
    assert day_status(calendar, on, ("P3",), "3-1", 2) == DayStatus(True, False, "")


def test_a_closure_overrides_an_extra_day() -> None:
    saturday = date(2026, 11, 14)
    calendar = SchoolYear(
        year=2026, extra_days=(saturday,), closures=(closed("school", first=saturday, last=saturday),)
    )
    assert not day_status(calendar, saturday, ("P3",), "3-1", 2).counts_as_school_day


def test_a_saturday_lesson_with_its_monday_off_leaves_the_number_of_school_days() -> None:
    plain = default_year(2026)
    monday = DayOff(name="振替休業日", on=date(2026, 11, 16))
    moved = msgspec.structs.replace(plain, extra_days=(date(2026, 11, 14),), days_off=(monday,))
    first, last = date(2026, 11, 1), date(2026, 11, 30)
    before = school_days(plain, first, last, ("P3",), "3-1", 2)
    after = school_days(moved, first, last, ("P3",), "3-1", 2)
    assert len(before) == len(after)
    assert date(2026, 11, 14) in after and date(2026, 11, 16) not in after
    assert day_status(moved, date(2026, 11, 16), ("P3",), "3-1", 2).reason == "振替休業日"


def test_days_off_and_vacations_may_be_of_some_grades_only() -> None:
    graduated = Vacation(name="卒業後", first=date(2027, 3, 19), last=date(2027, 3, 31), grades=("P6", "J3"))
    founding = DayOff(name="開校記念日", on=TUESDAY)
    calendar = SchoolYear(year=2026, vacations=(graduated,), days_off=(founding,))
    assert day_status(calendar, date(2027, 3, 19), ("P6",), "6-1", 2).reason == "卒業後"
    assert day_status(calendar, date(2027, 3, 19), ("P5",), "5-1", 2).counts_as_school_day
    assert day_status(calendar, TUESDAY, (), "", 0) == DayStatus(False, False, "開校記念日")


@pytest.mark.parametrize("year", range(2018, 2036))
def test_the_default_year_has_a_believable_number_of_school_days(year: int) -> None:
    calendar = default_year(year)
    require_valid(calendar)
    assert 193 <= len(school_days(calendar, calendar.first, calendar.last, ("P3",), "3-1", 2)) <= 205


def test_closing_one_of_two_classes_suspends_that_class_only() -> None:
    closure = closed("class", "3-1")
    assert on_tuesday(closure) == DayStatus(True, True, "インフルエンザに伴う学級閉鎖")
    assert on_tuesday(closure, class_id="3-2") == DayStatus(True, False, "")


def test_closing_the_only_class_of_a_grade_closes_the_grade() -> None:
    assert on_tuesday(closed("class", "3-1"), count=1) == DayStatus(False, False, "インフルエンザに伴う学年閉鎖")


def test_closing_every_class_of_a_grade_closes_the_grade_for_each() -> None:
    both = (closed("class", "3-1", grades=("P3",)), closed("class", "3-2", grades=("P3",)))
    assert on_tuesday(*both, count=2) == DayStatus(False, False, "インフルエンザに伴う学年閉鎖")
    assert on_tuesday(*both, class_id="3-2", count=2).counts_as_school_day is False
    assert on_tuesday(*both, count=3).suspended
    other_grade = closed("class", "4-1", grades=("P4",))
    assert on_tuesday(both[0], other_grade, count=2).suspended


def test_closing_a_special_needs_class_alone_never_closes_a_grade() -> None:
    closure = closed("class", "sn-1")
    assert on_tuesday(closure, class_id="sn-1", count=1, special=True).suspended


def test_classes_named_as_exceptions_keep_school_during_a_closure() -> None:
    grade = closed("grade", "P3", except_classes=("sn-1",))
    assert not on_tuesday(grade).counts_as_school_day
    assert on_tuesday(grade, class_id="sn-1", special=True) == DayStatus(True, False, "")
    school = closed("school", except_classes=("sn-1",))
    assert on_tuesday(school, class_id="sn-1", special=True) == DayStatus(True, False, "")
    assert on_tuesday(school) == DayStatus(False, False, "インフルエンザに伴う臨時休業")


def test_a_class_of_two_grades_is_closed_only_when_both_grades_are() -> None:
    third, fourth = closed("grade", "P3"), closed("grade", "P4")
    assert on_tuesday(third, grades=("P3", "P4"), class_id="34", count=1).counts_as_school_day
    assert not on_tuesday(third, fourth, grades=("P3", "P4"), class_id="34", count=1).counts_as_school_day
    assert not on_tuesday(third, grades=("P3",), class_id="34", count=1).counts_as_school_day


def test_the_basis_of_a_closure_changes_no_number() -> None:
    for scope, target in (("school", ""), ("grade", "P3"), ("class", "3-1")):
        storm = closed(scope, target, basis="other")
        assert on_tuesday(storm) == on_tuesday(closed(scope, target))


@given(
    on=st.dates(date(2026, 3, 1), date(2027, 4, 30)),
    scope=st.sampled_from([("school", ""), ("grade", "P3"), ("class", "3-1")]),
    length=st.integers(0, 20),
    count=st.integers(1, 4),
)
def test_only_a_school_day_can_be_suspended(on: date, scope: tuple[str, str], length: int, count: int) -> None:
    closure = closed(*scope, first=on - timedelta(days=length), last=on + timedelta(days=length))
    calendar = msgspec.structs.replace(default_year(2026), closures=(closure,))
    bare = day_status(default_year(2026), on, ("P3",), "3-1", count)
    status = day_status(calendar, on, ("P3",), "3-1", count)
    assert status.counts_as_school_day or not status.suspended
    if not bare.counts_as_school_day:
        assert status == bare
    else:
        assert status.suspended == (scope[0] == "class" and count > 1)


def test_a_calendar_reads_back_equal_and_ignores_what_a_later_version_adds() -> None:
    calendar = SchoolYear(
        year=2026,
        closures=(closed("grade", "P3", except_classes=("sn-1",)), closed("class", "3-1", grades=("P3",))),
        extra_days=(date(2026, 11, 14),),
        vacations=default_year(2026).vacations,
        days_off=(DayOff(name="開校記念日", on=TUESDAY, grades=("P1",)),),
    )
    assert decode(encode(calendar)) == calendar
    later = msgspec.msgpack.decode(encode(calendar)) | {"lunch": "あり"}
    assert decode(msgspec.msgpack.encode(later)) == calendar


def test_a_calendar_refuses_an_unknown_scope() -> None:
    with pytest.raises(msgspec.ValidationError):
        closed("building", "B")


def test_a_period_that_ends_before_it_begins_is_refused_naming_the_entry() -> None:
    wrong = closed("school", last=TUESDAY - timedelta(days=1))
    with pytest.raises(CalendarOrderError) as caught:
        require_valid(SchoolYear(year=2026, closures=(closed("school"), wrong)))
    assert caught.value.params["entry"] == "closures[1]"


@pytest.mark.parametrize("on", [date(2026, 3, 31), date(2027, 4, 1)])
def test_a_day_outside_the_year_is_refused_naming_the_entry(on: date) -> None:
    for calendar, entry in (
        (SchoolYear(year=2026, extra_days=(on,)), "extra_days[0]"),
        (SchoolYear(year=2026, days_off=(DayOff(name="開校記念日", on=on),)), "days_off[0]"),
        (SchoolYear(year=2026, vacations=(Vacation(name="春", first=on, last=on),)), "vacations[0]"),
    ):
        with pytest.raises(CalendarOutsideError) as caught:
            require_valid(calendar)
        assert caught.value.params == {"entry": entry, "year": 2026}


@pytest.mark.parametrize(("scope", "target"), [("school", "P3"), ("grade", ""), ("class", "")])
def test_a_closure_must_name_what_it_closes(scope: str, target: str) -> None:
    with pytest.raises(CalendarTargetError):
        require_valid(SchoolYear(year=2026, closures=(closed(scope, target),)))


def test_terms_cover_the_year_without_a_gap() -> None:
    two = SchoolYear(
        year=2026,
        terms=(Term(name="前期", first=date(2026, 4, 1)), Term(name="後期", first=date(2026, 10, 13))),
    )
    require_valid(two)
    assert decode(encode(two)) == two
    for calendar, names in ((default_year(2026), ["1学期", "2学期", "3学期"]), (two, ["前期", "後期"])):
        on, seen = calendar.first, []
        while on <= calendar.last:
            name, first, last = term_of(calendar, on)
            assert first == on <= last
            seen.append(name)
            on = last + timedelta(days=1)
        assert seen == names and last == calendar.last


@pytest.mark.parametrize("firsts", [((4, 2),), ((4, 1), (4, 1)), ((4, 1), (10, 1), (9, 1))])
def test_terms_that_leave_a_gap_or_run_back_are_refused(firsts: tuple[tuple[int, int], ...]) -> None:
    terms = tuple(Term(name="学期", first=date(2026, month, day)) for month, day in firsts)
    with pytest.raises(CalendarOrderError):
        require_valid(SchoolYear(year=2026, terms=terms))
