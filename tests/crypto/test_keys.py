"""Secrets, batch keys, class keys and wraps: who can open what, and what is refused."""

import copy
import pickle

import pytest

from crypto.batchkeys import SEAL_LIMIT, new_batch_key, open_batch_key, read_batch_header
from crypto.classkeys import (
    ClassKeyId,
    ClassKeyPair,
    certify_class_key,
    naming_commitment,
    open_class_certificate,
    open_wrap,
    wrap_class_key,
)
from crypto.errors import (
    BadSignatureError,
    ContextMismatchError,
    MalformedError,
    OpenFailedError,
    SealBudgetError,
)
from crypto.hybrid import HybridPrivateKey, HybridPublicKey, hybrid_seal
from crypto.importance import Importance
from crypto.sealing import open_row, seal_row
from crypto.secret import Secret
from crypto.signing import SigningKey
from tests.crypto.fixed import (
    CHANGE,
    KIND,
    RECORD,
    ROOT,
    SCHOOL,
    batch_key,
    class_pair,
    hybrid_key,
    identity,
    person,
    raw,
    signing_key,
)


def test_secret_is_not_printed() -> None:
    secret = Secret(b"top secret")
    assert {repr(secret), str(secret), f"{secret}", f"{secret!r}"} == {"<redacted>"}
    assert secret.reveal() == b"top secret"
    assert len(secret) == 10


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_secret_is_not_pickled(protocol: int) -> None:
    with pytest.raises(TypeError):
        pickle.dumps(Secret(b"x"), protocol)


def test_secret_is_neither_hashed_nor_copied() -> None:
    with pytest.raises(TypeError):
        hash(Secret(b"x"))
    with pytest.raises(TypeError):
        copy.copy(Secret(b"x"))
    with pytest.raises(TypeError):
        copy.deepcopy([Secret(b"x")])


def test_secrets_compare_by_value_and_only_with_secrets() -> None:
    assert Secret(b"x") == Secret(b"x")
    assert Secret(b"x") != Secret(b"y")
    assert Secret(b"x") != b"x"


def test_no_repr_shows_key_bytes() -> None:
    pair, owner, key = class_pair(), identity("hanako"), batch_key()
    shown = repr((pair, owner, key, pair.private, owner.sign))
    for secret in (
        pair.private.to_bytes(),
        pair.naming,
        key.secret,
        owner.seal.to_bytes(),
        owner.sign.to_bytes(),
    ):
        assert repr(secret.reveal()) not in shown
        assert secret.reveal().hex() not in shown
    assert shown.count("<redacted>") == 7


def test_private_keys_come_back() -> None:
    private, signer = HybridPrivateKey.generate(), SigningKey.generate()
    assert HybridPrivateKey.from_bytes(private.to_bytes()).public == private.public
    assert HybridPublicKey.from_bytes(private.public.to_bytes()) == private.public
    assert SigningKey.from_bytes(signer.to_bytes()).verify_key == signer.verify_key
    with pytest.raises(MalformedError):
        SigningKey.from_bytes(Secret(bytes(33)))


def test_no_seal_to_a_curve_point_of_low_order() -> None:
    weak = HybridPublicKey.from_bytes(hybrid_key("weak").public.to_bytes()[:1184] + bytes(32))
    with pytest.raises(MalformedError):
        hybrid_seal(weak, b"a secret", b"")


def test_seal_budget_ends() -> None:
    key = batch_key()
    key.seals = SEAL_LIMIT - 1
    seal_row(key, KIND, RECORD, CHANGE, b"last")
    for _ in range(2):
        with pytest.raises(SealBudgetError):
            seal_row(key, KIND, RECORD, CHANGE, b"one too many")
    assert key.seals == SEAL_LIMIT == 2**31 - 1


def test_a_used_up_key_still_opens() -> None:
    key = batch_key()
    sealed = seal_row(key, KIND, RECORD, CHANGE, b"present")
    key.seals = SEAL_LIMIT
    assert open_row(key, KIND, RECORD, CHANGE, sealed) == b"present"


@pytest.mark.parametrize(
    ("record", "change"), [(RECORD[1:], CHANGE), (RECORD, CHANGE + b"\x00")], ids=("record", "change")
)
def test_a_place_of_another_length_is_refused(record: bytes, change: bytes) -> None:
    with pytest.raises(MalformedError):
        seal_row(batch_key(), KIND, record, change, b"present")


def test_row_of_a_batch_key_is_read_by_whoever_has_the_class_key() -> None:
    pair, author = class_pair(), identity("hanako")
    key, header = new_batch_key(pair.public, author.person, author.sign)
    sealed = seal_row(key, KIND, RECORD, CHANGE, b"present")
    opened = open_batch_key(header, pair, author.public.sign)
    assert open_row(opened, KIND, RECORD, CHANGE, sealed) == b"present"
    clear = read_batch_header(header)
    assert (clear.id, clear.class_key, clear.author) == (key.id, pair.id, author.person)


def test_the_writer_cannot_read_a_batch_key_back() -> None:
    pair, author = class_pair(), identity("hanako")
    _, header = new_batch_key(pair.public, author.person, author.sign)
    own = ClassKeyPair(pair.id, author.seal, Secret(bytes(32)))
    with pytest.raises(OpenFailedError):
        open_batch_key(header, own, author.public.sign)


def test_every_batch_key_is_new() -> None:
    pair, author = class_pair(), identity("hanako")
    keys = [new_batch_key(pair.public, author.person, author.sign)[0] for _ in range(2)]
    assert keys[0].id != keys[1].id
    assert keys[0].secret != keys[1].secret


def test_commitment_hides_and_binds_the_naming_secret() -> None:
    one, other = Secret(raw("one", 32)), Secret(raw("other", 32))
    assert naming_commitment(one) == naming_commitment(Secret(one.reveal()))
    assert naming_commitment(one) != naming_commitment(other)
    assert one.reveal() not in naming_commitment(one)
    assert len(naming_commitment(one)) == 32


def test_rotation_keeps_the_naming_secret_and_changes_the_key() -> None:
    first = class_pair()
    second = ClassKeyPair.generate(ClassKeyId(SCHOOL, Importance.II, 2), first.naming)
    assert second.public.naming == first.public.naming
    assert second.public.key != first.public.key
    assert ClassKeyPair.generate(first.id).naming != first.naming


def test_a_certificate_of_one_class_does_not_serve_another() -> None:
    owner, second, third = identity("hanako"), class_pair(Importance.II), class_pair(Importance.III)
    blob = wrap_class_key(second, owner.person, owner.public.seal)
    certified = open_class_certificate(certify_class_key(third.public, ROOT), ROOT.verify_key)
    with pytest.raises(ContextMismatchError):
        open_wrap(blob, certified, owner.person, owner.seal)


def test_a_key_of_ones_own_is_never_believed() -> None:
    owner, real, mallory = identity("hanako"), class_pair(), signing_key("mallory")
    slipped = ClassKeyPair(real.id, hybrid_key("mallory"), real.naming)
    with pytest.raises(BadSignatureError):
        open_class_certificate(certify_class_key(slipped.public, mallory), ROOT.verify_key)
    blob = wrap_class_key(slipped, owner.person, owner.public.seal)
    with pytest.raises(ContextMismatchError):
        open_wrap(blob, real.public, owner.person, owner.seal)


def test_a_cleared_person_without_a_wrap_cannot_open() -> None:
    pair, hanako, taro = class_pair(), identity("hanako"), identity("taro")
    blob = wrap_class_key(pair, hanako.person, hanako.public.seal)
    assert person("taro").importances == (2, 3)  # the roster clears taro for II, yet nobody wrapped for him
    with pytest.raises(ContextMismatchError):
        open_wrap(blob, pair.public, taro.person, taro.seal)
    with pytest.raises(OpenFailedError):
        open_wrap(blob, pair.public, hanako.person, taro.seal)


def test_a_wrap_of_the_former_epoch_does_not_open_the_next() -> None:
    first, second, owner = class_pair(), class_pair(key_epoch=2), identity("hanako")
    author = identity("taro")
    _, header = new_batch_key(second.public, author.person, author.sign)
    kept = open_wrap(
        wrap_class_key(first, owner.person, owner.public.seal), first.public, owner.person, owner.seal
    )
    with pytest.raises(ContextMismatchError):
        open_batch_key(header, kept, author.public.sign)
    with pytest.raises(OpenFailedError):
        open_batch_key(header, ClassKeyPair(second.id, kept.private, kept.naming), author.public.sign)


def test_a_signature_for_a_foreign_format_serves_no_domain() -> None:
    key = signing_key("officer")
    signature = key.sign_foreign(b"bytes of another format")
    for domain in ("", "kurabako/people/v1"):
        with pytest.raises(BadSignatureError):
            key.verify_key.verify(domain, b"bytes of another format", signature)
