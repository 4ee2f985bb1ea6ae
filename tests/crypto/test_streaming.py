"""Documents open to what was sealed, whole and at their place, or not at all."""

import subprocess
import sys
from collections.abc import Callable
from hashlib import sha256
from io import BytesIO, RawIOBase
from pathlib import Path
from typing import BinaryIO, cast

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from crypto import streaming
from crypto.classkeys import ClassKeyPair
from crypto.errors import (
    ContextMismatchError,
    CryptoError,
    DocumentSinkError,
    DocumentSizeError,
    DocumentSourceError,
    MalformedError,
    OpenFailedError,
    UnknownVersionError,
)
from crypto.framing import frame, unframe
from crypto.hybrid import hybrid_open
from crypto.importance import Importance
from crypto.padme import padded_size
from crypto.streaming import CHUNK, DISCARD, open_stream, read_document_header, seal_stream
from tests.crypto.fixed import class_pair, raw
from tests.crypto.vectors_documents import DOCUMENT, by_hand, padded, seal, split

ROOT = Path(__file__).resolve().parents[2]
SMALL = 512
PAIR = class_pair()
EDGES = (0, 1, 503, 504, 505, 1015, 1016, 1017, 1527, 1528, 1529, 2551, 2552, 2553)  # chunk ends less 8, ±1
UNHURRIED = settings(deadline=None)
OWN = seal(raw("content", 2000))
OTHER = seal(raw("content", 2000))


class Dripping(RawIOBase):
    """Give a few bytes at a time, as a pipe does."""

    def __init__(self, content: bytes, step: int) -> None:
        self._inner, self._step = BytesIO(content), step

    def read(self, size: int = -1) -> bytes:
        return self._inner.read(min(size, self._step))


class Failing(RawIOBase):
    """Fail after so many bytes, as a medium does that is pulled out."""

    def __init__(self, content: bytes, after: int) -> None:
        self._inner, self._left = BytesIO(content), after

    def read(self, size: int = -1) -> bytes:
        if not self._left:
            raise OSError(5, "Input/output error")
        self._left -= (taken := min(size, self._left))
        return self._inner.read(taken)


class Full(BytesIO):
    """Take so many bytes and then fail, or take less than given."""

    def __init__(self, room: int, *, silent: bool) -> None:
        super().__init__()
        self._room, self._silent = room, silent

    def write(self, data: object) -> int:
        raw_data = bytes(cast(bytes, data))
        if self.tell() + len(raw_data) > self._room and not self._silent:
            raise OSError(28, "No space left on device")
        return super().write(raw_data[: self._room - self.tell()])


def opened(sealed: bytes, pair: ClassKeyPair = PAIR, document: bytes = DOCUMENT) -> bytes:
    sink = BytesIO()
    length = open_stream(BytesIO(sealed), sink, pair, document)
    assert length == len(sink.getvalue())
    return sink.getvalue()


def refused(sealed: bytes, content: bytes) -> str:
    """Return the refusal's class; whatever had reached the sink before is a beginning of the content."""
    sink = BytesIO()
    with pytest.raises(CryptoError) as caught:
        open_stream(BytesIO(sealed), sink, PAIR, DOCUMENT)
    assert content.startswith(sink.getvalue())
    assert DISCARD in caught.value.__notes__
    return type(caught.value).__name__


def _edges(test: Callable[[int, int], None]) -> Callable[[int, int], None]:
    for size in EDGES:
        test = example(size, SMALL)(test)
    for size in (CHUNK - 9, CHUNK - 8, CHUNK - 7, CHUNK, 2 * CHUNK - 8, 2 * CHUNK - 7):
        test = example(size, CHUNK)(test)
    return test


@UNHURRIED
@_edges
@given(st.integers(0, 6000), st.sampled_from(streaming.CHUNK_SIZES))
def test_open_undoes_seal(size: int, chunk: int) -> None:
    content, sink = raw(f"content {size}", size), BytesIO()
    made = seal_stream(BytesIO(content), sink, size, PAIR.public, DOCUMENT, chunk)
    sealed = sink.getvalue()
    assert made == streaming.SealedDocument(sha256(sealed).digest(), size, len(sealed))
    header, _ = split(sealed)
    total = padded_size(size)
    assert len(sealed) == len(header) + total + 16 * -(-total // chunk)
    assert opened(sealed) == content


@UNHURRIED
@given(st.binary(max_size=3000), st.integers(1, 700))
def test_a_source_that_gives_a_little_at_a_time_makes_no_difference(content: bytes, step: int) -> None:
    sealed, sink = BytesIO(), BytesIO()
    source = cast(BinaryIO, Dripping(content, step))
    seal_stream(source, sealed, len(content), PAIR.public, DOCUMENT, SMALL)
    assert open_stream(cast(BinaryIO, Dripping(sealed.getvalue(), step)), sink, PAIR, DOCUMENT) == len(content)
    assert sink.getvalue() == content


@pytest.mark.parametrize("content", [b"", raw("content", 1300)], ids=["2 chunks", "3 chunks"])
def test_every_flipped_byte_is_refused(content: bytes) -> None:
    sealed = seal(content)
    assert opened(sealed) == content
    seen = set()
    for at in range(len(sealed)):
        for flip in (0x01, 0x80, 0xFF):
            changed = bytearray(sealed)
            changed[at] ^= flip
            seen.add(refused(bytes(changed), content))
    expected = {"ContextMismatchError", "MalformedError", "OpenFailedError", "UnknownSuiteError"}
    assert seen == expected | {"UnknownVersionError"}


def test_every_truncation_is_refused() -> None:
    content = raw("content", 1300)
    sealed = seal(content)
    end = len(split(sealed)[0])
    for size in range(len(sealed)):
        assert refused(sealed[:size], content) == ("MalformedError" if size < end else "OpenFailedError")


@pytest.mark.parametrize("size", [0, 1300, 1528, 5000])
def test_appended_bytes_are_refused(size: int) -> None:
    content = raw("content", size)
    sealed = seal(content)
    for more in (1, 15, 16, 17, 496, 527, 528, 529, 2000):
        assert refused(sealed + bytes(more), content) == "OpenFailedError"
        assert refused(sealed + sealed[-more:], content) == "OpenFailedError"


@UNHURRIED
@given(st.lists(st.integers(0, 9), max_size=12))
def test_only_all_chunks_in_their_order_open(order: list[int]) -> None:
    content = raw("content", 2000)
    header, chunks = split(OWN)
    strange = split(OTHER)[1]
    assert len(chunks) == len(strange) == 4
    picked = [(chunks + strange)[number % 8] for number in order]
    if picked != chunks:
        assert refused(header + b"".join(picked), content) == "OpenFailedError"


def test_every_swap_doubling_dropping_and_borrowing_is_refused() -> None:
    content = raw("content", 2000)
    header, chunks = split(OWN)
    others = [split(OTHER)[1], split(seal(content, raw("other", 16)))[1]]
    for one in range(4):
        changed = [chunks[:one] + chunks[one + 1 :], chunks[: one + 1] + chunks[one:]]
        changed += [chunks[:one] + other[one : one + 1] + chunks[one + 1 :] for other in others]
        for two in range(one + 1, 4):
            swapped = list(chunks)
            swapped[one], swapped[two] = swapped[two], swapped[one]
            changed.append(swapped)
        for order in changed:
            assert refused(header + b"".join(order), content) == "OpenFailedError"
    assert refused(split(OTHER)[0] + b"".join(chunks), content) == "OpenFailedError"


def test_a_document_opens_only_at_its_place() -> None:
    stranger = ClassKeyPair(PAIR.id, class_pair(key_epoch=2).private, PAIR.naming)
    for pair in (class_pair(Importance.III), class_pair(key_epoch=2), class_pair(school="e14-ume")):
        with pytest.raises(ContextMismatchError):
            opened(OWN, pair)
    with pytest.raises(ContextMismatchError):
        opened(OWN, document=raw("other", 16))
    with pytest.raises(OpenFailedError):
        opened(OWN, stranger)


def test_a_header_that_was_rewritten_for_another_place_does_not_open() -> None:
    other = class_pair(Importance.III)
    rewritten = OWN.replace(PAIR.id.to_bytes(), other.id.to_bytes(), 1)
    with pytest.raises(OpenFailedError):
        opened(rewritten, ClassKeyPair(other.id, PAIR.private, PAIR.naming))
    with pytest.raises(OpenFailedError):
        opened(OWN.replace(DOCUMENT, bytes(16), 1), document=bytes(16))


def test_the_header_tells_class_and_document_without_a_key() -> None:
    found = read_document_header(BytesIO(OWN))
    assert found == streaming.DocumentHeader(PAIR.id, DOCUMENT, SMALL)
    for blob, failure in (
        (b"", MalformedError),
        (b"\x00" + OWN[1:], UnknownVersionError),
        (OWN[:900], MalformedError),
    ):
        with pytest.raises(failure):
            read_document_header(BytesIO(blob))
    with pytest.raises(DocumentSourceError):
        read_document_header(cast(BinaryIO, Failing(OWN, 600)))


@pytest.mark.parametrize("size", [1, 504, 505, 1016, 1300, 5000])
def test_a_source_of_another_length_is_refused_and_no_whole_document_is_left(size: int) -> None:
    content = raw("content", size)
    for length in {0, size - 1, size + 1, size + 600}:
        sink = BytesIO()
        with pytest.raises(DocumentSourceError) as caught:
            seal_stream(BytesIO(content), sink, length, PAIR.public, DOCUMENT, SMALL)
        assert caught.value.retry_safe
        assert DISCARD in caught.value.__notes__
        assert refused(sink.getvalue(), content) == "OpenFailedError"


@pytest.mark.parametrize("after", [0, 1, 504, 700, 1300])
def test_a_source_that_fails_in_mid_read(after: int) -> None:
    content, sink = raw("content", 1300), BytesIO()
    with pytest.raises(DocumentSourceError) as caught:
        seal_stream(cast(BinaryIO, Failing(content, after)), sink, 1300, PAIR.public, DOCUMENT, SMALL)
    assert isinstance(caught.value.__cause__, OSError)
    assert refused(sink.getvalue(), content) == "OpenFailedError"
    for room in (after, len(OWN) - 1 - after, len(OWN)):
        part = BytesIO()
        with pytest.raises(DocumentSourceError) as caught:
            open_stream(cast(BinaryIO, Failing(OWN, room)), part, PAIR, DOCUMENT)
        assert DISCARD in caught.value.__notes__
        assert raw("content", 2000).startswith(part.getvalue())


@pytest.mark.parametrize("silent", [True, False], ids=["takes less", "fails"])
def test_a_sink_without_room(silent: bool) -> None:
    content = raw("content", 2000)
    for room in (0, 1300, len(OWN) - 1):
        with pytest.raises(DocumentSinkError):
            sink = Full(room, silent=silent)
            seal_stream(BytesIO(content), sink, 2000, PAIR.public, DOCUMENT, SMALL)
    for room in (0, 600, 1999):
        with pytest.raises(DocumentSinkError) as caught:
            open_stream(BytesIO(OWN), Full(room, silent=silent), PAIR, DOCUMENT)
        assert DISCARD in caught.value.__notes__


def test_what_cannot_be_sealed_is_refused_before_anything_is_written() -> None:
    sink, limit = BytesIO(), streaming.MAX_PLAIN_BYTES
    for length in (-1, limit + 1):
        with pytest.raises(DocumentSizeError) as caught:
            seal_stream(BytesIO(), sink, length, PAIR.public, DOCUMENT)
        assert caught.value.params == {"limit": 200}
    long_school = class_pair(school="a" * 3000).public
    for public, document, chunk in (
        (PAIR.public, DOCUMENT[1:], SMALL),
        (PAIR.public, DOCUMENT, 1000),
        (PAIR.public, DOCUMENT, 256),
        (PAIR.public, DOCUMENT, 2**21),
        (long_school, DOCUMENT, SMALL),
    ):
        with pytest.raises(MalformedError):
            seal_stream(BytesIO(), sink, 0, public, document, chunk)
    assert not sink.getvalue()


def test_a_length_beyond_the_limit_is_refused_before_anything_is_written() -> None:
    for length in (streaming.MAX_PLAIN_BYTES + 1, 2**64 - 1):
        sink = BytesIO()
        with pytest.raises(DocumentSizeError):
            open_stream(BytesIO(by_hand(padded(b"abc", length=length))), sink, PAIR, DOCUMENT)
        assert not sink.getvalue()


def test_sealing_twice_gives_nothing_in_common() -> None:
    (one, first), (two, second) = split(OWN), split(OTHER)
    ours, theirs = (unframe(unframe(header[1:], 1)[0], 5) for header in (one, two))
    assert ours[:3] == theirs[:3]
    assert ours[3] != theirs[3]
    info = frame(streaming.DOMAIN, PAIR.id.to_bytes(), DOCUMENT)
    assert hybrid_open(PAIR.private, ours[4], info) != hybrid_open(PAIR.private, theirs[4], info)
    assert not {chunk[:SMALL] for chunk in first} & {chunk[:SMALL] for chunk in second}


def test_what_is_too_long_is_refused_without_reading_on() -> None:
    endless = BytesIO(by_hand(padded(b"abc", 200 * SMALL)))
    with pytest.raises(MalformedError):
        open_stream(endless, BytesIO(), PAIR, DOCUMENT)
    assert endless.tell() < 5 * SMALL + 1300
    header = BytesIO(b"\x01\xff\xff\xff\xff" + bytes(9000))
    with pytest.raises(MalformedError):
        read_document_header(header)
    assert header.tell() == 5


@UNHURRIED
@given(st.integers(0, streaming.MAX_PLAIN_BYTES))
@example(streaming.MAX_PLAIN_BYTES)
@example(1016)
@example(1017)
def test_the_size_leaks_in_steps_of_at_most_a_sixteenth(length: int) -> None:
    size, with_field = padded_size(length), max(length + 8, 1024)
    assert with_field <= size <= with_field * 17 / 16
    assert padded_size(size - 8) == size  # a step is filled from below: its largest member is the step itself


def test_there_are_few_sizes() -> None:
    sizes = {padded_size(length) for length in range(0, 1_000_000)}
    assert padded_size(0) == padded_size(1016) == 1024
    assert len(sizes) < 230  # 16 in an octave, 32 from 64 KiB on


LARGE = """
import io, resource, sys, threading, os
from crypto.streaming import open_stream, seal_stream
from hashlib import sha256
from tests.benchmarks.documents import new_pair, peak_kb
SIZE, pair, document = 200 * 2**20, new_pair(), bytes(16)
class Generated(io.RawIOBase):
    def __init__(self, size):
        self.left, self.block, self.digest = size, os.urandom(1 << 16), sha256()
    def read(self, size=-1):
        piece = self.block[: min(size, self.left)]
        self.left -= len(piece)
        self.digest.update(piece)
        return piece
class Hashing(io.RawIOBase):
    def __init__(self):
        self.digest = sha256()
    def write(self, data):
        self.digest.update(data)
        return len(data)
def both(size):
    source, opened = Generated(size), Hashing()
    reading, writing = os.pipe()
    with open(reading, "rb") as sealed, open(writing, "wb") as sink:
        def work():
            made.append(seal_stream(source, sink, size, pair.public, document))
            sink.close()
        made, worker = [], threading.Thread(target=work)
        worker.start()
        assert open_stream(sealed, opened, pair, document) == size
        worker.join()
    assert opened.digest.digest() == source.digest.digest()
    assert made[0].plain_bytes == size <= made[0].sealed_bytes <= size * 1.12 + 4096
both(5)
before, least = peak_kb(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
both(SIZE)
print(peak_kb() - before, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - least)
"""


def test_200_mib_are_sealed_and_opened_in_bounded_memory() -> None:
    done = subprocess.run([sys.executable, "-c", LARGE], cwd=ROOT, capture_output=True, text=True, timeout=110)
    assert done.returncode == 0, done.stderr
    own, by_usage = (int(word) for word in done.stdout.split())
    assert max(own, by_usage) < 64 * 1024
