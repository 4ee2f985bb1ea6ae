"""Vectors of documents; those that only a sealer could break are written by hand, not with the code."""

from collections.abc import Iterator
from hashlib import sha256
from io import BytesIO

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from crypto.classkeys import ClassKeyPair
from crypto.framing import frame
from crypto.hybrid import hybrid_seal
from crypto.importance import Importance
from crypto.streaming import seal_stream
from tests.crypto.fixed import class_pair, raw
from tests.crypto.running import Vector

DOCUMENT = raw("document", 16)
CHUNK = 512
SEALED_CHUNK = CHUNK + 16
MIB = 2**20


def vectors() -> Iterator[Vector]:
    """Make the vectors of this module."""
    for size in (0, 5, 1016, 1017, 1300):
        content = raw("content", size)
        yield Vector(f"document-{size:04}-bytes", "document", _inputs(seal(content)), values=[content.hex()])
    written = by_hand(padded(b"by hand"))
    yield Vector("document-by-hand", "document", _inputs(written), values=[b"by hand".hex()])
    yield from _moved()
    yield from _elsewhere()
    yield from _headers()
    yield from _by_hand()


def seal(content: bytes, document: bytes = DOCUMENT, pair: ClassKeyPair | None = None) -> bytes:
    """Seal a content in chunks of 512 bytes."""
    sink = BytesIO()
    seal_stream(BytesIO(content), sink, len(content), (pair or class_pair()).public, document, CHUNK)
    return sink.getvalue()


def split(sealed: bytes) -> tuple[bytes, list[bytes]]:
    """Return the header and the chunks of a document."""
    end = 5 + int.from_bytes(sealed[1:5], "big")
    return sealed[:end], [sealed[at : at + SEALED_CHUNK] for at in range(end, len(sealed), SEALED_CHUNK)]


def padded(content: bytes, size: int = 1024, length: int | None = None) -> bytes:
    """Return length field, content and zeros up to a size."""
    said = len(content) if length is None else length
    return (said.to_bytes(8, "big") + content).ljust(size, b"\x00")


def by_hand(plaintext: bytes, *, ends: tuple[int, ...] = (), last: bool = True, **other: bytes) -> bytes:
    """Seal a padded plaintext, cut at `ends` or every 512 bytes, with header parts of the caller's choice."""
    pair, key, parts = class_pair(), other.get("key", raw("content key", 32)), []
    class_key = pair.id.to_bytes()
    info = frame(b"kurabako/document/v1", class_key, DOCUMENT)
    given = {"class_key": class_key, "document": DOCUMENT, "chunk": CHUNK.to_bytes(4, "big"), "prefix": bytes(7)}
    given |= {"seal": hybrid_seal(pair.public.key, key, info)} | other
    body = frame(*(given[name] for name in ("class_key", "document", "chunk", "prefix", "seal")))
    header = b"\x01" + frame(body)
    bound = sha256(frame(b"kurabako/document/v1", header)).digest()
    aead, stops = AESGCM(key.ljust(32, b"\x00")), ends or (*range(CHUNK, len(plaintext), CHUNK), len(plaintext))
    for number, (begin, end) in enumerate(zip((0, *stops), stops, strict=False)):
        nonce = given["prefix"] + number.to_bytes(4, "big") + bytes((last and end == stops[-1],))
        parts.append(aead.encrypt(nonce[:12].ljust(12, b"\x00"), plaintext[begin:end], bound))
    return header + b"".join(parts)


def _inputs(sealed: bytes, pair: ClassKeyPair | None = None, **other: bytes) -> dict[str, str]:
    opener = pair or class_pair()
    given = {
        "class_key": opener.id.to_bytes(),
        "class_private": opener.private.to_bytes().reveal(),
        "naming": opener.naming.reveal(),
        "document": DOCUMENT,
        "sealed": sealed,
    }
    return {name: value.hex() for name, value in (given | other).items()}


def _failing(failure: str, **blobs: bytes) -> Iterator[Vector]:
    for name, blob in blobs.items():
        yield Vector(f"document-{name.replace('_', '-')}", "document", _inputs(blob), failure=failure)


def _moved() -> Iterator[Vector]:
    """Move, drop, double and borrow chunks."""
    whole = seal(raw("content", 1300))
    head, (one, two, three) = split(whole)
    _, (_, strange, _) = split(seal(raw("content", 1300)))
    yield from _failing(
        "OpenFailedError",
        cut_at_chunk=head + one + two,
        cut_in_chunk=whole[:-1],
        cut_after_header=head,
        trailing_byte=whole + b"\x00",
        trailing_chunk=whole + three,
        chunks_swapped=head + two + one + three,
        chunk_doubled=head + one + one + two + three,
        chunk_dropped=head + one + three,
        first_chunk_dropped=head + two + three,
        chunk_of_another=head + one + strange + three,
        chunk_altered=head + one[:7] + bytes((one[7] ^ 1,)) + one[8:] + two + three,
        two_joined=whole + whole,
    )


def _elsewhere() -> Iterator[Vector]:
    """Open a document as another one, with another class key and with another private key of the same name."""
    whole, pair = seal(b"elsewhere"), class_pair()
    stranger = ClassKeyPair(pair.id, class_pair(key_epoch=2).private, pair.naming)
    for name, inputs, failure in (
        ("another-document", _inputs(whole, document=raw("other", 16)), "ContextMismatchError"),
        ("another-class", _inputs(whole, class_pair(Importance.III)), "ContextMismatchError"),
        ("another-epoch", _inputs(whole, class_pair(key_epoch=2)), "ContextMismatchError"),
        ("another-private-key", _inputs(whole, stranger), "OpenFailedError"),
    ):
        yield Vector(f"document-{name}", "document", inputs, failure=failure)


def _headers() -> Iterator[Vector]:
    whole = seal(b"header")
    at = whole.index(DOCUMENT) + 16 + 4  # chunk size
    readdressed = whole.replace(DOCUMENT, raw("other", 16))
    inputs = _inputs(readdressed, document=raw("other", 16))
    yield Vector("document-readdressed", "document", inputs, failure="OpenFailedError")
    yield from _failing("UnknownVersionError", version_2=b"\x02" + whole[1:])
    yield from _failing("OpenFailedError", chunk_size_altered=whole[:at] + b"\x00\x00\x04\x00" + whole[at + 4 :])
    yield from _failing(
        "MalformedError",
        empty=b"",
        header_cut=whole[:100],
        header_too_long=b"\x01\x00\x00\x10\x01" + bytes(4097),
        chunk_size_no_power=by_hand(padded(b""), chunk=(513).to_bytes(4, "big")),
        chunk_size_too_small=by_hand(padded(b""), chunk=(256).to_bytes(4, "big")),
        chunk_size_too_large=by_hand(padded(b""), chunk=(2 * MIB).to_bytes(4, "big")),
        short_id=by_hand(padded(b""), document=DOCUMENT[1:]),
        short_prefix=by_hand(padded(b""), prefix=bytes(6)),
        short_key=by_hand(padded(b""), key=bytes(31)),
    )


def _by_hand() -> Iterator[Vector]:
    """Documents whose every chunk is authentic and whose plaintext is not what a sealer may write."""
    yield from _failing(
        "MalformedError",
        padding_not_zero=by_hand(padded(b"abc")[:-1] + b"\x01"),
        padding_missing=by_hand(padded(b"abc", 512)),
        padding_too_long=by_hand(padded(b"abc", 1536)),
        length_too_small=by_hand(padded(b"abc", length=2)),
        length_too_large=by_hand(padded(b"abc", length=1017)),
        no_length_field=by_hand(bytes(7)),
    )
    yield from _failing("DocumentSizeError", length_beyond_limit=by_hand(padded(b"", length=200 * MIB + 1)))
    yield from _failing(
        "OpenFailedError",
        never_last=by_hand(padded(b"abc"), last=False),
        short_chunk_first=by_hand(padded(b"abc"), ends=(100, 612, 1024)),
    )
