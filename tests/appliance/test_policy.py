"""The rules as a table, and the one door: no desk reads or keeps anything before it asked."""

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import pytest

from appliance.attendance.desk import AttendanceDesk
from appliance.demo.agenda import demo_agenda
from appliance.meetingdesk import MeetingDesk
from appliance.office import Office
from appliance.oneroster.plan import ImportPlan, plan_import
from appliance.people import ROLE_NAMES, cleared_importances
from appliance.policy import Action, PolicyDeniedError, Subject, Verdict, decide, require
from appliance.roster import School as SchoolRecord
from appliance.rosterdesk import RosterDesk
from appliance.rosterindex import RosterIndex
from appliance.schoolcalendar import CalendarDesk
from appliance.schooldays import default_year
from appliance.views import Saved
from crypto.importance import Importance
from sync.client import KeeperClient
from sync.reader import Reader
from tests.school import School

ON = date(2026, 12, 1)
MEETING_DAY = date(2026, 5, 11)  # older than the shared school's own meeting, which stays the newest
EDITORS = {
    "attendance.mark": {"principal", "vice_principal", "teacher", "nurse", "clerk", "board"},
    "attendance.reason": {"principal", "vice_principal", "teacher", "nurse", "clerk", "board"},
    "meeting.decision": {"principal", "vice_principal", "teacher", "nurse", "clerk", "board"},
    "calendar.year": {"principal", "vice_principal", "clerk", "board"},
    "roster.user": {"principal", "vice_principal", "clerk", "board"},
    "person.profile": set(),
    "": set(),
}
ROLES = (*ROLE_NAMES, "board", "site", "nobody")


def subject(*roles: str) -> Subject:
    return Subject(roles, cleared_importances(roles))


@pytest.mark.parametrize("kind", EDITORS)
@pytest.mark.parametrize("role", ROLES)
def test_who_may_edit_what(role: str, kind: str) -> None:
    decision = decide(subject(role), Action.EDIT, kind, Importance.III)
    assert (decision.verdict is Verdict.ALLOW) is (role in EDITORS[kind])
    assert bool(decision.reason) is (decision.verdict is Verdict.DENY)


@pytest.mark.parametrize("role", ROLES)
def test_what_one_may_see_follows_from_the_keys_alone(role: str) -> None:
    cleared = cleared_importances((role,))
    for importance in Importance:
        decision = decide(subject(role), Action.VIEW, "attendance.reason", importance)
        assert (decision.verdict is Verdict.ALLOW) is (importance in cleared)
        assert decision.verdict is Verdict.ALLOW or importance.label in decision.reason
        assert decide(Subject((role,), ()), Action.VIEW, "meeting", importance).verdict is Verdict.DENY
        assert decide(Subject((), (importance,)), Action.VIEW, "meeting", importance).verdict is Verdict.ALLOW


@pytest.mark.parametrize("role", ROLES)
def test_nobody_takes_anything_out(role: str) -> None:
    for importance in Importance:
        told = decide(Subject((role,), tuple(Importance)), Action.EXPORT, "attendance.mark", importance)
        assert told.verdict is Verdict.DENY and importance.label in told.reason


def test_one_of_several_roles_is_enough() -> None:
    assert (
        decide(subject("assistant", "clerk"), Action.EDIT, "roster.user", Importance.III).verdict is Verdict.ALLOW
    )
    assert decide(subject(), Action.EDIT, "roster.user", Importance.III).verdict is Verdict.DENY


def test_require_raises_with_the_reason_and_lets_pass_in_silence() -> None:
    require(subject("teacher"), Action.EDIT, "attendance.mark", Importance.III)
    with pytest.raises(PolicyDeniedError) as caught:
        require(subject("assistant"), Action.VIEW, "attendance.reason", Importance.II)
    assert "見る権限" in str(caught.value.params["reason"])


@dataclass(frozen=True)
class Things:
    """Real arguments for every method."""

    class_id: str
    pupil: str
    meeting: str
    item: str
    saved: Saved
    plan: ImportPlan


Call = Callable[[Office, School, Things], object]
CALLS: dict[tuple[type, str], Call] = {
    (AttendanceDesk, "classes"): lambda o, s, t: o.attendance.classes(ON),
    (AttendanceDesk, "day"): lambda o, s, t: o.attendance.day(t.class_id, ON),
    (AttendanceDesk, "mark"): lambda o, s, t: o.attendance.mark(t.class_id, ON, t.pupil, "sick", reason="熱"),
    (AttendanceDesk, "mark_rest_present"): lambda o, s, t: o.attendance.mark_rest_present(t.class_id, ON),
    (AttendanceDesk, "confirm"): lambda o, s, t: o.attendance.confirm(t.class_id, ON),
    (AttendanceDesk, "reopen"): lambda o, s, t: o.attendance.reopen(t.class_id, ON),
    (AttendanceDesk, "undo"): lambda o, s, t: o.attendance.undo(t.saved),
    (AttendanceDesk, "history"): lambda o, s, t: o.attendance.history(t.pupil, ON),
    (AttendanceDesk, "reason"): lambda o, s, t: o.attendance.reason(t.pupil, ON),
    (AttendanceDesk, "totals"): lambda o, s, t: o.attendance.totals(t.class_id, ON),
    (AttendanceDesk, "find_pupils"): lambda o, s, t: o.attendance.find_pupils("さ", ON),
    (MeetingDesk, "all"): lambda o, s, t: o.meetings.all(),
    (MeetingDesk, "open"): lambda o, s, t: o.meetings.open(t.meeting),
    (MeetingDesk, "decide"): lambda o, s, t: o.meetings.decide(t.meeting, t.item, "原案どおり"),
    (MeetingDesk, "add"): lambda o, s, t: o.meetings.add(*demo_agenda(MEETING_DAY)),
    (CalendarDesk, "year"): lambda o, s, t: o.calendar.year(date(2030, 5, 1)),
    (CalendarDesk, "status"): lambda o, s, t: o.calendar.status(date(2030, 5, 1)),
    (CalendarDesk, "keep"): lambda o, s, t: o.calendar.keep(default_year(2030)),
    (RosterDesk, "plan"): lambda o, s, t: o.roster.plan(s.zip),
    (RosterDesk, "commit"): lambda o, s, t: o.roster.commit(t.plan),
    (Office, "home"): lambda o, s, t: o.home(),
}
# They open no record: configuration, the log's position, the daemon's status, the person's own name.
SILENT = {
    (AttendanceDesk, "codes"),
    *(
        (Office, name)
        for name in ("who", "school_name", "lock_after_s", "today", "changed_since", "light", "logout")
    ),
}
AREAS: dict[type, str] = {
    AttendanceDesk: "attendance.",
    MeetingDesk: "meeting",
    CalendarDesk: "calendar.",
    RosterDesk: "roster.",
    Office: "attendance.",
}
WRITES = {"mark", "mark_rest_present", "confirm", "reopen", "undo", "decide", "add", "keep", "commit"}
READS: tuple[tuple[type, str], ...] = (
    *((Reader, name) for name in ("heads", "history", "since", "rows")),
    *((RosterIndex, name) for name in ("classes", "school_class", "user", "members", "enrollments", "records")),
)
EVERY = pytest.mark.parametrize("door", CALLS, ids=lambda door: f"{door[0].__name__}.{door[1]}")


@pytest.fixture
def office(school: School) -> Iterator[Office]:
    opened = school.office("kocho")
    yield opened
    opened.logout()


@pytest.fixture
def things(school: School, office: Office) -> Things:
    view = office.attendance.classes(ON)[12]
    pupil = office.attendance.day(view.class_id, ON).rows[0].pupil_id
    saved = office.attendance.mark(view.class_id, ON, pupil, "late")
    meeting = next(m for m in office.meetings.all() if m.starts.date() != MEETING_DAY)
    plan = plan_import(school.zip, school.made.code)
    again = replace(plan, put=tuple(r for r in plan.put if isinstance(r, SchoolRecord)), remove=())
    item = office.meetings.open(meeting.meeting_id).items[4].item_id
    return Things(view.class_id, pupil, meeting.meeting_id, item, saved, again)


def watch(monkeypatch: pytest.MonkeyPatch, verdict: Callable[..., None]) -> list[str]:
    """Write down, in order, each question to the policy and each touch of the store."""
    events: list[str] = []

    def spied(asked: Subject, action: Action, kind: str, importance: Importance) -> None:
        events.append(f"ask {action} {kind}")
        verdict(asked, action, kind, importance)

    monkeypatch.setattr("appliance.session.require", spied)
    for owner, name in (*READS, (KeeperClient, "submit")):
        _spy(monkeypatch, events, owner, name)
    return events


def _spy(monkeypatch: pytest.MonkeyPatch, events: list[str], owner: type, name: str) -> None:
    real = getattr(owner, name)

    def touched(*args: Any, **more: Any) -> Any:
        events.append("keep" if name == "submit" else f"read {name}")
        return real(*args, **more)

    monkeypatch.setattr(owner, name, touched)


def test_every_public_method_is_in_the_table() -> None:
    public = {
        (owner, name)
        for owner in (AttendanceDesk, MeetingDesk, CalendarDesk, RosterDesk, Office)
        for name, member in vars(owner).items()
        if not name.startswith("_") and (inspect.isfunction(member) or isinstance(member, property))
    }
    assert public == {*CALLS, *SILENT}


@EVERY
def test_it_asks_the_policy_before_it_touches_the_store(
    door: tuple[type, str], school: School, office: Office, things: Things, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = watch(monkeypatch, require)
    CALLS[door](office, school, things)
    action = Action.EDIT if door[1] in WRITES or door[0] is RosterDesk else Action.VIEW
    area = "roster" if door[1] == "find_pupils" else AREAS[door[0]]
    assert events[0].startswith(f"ask {action} {area}")
    assert ("keep" in events) is (door[1] in WRITES)
    assert [event for event in events if event.startswith(("read", "keep"))] or door[0] is CalendarDesk


@EVERY
def test_when_the_policy_denies_nothing_is_read_or_kept(
    door: tuple[type, str], school: School, office: Office, things: Things, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = office._session.store.reader.position()
    events = watch(monkeypatch, deny)
    with pytest.raises(PolicyDeniedError):
        CALLS[door](office, school, things)
    assert len(events) == 1 and events[0].startswith("ask ")
    assert office._session.store.reader.position() == before


def deny(asked: Subject, action: Action, kind: str, importance: Importance) -> None:
    raise PolicyDeniedError(operation=f"{action} {kind}", subject=importance.label, reason="試験")


def test_a_mark_is_not_kept_without_its_reason(
    school: School, office: Office, things: Things, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_reasons(asked: Subject, action: Action, kind: str, importance: Importance) -> None:
        if importance is Importance.II:
            deny(asked, action, kind, importance)

    before = office._session.store.reader.position()
    watch(monkeypatch, no_reasons)
    with pytest.raises(PolicyDeniedError):
        office.attendance.mark(things.class_id, ON, things.pupil, "sick", reason="発熱")
    assert office._session.store.reader.position() == before
    office.attendance.mark(things.class_id, ON, things.pupil, "sick")
