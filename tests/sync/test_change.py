"""Digest, chain and signature cover every byte that a reader relies on; structure is checked without a key."""

from typing import Any

import msgspec
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from sync.change import Batch, Change, batch_payload, chain_hash, digest_parts, entry_digest, structure_fault

TAG = b"tag-tag-"
WRITER = b"writer-1"
AUTHOR = b"author-author-au"


def name(clock: int) -> bytes:
    return clock.to_bytes(8, "big") + TAG + WRITER


SEALED = Change(name(5), "mark", b"r" * 16, (name(1), name(2)), 3, b"k" * 16, b"body")
OPEN = Change(name(6), "key.test", b"s" * 16, (), 4, b"", b"envelope")
BATCH = Batch(WRITER, 7, AUTHOR, (SEALED, OPEN), bytes(64))


def changed(struct: Any, **fields: Any) -> Any:
    return msgspec.structs.replace(struct, **fields)


@pytest.mark.parametrize(
    "fields",
    [
        {"id": name(6)},
        {"kind": "marl"},
        {"record": b"s" * 16},
        {"base": (name(1),)},
        {"base": (name(2), name(1))},
        {"importance": 2},
        {"key_id": b"l" * 16},
        {"body": b"bodz"},
        {"kind": "markb", "body": b"ody"},
        {"key_id": b"", "body": b"k" * 16 + b"body"},
        {"base": (), "key_id": b"", "body": name(1) + name(2) + b"k" * 16 + b"body"},
    ],
    ids=lambda fields: "+".join(fields),
)
def test_the_digest_covers_every_field_and_its_length(fields: dict[str, object]) -> None:
    assert entry_digest(AUTHOR, changed(SEALED, **fields)) != entry_digest(AUTHOR, SEALED)


def test_the_digest_covers_the_author() -> None:
    assert entry_digest(b"another-author-a", SEALED) != entry_digest(AUTHOR, SEALED)


PARTS = st.tuples(
    st.text(alphabet="ab.", min_size=1, max_size=4),
    st.sampled_from([b"", b"a" * 24, b"a" * 48]),
    st.integers(1, 4),
    st.sampled_from([b"", b"a" * 16]),
    st.sampled_from([b"", b"a", b"a" * 16, b"a" * 24, b"a" * 40, b"a" * 64]),
)


@settings(deadline=None)
@given(PARTS, PARTS)
def test_no_two_changes_share_a_digest(
    one: tuple[str, bytes, int, bytes, bytes], two: tuple[str, bytes, int, bytes, bytes]
) -> None:
    assume(one != two)
    digests = [
        digest_parts(AUTHOR, b"a" * 24, kind, b"a" * 16, base, importance, key_id, body)
        for kind, base, importance, key_id, body in (one, two)
    ]
    assert digests[0] != digests[1]


def test_the_chain_covers_place_order_and_content() -> None:
    first, second = entry_digest(AUTHOR, SEALED), entry_digest(AUTHOR, OPEN)
    start = chain_hash(bytes(32), 1, first)
    chains = {
        chain_hash(start, 2, second),
        chain_hash(start, 3, second),
        chain_hash(start, 2, first),
        chain_hash(chain_hash(bytes(32), 1, second), 2, first),
    }
    assert len(chains) == 4 and all(len(chain) == 32 for chain in chains)


def test_the_signature_covers_origin_writer_number_author_and_count() -> None:
    digests = [entry_digest(AUTHOR, change) for change in BATCH.changes]
    payloads = {
        batch_payload(TAG, WRITER, 7, AUTHOR, digests),
        batch_payload(b"gat-gat-", WRITER, 7, AUTHOR, digests),
        batch_payload(TAG, b"writer-2", 7, AUTHOR, digests),
        batch_payload(TAG, WRITER, 8, AUTHOR, digests),
        batch_payload(TAG, WRITER, 7, bytes(16), digests),
        batch_payload(TAG, WRITER, 7, AUTHOR, digests[:1]),
        batch_payload(TAG, WRITER, 7, AUTHOR, digests[::-1]),
    }
    assert len(payloads) == 7


def test_a_well_made_batch_has_no_fault() -> None:
    assert structure_fault(BATCH, TAG) is None
    assert structure_fault(changed(BATCH, number=2**63 - 1), TAG) is None


@pytest.mark.parametrize(
    "fields",
    [
        {"writer": b"short"},
        {"author": b"short"},
        {"signature": bytes(63)},
        {"changes": ()},
        {"number": -1},
        {"number": 2**63},
        {"writer": b"writer-2"},
        {"changes": (OPEN, SEALED)},
        {"changes": (SEALED, SEALED)},
    ],
    ids=lambda fields: "+".join(fields),
)
def test_a_badly_made_batch_has_a_fault(fields: dict[str, object]) -> None:
    assert structure_fault(changed(BATCH, **fields), TAG)


@pytest.mark.parametrize(
    "fields",
    [
        {"id": b"short"},
        {"id": name(5)[:8] + b"gat-gat-" + WRITER},
        {"record": b"short"},
        {"importance": 0},
        {"importance": 5},
        {"kind": ""},
        {"kind": "m" * 49},
        {"kind": "no spaces"},
        {"kind": "出欠"},
        {"kind": "mark;"},
        {"base": (b"short",)},
        {"base": tuple(name(n) for n in range(65))},
        {"key_id": b""},
        {"key_id": b"k" * 15},
        {"kind": "key.test"},
        {"body": b""},
    ],
    ids=lambda fields: f"{fields}"[:40],
)
def test_a_badly_made_change_has_a_fault(fields: dict[str, object]) -> None:
    assert structure_fault(changed(BATCH, changes=(changed(SEALED, **fields),)), TAG)


def test_only_an_open_kind_goes_without_a_key() -> None:
    assert structure_fault(changed(BATCH, changes=(changed(OPEN, kind="mark"),)), TAG)
    assert structure_fault(changed(BATCH, changes=(changed(OPEN, key_id=b"k" * 16),)), TAG)


@pytest.mark.parametrize("clock", [5, 6, 2**63])
def test_a_change_cannot_replace_what_its_own_site_makes_later(clock: int) -> None:
    """Two that name each other would leave their record without a head: hidden from every screen."""
    later = changed(SEALED, base=(name(1), clock.to_bytes(8, "big") + TAG + b"writer-2"))
    assert structure_fault(changed(BATCH, changes=(later,)), TAG) == "base of the future"
    elsewhere = changed(SEALED, base=(clock.to_bytes(8, "big") + b"another!" + WRITER,))
    assert structure_fault(changed(BATCH, changes=(elsewhere,)), TAG) is None, "another site's clock may be ahead"
