"""Taking a document in: sealed to the class public key, on disk, to be sent, then recorded.

Invariant: needs no private key, so the drop folder uses it as well as a person does. In this order: the sealed
blob is on disk for good, then it is noted for sending, then the record is kept; whatever dies in between leaves at
most a sealed blob that nobody names. The source is never changed.
"""

import io
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO, Protocol

from typing_extensions import Buffer

from appliance.documents.records import DocumentFile, DocumentText, encode, text_record
from appliance.text import unfussy
from crypto.importance import Importance
from crypto.streaming import CHUNK, DOCUMENT_BYTES, seal_stream
from sync.blobnotes import ask_to_send
from sync.blobs import Blobs
from sync.client import KeeperClient
from sync.sealed import Draft, Put, SealedStore


@dataclass(frozen=True, slots=True)
class Read:
    """What reading a document gave: its media type, its text; why there is none; whether there was more."""

    media: str
    text: str = ""
    unread: str = ""
    cut: bool = False


class Reading(Protocol):
    """Something that reads the text of untrusted bytes; never raises for what they hold."""

    def __call__(self, source: BinaryIO, length: int, name: str) -> Read:
        """Read from the begin of a source."""
        ...


@dataclass(frozen=True, slots=True)
class Incoming:
    """A document to take in, `length` bytes of `source`, read from its begin."""

    source: BinaryIO
    length: int
    name: str
    importance: Importance
    title: str = ""
    group: str = ""
    note: str = ""
    labelled: bool = True


class Intake:
    """Takes documents in over one session, a person's or the site's own."""

    def __init__(self, store: SealedStore, client: KeeperClient, blobs: Blobs, reading: Reading) -> None:
        self._store, self._client, self._blobs, self._reading = store, client, blobs, reading

    def take(
        self,
        incoming: Incoming,
        document: bytes = b"",
        base: tuple[bytes, ...] = (),
        told: Callable[[int], None] = lambda done: None,
    ) -> tuple[bytes, Put]:
        """Seal, store and record a document or its next version; return its id and the proof.

        `told` is given the bytes read so far. Raises DocumentSizeError, DocumentSourceError, BlobFolderError and
        what keeping raises; then nothing was recorded.
        """
        document = document or os.urandom(DOCUMENT_BYTES)
        incoming.source.seek(0)
        read = self._reading(incoming.source, incoming.length, incoming.name)
        incoming.source.seek(0)
        counted = io.BufferedReader(_Told(incoming.source, told), CHUNK)
        blob = self.seal(counted, incoming.length, incoming.importance, document)
        file = DocumentFile(
            title=incoming.title or incoming.name,
            name=incoming.name,
            media=read.media,
            size=incoming.length,
            blob=blob,
            group=incoming.group,
            note=incoming.note,
            labelled=incoming.labelled,
            unread=read.unread,
        )
        text = DocumentText(blob=blob, text=unfussy(read.text), cut=read.cut)
        return document, self.record(document, incoming.importance, file, text, base)

    def seal(self, source: BinaryIO, length: int, importance: Importance, document: bytes) -> bytes:
        """Put the sealed bytes of a source on disk and have them sent; return their SHA-256."""
        public = self._store.keyring.public(importance)
        with self._blobs.receive() as coming:
            blob = seal_stream(source, coming.file, length, public, document).sha256
            coming.keep(blob)
        ask_to_send(self._client, blob)
        return blob

    def record(
        self,
        document: bytes,
        importance: Importance,
        file: DocumentFile,
        text: DocumentText,
        base: tuple[bytes, ...] = (),
    ) -> Put:
        """Keep a version and its text in one batch."""
        return self._store.put(
            [
                Draft(DocumentFile.kind, document, importance, encode(file), base),
                Draft(DocumentText.kind, text_record(text.blob), importance, encode(text)),
            ]
        )


class _Told(io.RawIOBase):
    """A source that tells how far it was read."""

    def __init__(self, source: BinaryIO, told: Callable[[int], None]) -> None:
        self._source, self._tell, self._done = source, told, 0

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def readinto(self, buffer: Buffer) -> int:
        """Read into a buffer."""
        view = memoryview(buffer)
        data = self._source.read(len(view))
        view[: len(data)] = data
        self._done += len(data)
        self._tell(self._done)
        return len(data)
