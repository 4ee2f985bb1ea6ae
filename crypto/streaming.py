"""Documents: files of up to 200 MiB, sealed chunk by chunk to a class public key, in bounded memory.

Invariant: nothing reaches the sink of `open_stream` before it was authenticated at its place in its document, and
a document counts as opened only when its last chunk was seen; on any error the sink is to be discarded. Sources:
STREAM (Hoang, Reyhanitabar, Rogaway, Vizár, CRYPTO 2015; as age and Tink use it), docs/formats.md.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from typing import BinaryIO, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from crypto.classkeys import ClassKeyId, ClassKeyPair, ClassPublic
from crypto.errors import (
    ContextMismatchError,
    DocumentSinkError,
    DocumentSizeError,
    DocumentSourceError,
    KurabakoError,
    MalformedError,
    OpenFailedError,
    UnknownVersionError,
)
from crypto.framing import frame, unframe
from crypto.hybrid import hybrid_open, hybrid_seal
from crypto.padme import LENGTH_BYTES, padded_size

VERSION: Final = 1
DOMAIN: Final = b"kurabako/document/v1"
DOCUMENT_BYTES: Final = 16
MAX_PLAIN_BYTES: Final = 200 * 2**20
MAX_BODY_BYTES: Final = 4096
CHUNK: Final = 256 * 1024
CHUNK_SIZES: Final = tuple(2**power for power in range(9, 21))  # small ones are for tests
PREFIX_BYTES: Final = 7
TAG_BYTES: Final = 16
DISCARD: Final = "discard what the sink holds"
_KEY_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class SealedDocument:
    """What sealing made: SHA-256 over all sealed bytes, length of the plaintext, length of the sealed bytes.

    A document is not signed; whoever vouches for it signs this digest.
    """

    sha256: bytes
    plain_bytes: int
    sealed_bytes: int


@dataclass(frozen=True, slots=True)
class DocumentHeader:
    """What a document says in clear, not authenticated: class key, 16-byte document id, chunk size."""

    class_key: ClassKeyId
    document: bytes
    chunk_bytes: int


def seal_stream(
    source: BinaryIO, sink: BinaryIO, length: int, public: ClassPublic, document: bytes, chunk_bytes: int = CHUNK
) -> SealedDocument:
    """Seal exactly `length` bytes of a source; needs no private key.

    Raises DocumentSizeError, MalformedError (document id, chunk size), DocumentSourceError (fewer or more bytes
    than `length`, or the source fails), DocumentSinkError. On any error the sink is to be discarded; it then never
    holds a whole document.
    """
    with _discarding():
        if not 0 <= length <= MAX_PLAIN_BYTES:
            raise DocumentSizeError(operation="seal document", limit=MAX_PLAIN_BYTES // 2**20)
        if len(document) != DOCUMENT_BYTES or chunk_bytes not in CHUNK_SIZES:
            raise MalformedError(operation="seal document", subject="document id or chunk size")
        header, chunks = _new_header(public, document, chunk_bytes)
        _write(sink, header, "seal document")
        digest, sealed_bytes, total = sha256(header), len(header), padded_size(length)
        for end, chunk in _padded_chunks(source, length, total, chunk_bytes):
            sealed = chunks.seal(chunk, last=end == total)
            digest.update(sealed)
            sealed_bytes += len(sealed)
            _write(sink, sealed, "seal document")
        return SealedDocument(digest.digest(), length, sealed_bytes)


def read_document_header(source: BinaryIO) -> DocumentHeader:
    """Read what a document says in clear, without a key.

    Raises UnknownVersionError, MalformedError, DocumentSourceError.
    """
    header, _, _ = _read_header(source)
    return header


def open_stream(source: BinaryIO, sink: BinaryIO, pair: ClassKeyPair, document: bytes) -> int:
    """Open a document to its end and return its plain length; on any error the sink is to be discarded.

    Raises UnknownVersionError, MalformedError, ContextMismatchError (another class key or document),
    OpenFailedError (altered, cut, extended, reordered, or another key), DocumentSizeError, DocumentSourceError,
    DocumentSinkError.
    """
    with _discarding():
        header, raw, (prefix, sealed_key) = _read_header(source)
        if header.class_key != pair.id or header.document != document:
            raise ContextMismatchError(operation="open document", subject="class key or document")
        key = hybrid_open(pair.private, sealed_key, frame(DOMAIN, pair.id.to_bytes(), document))
        if len(key) != _KEY_BYTES:
            raise MalformedError(operation="open document", subject=f"{len(key)} bytes of key")
        chunks = _Chunks(key, prefix, raw)
        opened = _Opened(sink)
        sealed = _read(source, header.chunk_bytes + TAG_BYTES, "open document")
        while True:
            following = _read(source, header.chunk_bytes + TAG_BYTES, "open document")
            opened.take(chunks.open(sealed, last=not following))
            if not following:
                return opened.finish()
            sealed = following


class _Chunks:
    """STREAM over AES-256-GCM: nonce = random prefix (7) | counter (4) | last (1); the header's hash is bound."""

    def __init__(self, key: bytes, prefix: bytes, header: bytes) -> None:
        self._aead = AESGCM(key)
        self._prefix = prefix
        self._bound = sha256(frame(DOMAIN, header)).digest()
        self._counter = 0

    def _nonce(self, last: bool) -> bytes:
        nonce = self._prefix + self._counter.to_bytes(4, "big") + bytes((last,))
        self._counter += 1
        return nonce

    def seal(self, chunk: bytes, *, last: bool) -> bytes:
        return self._aead.encrypt(self._nonce(last), chunk, self._bound)

    def open(self, sealed: bytes, *, last: bool) -> bytes:
        number = self._counter
        try:
            return self._aead.decrypt(self._nonce(last), sealed, self._bound)
        except InvalidTag as exc:
            raise OpenFailedError(operation="open document", subject=f"chunk {number}", cause=exc) from exc


class _Opened:
    """Take authenticated chunks in order, write what is content and check that the rest is padding."""

    def __init__(self, sink: BinaryIO) -> None:
        self._sink = sink
        self._length = self._total = self._seen = 0

    def take(self, chunk: bytes) -> None:
        begin = 0 if self._seen else self._start(chunk)
        end = min(len(chunk), max(begin, self._length + LENGTH_BYTES - self._seen))
        self._seen += len(chunk)
        if self._seen > self._total or chunk[end:] != bytes(len(chunk) - end):
            raise MalformedError(operation="open document", subject="padding")
        if begin < end:
            _write(self._sink, memoryview(chunk)[begin:end], "open document")

    def _start(self, chunk: bytes) -> int:
        if len(chunk) < LENGTH_BYTES:
            raise MalformedError(operation="open document", subject="length field")
        length = int.from_bytes(chunk[:LENGTH_BYTES], "big")
        if length > MAX_PLAIN_BYTES:
            raise DocumentSizeError(operation="open document", limit=MAX_PLAIN_BYTES // 2**20)
        self._length, self._total = length, padded_size(length)
        return LENGTH_BYTES

    def finish(self) -> int:
        if self._seen != self._total:
            raise MalformedError(operation="open document", subject="padded size")
        return self._length


def _padded_chunks(source: BinaryIO, length: int, total: int, chunk_bytes: int) -> Iterator[tuple[int, bytes]]:
    """Give each chunk of length field, content and zeros, with the place where it ends."""
    left, head = length, length.to_bytes(LENGTH_BYTES, "big")
    for start in range(0, total, chunk_bytes):
        size = min(chunk_bytes, total - start)
        wanted = min(left, size - len(head))
        content = _read(source, wanted, "seal document")
        left -= wanted
        # the look beyond the end comes before the last chunk is sealed: a source that grew makes no whole document
        if len(content) < wanted or (not left and _read(source, 1, "seal document")):
            raise DocumentSourceError(operation="seal document", subject="length", retry_safe=True)
        around = size - wanted  # length field and padding: most chunks have neither and are not copied
        yield start + size, content if not around else b"".join((head, content, bytes(around - len(head))))
        head = b""


def _new_header(public: ClassPublic, document: bytes, chunk_bytes: int) -> tuple[bytes, _Chunks]:
    key, prefix, class_key = os.urandom(_KEY_BYTES), os.urandom(PREFIX_BYTES), public.id.to_bytes()
    sealed_key = hybrid_seal(public.key, key, frame(DOMAIN, class_key, document))
    body = frame(class_key, document, chunk_bytes.to_bytes(4, "big"), prefix, sealed_key)
    if len(body) > MAX_BODY_BYTES:
        raise MalformedError(operation="seal document", subject="school code")
    header = bytes((VERSION,)) + frame(body)
    return header, _Chunks(key, prefix, header)


def _read_header(source: BinaryIO) -> tuple[DocumentHeader, bytes, tuple[bytes, bytes]]:
    operation = "read document header"
    start = _read(source, 5, operation)
    if not start:
        raise MalformedError(operation=operation, subject="no bytes")
    if start[0] != VERSION:
        raise UnknownVersionError(operation=operation, subject=f"version {start[0]}", version=start[0])
    size = int.from_bytes(start[1:], "big")
    if len(start) < 5 or size > MAX_BODY_BYTES:
        raise MalformedError(operation=operation, subject="length")
    body = _read(source, size, operation)
    if len(body) != size:
        raise MalformedError(operation=operation, subject="cut")
    class_key, document, chunk_size, prefix, sealed_key = unframe(body, 5)
    chunk_bytes = int.from_bytes(chunk_size, "big")
    if len(document) != DOCUMENT_BYTES or len(prefix) != PREFIX_BYTES:
        raise MalformedError(operation=operation, subject="document id or nonce prefix")
    if len(chunk_size) != 4 or chunk_bytes not in CHUNK_SIZES:
        raise MalformedError(operation=operation, subject="chunk size")
    header = DocumentHeader(ClassKeyId.from_bytes(class_key), document, chunk_bytes)
    return header, start + body, (prefix, sealed_key)


def _read(source: BinaryIO, size: int, operation: str) -> bytes:
    """Read `size` bytes, fewer only at the end; pipes and sockets give less at a time."""
    pieces, left = [], size
    try:
        while left and (piece := source.read(left)):
            pieces.append(piece)
            left -= len(piece)
    except OSError as exc:
        raise DocumentSourceError(operation=operation, subject="read", retry_safe=True, cause=exc) from exc
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def _write(sink: BinaryIO, data: bytes | memoryview, operation: str) -> None:
    try:
        written = sink.write(data)
    except OSError as exc:
        raise DocumentSinkError(operation=operation, retry_safe=True, cause=exc) from exc
    if written != len(data):
        raise DocumentSinkError(operation=operation, subject="short write", retry_safe=True)


@contextmanager
def _discarding() -> Iterator[None]:
    try:
        yield
    except KurabakoError as exc:
        exc.add_note(DISCARD)
        raise
