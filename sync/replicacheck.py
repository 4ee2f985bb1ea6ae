"""The verified restores of a site's own replica: when one is due, what it found, and what follows from it.

Invariant: a replica that fails leaves the mark by which it is replaced; a healing ends only with a restore that
began after the new replica was whole, and that passed. Of a store that does not answer nothing is concluded.
"""

import contextlib
import time
from typing import Final

from sync import healing
from sync.client import Keeping
from sync.clock import wall_ms
from sync.errors import KeeperGoneError, ReplicaCorruptError, StoreRefusedError, StoreUnreachableError
from sync.objectstore import ObjectStore
from sync.reader import Reader
from sync.restore import Wanted
from sync.selfcheck import SelfCheck, SelfCheckRun
from sync.settings import Settings
from sync.site import SitePaths

_FIRST_S: Final = 20.0
_AGAIN_S: Final = 60.0
_SPACE: Final = "sync"


class ReplicaCheck:
    """The checks of one site, one after the other. `look` and `stop` are called by one thread at a time.

    `verified_seq` was restored and proven at `verified_at_ms` (since 1970), also in a former life once `recall`
    was called; `problem` is the code of what the newest check found, or empty.
    """

    def __init__(self, paths: SitePaths, settings: Settings, client: Keeping) -> None:
        self._paths = paths
        self._settings = settings
        self._client = client
        self._run = SelfCheckRun(paths)
        self._due = time.monotonic() + _FIRST_S
        self.verified_at_ms: int | None = None
        self.verified_seq = 0
        self.problem = ""
        self._untold = healing.newest_healing(paths) is not None

    @property
    def running(self) -> bool:
        """Say whether one is under way, or ended and was not looked at yet."""
        return self._run.running

    def recall(self) -> None:
        """Take up what the last life knew; raises KeeperGoneError."""
        self.verified_at_ms = int(self._client.local_get(_SPACE, "verified_at_ms") or 0) or None
        self.verified_seq = int(self._client.local_get(_SPACE, "verified_seq") or 0)

    def hurry(self) -> None:
        """Make the next one due now."""
        self._due = 0.0

    def look(self, proven_seq: int, *, possible: bool) -> None:
        """Take the outcome of the one under way; or begin the next, where it is due and possible.

        `proven_seq` is how far the replica was read back: so much must come back.
        """
        if self._run.running:
            result = self._run.result()
            if result is not None:
                self._judge(result)
        elif possible and proven_seq and time.monotonic() >= self._due:
            self._begin(proven_seq)

    def stop(self) -> None:
        """End the one under way: what it would say is of no use any more."""
        self._run.stop()

    def _begin(self, seq: int) -> None:
        self._due = time.monotonic() + self._settings.verify_every_s
        with contextlib.closing(Reader(self._paths.store)) as reader:
            origin, chain = reader.origin, reader.chain_at(reader.origin, seq) or b""
        wanted = Wanted(origin, self._settings.root, known_seq=seq, known_chain=chain, rules=self._settings.rules)
        self._run.start(self._settings.store, wanted)

    def _judge(self, result: SelfCheck) -> None:
        """Take an outcome: the time of the proof, a new replica, or a warning."""
        if not result.problem:
            self.problem = ""
            self.verified_at_ms, self.verified_seq = wall_ms(), result.seq
            self._remember("verified_at_ms", self.verified_at_ms)
            self._remember("verified_seq", self.verified_seq)
            self._untold = healing.done(self._paths, result.seq) is not None or self._untold
            self._tell_healings()
            return
        self._due = time.monotonic() + _AGAIN_S
        if result.problem == StoreUnreachableError.code:
            return  # the line went away meanwhile: nothing is known, the light says so already
        self.problem = result.problem
        if result.problem == ReplicaCorruptError.code:
            healing.ask_for_healing(self._paths, healing.CORRUPT)

    def _tell_healings(self) -> None:
        """Put the log of healings beside the replica, for the board's timeline; what fails is tried next time."""
        if not self._untold:
            return
        with contextlib.suppress(StoreUnreachableError, StoreRefusedError):
            with contextlib.closing(Reader(self._paths.store)) as reader:
                name = healing.healings_name(reader.origin)
            ObjectStore(self._settings.store).put(name, healing.newest_lines(self._paths))
            self._untold = False

    def _remember(self, key: str, value: int) -> None:
        with contextlib.suppress(KeeperGoneError):  # the next check finds out anew
            self._client.local_put(_SPACE, key, str(value).encode())
