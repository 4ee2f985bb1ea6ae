"""What is to be noticed while a grade is closed, and in a class of two grades: neither missed nor made up."""

from collections.abc import Iterator
from datetime import date

import pytest

from appliance.attendance.absences import Absence
from appliance.attendance.alerts import AlertKind
from appliance.attendance.attention import NoticedPupil
from appliance.generator.school import MadeClass
from appliance.generator.writer import write_school
from appliance.office import Office
from appliance.session import Session
from tests.appliance.attendance.test_exchange import received
from tests.school import School, enrol, fill

FIRST, CLOSED, SEVENTH, AFTER = date(2026, 10, 1), date(2026, 10, 8), date(2026, 10, 9), date(2026, 10, 13)
"""1, 2, 5–9 October are seven school days; the 12th is a holiday, so the next one is the 13th."""


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[School]:
    made = enrol(tmp_path_factory.mktemp("noticing"), seed=31, imported=False)
    made.made = received(made.made)
    write_school(made.made, made.zip)
    fill(made)
    yield made
    made.close()


@pytest.fixture
def office(own: School, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    at(monkeypatch, AFTER)
    opened = own.office("kocho")
    yield opened
    opened.logout()


def at(monkeypatch: pytest.MonkeyPatch, today: date) -> None:
    monkeypatch.setattr(Session, "today", lambda _session: today)


def mixed(own: School) -> MadeClass:
    return next(c for c in own.made.classes if len(c.grades) > 1 and not c.special_needs)


def away(office: Office, pupil: str) -> None:
    office.absences.keep(Absence(pupil, FIRST, AFTER, "other_absence"))


def runs(office: Office, pupil: str) -> list[NoticedPupil]:
    told = office.attendance.attention().pupils
    return [n for n in told if n.alert.pupil_id == pupil and n.alert.kind is AlertKind.CONSECUTIVE]


def close(office: Office, name: str) -> str:
    target = next(one for one in office.closures.targets() if one.name == name)
    return office.closures.close(target, CLOSED, CLOSED, "インフルエンザ")[0]


def missing(office: Office, title: str) -> tuple[date, ...]:
    return next((c.days for c in office.attendance.attention().classes if c.title == title), ())


def test_in_a_class_of_two_grades_the_closed_one_waits_a_day_longer(
    own: School, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = mixed(own)
    eighth, ninth = (next(p.id for p in made.pupils if p.grade == grade) for grade in ("J2", "J3"))
    away(office, eighth)
    away(office, ninth)
    closure = close(office, "9年")
    at(monkeypatch, SEVENTH)
    (alert,) = [told.alert for told in runs(office, eighth)]
    assert (alert.days, alert.first, alert.last, alert.open) == (7, FIRST, SEVENTH, True)
    assert runs(office, ninth) == [], "six school days of the ninth, though seven of the class"
    at(monkeypatch, AFTER)
    assert [told.alert.days for told in runs(office, eighth)] == [8]
    (told,) = runs(office, ninth)
    assert (told.alert.days, told.alert.last, told.class_title) == (7, AFTER, made.title), "the run went on"
    assert CLOSED in missing(office, made.title), "the eighth had school, so the class's day is to be confirmed"
    eight = close(office, "8年")
    assert CLOSED not in missing(office, made.title), "nobody of the class had school"
    assert [told.alert.days for told in runs(office, eighth)] == [7]
    for one in (closure, eight):
        office.closures.lift(one)


def test_a_closed_grade_neither_counts_nor_ends_a_run_and_nothing_is_missing(
    own: School, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = next(c for c in own.made.classes if c.title == "3年1組")
    pupil = first.pupils[0].id
    away(office, pupil)
    at(monkeypatch, SEVENTH)
    assert [told.alert.days for told in runs(office, pupil)] == [7]
    closure = close(office, "3年")
    assert runs(office, pupil) == [], "six"
    at(monkeypatch, AFTER)
    (told,) = runs(office, pupil)
    assert (told.alert.days, told.alert.first, told.alert.last) == (7, FIRST, AFTER)
    titles = [c.title for c in own.made.classes if c.grades == ("P3",) and not c.special_needs]
    assert titles and all(CLOSED not in missing(office, title) for title in titles)
    assert CLOSED in missing(office, "4年1組")
    special = next(c for c in own.made.classes if c.special_needs and "P3" in c.grades)
    assert CLOSED in missing(office, special.title), "special-needs classes keep school"
    office.closures.lift(closure)
    assert CLOSED in missing(office, "3年1組")


def test_a_closed_class_of_several_is_suspended_and_waits_too(own: School, office: Office) -> None:
    made = next(c for c in own.made.classes if c.title == "2年1組")
    pupil = made.pupils[0].id
    away(office, pupil)
    target = next(one for one in office.closures.targets() if one.target == made.id)
    closure, _ = office.closures.close(target, CLOSED, CLOSED, "インフルエンザ")
    (told,) = runs(office, pupil)
    assert (told.alert.days, told.alert.last) == (7, AFTER), "without the closed day"
    assert CLOSED not in missing(office, made.title)
    office.closures.lift(closure)
