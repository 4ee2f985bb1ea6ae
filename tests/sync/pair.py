"""A school's box and its hub over one real object store, each a whole site with a keeper of its own."""

import contextlib
import dataclasses
import time
from collections.abc import Iterator
from pathlib import Path

from crypto.identity import Identity
from crypto.importance import Importance
from sync.authority import Rules
from sync.checkpoint import site_person
from sync.client import KeeperClient
from sync.clock import wall_ms
from sync.exchange import Exchange
from sync.founding import Member, found_store, site_member
from sync.grants import Grant
from sync.ids import Origin, Site
from sync.keyring import open_keyring
from sync.merge import Merger, copy_log
from sync.objectstore import ObjectStore, StoreConfig
from sync.reader import Reader
from sync.sealed import Draft, SealedStore
from sync.settings import Pace, Settings
from sync.site import create_site
from sync.stores import Store
from tests.sync.cloud import Cloud, cloud_at
from tests.sync.site import ALL, SCHOOL, TestSite

BOX = Origin(SCHOOL, Site.BOX, 1)
HUB = Origin(SCHOOL, Site.HUB, 1)
QUICK = Pace(0.02, 1.0, (), 0.05, 0.05)
RULES = Rules({"attendance": ("teacher", "clerk"), "mark": ("teacher",)})


@dataclasses.dataclass
class Party:
    """One site of the pair: its folder, its keeper, what it signs with, and its exchange."""

    site: TestSite
    key: Identity
    origin: Origin
    exchange: Exchange | None = None
    client: KeeperClient | None = None

    def begin(self, store: Store, settings: Settings) -> Exchange:
        """Open its exchange, as a daemon does at its start."""
        self.end()
        reader, self.client = Reader(self.site.paths.store), KeeperClient(self.site.paths.socket)
        self.exchange = Exchange(reader, self.client, settings, store)
        return self.exchange

    def end(self) -> None:
        """Drop the exchange as a kill does: nothing is said any more."""
        if self.exchange is not None:
            self.exchange.reader.close()
        if self.client is not None:
            self.client.close()
        self.exchange = None

    def session(self, name: str = "sato") -> SealedStore:
        return self.site.session(name)

    def mark(self, name: str, payload: bytes = b"absent", who: str = "sato") -> int:
        """Make one entry in a session of its own; return its sequence number."""
        with contextlib.closing(self.session(who)) as session:
            record = session.record_id("mark", Importance.III, name)
            base = session.base_of("mark", [record]).get(record, ())
            return session.put([Draft("mark", record, Importance.III, payload, base)]).last_seq

    def values(self) -> dict[bytes, tuple[bytes, int]]:
        """Return record → (shown value, number of heads) of every mark."""
        with contextlib.closing(self.session("")) as session:
            return {plain.record: (plain.payload, len(plain.heads)) for plain in session.heads("mark")}


class Pair:
    """Box and hub of one school; `root` is the board's identity."""

    def __init__(self, folder: Path, cloud: Cloud) -> None:
        self.folder = folder
        self.cloud = cloud
        self.root = Identity.generate(b"board-board-boar")
        keys = {origin: Identity.generate(site_person(origin)) for origin in (BOX, HUB)}
        people = {"sato": Identity.generate(b"sato------------"), "suzuki": Identity.generate(b"suzuki----------")}
        self.box = self._box(folder / "box", keys, people)
        self.hub = self._hub(folder / "hub", keys[HUB], people)

    def settings(self, party: Party, store: StoreConfig | None = None, **more: object) -> Settings:
        base = Settings(
            store or self.cloud.config, self.root.sign.verify_key, party.key.sign, rules=RULES, pace=QUICK
        )
        return dataclasses.replace(base, **more)  # type: ignore[arg-type]  # mypy cannot see the fields' types

    def begin(self) -> None:
        """Open both exchanges: the box over the line that can be cut, the hub beside the store."""
        self.box.begin(ObjectStore(self.cloud.config), self.settings(self.box))
        self.hub.begin(ObjectStore(self.cloud.direct), self.settings(self.hub, self.cloud.direct))

    def turn(self) -> None:
        """Let both take one step."""
        for party in (self.box, self.hub):
            if party.exchange is not None:
                party.exchange.step()
        time.sleep(0.01)

    def until_confirmed(self, party: Party, seq: int, seconds: float = 60) -> None:
        """Turn until the other side vouches for everything up to `seq`."""
        end = time.monotonic() + seconds
        while party.exchange is None or party.exchange.confirmed.seq < seq:
            assert time.monotonic() < end, party.exchange and party.exchange.failure
            self.turn()

    def settle(self) -> None:
        """Turn until both know everything of each other."""
        end = time.monotonic() + 60
        while self.positions(self.box) != self.positions(self.hub):
            assert time.monotonic() < end, [p.exchange and p.exchange.failure for p in (self.box, self.hub)]
            self.turn()

    @staticmethod
    def positions(party: Party) -> dict[str, int]:
        with contextlib.closing(Reader(party.site.paths.store)) as reader:
            return {origin.prefix: reader.position(origin).seq for origin in reader.origins()}

    def close(self) -> None:
        for party in (self.box, self.hub):
            party.end()
            party.site.close()

    def _box(self, folder: Path, keys: dict[Origin, Identity], people: dict[str, Identity]) -> Party:
        site = TestSite(create_site(folder, BOX), self.root, people)
        members = [Member(identity.public, name, ("teacher",), ALL) for name, identity in people.items()]
        members += [site_member(origin, key.public) for origin, key in keys.items()]
        now = wall_ms()
        grants = [
            Grant(SCHOOL, str(origin.site), origin.epoch, key.public.sign.to_bytes(), now)
            for origin, key in keys.items()
        ]
        site.start_keeper()
        client = KeeperClient(site.paths.socket)
        found_store(Reader(site.paths.store), client, self.root, members, now, grants).close()
        return Party(site, keys[BOX], BOX)

    def _hub(self, folder: Path, key: Identity, people: dict[str, Identity]) -> Party:
        site = TestSite(create_site(folder, HUB), self.root, people)
        site.start_keeper()
        client, reader = KeeperClient(site.paths.socket), Reader(site.paths.store)
        with contextlib.closing(Reader(self.box.site.paths.store)) as source:
            copy_log(source, BOX, Merger(reader, client, self.root.sign.verify_key, RULES))
        client.close()
        reader.close()
        return Party(site, key, HUB)


@contextlib.contextmanager
def pair_at(folder: Path) -> Iterator[Pair]:
    """Make a pair and its store under `folder`."""
    with cloud_at(folder) as cloud:
        pair = Pair(folder, cloud)
        try:
            yield pair
        finally:
            cloud.line.mend()
            pair.close()


def open_keys(party: Party, name: str) -> None:
    """Fail unless a person can open their keys at this site."""
    with contextlib.closing(Reader(party.site.paths.store)) as reader:
        open_keyring(reader, party.site.people[name], party.site.root.sign.verify_key)
