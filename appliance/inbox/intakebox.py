"""The worker of the drop folder: one turn looks at everything in it and takes what is whole.

Invariant: one bad file holds up no other; what is not taken stays where it is and is told of; while the box can
keep nothing, nothing is touched. Every file that is taken or refused has an entry in the audit record.
"""

import contextlib
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from enum import Enum, auto
from typing import Final

from appliance.audit import AuditEntry, AuditLog
from appliance.classification.model import Action, Verdict
from appliance.documents.intake import Reading
from appliance.documents.records import DocumentFile
from appliance.inbox import walking
from appliance.inbox.folders import Kind, Place, is_junk, kind_of, place_of
from appliance.inbox.patience import Patience
from appliance.inbox.plainfile import SOURCE, ChangedError, TakenBeforeError, Tools, take
from appliance.inbox.refusals import (
    EmptyFileError,
    HugeFileError,
    InboxRefusal,
    LeftoverFileError,
    LinkedFileError,
    NoPlainFileError,
    UnfinishedFileError,
    UnreadableFileError,
    WaitingError,
)
from appliance.inbox.settled import FileId, Quiet, Rest, Writer, writer_of
from appliance.inbox.taking import forget_gone, key_of
from appliance.inbox.told import Ledger
from appliance.inbox.walking import Found
from crypto.errors import DocumentSinkError, KurabakoError
from crypto.importance import Importance
from crypto.streaming import MAX_PLAIN_BYTES
from sync.blobs import Blobs
from sync.errors import BlobFolderError, DiskFullError, KeeperGoneError, SupersededError
from sync.localstore import FENCE
from sync.sealed import SealedStore
from sync.site import SitePaths

_RETRY_S: Final = 2.5  # doubled each time that nothing goes
_LONGEST_RETRY_S: Final = 60.0
_SESSION_S: Final = 600.0  # then the people and keys that the board published meanwhile are read
_REFUSALS: Final = frozenset(
    refusal.code
    for refusal in (EmptyFileError, HugeFileError, NoPlainFileError, LinkedFileError, UnreadableFileError)
)
_STANDSTILL: Final = (KeeperGoneError, DiskFullError, BlobFolderError, DocumentSinkError, SupersededError)


class _Fate(Enum):
    TAKEN = auto()
    WAITS = auto()
    LEFT = auto()
    REMOVED = auto()
    AGAIN = auto()
    REFUSED = auto()


class InboxWorker:
    """Looks after one drop folder. `session` opens the site's own session; `step` is told after each stage."""

    def __init__(
        self,
        paths: SitePaths,
        session: Callable[[], SealedStore],
        reading: Reading,
        quiet: Quiet | None = None,
        *,
        step: Callable[[str], None] = lambda step: None,
        stopping: Callable[[], bool] = lambda: False,
    ) -> None:
        self._paths, self._session, self._reading = paths, session, reading
        self._step, self._stopping = step, stopping
        self._quiet = quiet or Quiet()
        self._rest = Rest(self._quiet)
        self._patience = Patience()
        self._retry_s = _RETRY_S
        self._blobs = Blobs(paths.blobs)
        self._ledger = Ledger(paths)
        self._store: SealedStore | None = None
        self._due_session = 0.0
        self._tidied = False
        self._refused: Counter[tuple[Importance, str]] = Counter()
        self._wait_s: float | None = None
        self.polling = False

    def turn(self) -> float | None:
        """Look at everything once; return after how many seconds to look again, None when nothing waits."""
        fates: Counter[_Fate] = Counter()
        problem, self._wait_s = "", None
        try:
            self._look_at_all(fates)
            self._write_refusals()
        except KurabakoError as error:
            problem = error.code
            self.close()  # whatever it was, the next turn begins with a session of its own
        except OSError:  # the drop folder itself is away: nothing in it is gone
            problem = UnreadableFileError.code
        self._retry_s = min(_LONGEST_RETRY_S, self._retry_s * 2) if problem else _RETRY_S
        if problem:
            self._look_again(self._retry_s)
        self._ledger.tell(
            polling=self.polling,
            problem=problem,
            waiting=fates[_Fate.WAITS] + fates[_Fate.AGAIN],
            left=fates[_Fate.LEFT],
            taken=fates[_Fate.TAKEN],
            again=fates[_Fate.AGAIN],
            removed=fates[_Fate.REMOVED],
        )
        return self._wait_s

    def close(self) -> None:
        """Close the session."""
        if self._store is not None:
            self._store.close()
            self._store = None

    def _look_at_all(self, fates: Counter[_Fate]) -> None:
        present: set[FileId] = set()
        keys: set[str] = set()
        with _root(self._paths) as root:
            for found in walking.walk(root):
                if self._stopping():
                    return
                present.add((found.stat.st_dev, found.stat.st_ino))
                keys.add(key_of(found.stat.st_ino, found.stat.st_mtime_ns))
                fates[self._look(root, found)] += 1
        self._rest.keep_only(present)
        self._patience.keep_only(present)
        if self._store is not None or not self._tidied:  # a former life may have left notes
            forget_gone(self._tools().client, keys)
            self._tidied = True

    def _look(self, root: int, found: Found) -> _Fate:
        """Take a file, or say why not; raises only what keeps every file waiting."""
        kind, place = kind_of(found.name), place_of(found.folders)
        if kind is Kind.TEMPORARY:
            return _Fate.LEFT
        try:
            if not found.plain:
                raise NoPlainFileError(operation="take file")
            if kind is Kind.JUNK:
                return self._throw_away(root, found)
            self._patience.check(found.stat)
            return self._whole(root, found, place)
        except InboxRefusal as refusal:
            return self._refuse(found, place, refusal.code)
        except ChangedError as changed:
            return self._later(found, again=isinstance(changed, TakenBeforeError))
        except _STANDSTILL:
            raise
        except Exception:  # noqa: BLE001 - hostile bytes in one file must not keep the others unsealed
            self._patience.failed(found.stat)
            return self._refuse(found, place, WaitingError.code)

    def _whole(self, root: int, found: Found, place: Place) -> _Fate:
        """Take a plain file if it is whole; raises InboxRefusal, ChangedError and what keeping raises."""
        if (left_s := self._rest.left_s(found.stat)) > 0:
            return self._wait(found, place, left_s)
        with _reading(), walking.file(root, found) as descriptor:
            writer = writer_of(descriptor)
            left_s = self._rest.left_s(os.fstat(descriptor), writer)
            if writer is Writer.SOME or left_s > 0:
                return self._wait(found, place, left_s)
            _check(os.fstat(descriptor))
            take(self._tools(), root, found, descriptor, place)
        return _Fate.TAKEN

    def _wait(self, found: Found, place: Place, left_s: float) -> _Fate:
        """Have a file wait; one that is written for a very long time is told of."""
        self._look_again(max(left_s, self._quiet.rest_s))
        if self._rest.long(found.stat):
            self._ledger.refuse(found.stat, place.importance, place.labelled, UnfinishedFileError.code)
        return _Fate.WAITS

    def _later(self, found: Found, *, again: bool) -> _Fate:
        self._rest.again(found.stat)
        self._look_again(self._quiet.rest_s)
        return _Fate.AGAIN if again else _Fate.WAITS

    def _refuse(self, found: Found, place: Place, code: str) -> _Fate:
        new = self._ledger.refuse(found.stat, place.importance, place.labelled, code)
        if new and code in _REFUSALS:
            self._refused[place.importance, code] += 1
        return _Fate.REFUSED

    def _throw_away(self, root: int, found: Found) -> _Fate:
        with _reading(), walking.file(root, found) as descriptor:
            if not is_junk(found.name, os.pread(descriptor, 4, 0)):
                return _Fate.LEFT
        try:
            walking.remove(root, found)
        except OSError as exc:
            raise LeftoverFileError(operation="remove file", cause=exc) from exc
        return _Fate.REMOVED

    def _write_refusals(self) -> None:
        """Keep one entry for all files of an importance that were refused for one reason."""
        for (importance, code), count in sorted(self._refused.items()):
            entry = AuditEntry(
                action=Action.EDIT,
                asset=DocumentFile.kind,
                graded=importance,
                verdict=Verdict.DENY,
                rule=code,
                count=count,
                source=SOURCE,
            )
            AuditLog(self._tools().store).keep(entry)
            del self._refused[importance, code]

    def _tools(self) -> Tools:
        """Return the session, opened anew now and then; raises what opening it raises."""
        if self._store is not None and time.monotonic() >= self._due_session:
            self.close()
        if self._store is None:
            self._store = self._session()
            _check_fence(self._store)
            self._due_session = time.monotonic() + _SESSION_S
        client = self._store.client
        assert client is not None  # noqa: S101 - a site's own session always has one
        return Tools(self._store, client, self._blobs, self._reading, self._step)

    def _look_again(self, after_s: float) -> None:
        self._wait_s = after_s if self._wait_s is None else min(self._wait_s, after_s)


def _check_fence(store: SealedStore) -> None:
    """Raise SupersededError where a newer box took over: sealing anything would be for nothing."""
    if store.client is not None and store.client.local_get(*FENCE) is not None:
        raise SupersededError(operation="take file")


def _check(stat: os.stat_result) -> None:
    """Raise what speaks against taking a file that is whole."""
    if stat.st_nlink > 1:
        raise LinkedFileError(operation="take file")
    if stat.st_size == 0:
        raise EmptyFileError(operation="take file")
    if stat.st_size > MAX_PLAIN_BYTES:
        raise HugeFileError(operation="take file")


@contextlib.contextmanager
def _root(paths: SitePaths) -> Iterator[int]:
    """Lend the drop folder itself; raises OSError."""
    descriptor = os.open(paths.inbox, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _reading() -> Iterator[None]:
    """Tell what the operating system says of a file in this module's words."""
    try:
        yield
    except (FileNotFoundError, BlockingIOError) as exc:  # gone or replaced; or another program has it for itself
        raise ChangedError from exc
    except OSError as exc:
        raise UnreadableFileError(operation="read file", cause=exc) from exc
