"""交流学級 and 複式学級: a pupil stands in one book though two classes have them; two grades share a class."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, time

import pytest

from appliance.generator.school import MadeClass, MadeSchool
from appliance.generator.writer import write_school
from appliance.office import Office
from appliance.views import PupilRow, Span
from tests.school import School, enrol, fill

DAY = date(2026, 10, 6)


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[School]:
    made = enrol(tmp_path_factory.mktemp("exchange"), imported=False)
    made.made = received(made.made)
    write_school(made.made, made.zip)
    fill(made)
    yield made
    made.close()


def received(school: MadeSchool) -> MadeSchool:
    """Let the first class of each grade receive the special-needs pupils of its grade."""
    special = [pupil for c in school.classes if c.special_needs for pupil in c.pupils]
    classes = tuple(
        replace(c, guests=tuple(p for p in special if p.grade in c.grades)) if c.title.endswith("1組") else c
        for c in school.classes
    )
    return replace(school, classes=tuple(mixed(c) if c.title == "8年2組" else c for c in classes))


def mixed(one: MadeClass) -> MadeClass:
    """Make a class of two grades 複式 of one: every second pupil is in the ninth."""
    pupils = tuple(replace(p, grade=("J2", "J3")[place % 2]) for place, p in enumerate(one.pupils))
    return replace(one, title="8・9年複式", grades=("J2", "J3"), pupils=pupils)


@pytest.fixture
def office(own: School) -> Iterator[Office]:
    opened = own.office("kocho")
    yield opened
    opened.logout()


def ids(own: School, office: Office) -> tuple[str, str, str]:
    """Return exchange class, special-needs class and the pupil of both."""
    special = next(c for c in own.made.classes if c.special_needs)
    pupil = special.pupils[0]
    exchange = next(c for c in own.made.classes if pupil in c.guests)
    return exchange.id, special.id, pupil.id


def row(office: Office, class_id: str, pupil: str) -> PupilRow:
    return next(row for row in office.attendance.day(class_id, DAY).rows if row.pupil_id == pupil)


def test_the_exchange_class_shows_its_guests_after_its_own(own: School, office: Office) -> None:
    exchange, special, pupil = ids(own, office)
    day = office.attendance.day(exchange, DAY)
    guests = [shown for shown in day.rows if shown.guest]
    assert pupil in {shown.pupil_id for shown in guests} and day.rows[-len(guests) :] == tuple(guests)
    assert guests[0].guest.startswith("なのはな")
    made = next(c for c in own.made.classes if c.id == exchange)
    assert len(day.own) == len(made.pupils)
    views = {view.class_id: view for view in office.attendance.classes(DAY)}
    assert views[exchange].pupils == len(made.pupils)
    assert row(office, special, pupil).guest == ""


def test_a_mark_made_in_either_class_is_one_mark_in_one_book(own: School, office: Office) -> None:
    exchange, special, pupil = ids(own, office)
    saved = office.attendance.mark(exchange, DAY, pupil, "sick")
    assert row(office, special, pupil).code == row(office, exchange, pupil).code == "sick"
    views = {view.class_id: view for view in office.attendance.classes(DAY)}
    assert (views[special].exceptions, views[exchange].exceptions) == (1, 0)
    totals = {c: office.attendance.totals(c, DAY, Span.MONTH).rows for c in (exchange, special)}
    assert [one.absent for one in totals[special] if one.pupil_id == pupil] == [1]
    assert pupil not in {one.pupil_id for one in totals[exchange]}
    assert pupil not in {one.pupil_id for one in office.attendance.month(exchange, DAY).pupils}
    told = [one for one in office.attendance.rows_between(DAY, DAY, present=False) if one.pupil == pupil]
    assert [one.class_title for one in told] == ["なのはな学級（知的）"], "told to the school system once"
    office.attendance.undo(saved)
    assert row(office, special, pupil).code is None


def test_one_row_is_what_the_day_shows_of_that_pupil(own: School, office: Office) -> None:
    exchange, special, pupil = ids(own, office)
    kept = [office.attendance.mark(exchange, DAY, pupil, "late", time=time(9, 5))]
    kept.append(office.attendance.mark_rest_present(special, DAY))
    for class_id in (exchange, special):
        rows = office.attendance.day(class_id, DAY).rows
        assert [office.attendance.row(class_id, DAY, one.pupil_id) for one in rows] == list(rows)
    assert office.attendance.row(special, DAY, office.attendance.day(exchange, DAY).own[0].pupil_id) is None
    for saved in reversed(kept):
        office.attendance.undo(saved)


def test_confirming_the_exchange_class_says_nothing_of_its_guests(own: School, office: Office) -> None:
    exchange, special, pupil = ids(own, office)
    office.attendance.confirm(exchange, DAY)
    assert row(office, exchange, pupil).code is None and row(office, special, pupil).code is None
    office.attendance.mark(
        exchange, DAY, pupil, "late"
    )  # the special-needs class has not confirmed: no correction
    assert not office.attendance.day(exchange, DAY).changed_after_confirm
    office.attendance.confirm(special, DAY)
    others = [one for one in office.attendance.day(exchange, DAY).rows if one.guest and one.pupil_id != pupil]
    assert all(one.code == "present" for one in others)


def test_the_exchange_class_being_closed_closes_nothing_for_its_guests(own: School, office: Office) -> None:
    exchange, special, pupil = ids(own, office)
    on = date(2026, 10, 7)
    target = next(one for one in office.closures.targets() if one.target == exchange)
    office.closures.close(target, on, on, "インフルエンザ")
    office.attendance.mark(exchange, on, pupil, "sick")
    (found,) = [one for one in office.attendance.day(special, on).rows if one.pupil_id == pupil]
    assert found.code == "sick"


def test_a_closed_grade_reaches_its_own_pupils_of_a_class_of_two(own: School, office: Office) -> None:
    made = next(c for c in own.made.classes if len(c.grades) > 1 and not c.special_needs)
    grades = {p.id: p.grade for p in made.pupils}
    on = date(2026, 10, 8)

    def counted() -> dict[str, set[int]]:
        rows = office.attendance.totals(made.id, on, Span.MONTH).rows
        return {grade: {r.school_days for r in rows if grades[r.pupil_id] == grade} for grade in ("J2", "J3")}

    (before,) = counted()["J2"]
    assert counted() == {"J2": {before}, "J3": {before}}
    ninth = next(one for one in office.closures.targets() if one.target == "J3" and one.scope == "grade")
    assert ninth.name == "9年"
    own_id, _ = office.closures.close(ninth, on, on, "インフルエンザ")
    assert counted() == {"J2": {before}, "J3": {before - 1}}
    assert office.attendance.day(made.id, on).school_day, "the eighth comes"
    office.closures.lift(own_id)


def test_a_pupil_is_found_once_and_has_one_class(own: School, office: Office) -> None:
    _, special, pupil = ids(own, office)
    kana = next(p.name.kana_family for c in own.made.classes for p in c.pupils if p.id == pupil)
    found = [hit.class_id for hit in office.attendance.find_pupils(kana, DAY) if hit.pupil_id == pupil]
    assert found == [special]
    assert {day.class_id for day in office.absences.days(pupil, DAY, DAY)} == {special}
