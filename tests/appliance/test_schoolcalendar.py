"""The calendar over the sealed store: kept, read by somebody else, and never "always open"."""

from collections.abc import Iterator
from datetime import date
from types import SimpleNamespace

import msgspec
import pytest

from appliance.attendance.desk import ClosedDayError
from appliance.office import Office
from appliance.policy import PolicyDeniedError
from appliance.schooldays import (
    CalendarOrderError,
    CalendarOutsideError,
    CalendarTargetError,
    Closure,
    DayOff,
    SchoolYear,
    Vacation,
    default_year,
)
from sync.reader import Reader
from tests.school import School, enrol

THURSDAY = date(2026, 11, 26)


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[School]:
    """A school whose calendar these tests may turn upside down."""
    made = enrol(tmp_path_factory.mktemp("calendar"), seed=11)
    yield made
    made.close()


@pytest.fixture
def principal(own: School) -> Iterator[Office]:
    opened = own.office("kocho")
    yield opened
    opened.calendar.keep(default_year(2026))
    opened.logout()


def other_eyes(own: School, on: date) -> tuple[bool, str]:
    office = own.office("suzuki")
    status = office.calendar.status(on)
    office.logout()
    return status.counts_as_school_day, status.reason


def test_a_year_that_nobody_entered_has_vacations_and_holidays(principal: Office) -> None:
    year = principal.calendar.year(date(2029, 5, 1))
    assert year == default_year(2029)
    for closed in (date(2029, 5, 3), date(2029, 8, 1), date(2029, 6, 2), date(2030, 1, 2)):
        assert not principal.calendar.status(closed).counts_as_school_day
    assert principal.calendar.status(date(2029, 6, 4)).counts_as_school_day


def test_january_belongs_to_the_year_before(principal: Office) -> None:
    assert principal.calendar.year(date(2027, 3, 31)).year == 2026
    assert principal.calendar.year(date(2027, 4, 1)).year == 2027


def test_what_was_kept_is_what_somebody_else_reads(own: School, principal: Office) -> None:
    year = msgspec.structs.replace(
        default_year(2026),
        closures=(Closure(scope="school", first=THURSDAY, last=THURSDAY, reason="大雪"),),
        extra_days=(date(2026, 11, 28),),
        days_off=(DayOff(name="開校記念日", on=date(2026, 11, 27)),),
    )
    saved = principal.calendar.keep(year)
    assert saved.last_seq >= saved.first_seq > 0
    assert other_eyes(own, THURSDAY) == (False, "大雪に伴う臨時休業")
    assert other_eyes(own, date(2026, 11, 28)) == (True, "")
    assert other_eyes(own, date(2026, 11, 27)) == (False, "開校記念日")
    office = own.office("sato")
    assert office.calendar.year(THURSDAY) == year
    office.logout()


def test_the_last_one_kept_counts_and_the_one_before_stays_in_history(own: School, principal: Office) -> None:
    first = principal.calendar.keep(msgspec.structs.replace(default_year(2028), extra_days=(date(2028, 6, 3),)))
    second = principal.calendar.keep(default_year(2028))
    assert second.first_seq > first.last_seq
    assert principal.calendar.year(date(2028, 6, 3)) == default_year(2028)
    store = principal._session.store
    record = store.record_id(SchoolYear.kind, SchoolYear.importance, "2028")
    assert len(store.history(SchoolYear.kind, record)) == 2 and len(store.heads(SchoolYear.kind, [record])) == 1


def test_an_open_session_sees_anothers_change(
    own: School, principal: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [1000.0]
    monkeypatch.setattr("appliance.schoolcalendar.time", SimpleNamespace(monotonic=lambda: clock[0]))
    office = own.office("sato")
    assert office.calendar.status(THURSDAY).counts_as_school_day
    closure = Closure(scope="school", first=THURSDAY, last=THURSDAY, reason="断水")
    principal.calendar.keep(msgspec.structs.replace(default_year(2026), closures=(closure,)))
    clock[0] += 1.5
    assert not office.calendar.status(THURSDAY).counts_as_school_day
    office.logout()


def test_a_closed_class_takes_no_attendance_and_the_others_do(principal: Office) -> None:
    classes = principal.attendance.classes(THURSDAY)
    closed, open_one = classes[0], classes[1]
    closure = Closure(
        scope="class",
        first=THURSDAY,
        last=THURSDAY,
        reason="インフルエンザ",
        target=closed.class_id,
        grades=("P1",),
    )
    principal.calendar.keep(msgspec.structs.replace(default_year(2026), closures=(closure,)))
    day = principal.attendance.day(closed.class_id, THURSDAY)
    assert (day.school_day, day.closed_reason) == (False, "インフルエンザに伴う学級閉鎖")
    with pytest.raises(ClosedDayError):
        principal.attendance.mark(closed.class_id, THURSDAY, day.rows[0].pupil_id, "sick")
    pupil = principal.attendance.day(open_one.class_id, THURSDAY).rows[0].pupil_id
    principal.attendance.mark(open_one.class_id, THURSDAY, pupil, "sick")
    assert principal.calendar.status(THURSDAY).counts_as_school_day


@pytest.mark.parametrize(
    ("year", "error"),
    [
        (SchoolYear(year=2026, vacations=(Vacation(name="逆", first=THURSDAY, last=date(2026, 4, 1)),)), "order"),
        (SchoolYear(year=2026, extra_days=(date(2027, 4, 1),)), "outside"),
        (
            SchoolYear(year=2026, closures=(Closure(scope="grade", first=THURSDAY, last=THURSDAY, reason=""),)),
            "of",
        ),
    ],
)
def test_a_calendar_that_contradicts_itself_is_not_kept(
    own: School, principal: Office, year: SchoolYear, error: str
) -> None:
    kinds = {"order": CalendarOrderError, "outside": CalendarOutsideError, "of": CalendarTargetError}
    reader = Reader(own.paths.store)
    before = reader.position()
    with pytest.raises(kinds[error]):
        principal.calendar.keep(year)
    assert reader.position() == before
    reader.close()


def test_a_teacher_reads_the_calendar_and_does_not_change_it(own: School) -> None:
    office = own.office("sato")
    assert office.calendar.year(THURSDAY) == default_year(2026)
    with pytest.raises(PolicyDeniedError):
        office.calendar.keep(SchoolYear(year=2026))
    office.logout()


def test_the_calendar_on_disk_is_sealed(own: School, principal: Office) -> None:
    name = "ひみつの記念日xyzzy"
    principal.calendar.keep(
        msgspec.structs.replace(default_year(2026), days_off=(DayOff(name=name, on=date(2026, 11, 27)),))
    )
    assert principal.calendar.status(date(2026, 11, 27)).reason == name
    for path in own.site.glob("school.db*"):
        assert name.encode() not in path.read_bytes(), path
