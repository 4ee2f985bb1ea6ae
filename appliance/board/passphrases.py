"""First passphrases: made at random to be handed out, or chosen at the board and then no short ones.

Invariant: nobody is given keys under a passphrase of fewer than 12 characters. Source:
教育情報セキュリティポリシーに関するガイドライン ハンドブック (令和7年3月); that letters, digits and cases are
mixed stays advice, since sentences in Japanese have no case.
"""

import secrets
from typing import Final

from appliance.errors import ApplianceError

SHORTEST: Final = 12
_LEAST_DIFFERENT: Final = 6


class ShortPassphraseError(ApplianceError):
    """A passphrase has fewer than 12 characters, or few different ones."""

    code = "APP-023"


def strong(words: str) -> str:
    """Return a passphrase that somebody chose; raises ShortPassphraseError."""
    if len(words) < SHORTEST or len(set(words)) < _LEAST_DIFFERENT:
        raise ShortPassphraseError(operation="set passphrase", shortest=SHORTEST)
    return words


def first_passphrase() -> str:
    """Return a passphrase to hand out on paper: 15 letters and digits that nobody confuses, 74 bits."""
    letters = "abcdefghjkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(letters) for _ in range(5)) for _ in range(3))
