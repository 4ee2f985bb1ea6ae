"""Leases: the board's word that a box may open importance I and II for a while, and the key it speaks of.

Invariant: a lease counts only under the signature of the school's hub (as the newest roster names it) or of the
board's root, and only for the school and epoch that it names. The highest serial counts, of equal ones the one
that revokes: an old lease that is shown again extends nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from crypto.errors import BadSignatureError, ContextMismatchError, CryptoError, MalformedError
from crypto.hybrid import HybridPublicKey
from crypto.leasewrap import KEY_ID_BYTES
from crypto.people import Person
from crypto.signedform import SignedForm
from crypto.signing import SigningKey, Verifier, VerifyKey
from sync.checkpoint import site_person
from sync.errors import PeopleMissingError
from sync.grants import read_grants
from sync.ids import Origin, Site
from sync.keyring import read_people
from sync.openrecords import LEASE, LEASE_KEY, lease_key_record, lease_record
from sync.reader import Reader

VERSION: Final = 1
DOMAIN: Final = "kurabako/lease/v1"
LIFE_MS: Final = 14 * 24 * 3600 * 1000


class Lease(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the box of `school` and `epoch` may do until `until_ms`; times are ms since 1970.

    `lease_key` is the id of the box's lease key; `serial` only grows; a revoked lease permits nothing.
    """

    school: str
    epoch: int
    serial: int
    lease_key: bytes
    issued_ms: int
    until_ms: int
    revoked: bool = False

    @property
    def rank(self) -> tuple[int, bool]:
        """Return what decides which of two leases counts."""
        return self.serial, self.revoked


@dataclass(frozen=True, slots=True)
class _AnyOf:
    signers: Sequence[Verifier]

    def verify(self, domain: str, message: bytes, signature: bytes) -> None:
        for signer in self.signers:
            try:
                signer.verify(domain, message, signature)
            except BadSignatureError:
                continue
            return
        raise BadSignatureError(operation="open lease")


_FORM: Final = SignedForm(Lease, VERSION, DOMAIN, "lease")


def sign_lease(lease: Lease, key: SigningKey) -> bytes:
    """Sign a lease: version, msgpack body, signature of the hub or of the board's root."""
    return _FORM.sign(lease, key)


def open_lease(blob: bytes, signers: Sequence[Verifier], box: Origin) -> Lease:
    """Check and read a lease of `box`.

    Raises UnknownVersionError, MalformedError, BadSignatureError (by none of `signers`), ContextMismatchError
    (another school's or another epoch's).
    """
    lease = _FORM.open(blob, _AnyOf(signers))
    if (lease.school, lease.epoch) != (box.school, box.epoch) or box.site != Site.BOX:
        raise ContextMismatchError(operation="open lease", subject="school or epoch")
    if len(lease.lease_key) != KEY_ID_BYTES:
        raise MalformedError(operation="open lease", subject="lease key id")
    return lease


def find_hub(reader: Reader, root: VerifyKey) -> Person | None:
    """Return the school's hub as the newest roster of people names it, None where it has none."""
    school = reader.origin.school
    epochs = [grant.epoch for grant in read_grants(reader, root) if grant.site == Site.HUB]
    if not epochs:
        return None
    try:
        return read_people(reader, root, school).person(site_person(Origin(school, Site.HUB, max(epochs))))
    except (PeopleMissingError, CryptoError):
        return None


def find_box(reader: Reader, root: VerifyKey) -> Origin | None:
    """Return the school's newest box that the board granted."""
    epochs = [grant.epoch for grant in read_grants(reader, root) if grant.site == Site.BOX]
    return Origin(reader.origin.school, Site.BOX, max(epochs)) if epochs else None


def newest_lease(reader: Reader, root: VerifyKey, box: Origin) -> Lease | None:
    """Return the lease of a box that counts; what nobody vouches for is passed over."""
    rows = reader.history(LEASE, lease_record(box))
    if not rows:
        return None
    hub, found = find_hub(reader, root), []
    signers: list[Verifier] = [root] if hub is None else [root, hub.verify_key]
    for row in rows:
        try:
            found.append(open_lease(row.body, signers, box))
        except CryptoError:
            continue  # as if it were not there
    return max(found, key=lambda lease: lease.rank, default=None)


def newest_lease_key(reader: Reader, box: Origin) -> HybridPublicKey | None:
    """Return the lease key that a box made last."""
    return newest_key(reader, LEASE_KEY, lease_key_record(box), box)


def newest_key(reader: Reader, kind: str, record: bytes, box: Origin) -> HybridPublicKey | None:
    """Return a key that a box published: what it wrote itself into its own log, and nobody else's."""
    number, author = reader.number_of(box), site_person(box)
    for row in reader.history(kind, record):
        if row.origin_no == number and row.author == author:
            try:
                return HybridPublicKey.from_bytes(row.body)
            except CryptoError:
                continue
    return None
