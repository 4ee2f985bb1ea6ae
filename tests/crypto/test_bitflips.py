"""Every single flipped bit of every sealed format is refused with a CryptoError."""

from collections.abc import Callable
from io import BytesIO

import pytest

from crypto.batchkeys import new_batch_key, open_batch_key
from crypto.classkeys import certify_class_key, open_class_certificate, open_wrap, wrap_class_key
from crypto.errors import CryptoError
from crypto.hybrid import hybrid_open, hybrid_seal
from crypto.identity import KdfProfile, open_identity, seal_identity
from crypto.leasewrap import lock_wrap, open_escrow, open_lock, seal_escrow
from crypto.pairwrap import open_pair, wrap_for_pair
from crypto.people import open_people, sign_people
from crypto.sealing import open_row, seal_row
from crypto.streaming import open_stream
from tests.crypto.fixed import (
    CHANGE,
    KIND,
    PASSPHRASE,
    PEPPER,
    RECORD,
    ROOT,
    SCHOOL,
    batch_key,
    class_pair,
    hybrid_key,
    identity,
    roster,
)
from tests.crypto.vectors_documents import DOCUMENT, seal
from tests.crypto.vectors_pairs import BOARD, officers

Opener = Callable[[bytes], object]


def _row() -> tuple[bytes, Opener]:
    key = batch_key()
    return (
        seal_row(key, KIND, RECORD, CHANGE, b"present"),
        lambda blob: open_row(key, KIND, RECORD, CHANGE, blob),
    )


def _wrap() -> tuple[bytes, Opener]:
    pair, owner = class_pair(), identity("hanako")
    blob = wrap_class_key(pair, owner.person, owner.public.seal)
    return blob, lambda flipped: open_wrap(flipped, pair.public, owner.person, owner.seal)


def _pair() -> tuple[bytes, Opener]:
    outer, inner = officers()
    blob = wrap_for_pair(BOARD, 2, (outer.person, outer.seal.public), (inner.person, inner.seal.public))
    return blob, lambda flipped: open_pair(flipped, ROOT.verify_key, 2, outer, inner)


def _lock() -> tuple[bytes, Opener]:
    lease = hybrid_key("lease")
    blob = lock_wrap(_wrap()[0], 1, lease.public, bytes(16))
    return blob, lambda flipped: open_lock(flipped, 1, lease)


def _escrow() -> tuple[bytes, Opener]:
    hub = hybrid_key("hub")
    return seal_escrow(_wrap()[0], hub.public), lambda flipped: open_escrow(flipped, hub)


def _class_certificate() -> tuple[bytes, Opener]:
    blob = certify_class_key(class_pair().public, ROOT)
    return blob, lambda flipped: open_class_certificate(flipped, ROOT.verify_key)


def _batch_header() -> tuple[bytes, Opener]:
    pair, author = class_pair(), identity("hanako")
    _, blob = new_batch_key(pair.public, author.person, author.sign)
    return blob, lambda flipped: open_batch_key(flipped, pair, author.public.sign)


def _identity() -> tuple[bytes, Opener]:
    blob = seal_identity(identity("hanako"), PASSPHRASE, PEPPER, KdfProfile.QUICK)
    return blob, lambda flipped: open_identity(flipped, PASSPHRASE, PEPPER)


def _people() -> tuple[bytes, Opener]:
    return sign_people(roster(), ROOT), lambda flipped: open_people(flipped, ROOT.verify_key, SCHOOL)


def _hybrid() -> tuple[bytes, Opener]:
    key, info = hybrid_key("hybrid"), b"context"
    return hybrid_seal(key.public, b"a secret", info), lambda flipped: hybrid_open(key, flipped, info)


def _document() -> tuple[bytes, Opener]:
    return seal(b""), lambda flipped: open_stream(BytesIO(flipped), BytesIO(), class_pair(), DOCUMENT)


FORMATS: dict[str, Callable[[], tuple[bytes, Opener]]] = {
    "row": _row,
    "wrap": _wrap,
    "pair wrap": _pair,
    "lock": _lock,
    "escrow": _escrow,
    "class certificate": _class_certificate,
    "batch header": _batch_header,
    "identity": _identity,
    "people roster": _people,
    "hybrid": _hybrid,
    "document": _document,
}


@pytest.mark.parametrize("name", FORMATS)
def test_every_flipped_bit_is_refused(name: str) -> None:
    blob, opener = FORMATS[name]()
    opener(blob)  # unaltered it opens, so a refusal below is the flip's doing
    accepted: list[str] = []
    flipped = bytearray(blob)
    for bit in range(len(blob) * 8):
        flipped[bit // 8] ^= 1 << bit % 8
        try:
            opener(bytes(flipped))
        except CryptoError:
            pass
        else:
            accepted.append(f"byte {bit // 8} bit {bit % 8}")
        flipped[bit // 8] ^= 1 << bit % 8
    assert bytes(flipped) == blob
    assert not accepted
