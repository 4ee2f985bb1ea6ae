"""The one door: no desk reads or keeps anything before it asked, and what is watched is written down first."""

import inspect
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from appliance.audit import AuditLog
from appliance.classification.model import Action, Asset, Decision, Line
from appliance.conflictdesk import ConflictDesk
from appliance.office import Office
from appliance.oneroster.plan import ImportPlan, plan_import
from appliance.permits.releases import ReleaseDesk
from appliance.policy import PolicyDeniedError, require
from appliance.roster import School as SchoolRecord
from appliance.rosterindex import RosterIndex
from appliance.schoolcalendar import CalendarDesk
from appliance.session import Session
from crypto.importance import Importance
from sync.client import KeeperClient
from sync.reader import Reader
from tests.appliance.doorthings import ON, Things, made_things
from tests.appliance.everydoor import (
    AREAS,
    CALLS,
    EDITS,
    KEEPS,
    OTHER_ACTIONS,
    OTHER_AREAS,
    OWN_AREA,
    RELEASED,
    SILENT,
)
from tests.appliance.exchange.townexchange import dropped
from tests.school import PASSPHRASE, School

READS: tuple[tuple[type, str], ...] = (
    *((Reader, name) for name in ("heads", "history", "since", "rows")),
    *((RosterIndex, name) for name in ("classes", "school_class", "user", "members", "enrollments", "records")),
)
EVERY = pytest.mark.parametrize("door", CALLS, ids=lambda door: f"{door[0].__name__}.{door[1]}")


@pytest.fixture(scope="module")
def again(school: School) -> ImportPlan:
    """Return a plan that keeps one record which stands there already."""
    plan = plan_import(school.zip, school.made.code)
    return replace(plan, put=tuple(r for r in plan.put if isinstance(r, SchoolRecord)), remove=())


@pytest.fixture(scope="module")
def arrival(school: School) -> str:
    """Return a file of the school system that waits."""
    with school.opened("kocho") as kocho:
        return dropped(kocho, school, "roster.zip", b"PK").document_id


@pytest.fixture
def office(school: School, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    monkeypatch.setattr(Session, "_line_now", lambda session: Line.ONLINE)
    opened = school.office("kocho")
    opened.emergency.open(PASSPHRASE, "kyoto", PASSPHRASE, "試験のため", 5)  # for `close` to end
    yield opened
    monkeypatch.undo()
    while opened.emergency.close() is not None:
        pass
    opened.logout()


@pytest.fixture
def things(school: School, office: Office, again: ImportPlan, arrival: str, tmp_path: Path) -> Things:
    return made_things(school, office, again, arrival, tmp_path)


def watch(monkeypatch: pytest.MonkeyPatch, verdict: Callable[[Action, Asset], None]) -> list[str]:
    """Write down, in order, each question to the policy, each audit entry and each touch of the store."""
    events: list[str] = []

    def spied(policy: Any, actor: Any, action: Action, asset: Asset, *more: Any) -> Decision:
        events.append(f"ask {action} {asset.kind}")
        verdict(action, asset)
        return require(policy, actor, action, asset, *more)

    monkeypatch.setattr("appliance.session.require", spied)
    for owner, name in (*READS, (KeeperClient, "submit")):
        _spy(monkeypatch, events, owner, name)
    _spy_audit(monkeypatch, events)
    return events


def _spy_audit(monkeypatch: pytest.MonkeyPatch, events: list[str]) -> None:
    real = AuditLog.keep

    def kept(log: AuditLog, entry: Any) -> None:
        before = len(events)
        real(log, entry)
        events[before:] = [f"audit {entry.verdict} {entry.asset}"]  # in place of the keeping that it is itself

    monkeypatch.setattr(AuditLog, "keep", kept)


def _spy(monkeypatch: pytest.MonkeyPatch, events: list[str], owner: type, name: str) -> None:
    real = getattr(owner, name)

    def touched(*args: Any, **more: Any) -> Any:
        kind = args[1] if len(args) > 1 and isinstance(args[1], str) and owner is Reader else ""
        events.append("keep" if name == "submit" else f"read {name} {kind}".rstrip())
        return real(*args, **more)

    monkeypatch.setattr(owner, name, touched)


def test_every_public_method_is_in_the_table() -> None:
    public = {
        (owner, name)
        for owner in AREAS
        for name, member in vars(owner).items()
        if not name.startswith("_") and (inspect.isfunction(member) or isinstance(member, property))
    }
    assert public == {*CALLS, *SILENT}


def test_every_desk_that_an_office_hands_out_is_in_the_table(office: Office) -> None:
    """A desk in a module that is known already would pass tests/appliance/test_doors.py."""
    public = {type(thing) for name, thing in vars(office).items() if not name.startswith("_")}
    desks = {kind for kind in public if kind.__module__.startswith("appliance.")}
    assert desks - {*AREAS} == {ConflictDesk}, "tests/appliance/conflicts asks that one"
    assert {*AREAS} - desks == {Office}


@EVERY
def test_it_asks_the_policy_before_it_touches_the_store(
    door: tuple[type, str], school: School, office: Office, things: Things, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = watch(monkeypatch, let_pass)
    CALLS[door](office, school, things)
    action = OTHER_ACTIONS.get(door, Action.VIEW if door not in EDITS else Action.EDIT)
    area = AREAS[door[0]] if door[0] in OWN_AREA else OTHER_AREAS.get(door[1], AREAS[door[0]])
    area = RELEASED[door[1]] if door[0] is ReleaseDesk else area
    assert without_lookup(events)[0].startswith(f"ask {action} {area}")
    assert ("keep" in events) is (door in KEEPS or door == (ReleaseDesk, "audit"))  # the record of what leaves
    assert [event for event in events if event.startswith(("read", "keep"))] or door[0] is CalendarDesk


@EVERY
def test_when_the_policy_denies_nothing_is_read_or_kept(
    door: tuple[type, str], school: School, office: Office, things: Things, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = office._session.store.reader.position()
    events = watch(monkeypatch, deny)
    with pytest.raises(PolicyDeniedError):
        CALLS[door](office, school, things)
    asked = without_lookup(events)
    assert asked[0].startswith("ask ") and len(asked) == 1 + sum(event.startswith("audit ") for event in asked)
    refusals = len(asked) - 1
    assert office._session.store.reader.position().seq - before.seq <= 2 * refusals  # the entry, and its batch key


def without_lookup(events: list[str]) -> list[str]:
    """Leave out what the question needs: a pupil's class, a document's importance, whether 非常時開示 stands."""
    glass = {f"read heads breakglass.{what}" for what in ("opened", "closed")}
    key = {f"read {how} key.batch" for how in ("heads", "history")}
    importance = {"read heads document.file"}  # which a record says in clear
    asking = {"read classes", "read members", *glass, *key, *importance}
    return [event for event in events if event not in asking]


def let_pass(action: Action, asset: Asset) -> None:
    """Leave the answer to the rules."""


def deny(action: Action, asset: Asset) -> None:
    raise PolicyDeniedError(operation=f"{action} {asset.kind}", subject=asset.importance.label, reason="試験")


def test_a_mark_is_not_kept_without_its_reason(
    school: School, office: Office, things: Things, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_reasons(action: Action, asset: Asset) -> None:
        if asset.importance is Importance.II:
            deny(action, asset)

    events = watch(monkeypatch, no_reasons)
    with pytest.raises(PolicyDeniedError):
        office.attendance.mark(things.class_id, ON, things.pupil, "sick", reason="発熱")
    assert "keep" not in events
    office.attendance.mark(things.class_id, ON, things.pupil, "sick")


def test_a_reason_is_written_down_before_it_is_opened(
    school: School, office: Office, things: Things, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.attendance.mark(things.class_id, ON, things.pupil, "sick", reason="発熱")
    events = watch(monkeypatch, let_pass)
    assert office.attendance.reason(things.pupil, ON) == "発熱"
    told = without_lookup(events)
    assert told[:2] == ["ask view attendance.reason", "audit allow attendance.reason"]
    assert told[2].startswith("read")
