"""The replicas of a hub's schools in one store: one Litestream over all of them, and what heals them.

Invariant: a replica that is owed a reset proves nothing; a snapshot that was given up is begun again before
anything else is sent; nothing is restored for a check while a snapshot is under way.
"""

import contextlib
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from crypto.errors import KurabakoError
from sync.errors import ReplicatorError
from sync.hubschool import School
from sync.litestream import Litestream

_STUCK_S: Final = 60.0
_PAUSE_S: Final = 5.0  # after a reset that could not be done; twice as long after the next
_LONGEST_S: Final = 300.0


class Replicator:
    """The replicas of schools that send to one store. `mind` and `stop` are called by one thread at a time."""

    def __init__(self, folder: Path, schools: Sequence[School]) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.schools = schools
        self._patience_s = _STUCK_S
        self._began = self._snapshotting = False
        self._refused: dict[School, tuple[float, float]] = {}
        self.litestream = Litestream(folder, [school.database for school in schools], schools[0].store)

    def mind(self) -> None:
        """Heal what has to be healed, start Litestream when it does not run or hangs, look after the checks.

        It hangs on a connection that died, and never recovers from that by itself.
        """
        if not any(school.unproven for school in self.schools):
            self._patience_s = _STUCK_S  # else the next hung connection would be left longer than the last one
        owed = [school for school in self.schools if school.owes_reset and self._may_try(school)]
        hangs = any(school.stuck(self._patience_s) for school in self.schools)
        if owed or hangs or not self.litestream.alive:
            self._begin_again(owed, hangs)
        self._mind_checks()

    def stop(self) -> None:
        """Stop Litestream and the check under way."""
        for school in self.schools:
            school.check.stop()
        self.litestream.stop()

    def _begin_again(self, owed: Sequence[School], hangs: bool) -> None:
        unfinished = self._snapshotting and not self.litestream.ended
        if hangs:
            self._patience_s = min(self._patience_s * 2, 16 * _STUCK_S)  # a thin line needs its time
        for school in self.schools:
            school.wait_anew()
            school.restarts += 1 if self._began and not owed and not self._snapshotting else 0
        self.litestream.kill()
        healed = [school for school in owed if self._heals(school)]
        # Without a snapshot a restore would still read the damaged objects before the reset (measured).
        self._snapshotting = bool(healed) or unfinished
        with contextlib.suppress(ReplicatorError):  # one of the last life still ends: the next turn tries again
            self.litestream.start(snapshot=self._snapshotting)
            self._began = True

    def _heals(self, school: School) -> bool:
        """Try to have a school's replica replaced. When that fails it is still owed.

        It is then not tried again every second, since each time stops the Litestream of all the others.
        """
        try:
            school.heal(self.litestream)
        except (ReplicatorError, OSError):
            _, pause_s = self._refused.get(school, (0.0, _PAUSE_S))
            self._refused[school] = time.monotonic() + pause_s, min(pause_s * 2, _LONGEST_S)
            return False
        self._refused.pop(school, None)
        return True

    def _may_try(self, school: School) -> bool:
        return time.monotonic() >= self._refused.get(school, (0.0, 0.0))[0]

    def _mind_checks(self) -> None:
        """Let one check run at a time: a restore takes memory."""
        running = next((school for school in self.schools if school.check.running), None)
        for school in [running] if running is not None else self.schools:
            if school is running or not self._snapshotting:
                with contextlib.suppress(
                    KurabakoError, OSError
                ):  # tried again; the others' are looked at all the same
                    school.look()
            if school.check.running:
                return
