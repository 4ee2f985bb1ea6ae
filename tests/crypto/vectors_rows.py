"""Vectors of frames, rows and hybrid seals."""

from collections.abc import Iterator

from crypto.batchkeys import BatchKey
from crypto.framing import frame
from crypto.hybrid import hybrid_seal
from crypto.importance import Importance
from crypto.sealing import BLOCK, seal_row
from tests.crypto.fixed import CHANGE, KIND, RECORD, batch_key, hybrid_key, raw
from tests.crypto.running import Vector


def vectors() -> Iterator[Vector]:
    """Make the vectors of this module."""
    yield from _frames()
    yield from _rows()
    yield from _misplaced_rows()
    yield from _hybrids()


def _framed(name: str, data: bytes, count: int, *, parts: list[bytes] | None = None) -> Vector:
    inputs = {"data": data.hex(), "count": f"{count:02x}"}
    if parts is None:
        return Vector(f"frame-{name}", "frame", inputs, failure="MalformedError")
    return Vector(f"frame-{name}", "frame", inputs, values=[part.hex() for part in parts])


def _frames() -> Iterator[Vector]:
    whole = frame(b"a", b"", b"bcd")
    yield _framed("three-parts", whole, 3, parts=[b"a", b"", b"bcd"])
    yield _framed("no-parts", b"", 0, parts=[])
    yield _framed("fewer-parts-expected", whole, 2)
    yield _framed("more-parts-expected", whole, 4)
    yield _framed("trailing-byte", whole + b"\x00", 3)
    yield _framed("cut", whole[:-1], 3)
    yield _framed("cut-length", whole[:2], 1)
    yield _framed("length-beyond-end", b"\xff\xff\xff\xffabc", 1)


def _row_inputs(key: BatchKey, sealed: bytes, **other: bytes) -> dict[str, str]:
    given = {
        "key_id": key.id,
        "class_key": key.class_key.to_bytes(),
        "secret": key.secret.reveal(),
        "kind": KIND.encode(),
        "record": RECORD,
        "change_id": CHANGE,
        "sealed": sealed,
    }
    return {name: value.hex() for name, value in (given | other).items()}


def _unpadded(padded: bytes) -> bytes:
    """Seal under the right key and place a plaintext whose padding the test chose."""
    key, nonce, name = batch_key(), raw("nonce", 12), KIND.encode()
    bound = key.prefix + frame(name, RECORD, CHANGE)
    return b"\x01" + nonce + key.aead.encrypt(nonce, padded, bound)


def _rows() -> Iterator[Vector]:
    key = batch_key()
    for size in (0, 5, BLOCK - 1, BLOCK, 200):
        sealed = seal_row(key, KIND, RECORD, CHANGE, raw("row", size))
        yield Vector(f"row-{size:03}-bytes", "row", _row_inputs(key, sealed), values=[raw("row", size).hex()])
    sealed = seal_row(key, KIND, RECORD, CHANGE, b"\x80\x00\x00")
    yield Vector("row-ends-like-padding", "row", _row_inputs(key, sealed), values=["800000"])
    for name, blob, failure in (
        ("version-2", b"\x02" + sealed[1:], "UnknownVersionError"),
        ("nonce-altered", sealed[:1] + bytes((sealed[1] ^ 1,)) + sealed[2:], "OpenFailedError"),
        ("tag-altered", sealed[:-1] + bytes((sealed[-1] ^ 0x80,)), "OpenFailedError"),
        ("cut-by-one", sealed[:-1], "MalformedError"),
        ("cut-by-block", _long_row()[:-BLOCK], "OpenFailedError"),
        ("empty", b"", "MalformedError"),
        ("no-block", sealed[: 1 + 12 + 16], "MalformedError"),
        ("padding-absent", _unpadded(b"x" * BLOCK), "MalformedError"),
        ("padding-all-zero", _unpadded(bytes(BLOCK)), "MalformedError"),
        ("padding-too-long", _unpadded(b"x\x80" + bytes(2 * BLOCK - 2)), "MalformedError"),
    ):
        yield Vector(f"row-{name}", "row", _row_inputs(key, blob), failure=failure)


def _long_row() -> bytes:
    return seal_row(batch_key(), KIND, RECORD, CHANGE, raw("row", 200))


def _misplaced_rows() -> Iterator[Vector]:
    key = batch_key()
    sealed = seal_row(key, KIND, RECORD, CHANGE, b"present")
    elsewhere = {
        "kind": {"kind": b"healthcare"},
        "record": {"record": raw("record 2", 16)},
        "change": {"change_id": raw("change 2", 24)},
        "key-id": {"key_id": raw("id 2", 16)},
        "key": {"secret": raw("secret 2", 32)},
        "importance": {"class_key": batch_key(Importance.III).class_key.to_bytes()},
        "school": {"class_key": batch_key(school="e14-ume").class_key.to_bytes()},
    }
    for name, other in elsewhere.items():
        inputs = _row_inputs(key, sealed, **other)
        yield Vector(f"row-another-{name}", "row", inputs, failure="OpenFailedError")
    short = _row_inputs(key, sealed, record=RECORD[:-1])
    yield Vector("row-short-record", "row", short, failure="MalformedError")


def _hybrids() -> Iterator[Vector]:
    private, info = hybrid_key("hybrid"), b"some context"
    sealed = hybrid_seal(private.public, b"a secret", info)
    given = {"private": private.to_bytes().reveal(), "sealed": sealed, "info": info}
    inputs = {name: value.hex() for name, value in given.items()}
    yield Vector("hybrid-opens", "hybrid", inputs, values=[b"a secret".hex()])
    empty = hybrid_seal(private.public, b"", b"").hex()
    yield Vector("hybrid-empty", "hybrid", inputs | {"sealed": empty, "info": ""}, values=[""])
    zero_point = sealed[: 2 + 1088] + bytes(32) + sealed[2 + 1120 :]
    for name, other, failure in (
        ("version-0", {"sealed": b"\x00" + sealed[1:]}, "UnknownVersionError"),
        ("suite-2", {"sealed": b"\x01\x02" + sealed[2:]}, "UnknownSuiteError"),
        ("another-info", {"info": b"another context"}, "OpenFailedError"),
        ("another-key", {"private": hybrid_key("another").to_bytes().reveal()}, "OpenFailedError"),
        ("short-key", {"private": bytes(95)}, "MalformedError"),
        (
            "encapsulation-altered",
            {"sealed": sealed[:2] + bytes((sealed[2] ^ 1,)) + sealed[3:]},
            "OpenFailedError",
        ),
        ("curve-point-zero", {"sealed": zero_point}, "OpenFailedError"),
        ("too-short", {"sealed": sealed[: 2 + 1120 + 15]}, "MalformedError"),
        ("cut-by-one", {"sealed": sealed[:-1]}, "OpenFailedError"),
    ):
        changed = inputs | {field: value.hex() for field, value in other.items()}
        yield Vector(f"hybrid-{name}", "hybrid", changed, failure=failure)
