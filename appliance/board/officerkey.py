"""What an officer carries on a medium of their own: their sealed key, and how the board's deposit is reached.

Invariant: the key opens under the officer's passphrase only; the key pair of the store is sealed to that key. Two
such media and two passphrases are what brings a board back; one opens nothing of a school.
"""

import os
from pathlib import Path
from typing import Final

import msgspec

from appliance.board.folder import BoardFolder
from appliance.board.officers import Officers
from appliance.errors import ApplianceError
from crypto.errors import MalformedError
from crypto.framing import frame
from crypto.hybrid import hybrid_open, hybrid_seal
from crypto.identity import Identity, open_identity
from crypto.secret import Secret
from crypto.signing import VerifyKey
from sync.atomic import atomic_write
from sync.objectstore import StoreConfig

SUFFIX: Final = ".kurabako-key"
FORMAT: Final = 1
SEAL_DOMAIN: Final = b"kurabako/officer-medium/v1"


class OfficerKeyError(ApplianceError):
    """The file is no officer's key. Params: `file`, `problem`."""

    code = "APP-459"


class DepositPlace(msgspec.Struct, frozen=True):
    """Where the deposit is. The board writes with the first key pair; media carry the second, which only reads."""

    endpoint: str
    bucket: str
    region: str
    access_key: str
    secret_key: str
    read_access_key: str = ""
    read_secret_key: str = ""

    def writing(self) -> StoreConfig:
        """Return how the board reaches it."""
        return self._config(self.access_key, self.secret_key)

    def reading(self) -> StoreConfig:
        """Return how an officer on a bare machine reaches it."""
        return self._config(self.read_access_key or self.access_key, self.read_secret_key or self.secret_key)

    def _config(self, access_key: str, secret_key: str) -> StoreConfig:
        return StoreConfig(self.endpoint, self.bucket, self.region, access_key, Secret(secret_key.encode()))


class OfficerKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An officer's medium. `place` is a sealed DepositPlace; `serial` the newest deposit when it was written."""

    format: int
    board: str
    root: bytes
    name: str
    person: bytes
    key: bytes
    pepper: bytes
    place: bytes
    serial: int

    def __repr__(self) -> str:
        return "<redacted>"

    @property
    def root_key(self) -> VerifyKey:
        """Return the board's root key that this officer trusts."""
        return VerifyKey.from_bytes(self.root)

    def open(self, passphrase: str) -> Identity:
        """Open the officer's own key; raises WrongPassphraseError, BadPassphraseError, OfficerKeyError."""
        identity = open_identity(self.key, passphrase, Secret(self.pepper))
        if identity.person != self.person:
            raise _bad(self.name, "another person's key")
        return identity

    def read_place(self, officer: Identity) -> DepositPlace:
        """Return where the deposit is; raises OpenFailedError, MalformedError."""
        raw = hybrid_open(officer.seal, self.place, _info(self.root, self.person))
        try:
            return msgspec.msgpack.decode(raw, type=DepositPlace)
        except (msgspec.DecodeError, ValueError):  # its text would quote what it reads
            raise MalformedError(operation="open officer's key", subject="place") from None


def write_officer_key(board: BoardFolder, name: str, medium: Path, place: DepositPlace, serial: int) -> Path:
    """Write the key of the officer `name` into the folder `medium`, mode 0600; raises UnknownOfficerError."""
    who, sealed_key = Officers(board).entry(name)
    reading = place.reading()
    told = DepositPlace(place.endpoint, place.bucket, place.region, reading.access_key, _text(reading.secret_key))
    root, pepper = board.root.to_bytes(), board.pepper.reveal()
    sealed = hybrid_seal(who.public_key, msgspec.msgpack.encode(told), _info(root, who.id))
    key = OfficerKey(FORMAT, board.name, root, name, who.id, sealed_key, pepper, sealed, serial)
    file = medium / f"{name}{SUFFIX}"
    atomic_write(file, msgspec.msgpack.encode(key), mode=0o600)
    return file


def read_officer_key(file: Path) -> OfficerKey:
    """Read an officer's medium: the file, or the one in this folder; raises OfficerKeyError."""
    found = file
    if file.is_dir():
        inside = sorted(file.glob(f"*{SUFFIX}"))
        if len(inside) != 1:
            raise _bad(str(file), f"{len(inside)} x {SUFFIX}")
        found = inside[0]
    try:
        key = msgspec.msgpack.decode(found.read_bytes(), type=OfficerKey)
    except OSError as exc:
        raise _bad(str(found), exc.strerror or "unreadable") from exc
    except (msgspec.DecodeError, ValueError):  # its text would quote what it reads
        raise _bad(str(found), "no officer's key") from None
    if key.format != FORMAT:
        raise _bad(str(found), f"format {key.format}")
    try:
        VerifyKey.from_bytes(key.root)
    except MalformedError as exc:
        raise _bad(str(found), "root key") from exc
    return key


def _bad(file: str, problem: str) -> OfficerKeyError:
    return OfficerKeyError(
        operation="read officer's key", subject=os.path.basename(file), file=file, problem=problem
    )


def _info(root: bytes, person: bytes) -> bytes:
    return frame(SEAL_DOMAIN, root, person)


def _text(secret: Secret) -> str:
    return secret.reveal().decode()
