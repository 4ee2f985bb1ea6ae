"""The board's deposit in object storage: what a bare machine needs to become the board again.

Invariant: signed by the board's root as a whole. In clear are the board's name, the officers' signed roster and
the wraps that any two of them open together; all the rest (key pairs of the stores, the officers' sealed
identities, the pepper, the hubs' keys) is sealed to the root identity, so one officer alone, or the store's owner,
reads none of it.
"""

import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

import msgspec

from crypto.errors import ContextMismatchError, MalformedError
from crypto.framing import frame
from crypto.hybrid import hybrid_open, hybrid_seal
from crypto.identity import Identity
from crypto.signedform import SignedForm
from crypto.signing import VerifyKey

VERSION: Final = 1
DOMAIN: Final = "kurabako/deposit/v1"
SEAL_DOMAIN: Final = b"kurabako/deposit-secrets/v1"
_LARGEST: Final = 64 * 1024**2
# Neither the root under one passphrase nor anything of a school's records has a place here.
KEPT: Final = re.compile(
    r"board\.toml|deposit\.toml|pepper|officers\.recovery|schools/[A-Za-z0-9]+\.(toml|seen\.json)"
    r"|hubs/[A-Za-z0-9]+/credentials/site\.key"
)


class DepositHead(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a deposit says in clear. `serial` only grows; `roster` and `pairs` are those of `officers.recovery`."""

    board: str
    root: bytes
    serial: int
    made_ms: int
    roster: bytes
    pairs: tuple[bytes, ...]
    sealed_sha256: bytes


@dataclass(frozen=True, slots=True)
class Deposit:
    """A deposit whose signature was checked."""

    head: DepositHead
    sealed: bytes

    def files(self, root: Identity) -> dict[str, bytes]:
        """Return path → bytes of the board's files; raises OpenFailedError, MalformedError."""
        packed = hybrid_open(root.seal, self.sealed, _info(self.head))
        unpack = zlib.decompressobj()
        try:
            files = msgspec.msgpack.decode(unpack.decompress(packed, _LARGEST), type=dict[str, bytes])
        except (zlib.error, msgspec.DecodeError, ValueError):  # its text would quote what it reads
            raise MalformedError(operation="open deposit", subject="files") from None
        for name in files:
            if not KEPT.fullmatch(name):
                raise MalformedError(operation="open deposit", subject="a file that has no place in it")
        return files


_FORM: Final = SignedForm(DepositHead, VERSION, DOMAIN, "deposit")


def deposit_name(root: VerifyKey) -> str:
    """Return where a board's deposit is in its bucket."""
    return f"recovery/{sha256(root.to_bytes()).hexdigest()[:32]}/board"


def files_digest(files: Mapping[str, bytes]) -> bytes:
    """Return what changes with the files, but not with what restores note (`seen.json`)."""
    told = [part for name in sorted(files) if not name.endswith(".seen.json") for part in (name, files[name])]
    return sha256(frame(*(part.encode() if isinstance(part, str) else part for part in told))).digest()


def seal_deposit(head: DepositHead, files: Mapping[str, bytes], root: Identity) -> bytes:
    """Return the bytes of a deposit; `head.sealed_sha256` is filled in."""
    sealed = hybrid_seal(root.seal.public, zlib.compress(msgspec.msgpack.encode(dict(files))), _info(head))
    return _FORM.sign(msgspec.structs.replace(head, sealed_sha256=sha256(sealed).digest()), root.sign, sealed)


def open_deposit(blob: bytes, root: VerifyKey) -> Deposit:
    """Check and read a deposit.

    Raises UnknownVersionError, MalformedError, BadSignatureError (not of this board), ContextMismatchError.
    """
    head, (sealed,) = _FORM.open_beside(blob, root, 1)
    if (head.root, head.sealed_sha256) != (root.to_bytes(), sha256(sealed).digest()):
        raise ContextMismatchError(operation="open deposit", subject="root or sealed part")
    return Deposit(head, sealed)


def _info(head: DepositHead) -> bytes:
    return frame(SEAL_DOMAIN, head.root, head.serial.to_bytes(8, "big"))
