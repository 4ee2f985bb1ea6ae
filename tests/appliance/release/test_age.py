"""Encrypted exports: they open for whom they are meant, and for nobody else."""

import pyrage
import pytest

from appliance.release.agefile import for_passphrase, for_recipients
from appliance.release.errors import BadRecipientError, WeakPassphraseError

PLAIN = "番号,氏名\r\n1,髙橋".encode()


def test_each_recipient_opens_and_nobody_else() -> None:
    board, other, thief = (pyrage.x25519.Identity.generate() for _ in range(3))
    sealed = for_recipients(PLAIN, [str(board.to_public()), f" {other.to_public()}\n"])
    assert sealed.startswith(b"age-encryption.org/v1\n") and PLAIN not in sealed
    assert pyrage.decrypt(sealed, [board]) == pyrage.decrypt(sealed, [other]) == PLAIN
    with pytest.raises(pyrage.DecryptError):
        pyrage.decrypt(sealed, [thief])
    with pytest.raises(pyrage.DecryptError):
        pyrage.decrypt(sealed[:-1] + bytes([sealed[-1] ^ 1]), [board])


@pytest.mark.parametrize("text", ["", "age1", "age1xyz", "ssh-ed25519 AAAAC3Nza", "AGE-SECRET-KEY-1XYZ", "age1髙"])
def test_a_text_that_is_no_key_is_told_by_its_place_alone(text: str) -> None:
    good = str(pyrage.x25519.Identity.generate().to_public())
    with pytest.raises(BadRecipientError) as told:
        for_recipients(PLAIN, [good, text])
    assert told.value.params == {"at": 2} and (not text or text not in str(told.value))


def test_a_mistyped_key_and_no_key_at_all_are_refused() -> None:
    good = str(pyrage.x25519.Identity.generate().to_public())
    with pytest.raises(BadRecipientError):
        for_recipients(PLAIN, [good[:-1] + ("q" if good[-1] != "q" else "p")])
    with pytest.raises(BadRecipientError):
        for_recipients(PLAIN, [])


def test_a_passphrase_opens_and_a_weak_one_is_refused() -> None:
    sealed = for_passphrase(PLAIN, "さくら 馬 電池 ホチキス")
    assert pyrage.passphrase.decrypt(sealed, "さくら 馬 電池 ホチキス") == PLAIN
    for weak in ("", "short", "aaaaaaaaaaaaaaaa"):
        with pytest.raises(WeakPassphraseError):
            for_passphrase(PLAIN, weak)
