"""The document desk: what the screens of documents ask for and enter.

Invariant: every method goes through the door of documents, which asks the policy first; what is opened exists in
memory only.
"""

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO, Final

from appliance.classification.model import Action
from appliance.documents.book import DocumentBook, Version
from appliance.documents.door import DocumentDoor
from appliance.errors import ApplianceError
from appliance.session import Session, local_time
from appliance.text import finder, printable
from crypto.importance import Importance
from crypto.streaming import open_stream, read_document_header
from sync.blobnotes import ask_to_fetch, problem_of, sent_at_ms
from sync.blobs import Blobs
from sync.client import KeeperClient
from sync.errors import BlobDamagedError, BlobMissingError, NotClearedError, ReadOnlyError

MOST: Final = 500  # documents that a list shows
AROUND: Final = 24  # characters shown on each side of what was found in a text


class DocumentElsewhereError(ApplianceError):
    """The document's bytes are not on this box; they are being fetched."""

    code = "APP-295"


@dataclass(frozen=True, slots=True)
class DocumentView:
    """A document in a list. `found` is the place in its text where a search found it."""

    document_id: str
    title: str
    name: str
    media: str
    size: int
    importance: Importance
    by: str
    at: datetime
    labelled: bool
    conflict: bool
    unread: str
    group: str
    found: str = ""


@dataclass(frozen=True, slots=True)
class FoundDocuments:
    """What a search found: how many, and the newest of them."""

    count: int
    views: tuple[DocumentView, ...]


@dataclass(frozen=True, slots=True)
class VersionView:
    """A version of a document, newest first in a list. `blob` names its bytes."""

    blob: bytes
    title: str
    name: str
    size: int
    importance: Importance
    by: str
    at: datetime
    destroyed: bool


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Where a document's bytes are: on this box, and since when proven to be in the store (None: not yet)."""

    here: bool
    sent_at: datetime | None


@dataclass(frozen=True, slots=True)
class OpenedDocument:
    """An opened version, in memory only."""

    title: str
    name: str
    media: str
    importance: Importance
    data: bytes

    @property
    def size(self) -> int:
        """Return how many bytes it has."""
        return len(self.data)

    def source(self) -> BinaryIO:
        """Return its bytes to be read."""
        return io.BytesIO(self.data)


class DocumentDesk:
    """Sealed documents over one session."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._book = DocumentBook(session.store)
        self._door = DocumentDoor(session, self._book)
        self._blobs = Blobs(session.site.paths.blobs)

    def find(self, words: str = "", most: int = MOST) -> FoundDocuments:
        """Return the documents whose title or file name holds every word, newest first."""
        finders = [finder(word) for word in words.split()]
        found = [v for v in self._door.seen() if all(finder.search(v.names) for finder in finders)]
        return FoundDocuments(len(found), tuple(self._view(version) for version in found[:most]))

    def find_in_text(self, words: str, most: int = MOST) -> FoundDocuments:
        """Return the documents whose text holds every word, newest first, with the place of the first one."""
        finders = [finder(word) for word in words.split()]
        places: dict[bytes, str] = {}
        seen = self._door.seen() if finders else []
        wanted = {version.file.blob for version in seen}
        for text in self._book.texts() if seen else ():
            if text.blob in wanted and (place := _place(text.text, finders)) is not None:
                places[text.blob] = place
        found = [version for version in seen if version.file.blob in places]
        views = tuple(self._view(version, places[version.file.blob]) for version in found[:most])
        return FoundDocuments(len(found), views)

    def open(self, document_id: str, blob: bytes = b"") -> OpenedDocument:
        """Open a document, or the version that `blob` names.

        Raises UnknownDocumentError, PolicyDeniedError, ApprovalNeededError, DocumentElsewhereError (it is fetched
        then), CryptoError.
        """
        version, _ = self._door.version(Action.VIEW, document_id, blob)
        sink = io.BytesIO()
        open_version(self._session, self._blobs, version, sink)
        file = version.file
        return OpenedDocument(file.title, file.name, file.media, version.importance, sink.getvalue())

    def facts(self, document_id: str) -> DocumentView:
        """Return what a list tells of a document; raises UnknownDocumentError."""
        version, _ = self._door.version(Action.VIEW, document_id)
        return self._view(version)

    def versions(self, document_id: str) -> tuple[VersionView, ...]:
        """Return every version of a document, newest first; raises UnknownDocumentError."""
        self._door.version(Action.VIEW, document_id)
        author = self._session.roster.display_name
        return tuple(
            VersionView(
                v.file.blob,
                v.file.title,
                v.file.name,
                v.file.size,
                v.importance,
                author(v.author),
                local_time(v.at_ms),
                not v.file.blob,
            )
            for v in self._book.versions(bytes.fromhex(document_id))
        )

    def whereabouts(self, document_id: str) -> Whereabouts:
        """Say where a document's bytes are; raises UnknownDocumentError."""
        version, _ = self._door.version(Action.VIEW, document_id)
        at_ms = sent_at_ms(client_of(self._session), version.file.blob)
        here = self._blobs.size(version.file.blob) is not None
        return Whereabouts(here, local_time(at_ms) if at_ms else None)

    def _view(self, version: Version, found: str = "") -> DocumentView:
        file = version.file
        return DocumentView(
            version.document.hex(),
            printable(file.title),
            printable(file.name),
            file.media,
            file.size,
            version.importance,
            self._session.roster.display_name(version.author),
            local_time(version.at_ms),
            file.labelled,
            len(version.heads) > 1,
            file.unread,
            file.group,
            found,
        )


def open_version(session: Session, blobs: Blobs, version: Version, sink: BinaryIO) -> None:
    """Open a version's bytes into a sink; raises DocumentElsewhereError, NotClearedError, CryptoError.

    What is not here, or not whole, is asked for: it can be opened once it came. The error's `problem` is the code
    of what was in the way of that so far, "" for nothing.
    """
    blob = version.file.blob
    try:
        with blobs.open(blob) as sealed:
            key = read_document_header(sealed).class_key
            pair = session.store.keyring.pairs.get(key)
            if pair is None:
                raise NotClearedError(operation="open document", importance=version.importance.label)
            sealed.seek(0)
            open_stream(sealed, sink, pair, version.document)
    except (BlobMissingError, BlobDamagedError) as error:
        client = client_of(session)
        ask_to_fetch(client, blob, DocumentBook(session.store).sealed_at(version))
        problem = problem_of(client, blob)
        raise DocumentElsewhereError(
            operation="open document", subject=blob.hex(), cause=error, problem=problem
        ) from error


def client_of(session: Session) -> KeeperClient:
    """Return the keeper's line of a session; raises ReadOnlyError at a restored store."""
    if session.store.client is None:
        raise ReadOnlyError(operation="carry document")
    return session.store.client


def _place(text: str, finders: Sequence["re.Pattern[str]"]) -> str | None:
    """Return the words around the first hit where a text holds every word; None when it does not."""
    hits = [finder.search(text) for finder in finders]
    if not all(hits) or hits[0] is None:
        return None
    at = max(0, hits[0].start() - AROUND)
    return printable(text[at : at + 2 * AROUND])
