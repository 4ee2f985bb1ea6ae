"""A box where somebody enters, and a hub that hears of it: who judges what, and what is held back."""

import contextlib
from collections.abc import Iterator

import msgspec

from crypto.identity import Identity
from crypto.importance import Importance
from crypto.people import Person, sign_people
from crypto.signing import SigningKey
from sync.client import KeeperClient
from sync.clock import wall_ms
from sync.conflicts import held_back
from sync.founding import Member, admit, open_as_board
from sync.merge import Merger, copy_log
from sync.openrecords import PEOPLE, people_record
from sync.reader import Reader
from sync.sealed import Draft, SealedStore
from tests.sync.pair import BOX, RULES, Pair, Party
from tests.sync.site import ALL, SCHOOL


class Bench:
    """A box where somebody enters, and a hub that hears of it."""

    def __init__(self, pair: Pair) -> None:
        self.pair = pair
        self.parties = (pair.box, pair.hub)

    def enter(self, who: Identity, name: str, key: SigningKey | None = None) -> bytes:
        """Keep a mark at the box as anybody, signed with `key`; return its change id."""
        paths = self.pair.box.site.paths
        with contextlib.closing(self.pair.box.session("sato")) as sato:
            record = sato.record_id("mark", Importance.III, name)
            base = sato.base_of("mark", [record]).get(record, ())
            writer = Identity(who.person, who.seal, key or who.sign)
            with contextlib.closing(
                SealedStore(Reader(paths.store), KeeperClient(paths.socket), writer, sato.keyring)
            ) as session:
                return session.put([Draft("mark", record, Importance.III, b"late", base)]).names[0]

    @contextlib.contextmanager
    def board(self) -> Iterator[SealedStore]:
        paths = self.pair.box.site.paths
        reader, client = Reader(paths.store), KeeperClient(paths.socket)
        with contextlib.closing(open_as_board(reader, client, self.pair.root)) as session:
            yield session

    def admit(self, who: Identity, *roles: str) -> None:
        with self.board() as session:
            member = Member(who.public, who.person.decode(), roles, ALL)
            admit(session, self.pair.root, [member], wall_ms())

    def publish(self, *people: Person) -> None:
        """Publish a roster in which some people stand otherwise than before."""
        with self.board() as session:
            before = session.keyring.people
            fresh = {one.id: one for one in before.people} | {one.id: one for one in people}
            made = msgspec.structs.replace(
                before, version=before.version + 1, issued_ms=wall_ms(), people=tuple(fresh.values())
            )
            record = people_record(SCHOOL)
            base = session.base_of(PEOPLE, [record])[record]
            body = sign_people(made, self.pair.root.sign)
            session.put([Draft(PEOPLE, record, Importance.IV, body, base)])

    def known(self, name: str) -> Person:
        with self.board() as session:
            found = session.keyring.people.person(self.pair.box.site.people[name].person)
            assert found is not None
            return found

    def hear(self) -> None:
        """Let both sites judge everything: the box its own, the hub what it hears of it."""
        with (
            contextlib.closing(Reader(self.pair.box.site.paths.store)) as source,
            contextlib.closing(KeeperClient(self.pair.box.site.paths.socket)) as client,
        ):
            Merger(source, client, self.pair.root.sign.verify_key, RULES).judge_all()
            with (
                contextlib.closing(Reader(self.pair.hub.site.paths.store)) as reader,
                contextlib.closing(KeeperClient(self.pair.hub.site.paths.socket)) as hub,
            ):
                merger = Merger(reader, hub, self.pair.root.sign.verify_key, RULES)
                copy_log(source, BOX, merger, reader.position(BOX).seq)

    def held(self) -> dict[bytes, str]:
        """Return what is held back, by change id, which must be the same at both sites."""
        found = [held_at(party) for party in self.parties]
        assert found[0] == found[1]
        return found[0]

    def heads(self) -> set[bytes]:
        """Return the ids of all heads of marks, which must be the same at both sites."""
        found = [heads_at(party) for party in self.parties]
        assert found[0] == found[1]
        return found[0]


def held_at(party: Party) -> dict[bytes, str]:
    with contextlib.closing(Reader(party.site.paths.store)) as reader:
        return {one.row.change_id: one.reason for one in held_back(reader)}


def heads_at(party: Party) -> set[bytes]:
    with contextlib.closing(Reader(party.site.paths.store)) as reader:
        return {row.change_id for row in reader.heads("mark")}


def newcomer() -> Identity:
    return Identity.generate(b"takahashi-------")
