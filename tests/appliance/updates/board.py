"""A board that signs updates, for tests: three officers, a folder of updates, real TUF metadata."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from appliance.provision.bundle import Bundle
from appliance.updates.client import Release, Trust, UpdateClient
from appliance.updates.keys import KeySigner, make_key, open_key
from appliance.updates.places import PREFIX
from appliance.updates.publishing import send
from appliance.updates.repository import Repository
from crypto.identity import KdfProfile
from sync.folderstore import FolderConfig, FolderStore
from sync.stores import Store
from tests.appliance.provision.bundles import MACHINE, PYTHON

OFFICERS = ("sato", "suzuki", "takahashi")
NOW = datetime(2026, 4, 6, 8, 25, tzinfo=UTC)
PHRASE = "three words and a number 7"


@dataclass
class Board:
    """A board at a folder, on a day that tests set."""

    path: Path
    now: datetime = NOW
    keys: dict[str, KeySigner] = field(default_factory=dict)

    @property
    def repository(self) -> Repository:
        return Repository(self.path / "updates")

    def online(self) -> KeySigner:
        return open_key(self.repository.online_key, PHRASE)

    def begin(self) -> "Board":
        """Make three officers' keys, the first root signed by two of them."""
        self.repository.init(PHRASE, self.now, KdfProfile.QUICK)
        (self.path / "keys").mkdir()
        for name in OFFICERS:
            self.repository.add_key(make_key(self.path / "keys" / name, PHRASE, KdfProfile.QUICK), self.now)
            self.keys[name] = open_key(self.path / "keys" / name, PHRASE)
        self.sign("sato", "suzuki")
        self.publish()
        return self

    def sign(self, *names: str) -> None:
        for name in names:
            self.repository.sign(self.keys[name])

    def release(self, bundle: Path, *names: str) -> None:
        """Publish a bundle, signed by two officers."""
        self.repository.stage(Bundle.open(bundle), self.now)
        self.sign(*(names or ("sato", "takahashi")))
        self.publish()

    def publish(self) -> None:
        self.repository.publish(self.online(), self.now)

    def medium(self, path: Path) -> Path:
        """Bring the newest state to a medium."""
        path.mkdir(exist_ok=True)
        send(self.repository, FolderStore(FolderConfig(path)))
        return path

    def later(self, **time: float) -> None:
        self.now += timedelta(**time)

    def ms(self) -> int:
        return int(self.now.timestamp() * 1000)


@dataclass(frozen=True)
class Reader:
    """A box that looks at updates: what it was given at birth, what it remembers."""

    path: Path
    root: bytes

    def client(self, store: Store | Path, now_ms: int, prefix: str = PREFIX) -> UpdateClient:
        self.path.mkdir(exist_ok=True)
        first = self.path / "update-root.json"
        first.write_bytes(self.root)
        held = FolderStore(FolderConfig(store)) if isinstance(store, Path) else store
        return UpdateClient(held, Trust(first, self.path / "seen"), now_ms, place="test", prefix=prefix)

    def look(self, store: Store | Path, now_ms: int) -> Release:
        return self.client(store, now_ms).release(self.path)

    def take(self, store: Store | Path, now_ms: int, to: Path) -> Release:
        client = self.client(store, now_ms)
        release = client.release(self.path)
        client.collect(release, to, PYTHON, MACHINE)
        return release
