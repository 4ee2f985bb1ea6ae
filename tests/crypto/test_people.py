"""Identities, the roster of people and signatures: who is believed, and what is refused."""

import pytest

from crypto.batchkeys import HEADER_DOMAIN
from crypto.classkeys import (
    CERTIFICATE_DOMAIN,
    certify_class_key,
    open_class_certificate,
)
from crypto.errors import (
    BadPassphraseError,
    BadSignatureError,
    ContextMismatchError,
    CryptoError,
    MalformedError,
)
from crypto.identity import SEALED_BYTES, Identity, KdfProfile, open_identity, seal_identity
from crypto.people import DOMAIN as PEOPLE_DOMAIN
from crypto.people import open_people, sign_people
from crypto.signing import VerifyKey
from tests.crypto.fixed import (
    EXPIRES_MS,
    ISSUED_MS,
    PASSPHRASE,
    PEPPER,
    ROOT,
    SCHOOL,
    class_pair,
    identity,
    person,
    person_id,
    roster,
    signing_key,
)


@pytest.mark.parametrize(
    ("sealed_with", "opened_with"),
    [("sakura123", "ｓａｋｕｒａ１２３"), ("サクラ", "ｻｸﾗ"), ("が", "か\u3099"), ("a b", "a\u3000b")],
)
def test_full_width_typing_opens_half_width_sealing(sealed_with: str, opened_with: str) -> None:
    assert sealed_with != opened_with
    for one, other in ((sealed_with, opened_with), (opened_with, sealed_with)):
        sealed = seal_identity(identity("hanako"), one, PEPPER, KdfProfile.QUICK)
        assert open_identity(sealed, other, PEPPER).public == identity("hanako").public


@pytest.mark.parametrize("passphrase", ["", "not text \udcff"])
def test_a_passphrase_that_cannot_be_used(passphrase: str) -> None:
    with pytest.raises(BadPassphraseError) as caught:
        seal_identity(identity("hanako"), passphrase, PEPPER, KdfProfile.QUICK)
    assert caught.value.__cause__ is None
    sealed = seal_identity(identity("hanako"), PASSPHRASE, PEPPER, KdfProfile.QUICK)
    with pytest.raises(BadPassphraseError):
        open_identity(sealed, passphrase, PEPPER)


def test_identity_is_sealed_at_standard_cost_unless_told() -> None:
    sealed = seal_identity(identity("hanako"), PASSPHRASE, PEPPER)
    assert sealed[1] == KdfProfile.STANDARD.value
    assert len(sealed) == SEALED_BYTES


def test_identity_blob_shows_no_person() -> None:
    owner = identity("hanako")
    sealed = seal_identity(owner, PASSPHRASE, PEPPER, KdfProfile.QUICK)
    assert owner.person not in sealed
    assert sealed != seal_identity(owner, PASSPHRASE, PEPPER, KdfProfile.QUICK)


def test_identity_needs_a_16_byte_person() -> None:
    with pytest.raises(MalformedError):
        Identity.generate(bytes(15))
    assert Identity.generate(person_id("new")).person == person_id("new")


def test_roster_comes_back_with_its_people() -> None:
    opened = open_people(sign_people(roster(), ROOT), ROOT.verify_key, SCHOOL)
    assert opened == roster()
    found = opened.person(person_id("hanako"))
    assert found is not None
    assert found.verify_key == identity("hanako").public.sign
    assert found.public_key == identity("hanako").public.seal
    assert opened.person(person_id("nobody")) is None


def test_roster_expires_at_its_moment() -> None:
    assert not roster().expired(EXPIRES_MS - 1)
    assert roster().expired(EXPIRES_MS)


def test_person_is_valid_from_and_until() -> None:
    open_ended, ended = person("hanako"), person("taro", until_ms=ISSUED_MS + 1000)
    assert [p.valid(ISSUED_MS - 1) for p in (open_ended, ended)] == [False, False]
    assert [p.valid(ISSUED_MS) for p in (open_ended, ended)] == [True, True]
    assert [p.valid(ISSUED_MS + 999) for p in (open_ended, ended)] == [True, True]
    assert [p.valid(ISSUED_MS + 1000) for p in (open_ended, ended)] == [True, False]


def test_a_person_who_left_is_still_found() -> None:
    found = roster().person(person_id("taro"))
    assert found is not None
    assert not found.valid(EXPIRES_MS)


def test_roster_of_another_school_or_root_is_refused() -> None:
    with pytest.raises(ContextMismatchError):
        open_people(sign_people(roster("e14-ume"), ROOT), ROOT.verify_key, SCHOOL)
    with pytest.raises(BadSignatureError):
        open_people(sign_people(roster(), signing_key("mallory")), ROOT.verify_key, SCHOOL)


DOMAINS = (HEADER_DOMAIN, CERTIFICATE_DOMAIN, PEOPLE_DOMAIN)


@pytest.mark.parametrize("made_for", DOMAINS)
def test_signature_serves_one_domain(made_for: str) -> None:
    signature = ROOT.sign(made_for, b"message")
    ROOT.verify_key.verify(made_for, b"message", signature)
    for other in (*DOMAINS, "", made_for + "1", made_for[:-1]):
        if other != made_for:
            with pytest.raises(BadSignatureError):
                ROOT.verify_key.verify(other, b"message", signature)


def test_a_certificate_is_no_roster_and_a_roster_no_certificate() -> None:
    with pytest.raises(BadSignatureError):
        open_people(certify_class_key(class_pair().public, ROOT), ROOT.verify_key, SCHOOL)
    with pytest.raises(BadSignatureError):
        open_class_certificate(sign_people(roster(), ROOT), ROOT.verify_key)


def test_fingerprint_is_short_and_differs() -> None:
    one, other = ROOT.verify_key, signing_key("mallory").verify_key
    assert one.fingerprint != other.fingerprint
    assert [len(group) for group in one.fingerprint.split("-")] == [4] * 5
    assert repr(one) == f"<VerifyKey {one.fingerprint}>"
    assert VerifyKey.from_bytes(one.to_bytes()) == one
    assert len({one, other, VerifyKey.from_bytes(one.to_bytes())}) == 2


def test_errors_of_the_layer_share_one_root() -> None:
    with pytest.raises(CryptoError) as caught:
        ROOT.verify_key.verify("domain", b"message", bytes(64))
    assert caught.value.code == "CRYPTO-006"
    assert not caught.value.retry_safe
