"""The board's folder: its root identity under a passphrase, and where each school's replica is.

Invariant: the root key is on disk only sealed (`root.sealed`); everything else in the folder is public or a
store credential, mode 0600. Layout:

    board.toml              name and public root key
    root.sealed, pepper     the root identity under a passphrase, until only two officers open it
    officers.recovery       the officers, and the root identity for any two of them
    schools/<code>.toml     where that school's replica is, and the board's key pair for it
    hubs/<code>/            the board's own site for that school
"""

import os
import tomllib
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

import msgspec

from appliance.board.passphrases import strong
from appliance.errors import ApplianceError
from appliance.tomltext import toml_lines
from crypto.identity import Identity, KdfProfile, open_identity, seal_identity
from crypto.secret import Secret
from crypto.signing import VerifyKey
from sync.atomic import atomic_write, sync_folder

_SEALED: Final = "root.sealed"
BOARD_PERSON = sha256(b"kurabako board").digest()[:16]


class BoardMissingError(ApplianceError):
    """There is no board folder at this path."""

    code = "APP-010"


class BoardExistsError(ApplianceError):
    """The folder already holds a board; its root key would be lost."""

    code = "APP-011"


class UnknownSchoolError(ApplianceError):
    """The board has no record of where this school's replica is."""

    code = "APP-012"


class OfficersOnlyError(ApplianceError):
    """The root identity no longer opens under one passphrase; it takes two officers."""

    code = "APP-454"


class ReplicaPlace(msgspec.Struct, frozen=True):
    """Where a school's replica is. `prefix` is `<school>/box/<epoch>` inside the bucket."""

    school: str
    name: str
    endpoint: str
    bucket: str
    region: str
    access_key: str
    secret_key: str
    epoch: int = 1


@dataclass(frozen=True, slots=True)
class BoardFolder:
    """A board's folder without its root key: enough to restore and verify, not to change or read."""

    path: Path
    name: str
    root: VerifyKey

    def place(self, school: str) -> ReplicaPlace:
        """Return where the replica of `school` is."""
        file = self.path / "schools" / f"{school}.toml"
        if not school.isalnum() or not file.exists():
            known = ", ".join(self.schools) or "-"
            raise UnknownSchoolError(operation="find replica", subject=school, school=school, known=known)
        return msgspec.convert(tomllib.loads(file.read_text("utf-8")), ReplicaPlace)

    def knows(self, school: str) -> bool:
        """Say whether this school is enrolled."""
        return (self.path / "schools" / f"{school}.toml").exists()

    def keep_place(self, place: ReplicaPlace) -> None:
        """Write down where a school's replica is."""
        folder = self.path / "schools"
        folder.mkdir(mode=0o700, exist_ok=True)
        atomic_write(folder / f"{place.school}.toml", toml_lines(place).encode(), mode=0o600)

    @property
    def schools(self) -> list[str]:
        """Return the codes of the enrolled schools."""
        return sorted(file.stem for file in (self.path / "schools").glob("*.toml"))

    @property
    def pepper(self) -> Secret:
        """Return what every passphrase of this board is used with."""
        return Secret((self.path / "pepper").read_bytes())

    @property
    def one_opens(self) -> bool:
        """Say whether one person alone, with the board's passphrase, opens the root identity."""
        return (self.path / _SEALED).exists()

    def unlock(self, passphrase: str) -> Identity:
        """Open the root identity; raises WrongPassphraseError, OfficersOnlyError."""
        try:
            sealed = (self.path / _SEALED).read_bytes()
        except FileNotFoundError as exc:
            raise OfficersOnlyError(operation="open root", subject=str(self.path), cause=exc) from exc
        return open_identity(sealed, passphrase, self.pepper)

    def forget_passphrase(self) -> None:
        """Remove the root identity under one passphrase; only for `Officers`, which proved that two open it."""
        (self.path / _SEALED).unlink(missing_ok=True)
        sync_folder(self.path)


def init_board(path: Path, name: str, passphrase: str, profile: KdfProfile = KdfProfile.STANDARD) -> BoardFolder:
    """Make the board's root identity and folder; raises BoardExistsError, ShortPassphraseError."""
    if (path / "board.toml").exists():
        raise BoardExistsError(operation="initialise board", subject=str(path), folder=str(path))
    strong(passphrase)
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    identity = Identity.generate(BOARD_PERSON)
    pepper = os.urandom(32)
    sealed = seal_identity(identity, passphrase, Secret(pepper), profile)
    atomic_write(path / "pepper", pepper, mode=0o600)
    atomic_write(path / _SEALED, sealed, mode=0o600)
    public = identity.sign.verify_key.to_bytes().hex()
    text = toml_lines(_BoardFile(name=name, root_key=public))
    atomic_write(path / "board.toml", text.encode(), mode=0o644)
    return open_board(path)


def open_board(path: Path) -> BoardFolder:
    """Open the folder of a board."""
    try:
        raw = tomllib.loads((path / "board.toml").read_text("utf-8"))
    except FileNotFoundError as exc:
        raise BoardMissingError(operation="open board", subject=str(path), cause=exc, folder=str(path)) from exc
    file = msgspec.convert(raw, _BoardFile)
    return BoardFolder(path, file.name, VerifyKey.from_bytes(bytes.fromhex(file.root_key)))


class _BoardFile(msgspec.Struct, frozen=True):
    name: str
    root_key: str
