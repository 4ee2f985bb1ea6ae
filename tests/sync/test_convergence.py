"""Sites that know the same changes agree, whatever they heard in which order: a model of three and four sites.

Hypothesis draws a schedule of edits, deliveries (late, twice, torn, reordered between origins), restarts,
admissions and dismissals, on clocks ten years apart; at the end everything is delivered, and every site must hold
the heads, the quarantine and the history that a naive model computes from the bare set of changes.

250 schedules by default; 10⁵ with the profile "long" (`make properties`), or as many as KURABAKO_EXAMPLES says.
"""

import os
from dataclasses import dataclass, field
from typing import Final

import pysqlite3
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from crypto.people import PeopleRoster, Person
from crypto.signing import SigningKey
from sync import schema
from sync.authority import Authority, Rules
from sync.change import Batch, Change, chain_hash, entry_digest
from sync.clock import HybridClock, change_clock, clock_ms
from sync.database import Connection
from sync.errors import BadBatchError, BrokenChainError
from sync.heads import split_ids
from sync.ids import Origin, Site, change_id
from sync.log import ORIGIN_SHIFT, SEQ_MASK, ChangeLog
from sync.openrecords import PEOPLE
from tests.sync.site import SCHOOL

ORIGINS: Final = (
    Origin(SCHOOL, Site.BOX, 1),
    Origin(SCHOOL, Site.HUB, 1),
    Origin(SCHOOL, Site.BOX, 2),
    Origin(SCHOOL, Site.STANDBY, 1),
)
RECORDS: Final = tuple(bytes((number,)) * 16 for number in range(3))
KINDS: Final = ("attendance.mark", "meeting.item")
RULES: Final = Rules({"attendance": ("teacher",), "meeting": ("principal",)})
BOARD, STAFF, HEAD, GUEST = (bytes((number,)) * 16 for number in range(101, 105))
NOON_MS: Final = 1_795_000_000_000
TEN_YEARS_MS: Final = 10 * 365 * 86_400_000
KEY: Final = SigningKey.generate().verify_key.to_bytes()
EXAMPLES: Final = int(os.environ.get("KURABAKO_EXAMPLES", max(250, settings().max_examples)))


def person(who: bytes, role: str, until: int | None = None) -> Person:
    return Person(who, who.hex()[:4], (role,), (), bytes(1), KEY, 0, until)


BASIC: Final = (person(BOARD, "board"), person(STAFF, "teacher"), person(HEAD, "principal"))


@dataclass
class World:
    """What was ever made: every origin's batches in order, and every roster."""

    logs: dict[Origin, list[Batch]]
    rosters: list[PeopleRoster]

    def roster(self, change: Change) -> PeopleRoster:
        return self.rosters[change.body[0]]


@dataclass
class Node:
    """One site: the real log over a real database in memory, judging as the merge does."""

    world: World
    origin: Origin
    skew_ms: int
    now_ms: int = NOON_MS
    known: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.connection: Connection = pysqlite3.connect(":memory:", isolation_level=None)
        self.connection.executescript(schema._STORE + schema._MERGE)
        values = {"school": SCHOOL, "site": str(self.origin.site), "epoch": str(self.origin.epoch)}
        self.connection.executemany("INSERT INTO meta VALUES (?,?)", values.items())
        row = (1, SCHOOL, str(self.origin.site), self.origin.epoch, self.origin.tag)
        self.connection.execute("INSERT INTO origin VALUES (?,?,?,?,?)", row)
        self.number = 0
        self.restart()

    def restart(self) -> None:
        self.clock = HybridClock(lambda: self.now_ms + self.skew_ms)
        self.log = ChangeLog(self.connection, self.clock)

    def position(self, origin: Origin) -> int:
        row = self.connection.execute(
            "SELECT max(c.id) FROM change c, origin o WHERE c.id >> 40 = o.no AND o.tag = ?", (origin.tag,)
        ).fetchone()
        return (row[0] or 0) & SEQ_MASK

    def authority(self, more: set[int] = frozenset()) -> Authority:  # type: ignore[assignment]  # read only
        rosters = [PeopleRoster(SCHOOL, 1, 0, 1, BASIC)]
        return Authority(rosters + [self.world.rosters[number] for number in sorted(self.known | more)], RULES)

    def heads(self, kind: str, record: bytes) -> list[bytes]:
        rows = self.connection.execute("SELECT change_id FROM head WHERE kind=? AND record=?", (kind, record))
        return [name for (name,) in rows]

    def seen(self, kind: str, record: bytes) -> list[bytes]:
        rows = self.connection.execute("SELECT change_id FROM change WHERE kind=? AND record=?", (kind, record))
        return [name for (name,) in rows]

    def write(self, author: bytes, parts: list[tuple[str, bytes, tuple[bytes, ...], bytes]]) -> None:
        writer, changes = b"writer-1", []
        for kind, record, base, body in parts:
            name, sealed = change_id(self.clock.next(), self.origin.tag, writer), not kind.startswith("people.")
            changes.append(Change(name, kind, record, base, 3, bytes(16) if sealed else b"", body))
        batch = Batch(writer, self.number, author, tuple(changes), bytes(64))
        self.number += 1
        self.log.check(batch)
        self.connection.execute("BEGIN")
        kept = self.log.append(batch)
        self.connection.execute("COMMIT")
        self.log.committed()
        self.world.logs[self.origin].append(batch)
        self.learn([batch])
        authority, withheld = self.authority(), {}
        for offset, change in enumerate(changes):
            fault = authority.fault(self.origin, author, clock_ms(change_clock(change.id)), change.kind)
            if fault:
                withheld[1 << ORIGIN_SHIFT | kept.first_seq + offset] = fault
        self.judge(withheld, [])

    def hear(self, origin: Origin, skip: int, count: int, torn: bool) -> None:
        """Take some of an origin's batches, from `skip` batches before what is here."""
        log, at, batches = self.world.logs[origin], self.position(origin), []
        starts = [1]
        for batch in log:
            starts.append(starts[-1] + len(batch.changes))
        begin = max(0, next(n for n, start in enumerate(starts) if start > at) - 1 - skip) if at else 0
        batches = log[begin : begin + skip + count]
        if not batches:
            return
        authority, withheld, seq = self.authority(self.rosters_in(batches)), {}, starts[begin]
        for batch in batches:
            for change in batch.changes:
                fault = authority.fault(origin, batch.author, clock_ms(change_clock(change.id)), change.kind)
                if fault:
                    withheld[seq] = fault
                seq += 1
        mark = self.log.mark()
        self.connection.execute("BEGIN")
        self.log.take(origin, starts[begin], batches, withheld)
        if torn:
            self.connection.execute("ROLLBACK")
            self.log.back(mark)
            return
        self.connection.execute("COMMIT")
        self.log.committed()
        self.learn(batches)

    def rosters_in(self, batches: list[Batch]) -> set[int]:
        return {change.body[0] for batch in batches for change in batch.changes if change.kind == PEOPLE}

    def learn(self, batches: list[Batch]) -> None:
        if not self.rosters_in(batches) <= self.known:
            self.known |= self.rosters_in(batches)
            authority, held = self.authority(), self.held()
            origins = {no: o for o, no in self.log._numbers.items()}
            withheld, released = {}, []
            for row_id, name, author, kind in self.connection.execute(
                "SELECT id, change_id, author, kind FROM change"
            ):
                origin, at_ms = origins[row_id >> ORIGIN_SHIFT], clock_ms(change_clock(name))
                fault = authority.fault(origin, author, at_ms, kind)
                if fault and held.get(row_id) != fault:
                    withheld[row_id] = fault
                elif not fault and row_id in held:
                    released.append(row_id)
            self.judge(withheld, released)

    def judge(self, withheld: dict[int, str], released: list[int]) -> None:
        if withheld or released:
            self.connection.execute("BEGIN")
            self.log.judge(withheld, released)
            self.connection.execute("COMMIT")

    def held(self) -> dict[int, str]:
        return dict(self.connection.execute("SELECT id, reason FROM quarantine").fetchall())

    def state(self) -> tuple[object, ...]:
        """Return heads, quarantine, history and chains by what is the same everywhere."""
        names = dict(self.connection.execute("SELECT id, change_id FROM change").fetchall())
        held = {names[row_id]: reason for row_id, reason in self.held().items()}
        heads = set(self.connection.execute("SELECT kind, record, change_id FROM head").fetchall())
        reached = {names[row] for (row,) in self.connection.execute("SELECT id FROM late WHERE id IS NOT NULL")}
        for (replaced,) in self.connection.execute("SELECT replaced FROM change"):
            reached |= {names[int.from_bytes(replaced[at : at + 8], "big")] for at in range(0, len(replaced), 8)}
        tags = dict(self.connection.execute("SELECT no, tag FROM origin").fetchall())
        chains = {(tags[row >> ORIGIN_SHIFT], row & SEQ_MASK): chain for row, chain in self._hashes()}
        former = {name for name in names.values() if name not in held} - {name for _, _, name in heads}
        return heads, held, former <= reached, chains

    def _hashes(self) -> list[tuple[int, bytes]]:
        return list(self.connection.execute("SELECT id, hash FROM change").fetchall())


def model(world: World) -> tuple[object, ...]:
    """Compute the same from the bare set of changes, naively."""
    authority = Authority([PeopleRoster(SCHOOL, 1, 0, 1, BASIC), *world.rosters], RULES)
    accepted: list[Change] = []
    held: dict[bytes, str] = {}
    chains: dict[tuple[bytes, int], bytes] = {}
    for origin, batches in world.logs.items():
        chain, seq = bytes(32), 0
        for batch in batches:
            for change in batch.changes:
                seq += 1
                chain = chain_hash(chain, seq, entry_digest(batch.author, change))
                chains[origin.tag, seq] = chain
                fault = authority.fault(origin, batch.author, clock_ms(change_clock(change.id)), change.kind)
                if fault:
                    held[change.id] = fault
                else:
                    accepted.append(change)
    gone = {(change.kind, change.record, base) for change in accepted for base in change.base}
    heads = {(c.kind, c.record, c.id) for c in accepted} - gone
    return heads, held, True, chains


def edit(node: Node, word: int) -> None:
    """Write one or two changes on the current heads, on stale ones, or on nothing."""
    author = (STAFF, STAFF, HEAD, GUEST)[word % 4]
    parts = []
    for part in range(1 + (word >> 2) % 2):
        kind, record = KINDS[(word >> (3 + part)) % 2], RECORDS[(word >> (5 + 2 * part)) % 3]
        choice, seen = (word >> (9 + 2 * part)) % 4, node.seen(kind, record)
        base = node.heads(kind, record) if choice < 2 else seen[-2:] if choice == 2 else []
        parts.append((kind, record, tuple(dict.fromkeys(base))[:8], bytes((word % 251,))))
    node.write(author, parts)


def roster(node: Node, word: int) -> None:
    """Let the guest in, or end their time, or that of a teacher, at some moment; issued by the board anywhere."""
    until = None if word % 3 == 0 else node.now_ms + node.skew_ms * (word % 2) - (word >> 3) % 5
    chosen = (GUEST, STAFF)[(word >> 7) % 2]
    people = [one for one in BASIC if one.id != chosen] + [person(chosen, "teacher", until)]
    world = node.world
    world.rosters.append(PeopleRoster(SCHOOL, 2 + len(world.rosters), node.now_ms, 1, tuple(people)))
    node.write(
        BOARD, [(PEOPLE, bytes(16), tuple(node.heads(PEOPLE, bytes(16))), bytes((len(world.rosters) - 1,)))]
    )


def play(words: list[int], sites: int) -> tuple[World, list[Node]]:
    """Play a schedule; each word is one event."""
    world = World({origin: [] for origin in ORIGINS[:sites]}, [])
    skews = (0, TEN_YEARS_MS, -TEN_YEARS_MS, 1234)
    nodes = [Node(world, origin, skews[n]) for n, origin in enumerate(ORIGINS[:sites])]
    for word in words:
        node, event, rest = nodes[word % sites], (word >> 3) % 8, word >> 6
        for each in nodes:
            each.now_ms += 1 + rest % 3
        if event < 3:
            edit(node, rest)
        elif event == 3 and len(world.rosters) < 4:
            roster(node, rest)
        elif event == 4:
            node.restart()
        else:
            others = [origin for origin in ORIGINS[:sites] if origin != node.origin]
            node.hear(
                others[rest % len(others)], (rest >> 2) % 3, 1 + (rest >> 4) % 4, event == 7 and rest % 5 == 0
            )
    return world, nodes


def deliver_all(nodes: list[Node], backwards: bool) -> None:
    """Bring every origin's log to every site, to some of them in the other order."""
    for place, node in enumerate(nodes):
        origins = [other.origin for other in nodes if other is not node]
        for origin in reversed(origins) if backwards == (place % 2 == 0) else origins:
            while node.position(origin) < sum(len(batch.changes) for batch in node.world.logs[origin]):
                node.hear(origin, 0, 3, False)


@pytest.mark.timeout(300 + EXAMPLES)
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(
    st.lists(st.integers(0, 2**24 - 1), min_size=4, max_size=40),
    st.integers(3, 4),
    st.booleans(),
    st.integers(0, 2),
)
@example([0, 8, 16, 1, 9, 17, 2, 40, 48], 3, False, 1)
def test_sites_that_know_the_same_agree_with_each_other_and_with_the_model(
    words: list[int], sites: int, backwards: bool, again: int
) -> None:
    world, nodes = play(words, sites)
    deliver_all(nodes, backwards)
    expected = model(world)
    for node in nodes:
        assert node.state() == expected
        for _ in range(again):  # idempotent: everything once more
            for other in nodes:
                if other is not node:
                    node.hear(other.origin, 99, 99, False)
            assert node.state() == expected
        node.connection.close()


def test_the_model_can_tell_a_wrong_head_from_a_right_one() -> None:
    world, nodes = play([0, 1, 8, 9, 64, 65], 3)
    deliver_all(nodes, False)
    expected = model(world)
    assert expected[0] and all(node.state() == expected for node in nodes)
    nodes[0].connection.execute("DELETE FROM head WHERE change_id = (SELECT max(change_id) FROM head)")
    assert nodes[0].state() != expected


def test_a_gap_and_a_foreign_school_are_refused() -> None:
    world, nodes = play([0, 0, 0], 3)
    log = world.logs[ORIGINS[0]]
    assert len(log) == 3
    nodes[1].connection.execute("BEGIN")
    with pytest.raises(BrokenChainError):
        nodes[1].log.take(ORIGINS[0], 2, log[1:], {})
    with pytest.raises(BadBatchError):
        nodes[1].log.take(Origin("C999999999999", Site.BOX, 1), 1, log, {})
    with pytest.raises(BadBatchError):
        nodes[1].log.take(ORIGINS[2], 1, log, {})
    nodes[1].connection.execute("ROLLBACK")
    assert split_ids(b"") == []
