"""A town in small: object store, the board's hub and a school's box, each a real process that is started again.

Invariant: whatever ends here is back within a second, as under systemd; the test itself is the office, outside of
every process that is killed.
"""

import contextlib
import dataclasses
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from sync.healing import begun
from sync.linecut import LineCut
from sync.litestream import replica_path
from sync.objectstore import StoreConfig
from sync.programs import stop_child
from sync.reader import Reader
from sync.status import Status, read_status
from tests.faults.faultystore import FaultyStore
from tests.soak.processes import below, kill
from tests.sync.cloud import Cloud, cloud_at
from tests.sync.pair import Pair, Party

PATIENCE_S = 600.0
_HURRY = {
    "sync.daemon:_STUCK_S": 8.0,
    "sync.hubreplicas:_STUCK_S": 8.0,
    "sync.replica:_RARE_S": 2.0,
    "sync.replicacheck:_FIRST_S": 3.0,
}
QUICK = {"checkpoint_every_s": 2.0, "look_s": 2.0, "litestream": "250ms", "patience": _HURRY}
USUAL = {"checkpoint_every_s": 60.0, "look_s": 0.0, "litestream": "", "patience": {}}  # as the commands run it
_AGAIN_S = 0.5
Stage = tuple[str, str, int]
Front = Callable[[str, int], LineCut | FaultyStore]


class Unmet(Exception):
    """Something that had to happen did not happen within a generous while."""


class Side:
    """Box or hub: a party of the pair and the process that serves it."""

    def __init__(self, role: str, party: Party, store: StoreConfig, settings: Mapping[str, object]) -> None:
        self.role = role
        self.party = party
        self.starts = 0
        self._store = store
        self._settings = settings
        self._child: subprocess.Popen[bytes] | None = None
        self._environment: dict[str, str] = {}
        self._wanted = False
        self._changing = threading.Lock()

    @property
    def folder(self) -> Path:
        return self.party.site.paths.root

    @property
    def pid(self) -> int | None:
        child = self._child
        return child.pid if child is not None and child.poll() is None else None

    @property
    def status(self) -> Status | None:
        return read_status(self.party.site.paths)

    def start(self, die: Stage | None = None, environment: Mapping[str, str] | None = None) -> None:
        """Start the process; with `die` it kills itself at that stage."""
        with self._changing:
            if environment is not None:
                self._environment = dict(environment)
            self._wanted = True
            self._spawn(die)

    def process(self, name: str) -> int:
        """Return the process of this side with this name, as soon as there is one."""
        found: int | None = None
        while found is None:
            pid = self.pid
            found = below(pid).get(name) if pid is not None else None
            time.sleep(0.005)
        return found

    def stop(self) -> None:
        """Stop it cleanly and leave it stopped."""
        with self._changing:
            self._wanted = False
            stop_child(self._child, 30.0)
            self._child = None

    def kill(self) -> None:
        """Kill the whole process group at once; it is started again by `mind`."""
        pid = self.pid
        if pid is not None:
            for each in [*below(pid).values(), pid]:
                kill(each)

    def mind(self) -> bool:
        """Start it again when it ended; say whether it had."""
        with self._changing:
            if not self._wanted or self._child is None or self._child.poll() is None:
                return False
            self._spawn(None)
            return True

    def _spawn(self, die: Stage | None) -> None:
        store, settings = self._store, self._settings
        job = {
            "role": self.role,
            "folder": str(self.folder),
            "endpoint": store.endpoint,
            "bucket": store.bucket,
            "access": store.access_key,
            "secret": store.secret_key.reveal().decode(),
            "root": self.party.site.root.sign.verify_key.to_bytes().hex(),
            "key": self.party.key.sign.to_bytes().reveal().hex(),
            "die": die,
            **settings,
        }
        with (self.folder.parent / f"{self.role}.log").open("ab") as log:
            self._child = subprocess.Popen(
                [sys.executable, "-m", "tests.soak.child"],
                env=os.environ | self._environment,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        assert self._child.stdin is not None
        with self._child.stdin as pipe:
            pipe.write(json.dumps(job).encode() + b"\n")
        self.starts += 1


class Town:
    """Both sides over one store. `front` stands between the box and the store, with `both` also before the hub."""

    def __init__(
        self,
        folder: Path,
        cloud: Cloud,
        front: LineCut | FaultyStore | None,
        settings: Mapping[str, object],
        *,
        both: bool,
    ) -> None:
        self.folder = folder
        self.cloud = cloud
        self.front = front
        self.pair = Pair(folder, cloud)
        reached = dataclasses.replace(cloud.direct, endpoint=front.endpoint) if front else cloud.config
        self.box = Side("box", self.pair.box, reached, settings)
        self.hub = Side("hub", self.pair.hub, reached if both else cloud.direct, settings)
        self._over = threading.Event()
        self._minder = threading.Thread(target=self._mind, name="systemd", daemon=True)
        for side in self.sides:
            side.party.site.stop_keeper()

    @property
    def sides(self) -> tuple[Side, Side]:
        return self.box, self.hub

    @property
    def line(self) -> LineCut:
        """The line between box and store."""
        return self.front if isinstance(self.front, LineCut) else self.cloud.line

    def start(self) -> None:
        """Start both sides and wait until the box is confirmed for the first time."""
        for side in self.sides:
            side.start()
        self._minder.start()
        self.until(lambda: all(side.status for side in self.sides), "both sides run")
        self.until(lambda: all(self._replicas(side) for side in self.sides), "both replicas have begun")
        self.until_whole()

    def saved(self, side: Side) -> int:
        with contextlib.closing(Reader(side.party.site.paths.store)) as reader:
            return reader.position().seq

    def confirmed(self, side: Side, seq: int) -> bool:
        """Say whether a side shows 確認済 for everything up to `seq`."""
        status = side.status
        return status is not None and (status.confirmed or 0) >= seq

    def until(self, true: Callable[[], object], what: str, patience_s: float = PATIENCE_S) -> float:
        """Wait for something; return the seconds it took. Raises Unmet."""
        began = time.monotonic()
        while not true():
            if time.monotonic() - began > patience_s:
                raise Unmet(f"{what}: {[side.status for side in self.sides]}")
            time.sleep(0.02)
        return time.monotonic() - began

    def until_confirmed(self, side: Side, seq: int, patience_s: float = PATIENCE_S) -> float:
        return self.until(lambda: self.confirmed(side, seq), f"{side.role} 確認済 {seq}", patience_s)

    def until_whole(self) -> None:
        """Wait until all that people made is confirmed on both sides, and no healing is owed or unproven."""
        for side in self.sides:
            self.until_confirmed(side, self.saved(side))
        self.until(lambda: not any(self.heals(side) for side in self.sides), "replicas healed")

    def _replicas(self, side: Side) -> list[Path]:
        return list((self.cloud.bucket / replica_path(side.party.origin) / "0000").glob("*.ltx"))

    def heals(self, side: Side) -> bool:
        """Say whether a side's replica is owed a healing, or one that began is not proven yet."""
        paths = side.party.site.paths
        return paths.reset_mark.exists() or begun(paths) is not None

    def close(self) -> None:
        self._over.set()
        if self._minder.is_alive():
            self._minder.join(5)
        for side in self.sides:
            side.stop()
        self.pair.close()

    def _mind(self) -> None:
        while not self._over.wait(_AGAIN_S):
            for side in self.sides:
                side.mind()


@contextlib.contextmanager
def town_at(
    folder: Path, front: Front | None = None, *, both: bool = False, settings: Mapping[str, object] = QUICK
) -> Iterator[Town]:
    """Run a town in `folder`, with a front of one's own between store and box."""
    with cloud_at(folder) as cloud, contextlib.ExitStack() as after:
        before = front("127.0.0.1", cloud.server.port) if front else None
        if before is not None:
            after.callback(before.close)
        town = Town(folder, cloud, before, settings, both=both)
        try:
            town.start()
            yield town
        finally:
            if isinstance(before, FaultyStore):
                before.heal()
            town.close()
