"""Documents between `blobs/` and a store, in what the line has to spare.

Invariant: before every request it asks whether what people entered is waiting, and then sends nothing; a document
is called sent only after all of it was read back. A failure keeps its code until something succeeds and is left
alone for growing pauses; one of the store holds everything, one of a document only that document.
"""

import contextlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from crypto.errors import KurabakoError
from sync.bandwidth import Pause, TokenBucket
from sync.blobdownload import SPARE_BYTES, Download
from sync.blobmanifest import PART_BYTES
from sync.blobnotes import (
    Notes,
    Progress,
    Way,
    Wish,
    note_done,
    note_problem,
    note_progress,
    progress_of,
    sent_at_ms,
    source_of,
    wishes,
)
from sync.blobs import Blobs
from sync.blobupload import Upload
from sync.errors import KeeperGoneError, StoreRefusedError, StoreUnreachableError
from sync.ids import Origin
from sync.stores import Store

_LOOK_S: Final = 2.0  # for what other processes asked for
_YIELD_S: Final = 0.2
_NOTE_EVERY: Final = 16  # parts: what a kill forgets is looked up in the store, not sent again
_OF_ALL: Final = (StoreUnreachableError, StoreRefusedError, KeeperGoneError)


class State(StrEnum):
    """What a document is doing."""

    WAITING = "waiting"
    MOVING = "moving"
    YIELDING = "yielding"
    PAUSED = "paused"


@dataclass(frozen=True, slots=True)
class Told:
    """A document under way: parts proven of `parts` (0: not known yet), why it does not go on, for how long."""

    way: Way
    digest: bytes
    state: State
    proven: int
    parts: int
    failure: KurabakoError | None
    again_s: float


class _Job:
    """One document, its steps and its own pause."""

    def __init__(self, wish: Wish, work: Upload | Download, progress: Progress, now: Callable[[], float]) -> None:
        self.wish, self.work, self.progress = wish, work, progress
        self.pause = Pause(now)
        self.failure: KurabakoError | None = None


class BlobTransfer:
    """Carries what is noted, a request at each `turn`, by one thread at a time; `told` may be asked by others.

    `busy` says whether what people entered is waiting; `share` is the part of the line's throughput that documents
    may have, `most_bytes_per_s` a limit beside it.
    """

    def __init__(
        self,
        blobs: Blobs,
        notes: Notes,
        store: Store,
        origin: Origin,
        busy: Callable[[], bool],
        library: Store | None = None,
        *,
        share: float = 0.5,
        most_bytes_per_s: float | None = None,
        part_bytes: int = PART_BYTES,
        spare_bytes: int = SPARE_BYTES,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._blobs, self._notes, self._store, self._origin = blobs, notes, store, origin
        self._library, self._busy, self._now = library or store, busy, now
        self._part_bytes, self._spare_bytes = part_bytes, spare_bytes
        self._bucket = TokenBucket(part_bytes, now, share, most_bytes_per_s)
        self._pause = Pause(now)
        self._jobs: dict[Wish, _Job] = {}
        self._lock = threading.Lock()
        self._current: Wish | None = None
        self._yielding = self._swept = False
        self._due_look = 0.0
        self.failure: KurabakoError | None = None

    def hurry(self) -> None:
        """Look at the next turn for what was asked for; may be called from another thread."""
        self._due_look = 0.0

    def sent(self, digest: bytes) -> bool:
        """Say whether a document was proven to be in the store as a whole."""
        return sent_at_ms(self._notes, digest) is not None

    def told(self) -> tuple[Told, ...]:
        """Return what is under way; a document that is not in it is done, or nobody asked for it."""
        with self._lock:
            return tuple(self._tell(job) for job in self._jobs.values())

    def turn(self) -> float:
        """Do one thing, if any may go; return the seconds until the next turn. Failures are told, not raised."""
        try:
            self._look()
        except KurabakoError as error:
            return self._failed(None, error)
        job = self._next()
        self._yielding = job is not None and self._busy()
        if job is None:
            return self._until_due()
        if self._yielding:
            return _YIELD_S
        if (wait_s := self._bucket.wait_s(self._part_bytes)) > 0:
            return wait_s
        self._current = job.wish
        try:
            self._step(job)
        except KurabakoError as error:
            return self._failed(job, error)
        job.failure = self.failure = None
        job.pause.succeeded()
        self._pause.succeeded()
        return 0.0

    def _look(self) -> None:
        """Take up what was asked for since the last look; at first also tidy what an earlier life left."""
        if self._now() < self._due_look:
            return
        self._due_look = self._now() + _LOOK_S
        wanted = wishes(self._notes)
        if not self._swept:
            self._blobs.sweep([wish.digest for wish in wanted if wish.way is Way.FETCH])
            self._swept = True
        for wish in [wish for wish in self._jobs if wish not in wanted]:
            with self._lock:
                del self._jobs[wish]  # it was withdrawn
        for wish in wanted:
            if wish not in self._jobs:
                job = self._job(wish)
                with self._lock:
                    self._jobs[wish] = job

    def _job(self, wish: Wish) -> _Job:
        progress = progress_of(self._notes, wish)
        work: Upload | Download
        if wish.way is Way.SEND:
            proven = progress.proven if progress.part_bytes == self._part_bytes else 0
            work = Upload(self._blobs, self._store, self._origin, wish.digest, proven, self._part_bytes)
        else:
            source = source_of(progress, self._origin)
            work = Download(self._blobs, self._library, source, wish.digest, self._spare_bytes)
        return _Job(wish, work, progress, self._now)

    def _next(self) -> _Job | None:
        """Return the document whose turn it is: the one begun, else one that people wait for, else any."""
        if self._pause.left_s:
            return None
        ready = [job for job in self._jobs.values() if not job.pause.left_s]
        return min(ready, key=lambda job: (job.wish.way is Way.SEND, job.wish != self._current), default=None)

    def _step(self, job: _Job) -> None:
        before, began = job.work.proven, self._now()
        moved = job.work.step()
        self._bucket.went(moved, self._now() - began)
        if job.work.done:
            note_done(self._notes, job.wish)
            with self._lock:
                del self._jobs[job.wish]
        elif job.wish.way is Way.SEND and before != job.work.proven and job.work.proven % _NOTE_EVERY == 0:
            note_progress(self._notes, job.wish, Progress(job.work.proven, self._part_bytes))

    def _failed(self, job: _Job | None, error: KurabakoError) -> float:
        if job is None or isinstance(error, _OF_ALL):
            self.failure = error
            self._pause.failed()
            return self._pause.left_s
        job.failure = error
        job.pause.failed()
        if job.wish.way is Way.FETCH:
            with contextlib.suppress(KeeperGoneError):  # it is told again at the next failure
                note_problem(self._notes, job.wish.digest, error.code)
        return 0.0

    def _until_due(self) -> float:
        if self._pause.left_s:
            return self._pause.left_s
        due = [job.pause.left_s for job in self._jobs.values()]
        return max(0.0, min([*due, self._due_look - self._now()]))

    def _tell(self, job: _Job) -> Told:
        failure, again_s = job.failure or self.failure, max(job.pause.left_s, self._pause.left_s)
        state = State.WAITING
        if again_s:
            state = State.PAUSED
        elif job.wish == self._current:
            state = State.YIELDING if self._yielding else State.MOVING
        return Told(job.wish.way, job.wish.digest, state, job.work.proven, job.work.parts, failure, again_s)
