"""What an insider's own program kept and nobody can read stops no login and no screen, and is told."""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace

import msgspec
import pytest

from appliance.classification.model import Action, Line
from appliance.oneroster.plan import plan_import
from appliance.roster import School as SchoolRecord
from appliance.session import Session
from crypto.errors import KurabakoError
from crypto.importance import Importance
from sync.sealed import Draft, SealedStore
from tests.appliance.doorthings import Things, made_things
from tests.appliance.everydoor import CALLS, EDITS, KEEPS, OTHER_ACTIONS
from tests.appliance.exchange.townexchange import dropped
from tests.badchanges import keep_damaged
from tests.school import School, enrol

VIEWS = [door for door in CALLS if door not in EDITS and OTHER_ACTIONS.get(door, Action.VIEW) is Action.VIEW]
LOGINS = ("kocho", "sato", "shien")
KINDS = "SELECT DISTINCT c.kind FROM head h JOIN change c ON c.id = h.id WHERE length(c.key_id) > 0"


@dataclass
class Town:
    """A school with one of everything; `before` is what each door did for each person while all could be read."""

    school: School
    things: Things
    before: dict[str, list[str]]
    kinds: set[str]


@pytest.fixture(scope="module")
def school(tmp_path_factory: pytest.TempPathFactory) -> Iterator[School]:
    """A school of its own: what is kept here would be told on everybody's home."""
    made = enrol(tmp_path_factory.mktemp("bad"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def town(school: School, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    plan = plan_import(school.zip, school.made.code)
    again = replace(plan, put=tuple(r for r in plan.put if isinstance(r, SchoolRecord)), remove=())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Session, "_line_now", lambda session: Line.ONLINE)
        with school.opened("kocho") as office:
            arrival = dropped(office, school, "roster.zip", b"PK").document_id
            things = made_things(school, office, again, arrival, tmp_path_factory.mktemp("town"))
            for door in sorted(KEEPS, key=str):
                with contextlib.suppress(KurabakoError):  # one that another took the ground from
                    CALLS[door](office, school, things)
        before = {login: doors(school, things, login) for login in LOGINS}
        with school.opened("kocho") as office:
            kinds = put_bad_changes(office._session.store)
        yield Town(school, things, before, kinds)


def put_bad_changes(store: SealedStore) -> set[str]:
    """Keep a bent bit, nonsense, and something sealed for importance I, of every sealed kind; return the kinds."""
    kinds = {kind for (kind,) in store.reader.rows(KINDS)}
    for kind in kinds:
        row = store.reader.heads(kind)[0]
        draft = Draft(kind, os.urandom(16), Importance(row.importance), store.open_row(row).payload)
        keep_damaged(store, draft)
        nonsense = msgspec.structs.replace(draft, record=os.urandom(16), payload=b"\xc1")
        elsewhere = msgspec.structs.replace(draft, record=os.urandom(16), importance=Importance.I)
        store.put([nonsense, elsewhere])
    return kinds


def doors(school: School, things: Things, login: str) -> list[str]:
    """Log in and go through every door that shows something; return how each ended."""
    ends = []
    with school.opened(login) as office:
        for door in VIEWS:
            try:
                CALLS[door](office, school, things)
                ends.append(f"{door[0].__name__}.{door[1]}: shown")
            except KurabakoError as error:
                ends.append(f"{door[0].__name__}.{door[1]}: {error.code}")
    return ends


@pytest.mark.parametrize("login", LOGINS)
def test_every_door_shows_what_it_showed(town: Town, login: str) -> None:
    assert {"roster.user", "attendance.mark", "ledger.entry", "calendar.year", "person.profile"} <= town.kinds
    assert doors(town.school, town.things, login) == town.before[login]


def test_what_was_met_is_told_with_who_and_what(town: Town) -> None:
    with town.school.opened("kocho") as office:
        office.home()
        held = office.conflicts.held()
        assert len(held) == office.light().quarantined > 2
        assert all("読めません" in one.reason for one in held)
        assert {one.what for one in held} > {"名簿の人", "学級"} and {one.who for one in held} == {
            office.who.display_name
        }
