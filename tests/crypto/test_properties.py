"""Properties of the crypto layer over generated inputs."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crypto.batchkeys import BatchKey
from crypto.classkeys import ClassKeyId, ClassKeyPair, open_wrap, read_wrap, record_id, wrap_class_key
from crypto.errors import CryptoError, MalformedError, OpenFailedError
from crypto.framing import frame, unframe
from crypto.hybrid import hybrid_open, hybrid_seal
from crypto.identity import KdfProfile, open_identity, seal_identity
from crypto.importance import Importance
from crypto.sealing import BLOCK, open_row, seal_row
from crypto.secret import Secret
from tests.crypto.fixed import CHANGE, KIND, PEPPER, RECORD, batch_key, class_pair, hybrid_key, identity

UNHURRIED = settings(deadline=None)  # a loaded machine must not fail a property that holds
KINDS = st.text(max_size=40)  # Hypothesis makes no lone surrogates here: a kind is text that UTF-8 can write
RECORDS = st.binary(min_size=16, max_size=16)
CHANGES = st.binary(min_size=24, max_size=24)
KEYS = st.binary(min_size=32, max_size=32)
PAYLOADS = st.binary(max_size=400) | st.binary(max_size=70).map(lambda head: head + b"\x80" + bytes(len(head)))
CLASS_KEYS = st.builds(
    ClassKeyId,
    st.text(max_size=20),
    st.sampled_from(Importance),
    st.integers(min_value=1, max_value=2**32 - 1),
)
PARTS = st.lists(st.binary(max_size=60), max_size=6)
SEALED_OVERHEAD = 1 + 12 + 16


@UNHURRIED
@given(PARTS)
def test_unframe_undoes_frame(parts: list[bytes]) -> None:
    assert unframe(frame(*parts), len(parts)) == parts


@UNHURRIED
@given(PARTS, PARTS)
def test_different_parts_give_different_frames(one: list[bytes], other: list[bytes]) -> None:
    assert (frame(*one) == frame(*other)) == (one == other)


@UNHURRIED
@given(PARTS, st.integers(min_value=0, max_value=7))
def test_another_count_of_parts_is_refused(parts: list[bytes], count: int) -> None:
    if count == len(parts):
        return
    with pytest.raises(MalformedError):
        unframe(frame(*parts), count)


@UNHURRIED
@given(st.binary(max_size=80), st.integers(min_value=0, max_value=6))
def test_unframe_reads_only_what_frame_writes(data: bytes, count: int) -> None:
    try:
        parts = unframe(data, count)
    except MalformedError:
        return
    assert frame(*parts) == data


@UNHURRIED
@given(CLASS_KEYS)
def test_class_key_id_comes_back(key_id: ClassKeyId) -> None:
    assert ClassKeyId.from_bytes(key_id.to_bytes()) == key_id


@UNHURRIED
@given(CLASS_KEYS, KEYS, KINDS, RECORDS, CHANGES, PAYLOADS)
def test_row_opens_at_its_place(
    class_key: ClassKeyId, secret: bytes, kind: str, record: bytes, change: bytes, payload: bytes
) -> None:
    sealed = seal_row(BatchKey(bytes(16), class_key, Secret(secret)), kind, record, change, payload)
    again = BatchKey(bytes(16), class_key, Secret(secret))
    assert open_row(again, kind, record, change, sealed) == payload
    assert again.seals == 0


@UNHURRIED
@given(PAYLOADS)
def test_row_length_leaks_only_steps_of_64(payload: bytes) -> None:
    sealed = seal_row(batch_key(), KIND, RECORD, CHANGE, payload)
    assert len(sealed) == SEALED_OVERHEAD + (len(payload) // BLOCK + 1) * BLOCK


@UNHURRIED
@given(st.integers(min_value=0, max_value=10))
def test_every_length_within_a_step_looks_alike(step: int) -> None:
    sizes = range(step * BLOCK, (step + 1) * BLOCK)
    assert len({len(seal_row(batch_key(), KIND, RECORD, CHANGE, bytes(size))) for size in sizes}) == 1


@UNHURRIED
@given(PAYLOADS)
def test_one_payload_never_seals_alike_twice(payload: bytes) -> None:
    key = batch_key()
    assert seal_row(key, KIND, RECORD, CHANGE, payload) != seal_row(key, KIND, RECORD, CHANGE, payload)


@UNHURRIED
@given(KINDS, RECORDS, CHANGES, PAYLOADS, st.data())
def test_row_never_opens_at_another_place(
    kind: str, record: bytes, change: bytes, payload: bytes, data: st.DataObject
) -> None:
    key = batch_key()
    sealed = seal_row(key, kind, record, change, payload)
    place = (kind, record, change)
    other = data.draw(st.tuples(KINDS, RECORDS, CHANGES).filter(lambda drawn: drawn != place))
    for elsewhere in (other, (other[0], record, change), (kind, other[1], change), (kind, record, other[2])):
        if elsewhere != place:
            with pytest.raises(OpenFailedError):
                open_row(key, *elsewhere, sealed)


@UNHURRIED
@given(CLASS_KEYS, CLASS_KEYS, KEYS, KEYS, PAYLOADS)
def test_row_never_opens_under_another_school_importance_or_key(
    one: ClassKeyId, other: ClassKeyId, secret: bytes, other_secret: bytes, payload: bytes
) -> None:
    sealed = seal_row(BatchKey(bytes(16), one, Secret(secret)), KIND, RECORD, CHANGE, payload)
    wrong = [BatchKey(b"\x01" * 16, one, Secret(secret))]
    if other.school != one.school:
        wrong.append(BatchKey(bytes(16), ClassKeyId(other.school, one.importance, one.key_epoch), Secret(secret)))
    if other_secret != secret:
        wrong.append(BatchKey(bytes(16), one, Secret(other_secret)))
    for importance in set(Importance) - {one.importance}:
        class_key = ClassKeyId(one.school, importance, one.key_epoch)
        wrong.append(BatchKey(bytes(16), class_key, Secret(secret)))
    for key in wrong:
        with pytest.raises(OpenFailedError):
            open_row(key, KIND, RECORD, CHANGE, sealed)


@UNHURRIED
@given(PAYLOADS, st.data())
def test_cut_row_is_refused(payload: bytes, data: st.DataObject) -> None:
    key = batch_key()
    sealed = seal_row(key, KIND, RECORD, CHANGE, payload)
    size = data.draw(st.integers(min_value=0, max_value=len(sealed) - 1))
    with pytest.raises(CryptoError):
        open_row(key, KIND, RECORD, CHANGE, sealed[:size])


def test_every_cut_of_a_long_row_is_refused() -> None:
    key = batch_key()
    sealed = seal_row(key, KIND, RECORD, CHANGE, bytes(300))
    for size in range(len(sealed)):
        with pytest.raises(CryptoError):
            open_row(key, KIND, RECORD, CHANGE, sealed[:size])


@UNHURRIED
@given(st.binary(max_size=300))
def test_noise_is_no_row(noise: bytes) -> None:
    with pytest.raises(CryptoError):
        open_row(batch_key(), KIND, RECORD, CHANGE, noise)


@UNHURRIED
@given(st.binary(max_size=300), st.binary(max_size=60))
def test_hybrid_seal_opens(plaintext: bytes, info: bytes) -> None:
    key = hybrid_key("hybrid")
    sealed = hybrid_seal(key.public, plaintext, info)
    assert hybrid_open(key, sealed, info) == plaintext
    with pytest.raises(OpenFailedError):
        hybrid_open(key, sealed, info + b"\x00")


@UNHURRIED
@given(CLASS_KEYS, RECORDS, st.binary(min_size=32, max_size=32))
def test_wrap_opens_for_its_person(class_key: ClassKeyId, person: bytes, naming: bytes) -> None:
    pair = ClassKeyPair(class_key, hybrid_key("class"), Secret(naming))
    reader = hybrid_key("reader")
    blob = wrap_class_key(pair, person, reader.public)
    opened = open_wrap(blob, pair.public, person, reader)
    assert (opened.id, opened.naming) == (class_key, pair.naming)
    assert opened.private.to_bytes() == pair.private.to_bytes()
    assert (read_wrap(blob).class_key, read_wrap(blob).person) == (class_key, person)


def test_every_cut_of_a_wrap_is_refused() -> None:
    pair, owner = class_pair(), identity("hanako")
    blob = wrap_class_key(pair, owner.person, owner.public.seal)
    for size in range(len(blob)):
        with pytest.raises(CryptoError):
            open_wrap(blob[:size], pair.public, owner.person, owner.seal)


@settings(max_examples=12, deadline=None)
@given(st.text(min_size=1, max_size=30), KEYS, RECORDS, st.data())
def test_identity_opens_only_with_passphrase_and_pepper(
    passphrase: str, pepper: bytes, person: bytes, data: st.DataObject
) -> None:
    sample = identity("hanako")
    owner = type(sample)(person, sample.seal, sample.sign)
    sealed = seal_identity(owner, passphrase, Secret(pepper), KdfProfile.QUICK)
    opened = open_identity(sealed, passphrase, Secret(pepper))
    assert opened.public == owner.public
    with pytest.raises(CryptoError):
        open_identity(sealed, passphrase + "x", Secret(pepper))
    other = data.draw(KEYS.filter(lambda drawn: drawn != pepper))
    with pytest.raises(CryptoError):
        open_identity(sealed, passphrase, Secret(other))


def test_every_cut_of_an_identity_is_refused() -> None:
    sealed = seal_identity(identity("hanako"), "passphrase", PEPPER, KdfProfile.QUICK)
    for size in range(len(sealed)):
        with pytest.raises(MalformedError):
            open_identity(sealed[:size], "passphrase", PEPPER)


NATURAL = st.lists(st.text(max_size=12), min_size=1, max_size=4)


@UNHURRIED
@given(KEYS, KINDS, NATURAL)
def test_record_id_is_stable(naming: bytes, kind: str, natural: list[str]) -> None:
    name = record_id(Secret(naming), kind, *natural)
    assert len(name) == 16
    assert name == record_id(Secret(naming), kind, *natural)


@UNHURRIED
@given(KEYS, KINDS, KINDS, NATURAL, NATURAL)
def test_record_id_differs_by_kind_natural_key_and_secret(
    naming: bytes, kind: str, other_kind: str, natural: list[str], other: list[str]
) -> None:
    name = record_id(Secret(naming), kind, *natural)
    assert (name == record_id(Secret(naming), other_kind, *natural)) == (kind == other_kind)
    assert (name == record_id(Secret(naming), kind, *other)) == (natural == other)
    assert name != record_id(Secret(bytes((naming[0] ^ 1,)) + naming[1:]), kind, *natural)


def test_record_id_keeps_parts_apart() -> None:
    naming = Secret(bytes(32))
    assert record_id(naming, "kind", "ab", "c") != record_id(naming, "kind", "a", "bc")
    assert record_id(naming, "kind", "a") != record_id(naming, "kinda")


def test_record_id_outlives_a_rotation_and_not_an_importance() -> None:
    first, second = class_pair(), class_pair(key_epoch=2)
    rotated = ClassKeyPair.generate(second.id, first.naming)
    assert first.record_id("attendance", "p1", "2026-04-08") == rotated.record_id("attendance", "p1", "2026-04-08")
    graver = class_pair(Importance.I)
    assert first.record_id("attendance", "p1") != graver.record_id("attendance", "p1")
