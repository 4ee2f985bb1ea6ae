"""Three whole sites over one store agree in the end, whatever came between: real keepers, exchanges, signatures.

tests/sync/test_convergence.py plays the log alone, far more often; here Hypothesis drives all that a site runs:
people's sessions, stale edits, rosters, lines that are cut, answers that get lost, lives that end anywhere; and it
chooses the clocks, up to ten years off either way.
"""

import contextlib
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeVar

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crypto.errors import KurabakoError
from crypto.identity import Identity
from crypto.importance import Importance
from crypto.people import sign_people
from crypto.secret import Secret
from sync.checkpoint import site_person
from sync.client import KeeperClient
from sync.clock import HybridClock, wall_ms
from sync.errors import StoreUnreachableError
from sync.exchange import Exchange
from sync.founding import Member, admit, found_store, open_as_board, site_member
from sync.grants import Grant
from sync.ids import Origin, Site
from sync.inbox import give_place
from sync.keeper import Keeper
from sync.keyring import open_keyring
from sync.merge import Merger, copy_log
from sync.objectstore import StoreConfig
from sync.openrecords import PEOPLE, people_record
from sync.reader import Reader
from sync.sealed import Draft, SealedStore
from sync.segment import NO_SEGMENT
from sync.settings import Settings
from sync.site import SitePaths, create_site
from sync.verify import verify_store
from tests.sync.pair import QUICK, RULES
from tests.sync.site import ALL, SCHOOL

T = TypeVar("T")
ORIGINS: Final = (Origin(SCHOOL, Site.BOX, 1), Origin(SCHOOL, Site.HUB, 1), Origin(SCHOOL, Site.STANDBY, 1))
NOWHERE: Final = StoreConfig("http://127.0.0.1:9", "none", "none", "none", Secret(b"none"))
TEN_YEARS_MS: Final = 10 * 365 * 86_400_000
RECORDS: Final = ("aoi", "haruto", "mei")
EXAMPLES: Final = max(25, settings().max_examples // 100)  # the profile "long" plays a thousand
_shift_ms = threading.local()  # of the site that is at work in this thread


class Bucket:
    """A store in memory, which all sites reach."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    def create(self, key: str, data: bytes) -> bool:
        fresh = key not in self.objects
        self.objects.setdefault(key, data)
        return fresh


@dataclass
class Line:
    """A site's way to the bucket. Cut, nothing gets through; of the `loses`-th next request the answer is lost."""

    bucket: Bucket
    cut: bool = False
    loses: int = 0

    def get(self, key: str) -> bytes | None:
        return self._ask(lambda: self.bucket.objects.get(key))

    def put(self, key: str, data: bytes) -> None:
        self._ask(lambda: self.bucket.objects.__setitem__(key, data))

    def create(self, key: str, data: bytes) -> bool:
        return self._ask(lambda: self.bucket.create(key, data))

    def probe(self, prefix: str) -> None:
        self._ask(lambda: None)

    def sizes(self, prefix: str) -> dict[str, int]:
        raise AssertionError("segments are asked for by name, never listed")

    def _ask(self, work: Callable[[], T]) -> T:
        if self.cut:
            raise StoreUnreachableError(operation="ask", retry_safe=True, endpoint="line")
        answer, self.loses = work(), self.loses - 1
        if self.loses == 0:
            raise StoreUnreachableError(operation="ask", retry_safe=True, endpoint="line")
        return answer


@dataclass
class Town:
    """The school as it was founded: the three sites' folders, who works there, and the keys of all."""

    folder: Path
    root: Identity
    keys: dict[Origin, Identity]
    people: dict[str, Identity]

    def settings(self, origin: Origin) -> Settings:
        return Settings(NOWHERE, self.root.sign.verify_key, self.keys[origin].sign, rules=RULES, pace=QUICK)


class KeeperThread:
    """A real keeper in a thread: a process for each of three sites in each example would take a minute."""

    def __init__(self, paths: SitePaths, clock: HybridClock) -> None:
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(paths, clock), daemon=True)
        self._thread.start()
        assert self._ready.wait(30)

    def _run(self, paths: SitePaths, clock: HybridClock) -> None:
        self._keeper = Keeper(paths, clock)
        self._ready.set()
        self._keeper.run()

    def stop(self) -> None:
        self._keeper.stop()
        self._thread.join(30)
        assert not self._thread.is_alive()


@dataclass
class Place:
    """One site that runs: its keeper in a thread, its exchange, its sessions."""

    town: Town
    paths: SitePaths
    origin: Origin
    line: Line
    shift_ms: int
    now: float = 0.0
    sessions: dict[str, SealedStore] = field(default_factory=dict)
    acknowledged: dict[bytes, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.keeper = KeeperThread(self.paths, HybridClock(lambda: wall_ms() + self.shift_ms))
        self.exchange: Exchange | None = None
        self.begin()

    def begin(self) -> None:
        """Begin a life of the exchange; what the last one had in its head is gone."""
        self.drop()
        reader, self.client = Reader(self.paths.store), KeeperClient(self.paths.socket)
        self.exchange = Exchange(
            reader, self.client, self.town.settings(self.origin), self.line, now=lambda: self.now
        )

    def drop(self) -> None:
        if self.exchange is not None:
            self.exchange.reader.close()
            self.client.close()

    def step(self) -> None:
        assert self.exchange is not None
        self.now += 10.0  # whatever waits is due
        _shift_ms.now = self.shift_ms
        self.exchange.step()

    def session(self, name: str, *, fresh: bool = False) -> SealedStore:
        if fresh and name in self.sessions:
            self.sessions.pop(name).close()
        if name not in self.sessions:
            identity = self.town.people.get(name, self.town.root)
            reader, client = Reader(self.paths.store), KeeperClient(self.paths.socket)
            keyring = open_keyring(reader, identity, self.town.root.sign.verify_key)
            store = SealedStore(reader, client, identity, keyring)
            store.clock = HybridClock(lambda: wall_ms() + self.shift_ms, store.clock.last)
            self.sessions[name] = store
        return self.sessions[name]

    def mark(self, who: str, pupil: str, stale: int, word: int) -> None:
        """Enter a mark over the heads, or over what was seen once."""
        with contextlib.ExitStack() as after:
            store = self.session("sato")
            record = store.record_id("mark", Importance.III, pupil)
            seen = [row.change_id for row in store.reader.history("mark", record)]
            base = tuple(seen[-stale:][:1]) if stale else store.base_of("mark", [record]).get(record, ())
            if who != "sato":  # somebody who may have no wrap: they seal with what is public, and sign
                reader, client = Reader(self.paths.store), KeeperClient(self.paths.socket)
                store = SealedStore(reader, client, self.town.people[who], store.keyring)
                store.clock = HybridClock(lambda: wall_ms() + self.shift_ms, store.clock.last)
                after.callback(reader.close)
                after.callback(client.close)
            payload = f"{who} {word}".encode()
            put = store.put([Draft("mark", record, Importance.III, payload, base)])
            self.acknowledged[put.names[0]] = payload

    def board(self, ends: bool) -> None:
        """Let the guest in, or end a teacher's time, from now on by this site's clock."""
        reader, client = Reader(self.paths.store), KeeperClient(self.paths.socket)
        with contextlib.closing(open_as_board(reader, client, self.town.root)) as store:
            store.clock = HybridClock(lambda: wall_ms() + self.shift_ms, store.clock.last)
            now_ms = wall_ms() + self.shift_ms
            if not ends:
                member = Member(self.town.people["guest"].public, "guest", ("teacher",), ALL)
                admit(store, self.town.root, [member], now_ms)
                return
            before, gone = store.keyring.people, self.town.people["suzuki"].person
            people = tuple(
                msgspec.structs.replace(one, valid_until_ms=now_ms) if one.id == gone else one
                for one in before.people
            )
            roster = msgspec.structs.replace(before, version=before.version + 1, issued_ms=now_ms, people=people)
            record = people_record(SCHOOL)
            base = store.base_of(PEOPLE, [record])[record]
            store.put([Draft(PEOPLE, record, Importance.IV, sign_people(roster, self.town.root.sign), base)])

    def position(self, of: Origin) -> int:
        assert self.exchange is not None
        return self.exchange.reader.position(of).seq

    def close(self) -> None:
        self.drop()
        for session in self.sessions.values():
            session.close()
        self.keeper.stop()


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Town:
    folder = tmp_path_factory.mktemp("town")
    root = Identity.generate(b"board-board-boar")
    keys = {origin: Identity.generate(site_person(origin)) for origin in ORIGINS}
    people = {name: Identity.generate(name.encode().ljust(16, b"-")) for name in ("sato", "suzuki", "guest")}
    town = Town(folder, root, keys, people)
    members = [Member(people[name].public, name, ("teacher",), ALL) for name in ("sato", "suzuki")]
    members += [site_member(origin, key.public) for origin, key in keys.items()]
    now = wall_ms()
    grants = [Grant(SCHOOL, str(o.site), o.epoch, key.public.sign.to_bytes(), now) for o, key in keys.items()]
    source = None
    for origin in ORIGINS:
        paths = create_site(folder / origin.site, origin)
        with _kept(paths), contextlib.closing(KeeperClient(paths.socket)) as client:
            reader = Reader(paths.store)
            if source is None:
                source = paths.store
                found_store(reader, client, root, members, now, grants)
            else:
                with contextlib.closing(Reader(source)) as first:
                    copy_log(first, ORIGINS[0], Merger(reader, client, root.sign.verify_key, RULES))
            reader.close()
    return town


@contextlib.contextmanager
def _kept(paths: SitePaths) -> Iterator[None]:
    keeper = KeeperThread(paths, HybridClock())
    try:
        yield
    finally:
        keeper.stop()


@pytest.fixture
def clocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let what a site itself says be dated by that site's clock."""

    def shifted() -> int:
        return wall_ms() + int(getattr(_shift_ms, "now", 0))

    for module in ("sitevoice", "exchange", "countersigns"):
        monkeypatch.setattr(f"sync.{module}.wall_ms", shifted)


def play(places: list[Place], events: list[tuple[int, int, int]]) -> None:
    for site, act, word in events:
        place = places[site]
        match act:
            case 0 | 1 | 2:
                place.mark(("sato", "suzuki")[word % 2], RECORDS[word % 3], 0, word)
            case 3:
                place.mark("sato", RECORDS[word % 3], 1 + word % 4, word)
            case 4:
                place.mark("guest", RECORDS[word % 3], 0, word)
            case 5:
                place.board(ends=word % 2 == 0)
            case 6:
                place.line.cut = not place.line.cut
            case 7:
                place.line.loses = 1 + word % 5
            case 8:
                with contextlib.suppress(KurabakoError):
                    place.begin()
            case _:
                place.step()


def settle(places: list[Place]) -> None:
    """Mend every line and step until everybody knows, and has countersigned, everything."""
    for place in places:
        place.line.cut, place.line.loses = False, 0
    for _ in range(60):
        for place in places:
            place.step()
        if all(settled(place, places) for place in places):
            return
    raise AssertionError([place.exchange and place.exchange.failure for place in places])


def settled(place: Place, places: list[Place]) -> bool:
    assert place.exchange is not None
    own, confirmed = place.exchange.reader, place.exchange.confirmed.seq
    heard = all(place.position(other.origin) == other.position(other.origin) for other in places)
    return heard and not own.content_after(confirmed) and place.exchange.failure is None


def state(place: Place) -> tuple[object, ...]:
    """Return what must be the same everywhere: chains, quarantine, heads, and what a person is shown."""
    assert place.exchange is not None
    reader = place.exchange.reader
    chains = {origin.prefix: reader.position(origin) for origin in ORIGINS}
    names = dict(reader.rows("SELECT id, change_id FROM change"))
    held = {names[row_id]: reason for row_id, reason in reader.quarantined().items()}
    seen = place.session("sato", fresh=True).heads("mark")  # whoever logs in now knows who was let in meanwhile
    shown = {(plain.record, plain.payload, frozenset(plain.heads)) for plain in seen}
    return chains, held, sorted(reader.heads_by_name()), shown


def expected_heads(place: Place) -> set[tuple[str, bytes, bytes]]:
    """Compute the heads naively from the bare changes: accepted, and replaced by none that is accepted."""
    assert place.exchange is not None
    reader = place.exchange.reader
    held = set(reader.quarantined())
    rows = list(reader.rows("SELECT id, kind, record, change_id, base FROM change WHERE kind NOT LIKE 'site.%'"))
    accepted = [row for row in rows if row[0] not in held]
    gone = {(r[1], r[2], r[4][at : at + 24]) for r in accepted for at in range(0, len(r[4] or b""), 24)}
    return {(kind, record, name) for _, kind, record, name, _ in accepted} - gone


EVENT = st.tuples(st.integers(0, 2), st.integers(0, 14), st.integers(0, 255))


@pytest.mark.timeout(300 + 5 * EXAMPLES)
@pytest.mark.usefixtures("clocks")
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(
    events=st.lists(EVENT, min_size=4, max_size=40),
    shifts=st.tuples(*[st.integers(-TEN_YEARS_MS, TEN_YEARS_MS)] * 3),
    again=st.booleans(),
)
def test_three_whole_sites_end_with_the_same(
    town: Town, events: list[tuple[int, int, int]], shifts: tuple[int, int, int], again: bool
) -> None:
    with tempfile.TemporaryDirectory() as made, contextlib.ExitStack() as after:
        bucket, places = Bucket(), list[Place]()
        for origin, shift_ms in zip(ORIGINS, shifts, strict=True):
            shutil.copytree(town.folder / origin.site, Path(made) / origin.site)
            paths = SitePaths(Path(made) / origin.site)
            places.append(Place(town, paths, origin, Line(bucket), shift_ms))
            after.callback(places[-1].close)
        play(places, events)
        settle(places)
        first = state(places[0])
        assert all(state(place) == first for place in places)
        assert first[2] == sorted(expected_heads(places[0]))
        acknowledged = {name: payload for place in places for name, payload in place.acknowledged.items()}
        for place in places:
            assert place.exchange is not None
            kept = {name for (name,) in place.exchange.reader.rows("SELECT change_id FROM change")}
            assert acknowledged.keys() <= kept, "what was acknowledged is at every site"
            verify_store(place.paths.store, town.root.sign.verify_key, SCHOOL, rules=RULES, full=True)
        if again:
            read_everything_again(places)  # the sites say a word on it, so only what people made is the same
            assert all(state(place)[1:] == first[1:] for place in places)


def read_everything_again(places: list[Place]) -> None:
    for place in places:
        for origin in ORIGINS:
            if origin != place.origin:
                give_place(place.client, origin, 0, NO_SEGMENT)
        place.begin()
    for _ in range(3):
        for place in places:
            place.step()
            assert place.exchange is not None and place.exchange.failure is None
