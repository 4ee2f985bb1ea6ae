"""The lease as signed bytes, and which of several counts."""

import pytest

from crypto.errors import BadSignatureError, ContextMismatchError, CryptoError, MalformedError, UnknownVersionError
from crypto.framing import frame
from crypto.signing import SigningKey
from sync.ids import Origin, Site
from sync.leases import DOMAIN, VERSION, Lease, open_lease, sign_lease

BOX = Origin("C241200000011", Site.BOX, 2)
ROOT, HUB, STRANGER = SigningKey.generate(), SigningKey.generate(), SigningKey.generate()
BELIEVED = [ROOT.verify_key, HUB.verify_key]
LEASE = Lease(BOX.school, BOX.epoch, 7, bytes(range(16)), 1_000, 2_000)


@pytest.mark.parametrize("signer", [ROOT, HUB])
def test_hub_and_root_are_believed(signer: SigningKey) -> None:
    assert open_lease(sign_lease(LEASE, signer), BELIEVED, BOX) == LEASE


def test_nobody_else_is_believed() -> None:
    with pytest.raises(BadSignatureError):
        open_lease(sign_lease(LEASE, STRANGER), BELIEVED, BOX)
    with pytest.raises(BadSignatureError):
        open_lease(sign_lease(LEASE, ROOT), [], BOX)


@pytest.mark.parametrize(
    "box",
    [
        Origin("C241200000029", Site.BOX, 2),
        Origin(BOX.school, Site.BOX, 1),
        Origin(BOX.school, Site.BOX, 3),
        Origin(BOX.school, Site.HUB, 2),
    ],
)
def test_it_is_of_one_box(box: Origin) -> None:
    with pytest.raises(ContextMismatchError):
        open_lease(sign_lease(LEASE, HUB), BELIEVED, box)


def test_every_flipped_bit_is_refused() -> None:
    blob = bytearray(sign_lease(LEASE, HUB))
    for bit in range(len(blob) * 8):
        blob[bit // 8] ^= 1 << bit % 8
        with pytest.raises(CryptoError):
            open_lease(bytes(blob), BELIEVED, BOX)
        blob[bit // 8] ^= 1 << bit % 8
    assert open_lease(bytes(blob), BELIEVED, BOX) == LEASE


@pytest.mark.parametrize("body", [b"", b"\xff", b"\x81\xa6school\xa1\xff", b"\x80", b"\xc0"])
def test_a_signed_body_that_is_no_lease_is_refused(body: bytes) -> None:
    blob = bytes((VERSION,)) + frame(body, HUB.sign(DOMAIN, bytes((VERSION,)) + body))
    with pytest.raises(MalformedError):
        open_lease(blob, BELIEVED, BOX)


def test_lengths_and_versions_are_refused() -> None:
    blob = sign_lease(LEASE, HUB)
    with pytest.raises(MalformedError):
        open_lease(b"", BELIEVED, BOX)
    with pytest.raises(UnknownVersionError):
        open_lease(b"\x02" + blob[1:], BELIEVED, BOX)
    with pytest.raises(MalformedError):
        open_lease(blob + b"\0", BELIEVED, BOX)
    short = Lease(BOX.school, BOX.epoch, 7, b"short", 1_000, 2_000)
    with pytest.raises(MalformedError):
        open_lease(sign_lease(short, HUB), BELIEVED, BOX)


def test_the_serial_decides_and_of_equal_ones_the_revocation() -> None:
    later = Lease(BOX.school, BOX.epoch, 8, LEASE.lease_key, 0, 1)
    revoked = Lease(BOX.school, BOX.epoch, 8, LEASE.lease_key, 0, 0, revoked=True)
    assert sorted([revoked, LEASE, later], key=lambda lease: lease.rank) == [LEASE, later, revoked]
