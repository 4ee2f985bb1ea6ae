"""Files encrypted for somebody outside, in the age format.

Invariant: what comes out opens only with the identity of a recipient named or with the passphrase; both ways the
work is done in memory. Source: age-encryption.org/v1.
"""

from collections.abc import Iterable
from typing import Final

import pyrage

from appliance.release.errors import BadRecipientError, WeakPassphraseError

SHORTEST: Final = 12
_PREFIX: Final = "age1"


def for_recipients(plain: bytes, recipients: Iterable[str]) -> bytes:
    """Return bytes that each of the public keys `age1…` opens.

    Raises BadRecipientError, naming the place of the text that is none.
    """
    keys = [_key(text.strip(), at) for at, text in enumerate(recipients, 1)]
    if not keys:
        raise BadRecipientError(operation="encrypt file", at=0)
    return bytes(pyrage.encrypt(plain, keys))


def for_passphrase(plain: bytes, passphrase: str) -> bytes:
    """Return bytes that a passphrase opens (scrypt).

    Raises WeakPassphraseError.
    """
    if len(set(passphrase)) < SHORTEST // 2 or len(passphrase) < SHORTEST:
        raise WeakPassphraseError(operation="encrypt file", shortest=SHORTEST)
    return bytes(pyrage.passphrase.encrypt(plain, passphrase))


def _key(text: str, at: int) -> pyrage.x25519.Recipient:
    if not text.lower().startswith(_PREFIX):
        raise BadRecipientError(operation="encrypt file", at=at)
    try:
        return pyrage.x25519.Recipient.from_str(text)
    except pyrage.RecipientError:
        raise BadRecipientError(
            operation="encrypt file", at=at
        ) from None  # a secret key may stand there by mistake
