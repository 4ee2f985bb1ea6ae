"""A segment says whose it is, where it stands and what it holds; whatever was changed in it is noticed."""

from hashlib import sha256
from typing import Final

import msgspec
import pytest

from crypto.framing import frame, unframe
from crypto.signing import SigningKey
from sync.change import CHAIN_START, Batch, Change, chain_hash, entry_digest
from sync.errors import BrokenSegmentChainError, SegmentError, SyncError
from sync.ids import Origin, Site, change_id
from sync.segment import (
    DOMAIN,
    NO_SEGMENT,
    VERSION,
    Place,
    Segment,
    check_signature,
    read_segment,
    segment_extent,
    segment_name,
    write_segment,
)
from tests.sync.site import SCHOOL

BOX: Final = Origin(SCHOOL, Site.BOX, 1)
KEY: Final = SigningKey.generate()
PLACE: Final = Place(2, bytes((7,)) * 32)
BEFORE: Final = bytes((9,)) * 32
FIRST: Final = 5
FIELDS: Final = (
    "school",
    "site",
    "epoch",
    "number",
    "first",
    "last",
    "previous",
    "before",
    "chain",
    "batches",
)


def batch(number: int, size: int, origin: Origin = BOX) -> Batch:
    writer, base = b"writer-1", (bytes(24),) * number
    changes = (
        Change(
            change_id(number << 20 | n, origin.tag, writer), "mark", bytes(16), base, 3, bytes(16), bytes((n,)) * 3
        )
        for n in range(size)
    )
    return Batch(writer, number, bytes((1,)) * 16, tuple(changes), bytes((2,)) * 64)


BATCHES: Final = (batch(0, 1), batch(1, 2))


def written() -> bytes:
    return write_segment(BOX, PLACE, FIRST, BEFORE, BATCHES, KEY)


def altered(**fields: object) -> bytes:
    """Return the segment with other fields, signed by its site all the same."""
    body = msgspec.msgpack.decode(unframe(written()[1:], 2)[0])
    for name, value in fields.items():
        body[FIELDS.index(name)] = value
    return signed(msgspec.msgpack.encode(body))


def signed(body: bytes, key: SigningKey = KEY) -> bytes:
    return bytes((VERSION,)) + frame(body, key.sign(DOMAIN, bytes((VERSION,)) + body))


def accepted(data: bytes) -> Segment:
    segment = read_segment(data, BOX, PLACE)
    check_signature(data, BOX, KEY.verify_key)
    return segment


def fault_of(data: bytes) -> object:
    """Return the fault that a segment is refused with by the reading itself."""
    with pytest.raises(SegmentError) as refused:
        read_segment(data, BOX, PLACE)
    return refused.value.params["fault"]


def tampered_and_accepted(candidates: dict[str, bytes]) -> list[str]:
    """Return which of the altered segments were taken; anything raised but the two errors goes through."""
    taken = []
    for name, data in candidates.items():
        try:
            accepted(data)
        except (SegmentError, BrokenSegmentChainError):
            continue
        taken.append(name)
    return taken


def test_what_was_written_is_read() -> None:
    data, chain, seq = written(), BEFORE, FIRST - 1
    for one in BATCHES:
        for change in one.changes:
            seq += 1
            chain = chain_hash(chain, seq, entry_digest(one.author, change))
    digest = sha256(data).digest()
    read = accepted(data)
    assert read == Segment(BOX, 2, FIRST, FIRST + 2, BEFORE, chain, BATCHES, digest)
    assert read.next == Place(3, digest)


def test_the_first_one_follows_nothing() -> None:
    data = write_segment(BOX, Place(), 1, CHAIN_START, BATCHES, KEY)
    assert read_segment(data, BOX, Place(1, NO_SEGMENT)).first == 1


def test_the_same_is_the_same_bytes_and_every_part_counts() -> None:
    other_place, other_hash = Place(3, PLACE.previous), Place(2, NO_SEGMENT)
    variants = {
        written(),
        write_segment(BOX, other_place, FIRST, BEFORE, BATCHES, KEY),
        write_segment(BOX, other_hash, FIRST, BEFORE, BATCHES, KEY),
        write_segment(BOX, PLACE, FIRST + 1, BEFORE, BATCHES, KEY),
        write_segment(BOX, PLACE, FIRST, CHAIN_START, BATCHES, KEY),
        write_segment(BOX, PLACE, FIRST, BEFORE, BATCHES[:1], KEY),
        write_segment(BOX, PLACE, FIRST, BEFORE, BATCHES, SigningKey.generate()),
    }
    assert len(variants) == 7
    assert written() in variants, "written twice: the same"


def test_no_byte_can_be_another_one() -> None:
    """Every byte, each of its bits turned around and all of them at once."""
    data, candidates = written(), {}
    for at in range(len(data)):
        for mask in (1, 2, 4, 8, 16, 32, 64, 128, 255):
            candidates[f"{at} ^ {mask}"] = data[:at] + bytes((data[at] ^ mask,)) + data[at + 1 :]
    assert accepted(data)
    assert tampered_and_accepted(candidates) == []


def test_no_byte_can_be_missing_or_added() -> None:
    data = written()
    candidates = {f"first {size}": data[:size] for size in range(len(data))}
    candidates["one more"] = data + b"\0"
    candidates["twice"] = data + data
    assert tampered_and_accepted(candidates) == []


@pytest.mark.parametrize(
    "other",
    [Origin("C999999999999", Site.BOX, 1), Origin(SCHOOL, Site.HUB, 1), Origin(SCHOOL, Site.BOX, 2)],
    ids=["another school", "another site", "another epoch"],
)
def test_anothers_segment_is_refused(other: Origin) -> None:
    own = (batch(0, 1, other), batch(1, 2, other))
    data = write_segment(other, PLACE, FIRST, BEFORE, own, KEY)
    assert read_segment(data, other, PLACE).origin == other
    assert fault_of(data) == "another origin"


def test_anothers_changes_in_an_own_segment_are_refused() -> None:
    foreign = batch(0, 1, Origin(SCHOOL, Site.BOX, 2))
    assert fault_of(write_segment(BOX, PLACE, FIRST, BEFORE, [foreign], KEY)) == "change id"


@pytest.mark.parametrize("number", [0, 1, 3, 2**63])
def test_another_number_is_refused(number: int) -> None:
    assert fault_of(altered(number=number)) == "another number"


@pytest.mark.parametrize("previous", [NO_SEGMENT, b"", bytes((7,)) * 31], ids=["none", "empty", "short"])
def test_one_that_follows_another_one_is_refused(previous: bytes) -> None:
    with pytest.raises(BrokenSegmentChainError) as broken:
        read_segment(altered(previous=previous), BOX, PLACE)
    assert broken.value.subject == segment_name(BOX, 2)


@pytest.mark.parametrize("field", ["before", "chain"])
def test_a_chain_that_does_not_fit_the_changes_is_refused(field: str) -> None:
    assert fault_of(altered(**{field: bytes(32)})) == "chain at 7"


@pytest.mark.parametrize(
    "fields",
    [
        {"last": FIRST},
        {"last": FIRST + 3},
        {"first": FIRST + 1, "last": FIRST + 3},
        {"first": 0, "last": 2},
        {"first": -3, "last": -1},
        {"first": 2**63 - 1, "last": 2**63 + 1},
        {"first": 2**64 - 2, "last": 2**64 - 1},
        {"batches": (), "last": FIRST - 1, "chain": BEFORE},
    ],
    ids=str,
)
def test_what_its_site_signed_must_still_add_up(fields: dict[str, object]) -> None:
    """A site that is broken or turned hostile: nothing but the named error, whatever it counts."""
    assert tampered_and_accepted({"": altered(**fields)}) == []


def test_sequence_numbers_begin_at_one() -> None:
    zero = write_segment(BOX, PLACE, 0, BEFORE, BATCHES, KEY)
    assert tampered_and_accepted({"zero": zero, "one": write_segment(BOX, PLACE, 1, BEFORE, BATCHES, KEY)}) == [
        "one"
    ]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xc1",
        b"\x80",
        b"\x9a\xa1\xff",
        msgspec.msgpack.encode([SCHOOL, "box", 1, 2, 5, 7, b"", b"", b"", [], "one more"]),
        msgspec.msgpack.encode([SCHOOL, "box", 1, 2, 5, 7, b"", b"", b""]),
        msgspec.msgpack.encode([SCHOOL, "box", 1, 2, 5, 7, b"", b"", b"", [[b"", 0, b"", []]]]),
    ],
)
def test_what_is_no_segment_is_named(body: bytes) -> None:
    data = signed(body)
    assert fault_of(data) == "shape"
    with pytest.raises(SegmentError):
        segment_extent(data)


def test_one_that_is_nested_without_end_is_named() -> None:
    """A batch may have more fields one day; what stands in them is passed over, however deep."""
    deep = b"\x96" + msgspec.msgpack.encode(BATCHES[0])[1:] + b"\x91" * 100_000 + b"\xc0"
    head = msgspec.msgpack.encode([SCHOOL, "box", 1, 2, 5, 5, PLACE.previous, BEFORE, BEFORE, []])
    data = signed(head[:-1] + b"\x91" + deep)
    for read in (lambda: read_segment(data, BOX, PLACE), lambda: segment_extent(data)):
        with pytest.raises(SyncError) as refused:
            read()
        assert refused.type is SegmentError


def test_one_that_another_site_signed_is_refused() -> None:
    data = signed(unframe(written()[1:], 2)[0], SigningKey.generate())
    read_segment(data, BOX, PLACE)
    with pytest.raises(SegmentError) as refused:
        check_signature(data, BOX, KEY.verify_key)
    assert (refused.value.params["fault"], refused.value.subject) == ("signature", BOX.prefix)


@pytest.mark.parametrize("data", [b"", b"\1", b"\2" + b"\0" * 8])
def test_no_signature_at_all_is_refused_as_well(data: bytes) -> None:
    with pytest.raises(SegmentError):
        check_signature(data, BOX, KEY.verify_key)


def test_it_says_of_itself_how_far_it_goes() -> None:
    extent = segment_extent(written())
    assert (extent.first, extent.last, extent.previous) == (FIRST, FIRST + 2, PLACE.previous)
    with pytest.raises(SegmentError):
        segment_extent(b"\2" + written()[1:])


def test_its_name_tells_whose_it_is_and_its_number() -> None:
    assert segment_name(BOX, 42) == f"{SCHOOL}/box/1/changes/00000042"
