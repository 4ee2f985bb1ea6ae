"""One look at the store before an entry: one statement, and what any other session kept until then is in it."""

from collections.abc import Callable, Iterator
from datetime import date

import pytest

from appliance import schoolcalendar
from appliance.attendance.absences import Absence
from appliance.attendance.closing import MonthClosedError
from appliance.attendance.desk import CorrectionReasonError, UnknownClassError
from appliance.attendance.records import Mark
from appliance.office import Office
from appliance.roster import SchoolClass, encode_record
from appliance.schoolcalendar import ClosureRecord
from appliance.schooldays import Closure, school_year_of
from crypto.classkeys import ClassKeyPair
from sync.sealed import Draft
from tests.school import School, enrol

MONTH = date(2026, 11, 1)


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[School]:
    made = enrol(tmp_path_factory.mktemp("standing"))  # its roster changes here
    yield made
    made.close()


@pytest.fixture
def sato(own: School) -> Iterator[Office]:
    office = own.office("sato")
    yield office
    office.logout()


@pytest.fixture
def kocho(own: School) -> Iterator[Office]:
    office = own.office("kocho")
    yield office
    office.logout()


def asked(office: Office, entry: Callable[[], object]) -> list[str]:
    """Return what an entry asks of the store while the year's calendar is fresh."""
    connection, found = office._session.store.reader._connection, list[str]()
    connection.set_trace_callback(found.append)
    entry()
    connection.set_trace_callback(None)
    return found


def test_an_entry_looks_at_the_store_once(sato: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schoolcalendar, "_FRESH_S", 3600.0)
    desk, view = sato.attendance, sato.attendance.classes(MONTH)[3]
    days = [day.on for day in desk.month(view.class_id, MONTH).days if day.open]
    pupil, other = (row.pupil_id for row in desk.day(view.class_id, days[0]).rows[:2])
    entries: tuple[Callable[[], object], ...] = (
        lambda: desk.mark(view.class_id, days[0], pupil, "sick", reason="発熱"),
        lambda: desk.mark(view.class_id, days[0], pupil, "late"),
        lambda: desk.mark(view.class_id, days[0], pupil, None),
        lambda: desk.mark_many(view.class_id, [(one, on, "sick") for one in (pupil, other) for on in days[1:6]]),
        lambda: desk.mark_rest_present(view.class_id, days[0]),
        lambda: desk.confirm(view.class_id, days[0]),
        lambda: sato.absences.keep(Absence(other, days[6], days[12], "sick", "発熱")),
    )
    for number, entry in enumerate(entries):
        assert len(asked(sato, entry)) == 1, number
    assert desk.reason(pupil, days[0]) is None


def test_who_looked_at_a_day_names_its_marks_from_memory(sato: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    desk, view, named = sato.attendance, sato.attendance.classes(MONTH)[5], list[str]()
    on = next(day.on for day in desk.month(view.class_id, MONTH).days if day.open)
    pupil = desk.day(view.class_id, on).rows[0].pupil_id
    make_name = ClassKeyPair.record_id

    def counted(pair: ClassKeyPair, kind: str, *natural: str) -> bytes:
        named.append(kind)
        return make_name(pair, kind, *natural)

    monkeypatch.setattr(ClassKeyPair, "record_id", counted)
    desk.mark(view.class_id, on, pupil, "sick")
    assert Mark.kind not in named
    assert desk.day(view.class_id, on).rows[0].code == "sick"


def test_what_another_session_kept_a_moment_ago_is_seen(sato: Office, kocho: Office) -> None:
    view = sato.attendance.classes(MONTH)[4]
    days = [day.on for day in sato.attendance.month(view.class_id, MONTH).days if day.open]
    pupil = sato.attendance.day(view.class_id, days[0]).rows[0].pupil_id
    first = sato.attendance.mark(view.class_id, days[0], pupil, "sick")
    kocho.attendance.confirm(view.class_id, days[0])
    with pytest.raises(CorrectionReasonError):
        sato.attendance.mark(view.class_id, days[0], pupil, "late")
    kocho.attendance.reopen(view.class_id, days[0])
    kocho.attendance.mark(view.class_id, days[0], pupil, "other_absence")
    second = sato.attendance.mark(view.class_id, days[0], pupil, "late")
    assert second.first_seq > first.first_seq
    assert not sato.attendance.day(view.class_id, days[0]).rows[0].conflict  # it replaced the other's mark
    for on in days:
        kocho.attendance.confirm(view.class_id, on)
    kocho.attendance.close_month(view.class_id, MONTH)
    refused: tuple[Callable[[], object], ...] = (
        lambda: sato.attendance.mark(view.class_id, days[0], pupil, "sick", why="電話があった"),
        lambda: sato.attendance.confirm(view.class_id, days[0]),
    )
    for entry in refused:
        with pytest.raises(MonthClosedError):
            entry()
    kocho.attendance.reopen_month(view.class_id, MONTH, "直すため")
    sato.attendance.mark(view.class_id, days[0], pupil, "sick", why="電話があった")
    assert sato.attendance.day(view.class_id, days[0]).rows[0].code == "sick"


def test_what_is_remembered_of_the_roster_goes_with_it(sato: Office, kocho: Office) -> None:
    session, calendar = sato._session, sato.closures._calendar
    view = sato.attendance.classes(MONTH)[0]
    found = session.roster.school_class(view.class_id)
    assert found is not None
    on = next(day.on for day in sato.attendance.month(view.class_id, MONTH).days if day.open)
    pupil = sato.attendance.day(view.class_id, on).rows[0].pupil_id
    assert session.roster.books(view.class_id, on)[pupil] == view.class_id
    size, version = session.roster.classes_in_grade(found.grades[0]), session.roster.version
    another = SchoolClass(id="one-more", title="臨時学級", grades=found.grades)
    record = session.store.record_id(SchoolClass.kind, SchoolClass.importance, another.id)
    kocho._session.store.put([Draft(SchoolClass.kind, record, SchoolClass.importance, encode_record(another))])
    session.refresh()
    assert session.roster.version is not version
    assert session.roster.classes_in_grade(found.grades[0]) == size + 1
    assert pupil not in session.roster.books(another.id, on)
    with pytest.raises(UnknownClassError):
        sato.attendance.mark(another.id, on, pupil, "sick")
    left = [c.id for c in session.roster.classes() if found.grades[0] in c.grades and not c.special_needs]
    for class_id in left[:-1]:
        closure = Closure(scope="class", first=on, last=on, reason="", target=class_id, grades=found.grades)
        calendar.keep_closure(ClosureRecord(id=class_id, year=school_year_of(on), closure=closure))
    first = session.roster.school_class(left[0])
    assert first is not None and calendar.class_status(first, session.roster, on).suspended
    gone = SchoolClass(id=another.id, title=another.title, grades=found.grades, homeroom=False)
    base = session.store.base_of(SchoolClass.kind, [record])[record]
    kocho._session.store.put([Draft(SchoolClass.kind, record, SchoolClass.importance, encode_record(gone), base)])
    session.refresh()
    status = calendar.class_status(first, session.roster, on)
    assert not status.counts_as_school_day  # the last class of the grade is closed: the grade is
