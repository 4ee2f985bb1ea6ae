"""Keys that sign updates: each officer's own, and the one that vouches daily that nothing is held back.

Invariant: a private half is on disk only sealed under its officer's passphrase, the same way as an identity; what
it signs is TUF's, and nothing else is signed with it.
"""

import hashlib
import os
from pathlib import Path
from typing import Final

from securesystemslib.signer import Key, SecretsHandler, Signature, Signer, SSlibKey

from appliance.updates.errors import OfficerKeyError
from crypto.identity import PERSON_BYTES, Identity, KdfProfile, open_identity, seal_identity
from crypto.secret import Secret
from crypto.signing import SigningKey
from sync.atomic import atomic_write

PUBLIC: Final = ".pub"
# A key travels alone, on its officer's medium: no pepper can stand elsewhere.
_PEPPER: Final = Secret(hashlib.sha256(b"kurabako/update-key/v1").digest())


class KeySigner(Signer):
    """A key as TUF's library wants it."""

    def __init__(self, key: SigningKey) -> None:
        self._key = key
        self._public = public_key(key.verify_key.to_bytes().hex())

    @property
    def public_key(self) -> Key:
        """Return the public half."""
        return self._public

    def sign(self, payload: bytes) -> Signature:
        """Sign what TUF gives."""
        return Signature(self._public.keyid, self._key.sign_foreign(payload).hex())

    @classmethod
    def from_priv_key_uri(
        cls, priv_key_uri: str, public_key: Key, secrets_handler: SecretsHandler | None = None
    ) -> "KeySigner":
        """Refuse: a key is opened with a passphrase only."""
        raise ValueError(priv_key_uri)


def public_key(raw: str) -> SSlibKey:
    """Return a public key from its 64 hexadecimal digits; its id is their SHA-256."""
    return SSlibKey(hashlib.sha256(raw.encode()).hexdigest(), "ed25519", "ed25519", {"public": raw})


def make_key(file: Path, passphrase: str, profile: KdfProfile = KdfProfile.STANDARD) -> SSlibKey:
    """Make a key, sealed in a file, its public half beside it; raises OfficerKeyError where one is already."""
    if file.exists():
        raise OfficerKeyError(operation="make update key", subject=file.name, file=str(file))
    identity = Identity.generate(os.urandom(PERSON_BYTES))
    public = identity.public.sign.to_bytes().hex()
    atomic_write(file, seal_identity(identity, passphrase, _PEPPER, profile), mode=0o600)
    atomic_write(file.with_name(file.name + PUBLIC), f"{public}\n".encode(), mode=0o644)
    return public_key(public)


def read_public(file: Path) -> SSlibKey:
    """Read a public half (`FILE.pub`); raises OfficerKeyError."""
    try:
        raw = file.read_text("ascii").strip()
        if len(bytes.fromhex(raw)) == 32:
            return public_key(raw)
    except (OSError, ValueError) as exc:
        raise OfficerKeyError(operation="read update key", subject=file.name, cause=exc, file=str(file)) from exc
    raise OfficerKeyError(operation="read update key", subject=file.name, file=str(file))


def open_key(file: Path, passphrase: str) -> KeySigner:
    """Open a sealed key; raises OfficerKeyError, WrongPassphraseError and what else keeps it shut."""
    try:
        raw = file.read_bytes()
    except OSError as exc:
        raise OfficerKeyError(operation="open update key", subject=file.name, cause=exc, file=str(file)) from exc
    return KeySigner(open_identity(raw, passphrase, _PEPPER).sign)
