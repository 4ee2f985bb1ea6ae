"""臨時休業 entered by the school: what it does is told first, and nothing is lost beside the board."""

from collections.abc import Iterator
from datetime import date

import msgspec
import pytest

from appliance.attendance.closing import MonthClosedError
from appliance.attendance.closures import (
    ClosureRangeError,
    ClosureTarget,
    Effect,
    UnknownClosureError,
)
from appliance.office import Office
from appliance.policy import PolicyDeniedError
from appliance.schooldays import Closure, default_year
from appliance.views import Span
from tests.school import School, enrol

TUESDAY, THURSDAY, SATURDAY = date(2026, 11, 24), date(2026, 11, 26), date(2026, 11, 28)


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[School]:
    made = enrol(tmp_path_factory.mktemp("closures"), seed=17)
    yield made
    made.close()


@pytest.fixture
def office(own: School, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    opened = own.office("kocho")
    monkeypatch.setattr(type(opened._session), "today", lambda _session: SATURDAY)
    yield opened
    for view in opened.closures.listed(TUESDAY):
        if view.id:
            opened.closures.lift(view.id)
    opened.logout()


def target(office: Office, scope: str, name: str) -> ClosureTarget:
    return next(one for one in office.closures.targets() if (one.scope, one.name) == (scope, name))


def totals(office: Office, title: str) -> tuple[int, int]:
    """Return 授業日数 and 停・忌 of a class's first pupil in November."""
    view = next(view for view in office.attendance.classes(TUESDAY) if view.title == title)
    row = office.attendance.totals(view.class_id, TUESDAY, Span.MONTH).rows[0]
    return row.school_days, row.suspended


def test_school_grades_and_classes_can_be_closed(office: Office) -> None:
    names = [(one.scope, one.name) for one in office.closures.targets()]
    assert names[0] == ("school", "全校")
    assert [name for scope, name in names if scope == "grade"] == [f"{year}年" for year in range(1, 10)]
    assert len([name for scope, name in names if scope == "class"]) == len(office.attendance.classes(TUESDAY))


def test_a_class_of_several_is_suspended_and_keeps_its_school_days(office: Office) -> None:
    before, other = totals(office, "2年1組"), totals(office, "2年2組")
    one = target(office, "class", "2年1組")
    foreseen = office.closures.foresee(one, TUESDAY, THURSDAY, "インフルエンザ")
    assert (foreseen.days, foreseen.effect) == (3, Effect.SUSPENDED)
    assert totals(office, "2年1組") == before, "foreseeing keeps nothing"
    office.closures.close(one, TUESDAY, THURSDAY, "インフルエンザ")
    assert totals(office, "2年1組") == (before[0], before[1] + 3)
    assert totals(office, "2年2組") == other
    day = office.attendance.day(one.target, TUESDAY)
    assert (day.school_day, day.closed_reason) == (False, "インフルエンザに伴う学級閉鎖")


def test_the_last_open_class_of_a_grade_takes_a_school_day_away(office: Office) -> None:
    before = totals(office, "2年1組")
    office.closures.close(target(office, "class", "2年1組"), TUESDAY, THURSDAY, "インフルエンザ")
    both = office.closures.foresee(target(office, "class", "2年2組"), THURSDAY, THURSDAY, "インフルエンザ")
    assert both.effect is Effect.NO_SCHOOL_DAY
    office.closures.close(both.what, THURSDAY, THURSDAY, "インフルエンザ")
    assert totals(office, "2年1組") == (before[0] - 1, before[1] + 2), "two days 停, the third no school day"
    found = {view.what.name: view.effect for view in office.closures.listed(TUESDAY)}
    assert found == {"2年1組": Effect.MIXED, "2年2組": Effect.NO_SCHOOL_DAY}


def test_a_grade_is_closed_without_its_special_needs_pupils(office: Office) -> None:
    titles = [view.title for view in office.attendance.classes(TUESDAY) if view.special_needs]
    special = [totals(office, title) for title in titles]
    before = [totals(office, f"3年{n}組") for n in (1, 2)]
    office.closures.close(target(office, "grade", "3年"), TUESDAY, TUESDAY, "感染性胃腸炎")
    assert [totals(office, f"3年{n}組") for n in (1, 2)] == [(days - 1, out) for days, out in before]
    assert [totals(office, title) for title in titles] == special


def test_a_storm_closes_the_school_and_lifting_it_brings_the_day_back(office: Office) -> None:
    before = totals(office, "1年1組")
    own, _ = office.closures.close(target(office, "school", "全校"), TUESDAY, TUESDAY, "台風")
    assert totals(office, "1年1組") == (before[0] - 1, before[1])
    assert not office.home().school_day or office.today() != TUESDAY
    office.closures.lift(own)
    assert totals(office, "1年1組") == before and office.closures.listed(TUESDAY) == ()
    office.closures.lift(own, lifted=False)
    assert totals(office, "1年1組") == (before[0] - 1, before[1])


@pytest.mark.parametrize(
    ("first", "last"),
    [
        (THURSDAY, TUESDAY),
        (SATURDAY, date(2026, 11, 29)),
        (date(2027, 3, 31), date(2027, 4, 1)),
        (date(2026, 9, 1), date(2026, 12, 1)),
    ],
)
def test_days_that_cannot_be_closed(office: Office, first: date, last: date) -> None:
    with pytest.raises(ClosureRangeError):
        office.closures.close(target(office, "school", "全校"), first, last, "台風")
    assert office.closures.listed(TUESDAY) == ()


def test_a_closure_is_lifted_once(office: Office) -> None:
    own, _ = office.closures.close(target(office, "school", "全校"), TUESDAY, TUESDAY, "台風")
    office.closures.lift(own)
    for gone in (own, "0" * 16):
        with pytest.raises(UnknownClosureError):
            office.closures.lift(gone)


def test_a_month_that_was_closed_is_not_changed(office: Office) -> None:
    september = [date(2026, 9, day) for day in range(1, 31)]
    one, other = (target(office, "class", f"4年{n}組") for n in (1, 2))
    for on in september:
        if office.attendance.day(other.target, on).school_day:
            office.attendance.confirm(other.target, on)
    office.attendance.close_month(other.target, september[0])
    with pytest.raises(MonthClosedError):
        office.closures.close(one, date(2026, 9, 8), date(2026, 9, 8), "停電")
    office.attendance.reopen_month(other.target, september[0], "学級閉鎖の入力")
    office.closures.close(one, date(2026, 9, 8), date(2026, 9, 8), "停電")


def test_the_board_changing_the_year_meanwhile_loses_no_closure(office: Office) -> None:
    office.closures.close(target(office, "class", "2年1組"), TUESDAY, TUESDAY, "インフルエンザ")
    storm = Closure(scope="school", first=THURSDAY, last=THURSDAY, reason="断水")
    office.calendar.keep(msgspec.structs.replace(default_year(2026), closures=(storm,)))
    found = [(view.what.name, bool(view.id)) for view in office.closures.listed(TUESDAY)]
    assert found == [("全校", False), ("2年1組", True)]
    assert office.calendar.year(TUESDAY).closures == (storm,), "what is planned holds no closure of the school"
    office.calendar.keep(default_year(2026))


def test_who_closes(own: School, office: Office) -> None:
    for name, allowed in (("kyoto", True), ("jimu", True), ("sato", False), ("shien", False)):
        other = own.office(name)
        one = target(office, "class", "5年1組")
        if allowed:
            made, _ = other.closures.close(one, TUESDAY, TUESDAY, "断水")
            other.closures.lift(made)
        else:
            with pytest.raises(PolicyDeniedError):
                other.closures.close(one, TUESDAY, TUESDAY, "断水")
        other.logout()
