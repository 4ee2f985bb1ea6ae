"""A drop folder of a real school: put files in, let the worker look, see what became of them."""

import contextlib
import io
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import msgspec

from appliance.audit import AuditEntry
from appliance.documents.book import DocumentBook, Version
from appliance.documents.intake import Read
from appliance.inbox.folders import make_folders
from appliance.inbox.intakebox import InboxWorker
from appliance.inbox.running import open_session
from appliance.inbox.settled import Quiet
from appliance.inbox.taking import SPACE
from appliance.inbox.told import Told, read_told
from appliance.office import Office
from appliance.site import open_site
from crypto.importance import Importance
from crypto.streaming import open_stream
from sync.blobs import Blobs
from sync.client import KeeperClient
from sync.sealed import SealedStore
from tests.school import School

PATIENCE_S = 180.0
QUIET = Quiet(rest_s=0.05, unsure_s=0.1)


def reading(source: BinaryIO, length: int, name: str) -> Read:
    """Take everything for text in UTF-8."""
    return Read("text/plain", source.read(length).decode(errors="replace")[:2000])


def until(done: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not done():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


class Box:
    """One drop folder, and the principal who looks at what came of it."""

    def __init__(self, school: School, office: Office) -> None:
        self.school, self.paths = school, school.paths
        self.session = office._session
        self.book = DocumentBook(self.session.store)
        self.settings = open_site(school.site).daemon_settings()
        make_folders(self.inbox)
        self.before = {version.document for version in self.book.all(frozenset(Importance))}
        self.worker = self.new_worker()

    @property
    def inbox(self) -> Path:
        return self.paths.inbox

    def new_worker(self, **more: Callable[..., None]) -> InboxWorker:
        return InboxWorker(self.paths, self.open, reading, QUIET, **more)  # type: ignore[arg-type]

    def renew(self, **more: Callable[..., None]) -> None:
        """Have another worker look, as after a restart."""
        self.worker.close()
        self.worker = self.new_worker(**more)

    def open(self) -> SealedStore:
        return open_session(self.paths, self.settings.root, self.settings.key)

    def put(self, where: str | bytes, data: bytes = b"words") -> bytes:
        path = os.path.join(os.fsencode(self.inbox), os.fsencode(where))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(data)
        return path

    def settle(self) -> Told:
        """Let the worker look until nothing waits for its end."""
        until(lambda: self.worker.turn() is None, "the worker still waits for something")
        return self.told

    @property
    def told(self) -> Told:
        return read_told(self.paths)

    @property
    def taken(self) -> list[Version]:
        """Return the documents that came since this box was opened."""
        return [version for version in self.book.all(frozenset(Importance)) if version.document not in self.before]

    def bytes_of(self, version: Version) -> bytes:
        sink = io.BytesIO()
        with Blobs(self.paths.blobs).open(version.file.blob) as sealed:
            open_stream(sealed, sink, self.session.store.keyring.pair(version.importance), version.document)
        return sink.getvalue()

    @property
    def contents(self) -> list[bytes]:
        return sorted(map(self.bytes_of, self.taken))

    @property
    def plain(self) -> list[bytes]:
        """Return what lies in the drop folder, out of sight or not."""
        return sorted(
            os.path.join(folder, name) for folder, _, names in os.walk(os.fsencode(self.inbox)) for name in names
        )

    @property
    def notes(self) -> tuple[str, ...]:
        with contextlib.closing(KeeperClient(self.paths.socket)) as client:
            return client.local_keys(SPACE)

    def entries(self) -> list[AuditEntry]:
        heads = sorted(self.session.store.heads(AuditEntry.kind), key=lambda plain: plain.change_id)
        found = (plain.payload for plain in heads)
        return [
            entry for raw in found if (entry := msgspec.msgpack.decode(raw, type=AuditEntry)).source == "受け箱"
        ]

    def close(self) -> None:
        self.worker.close()


def in_child(work: Callable[[], None]) -> tuple[int, int]:
    """Do something in a real process of its own; return its id and how it ended, as `waitpid` says."""
    pid = os.fork()
    if pid == 0:
        try:
            work()
        finally:
            os._exit(0)
    return pid, os.waitpid(pid, 0)[1]


def die(at: str) -> Callable[[str], None]:
    """Return a `step` that kills this process at a stage."""

    def step(name: str) -> None:
        if name == at:
            os.kill(os.getpid(), signal.SIGKILL)

    return step
