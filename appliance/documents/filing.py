"""The filing desk: taking documents in, their next versions, another class, and their end.

Invariant: every method asks the policy before it opens, keeps or removes anything. What a version replaces stays
in the log; sealed bytes leave this box only after the record that no longer names them was kept.
"""

import os
import stat
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO, Final

import msgspec

from appliance.classification.model import Action, Asset, Duty
from appliance.documents.book import DocumentBook, Version
from appliance.documents.desk import client_of, open_version
from appliance.documents.door import DocumentDoor
from appliance.documents.intake import Incoming, Intake, Reading
from appliance.documents.records import DocumentFile, DocumentText, encode, text_record
from appliance.errors import ApplianceError
from appliance.ledger.ledger import LedgerEntry
from appliance.proving import prove
from appliance.session import Session
from appliance.views import Saved
from crypto.errors import KurabakoError
from crypto.importance import Importance
from sync.blobnotes import withdraw
from sync.blobs import Blobs
from sync.openrecords import COPY, copy_record
from sync.sealed import Draft

_KIND: Final = DocumentFile.kind
_BOARD: Final = "board"
_CHUNK: Final = 1 << 16
_GIVEN_OUT: Final = "教育委員会から配布"
_WITNESSES: Final = frozenset(("principal", "vice_principal", "board"))


class SecondPersonError(ApplianceError):
    """The second person is the same as the first, or no manager."""

    code = "APP-296"


class FileUnreadableError(ApplianceError):
    """A file of this machine cannot be read, or is no plain file."""

    code = "APP-297"


class FilingDesk:
    """Keeps documents over one session."""

    def __init__(self, session: Session, reading: Reading) -> None:
        self._session, self._reading = session, reading
        self._book = DocumentBook(session.store)
        self._door = DocumentDoor(session, self._book)
        self._blobs = Blobs(session.site.paths.blobs)

    def add(self, incoming: Incoming, told: Callable[[int], None] = lambda done: None) -> tuple[str, Saved]:
        """Take a document in; return its id. `told` is given the bytes read so far.

        Raises PolicyDeniedError, DocumentSizeError, DocumentSourceError, BlobFolderError; then nothing was kept.
        """
        self._session.ask(Action.EDIT, _KIND, incoming.importance, group=incoming.group)
        document, put = self._intake().take(incoming, told=told)
        return document.hex(), self._session.saved(put)

    def give_out(self, incoming: Incoming) -> tuple[str, Saved | None]:
        """Take in what the board gives out, named after its file: given out again it is the next version.

        Returns None for `Saved` when the very same stands already. Every site of the school keeps a copy, but for
        importance I, which no box keeps. Raises as `add` does.
        """
        session = self._session
        session.ask(Action.EDIT, _KIND, incoming.importance, group=incoming.group)
        document = session.store.record_id(_KIND, Importance.III, _BOARD, incoming.name)
        stamp = f"{_GIVEN_OUT} {_digest(incoming)}"
        standing = self._book.get(document)
        same = standing is not None and (standing.file.note, standing.importance) == (stamp, incoming.importance)
        if standing is not None and same and standing.file.title == incoming.title and standing.file.blob:
            self._keep_copies(standing.importance, standing.file.blob)
            return document.hex(), None
        incoming = replace(incoming, note=stamp)
        _, put = self._intake().take(incoming, document, standing.heads if standing else ())
        newest = self._book.get(document)
        if newest is not None:
            self._keep_copies(incoming.importance, newest.file.blob)
        return document.hex(), session.saved(put)

    def _keep_copies(self, importance: Importance, blob: bytes) -> None:
        """Tell every site of the school to keep a copy, once: a word that is the board's alone."""
        if _BOARD not in self._session.person.roles:
            return
        store, record = self._session.store, copy_record(blob)
        if importance is not Importance.I and not store.reader.heads_at([(COPY, record)]):
            store.put([Draft(COPY, record, Importance.IV, blob)])

    def add_file(self, path: Path, importance: Importance, title: str = "") -> tuple[str, Saved]:
        """Take a file of this machine in, which stays as it is; raises FileUnreadableError too."""
        with plain_file(path) as (source, length):
            return self.add(Incoming(source, length, path.name, importance, title.strip()))

    def renew(
        self,
        document_id: str,
        source: BinaryIO,
        length: int,
        name: str,
        told: Callable[[int], None] = lambda done: None,
    ) -> Saved:
        """Take in a document's next version, of the same importance and title; raises as `add` does."""
        version, _ = self._door.version(Action.EDIT, document_id)
        file = version.file
        incoming = Incoming(
            source, length, name, version.importance, file.title, file.group, file.note, file.labelled
        )
        _, put = self._intake().take(incoming, version.document, version.heads, told)
        return self._session.saved(put)

    def rename(self, document_id: str, title: str) -> Saved:
        """Give a document another title."""
        version, _ = self._door.version(Action.EDIT, document_id)
        file = msgspec.structs.replace(version.file, title=title.strip() or version.file.name)
        return self._kept([Draft(_KIND, version.document, version.importance, encode(file), version.heads)])

    def reclassify(self, document_id: str, importance: Importance) -> Saved:
        """Seal a document anew for another importance. A lower one is the managers' to choose, like the ledger.

        The former sealed copy leaves this box; who could open it before can still open the one in the cloud.
        """
        session = self._session
        version, decision = self._door.version(Action.EDIT, document_id)
        self._door.version(Action.VIEW, document_id)
        session.ask(Action.EDIT, _KIND, importance, group=version.file.group)
        if importance > version.importance:
            session.ask(Action.EDIT, LedgerEntry.kind, LedgerEntry.importance)
        purpose = f"重要性分類の変更 {version.importance.label}→{importance.label}"
        asset = Asset(_KIND, version.importance, version.file.group)
        session.audit.write(Action.EDIT, asset, decision, document_id, purpose=purpose)
        if importance is version.importance:
            file = msgspec.structs.replace(version.file, labelled=True)
            return self._kept([Draft(_KIND, version.document, importance, encode(file), version.heads)])
        blob = self._sealed_anew(version, importance)
        file = msgspec.structs.replace(version.file, blob=blob, labelled=True)
        text = msgspec.structs.replace(self._book.text(version.file.blob), blob=blob)
        saved = session.saved(self._intake().record(version.document, importance, file, text, version.heads))
        self._remove(version.file.blob)
        return saved

    def destroy(self, document_id: str, second_login: str = "", second_passphrase: str = "") -> Saved:
        """Destroy a document on this box; importance I and II need a second manager with their passphrase.

        That it was, and who destroyed it, stays written down. Raises ApprovalNeededError, SecondPersonError and
        what proving raises.
        """
        met = frozenset((Duty.SECOND_PERSON,)) if second_login else frozenset[Duty]()
        if second_login:
            self._second(second_login, second_passphrase)
        version, _ = self._door.version(Action.DESTROY, document_id, met=met)
        blobs = {former.file.blob for former in self._book.versions(version.document) if former.file.blob}
        file = msgspec.structs.replace(version.file, blob=b"", size=0)
        drafts = [Draft(_KIND, version.document, version.importance, encode(file), version.heads)]
        texts = self._session.store.base_of(DocumentText.kind, map(text_record, blobs))
        empty = encode(DocumentText(blob=b"", text=""))
        drafts += [Draft(DocumentText.kind, text, version.importance, empty, base) for text, base in texts.items()]
        saved = self._kept(drafts)
        for blob in blobs:
            self._remove(blob)
        return saved

    def _second(self, login: str, passphrase: str) -> None:
        person, _ = prove(self._session, login, passphrase)
        if person.id == self._session.person.id or _WITNESSES.isdisjoint(person.roles):
            raise SecondPersonError(operation="destroy document")

    def _sealed_anew(self, version: Version, importance: Importance) -> bytes:
        """Open the bytes into a pipe and seal what comes out of it: neither end holds more than a chunk."""
        outcome: list[KurabakoError] = []
        read, write = os.pipe()

        def pour() -> None:
            with os.fdopen(write, "wb", buffering=0) as sink:
                try:
                    open_version(self._session, self._blobs, version, sink)
                except KurabakoError as error:
                    outcome.append(error)

        thread = threading.Thread(target=pour, name="re-seal")
        with os.fdopen(read, "rb") as source:
            thread.start()
            try:
                return self._intake().seal(source, version.file.size, importance, version.document)
            except KurabakoError as error:
                source.close()  # ends the other side too
                thread.join()
                raise (outcome or [error])[0] from error
            finally:
                thread.join()

    def _kept(self, drafts: Sequence[Draft]) -> Saved:
        return self._session.saved(self._session.store.put(drafts))

    def _remove(self, blob: bytes) -> None:
        withdraw(client_of(self._session), blob)
        self._blobs.remove(blob)

    def _intake(self) -> Intake:
        return Intake(self._session.store, client_of(self._session), self._blobs, self._reading)


def _digest(incoming: Incoming) -> str:
    """Return the beginning of the SHA-256 of what comes in: kept under its seal, to know it again."""
    incoming.source.seek(0)
    found = sha256()
    while data := incoming.source.read(_CHUNK):
        found.update(data)
    return found.hexdigest()[:16]


@contextmanager
def plain_file(path: Path) -> Iterator[tuple[BinaryIO, int]]:
    """Lend a plain file and its length; raises FileUnreadableError."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)  # a pipe must not hold anybody up
        with os.fdopen(descriptor, "rb") as source:
            told = os.fstat(descriptor)
            if not stat.S_ISREG(told.st_mode):
                raise FileUnreadableError(operation="read file")
            yield source, told.st_size
    except OSError as exc:
        raise FileUnreadableError(operation="read file", cause=exc) from exc
