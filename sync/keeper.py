"""The keeper: the only process that writes a site's databases.

Invariant: an acknowledgement leaves only after the transaction that holds the batch was fsynced; all requests
that are ready at one turn share one transaction (group commit). It holds no key and stores what it cannot read;
structure is checked here, signatures by every reader that counts (`verify`).

Its stop is clean only when it took its mark away; a mark found at the start means that Litestream may have
shipped a transaction which SQLite then discarded (measured), so the replica must be reset.
"""

import contextlib
import errno
import os
import selectors
import signal
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from sync.admission import Admission
from sync.atomic import sync_folder
from sync.clock import HybridClock
from sync.database import DatabaseError, open_writer
from sync.errors import BadBatchError, DiskFullError, RefusedError, SupersededError, SyncError
from sync.healing import FAILED_WRITE, ask_for_healing
from sync.ids import Origin, Site
from sync.keeperlock import note_start, take_lock
from sync.localstore import FENCE, LocalStore
from sync.log import ChangeLog, Kept, is_current
from sync.peers import Peer, check_peer, check_request, listen
from sync.protocol import (
    Ack,
    Hello,
    Judge,
    Keys,
    LocalGet,
    LocalList,
    LocalPut,
    LocalSwap,
    LoginBegin,
    LoginDone,
    Message,
    Refused,
    Request,
    Submit,
    Take,
    Value,
    Welcome,
)
from sync.servicemanager import Pulse, leaving, serving
from sync.site import SitePaths

Write = Submit | Take | Judge
_WRITES: Final = (Submit, Take, Judge)
_TURN_S: Final = 1.0
_CROWDED_S: Final = 0.01


class Keeper:
    """One keeper over one site; `admission` says who may connect (by default its own user and root)."""

    def __init__(
        self, paths: SitePaths, clock: HybridClock | None = None, admission: Admission | None = None
    ) -> None:
        self._paths = paths
        self._lock = take_lock(paths)
        note_start(paths)
        self._clock = clock or HybridClock()
        self._admission = admission or Admission()
        self._store = open_writer(paths.store)
        if not is_current(self._store):
            from sync.schema import upgrade_store  # imports sqlite-utils: only when there is something to upgrade

            upgrade_store(paths.store)
        self._log = ChangeLog(self._store, self._clock)
        self._local = LocalStore(paths.local)
        self._fenced = self._local.get(*FENCE) is not None
        self._selector = selectors.EpollSelector()
        self._wake, self._woken = socket.socketpair()
        self._stopping = False
        self._reset_wanted = False
        self._server = listen(paths.socket, 0o666 if self._admission.others else 0o660)
        self._selector.register(self._server, selectors.EVENT_READ, None)
        self._selector.register(self._woken, selectors.EVENT_READ, None)

    def fileno(self) -> int:
        """Return a descriptor that is readable when `turn` has something to do: for somebody else's loop."""
        return self._selector.fileno()

    @property
    def seq(self) -> int:
        """Return the newest own sequence number."""
        return self._log.seq

    def stop(self) -> None:
        """Ask the loop to end after this turn; may be called from a signal handler or another thread."""
        self._stopping = True
        with contextlib.suppress(OSError):
            self._wake.send(b".")

    def run(self) -> None:
        """Serve until `stop`, then leave the site clean."""
        pulse = Pulse()
        serving()
        while not self._stopping:
            self.turn(_TURN_S)
            pulse.beat()
        leaving()
        self.close()

    def turn(self, wait_s: float) -> None:
        """Take every request that is ready, keep all batches in one transaction, then answer."""
        submits: list[tuple[Peer, Write]] = []
        for key, _ in self._selector.select(wait_s):
            peer = key.data
            if isinstance(peer, Peer):
                if not (peer.outgoing and peer.flush()):
                    self._read(peer, submits)
                if peer.outgoing or peer.held or peer.waits_to_write:
                    self._flush(peer)
            elif key.fileobj is self._server:
                self._accept()
        if submits:
            self._keep(submits)
        if self._reset_wanted:
            self._want_reset()

    def _accept(self) -> None:
        try:
            connection, _ = self._server.accept()
        except OSError:  # no descriptor is free: it waits in the backlog, those who are connected go on
            time.sleep(_CROWDED_S)
            return
        peer = Peer(connection)
        try:
            check_peer(peer.uid, self._admission)
        except SyncError as error:
            peer.reply(_refused(error))
            peer.flush()
            connection.close()
            return
        self._selector.register(connection, selectors.EVENT_READ, peer)

    def _read(self, peer: Peer, submits: list[tuple[Peer, Write]]) -> None:
        alive = peer.fill()
        try:
            for request in peer.requests():
                check_request(peer.uid, request, self._admission)
                if isinstance(request, _WRITES):
                    submits.append((peer, request))
                else:
                    peer.reply(self._answer(request))
        except SyncError as error:
            peer.reply(_refused(error))
            peer.flush()
            alive = False
        if not alive:
            self._drop(peer)

    def _keep(self, submits: list[tuple[Peer, Write]]) -> None:
        replies: list[tuple[Peer, Kept | Refused]] = []
        mark, committing = self._log.mark(), False
        try:
            self._store.execute("BEGIN IMMEDIATE")
            for peer, submit in submits:
                replies.append((peer, self._write(submit)))
            committing = True
            self._store.execute("COMMIT")
        except DatabaseError as error:
            self._undo(mark, committing)
            refusal = _refused(_write_failed(error))
            replies = [(peer, refusal) for peer, _ in submits]
        else:
            self._log.committed()
        for peer, done in replies:
            peer.reply(Ack(done.first_seq, done.last_seq, self._clock.last) if isinstance(done, Kept) else done)
            self._flush(peer)

    def _write(self, request: Write) -> Kept | Refused:
        """Write one request inside the open transaction; a refusal leaves no trace of it."""
        log = self._log
        try:
            if isinstance(request, Submit):
                if self._fenced:
                    raise SupersededError(operation="keep batch")
                log.check(request.batch)
                return log.append(request.batch)
            if isinstance(request, Take):
                with self._savepoint():
                    origin = _origin_of(request)
                    return log.take(origin, request.first_seq, request.batches, request.withheld)
            log.judge(request.withheld, request.released)
            return Kept(log.seq, log.seq)
        except SyncError as error:
            return _refused(error)

    @contextlib.contextmanager
    def _savepoint(self) -> Iterator[None]:
        """Take back what a request wrote before it was refused: the others of this turn go on."""
        mark = self._log.mark()
        self._store.execute("SAVEPOINT request")
        try:
            yield
        except SyncError:
            self._store.execute("ROLLBACK TO request")
            self._log.back(mark)
            raise
        finally:
            self._store.execute("RELEASE request")

    def _undo(self, mark: object, committing: bool) -> None:
        with contextlib.suppress(DatabaseError):
            self._store.execute("ROLLBACK")
        self._log.back(mark)
        # A commit that failed after its frame was written may already have been read by Litestream; before that
        # nothing can have been (and a reset needs room that a full disk does not have).
        self._reset_wanted = self._reset_wanted or committing

    def _answer(self, request: Request) -> Message:
        try:
            return self._serve(request)
        except SyncError as error:
            return _refused(error)
        except DatabaseError as error:
            return _refused(_write_failed(error))

    def _serve(self, request: Request) -> Message:
        match request:
            case Hello():
                origin, log = self._log.origin, self._log
                behind = self._clock.behind_s()
                return Welcome(
                    origin.school, str(origin.site), origin.epoch, log.seq, log.chain, self._clock.last, behind
                )
            case LocalGet(space, key):
                return Value(self._local.get(space, key))
            case LocalPut(space, key, value):
                self._local.put(space, key, value)
                self._fenced = self._fenced or (space, key) == FENCE
                return Value(value)
            case LocalSwap(space, key, old, new):
                if self._local.get(space, key) == old:
                    self._local.put(space, key, new)
                return Value(self._local.get(space, key))
            case LocalList(space):
                return Keys(self._local.keys(space))
            case LoginBegin(login):
                return Value(self._local.login_begin(login))
            case LoginDone(login, anew):
                self._local.login_done(login, anew)
                return Value(None)
            case _:
                raise RefusedError(operation="answer", subject=type(request).__name__)

    def _flush(self, peer: Peer) -> None:
        left = peer.flush() or peer.held
        if left is peer.waits_to_write:
            return
        peer.waits_to_write = left
        with contextlib.suppress(KeyError, ValueError):
            wanted = selectors.EVENT_WRITE if left else selectors.EVENT_READ
            self._selector.modify(peer.connection, wanted, peer)

    def _drop(self, peer: Peer) -> None:
        with contextlib.suppress(KeyError, ValueError):
            self._selector.unregister(peer.connection)
        peer.connection.close()

    def _want_reset(self) -> None:
        with contextlib.suppress(OSError):  # the disk may be full: tried again at the next turn
            ask_for_healing(self._paths, FAILED_WRITE)
            self._reset_wanted = False

    def close(self) -> None:
        """Leave the site clean."""
        for key in list(self._selector.get_map().values()):
            if isinstance(key.data, Peer):
                self._drop(key.data)
        self._selector.close()
        self._server.close()
        self._wake.close()
        self._woken.close()
        self._store.close()
        self._local.close()
        self._paths.socket.unlink(missing_ok=True)
        if not self._reset_wanted:
            self._paths.running_mark.unlink(missing_ok=True)
            sync_folder(self._paths.run)
        os.close(self._lock)


def run_keeper(root: Path, admission: Admission | None = None) -> int:
    """Run the keeper of the site at `root` until SIGTERM or SIGINT; return the exit code."""
    try:
        keeper = Keeper(SitePaths(root), admission=admission)
    except OSError as exc:
        if exc.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise DiskFullError(
            operation="start keeper", subject=type(exc).__name__, retry_safe=True, cause=exc
        ) from exc
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: keeper.stop())
    with contextlib.suppress(OSError):  # only root may: the last thing the kernel kills when memory runs out
        Path("/proc/self/oom_score_adj").write_text("-900")
    keeper.run()
    return 0


def _origin_of(request: Take) -> Origin:
    try:
        return Origin(request.school, Site(request.site), request.epoch)
    except ValueError as exc:
        raise BadBatchError(operation="take changes", subject=request.site, cause=exc, fault="origin") from exc


def _write_failed(error: Exception) -> SyncError:
    return DiskFullError(operation="keep batch", subject=type(error).__name__, retry_safe=True, cause=error)


def _refused(error: SyncError) -> Refused:
    return Refused(error.code, error.operation, error.subject, error.retry_safe, error.params)


if __name__ == "__main__":
    sys.exit(run_keeper(Path(sys.argv[1])))
