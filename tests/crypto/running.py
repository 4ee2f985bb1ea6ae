"""One vector of the crypto formats, and how it is run.

Invariant: a vector is run from its inputs alone, so another implementation can run the same files.
"""

from collections.abc import Callable, Mapping
from io import BytesIO
from pathlib import Path
from typing import Final

import msgspec

from crypto.batchkeys import BatchKey, open_batch_key
from crypto.classkeys import ClassKeyId, ClassKeyPair, open_class_certificate, open_wrap
from crypto.framing import unframe
from crypto.hybrid import HybridPrivateKey, hybrid_open
from crypto.identity import Identity, open_identity
from crypto.pairwrap import open_pair
from crypto.people import open_people
from crypto.sealing import open_row
from crypto.secret import Secret
from crypto.signing import VerifyKey
from crypto.streaming import open_stream

FOLDER: Final = Path(__file__).parent / "vectors"
Inputs = Mapping[str, bytes]


class Vector(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A vector: inputs and values are hex; exactly one of `values` and `failure` is given."""

    name: str
    format: str
    inputs: dict[str, str]
    values: list[str] | None = None
    failure: str | None = None

    def run(self) -> list[str]:
        """Open the vector and return what came out as hex."""
        given = {name: bytes.fromhex(value) for name, value in self.inputs.items()}
        return [value.hex() for value in OPENERS[self.format](given)]


def load() -> list[Vector]:
    """Read every committed vector in the order of file names."""
    return [msgspec.json.decode(path.read_bytes(), type=Vector) for path in sorted(FOLDER.glob("*.json"))]


def _row(given: Inputs) -> list[bytes]:
    key = BatchKey(given["key_id"], ClassKeyId.from_bytes(given["class_key"]), Secret(given["secret"]))
    return [open_row(key, given["kind"].decode(), given["record"], given["change_id"], given["sealed"])]


def _wrap(given: Inputs) -> list[bytes]:
    certified = open_class_certificate(given["certificate"], VerifyKey.from_bytes(given["root"]))
    private = HybridPrivateKey.from_bytes(Secret(given["person_key"]))
    pair = open_wrap(given["wrap"], certified, given["person"], private)
    return [pair.id.to_bytes(), pair.private.to_bytes().reveal(), pair.naming.reveal()]


def _class_certificate(given: Inputs) -> list[bytes]:
    public = open_class_certificate(given["certificate"], VerifyKey.from_bytes(given["root"]))
    return [public.id.to_bytes(), public.key.to_bytes(), public.naming]


def _batch_header(given: Inputs) -> list[bytes]:
    private = HybridPrivateKey.from_bytes(Secret(given["class_private"]))
    pair = ClassKeyPair(ClassKeyId.from_bytes(given["class_key"]), private, Secret(given["naming"]))
    key = open_batch_key(given["header"], pair, VerifyKey.from_bytes(given["author_key"]))
    return [key.id, key.class_key.to_bytes(), key.secret.reveal()]


def _identity(given: Inputs) -> list[bytes]:
    opened = open_identity(given["sealed"], given["passphrase"].decode(), Secret(given["pepper"]))
    return [opened.person, opened.seal.to_bytes().reveal(), opened.sign.to_bytes().reveal()]


def _pair(given: Inputs) -> list[bytes]:
    one, other = (Identity.from_bytes(Secret(given[name])) for name in ("one", "other"))
    version = int.from_bytes(given["version"], "big")
    opened = open_pair(given["pair"], VerifyKey.from_bytes(given["root"]), version, one, other)
    return [opened.to_bytes().reveal()]


def _people(given: Inputs) -> list[bytes]:
    roster = open_people(given["roster"], VerifyKey.from_bytes(given["root"]), given["school"].decode())
    return [msgspec.msgpack.encode(roster)]


def _hybrid(given: Inputs) -> list[bytes]:
    return [hybrid_open(HybridPrivateKey.from_bytes(Secret(given["private"])), given["sealed"], given["info"])]


def _signature(given: Inputs) -> list[bytes]:
    key = VerifyKey.from_bytes(given["key"])
    key.verify(given["domain"].decode(), given["message"], given["signature"])
    return []


def _document(given: Inputs) -> list[bytes]:
    private, opened = HybridPrivateKey.from_bytes(Secret(given["class_private"])), BytesIO()
    pair = ClassKeyPair(ClassKeyId.from_bytes(given["class_key"]), private, Secret(given["naming"]))
    open_stream(BytesIO(given["sealed"]), opened, pair, given["document"])
    return [opened.getvalue()]


def _frame(given: Inputs) -> list[bytes]:
    return unframe(given["data"], int.from_bytes(given["count"], "big"))


OPENERS: Final[dict[str, Callable[[Inputs], list[bytes]]]] = {
    "row": _row,
    "wrap": _wrap,
    "class_certificate": _class_certificate,
    "batch_header": _batch_header,
    "identity": _identity,
    "pair": _pair,
    "people": _people,
    "hybrid": _hybrid,
    "signature": _signature,
    "document": _document,
    "frame": _frame,
}
