"""Which wraps of importance I and II are published: for a leased box the locked ones, and an escrow for the hub.

Invariant: at a school with a leased box no wrap of importance I or II for a person is ever published as it is;
and nothing is locked to a lease key while the newest lease is revoked.
"""

from collections.abc import Callable
from dataclasses import dataclass

from crypto.classkeys import ClassKeyId, ClassKeyPair, wrap_class_key
from crypto.errors import CryptoError
from crypto.hybrid import HybridPrivateKey, HybridPublicKey
from crypto.leasewrap import escrow_id, lease_key_id, lock_wrap, open_escrow, read_escrow, read_lock, seal_escrow
from crypto.people import PeopleRoster
from crypto.signing import VerifyKey
from sync.errors import HubKeyMissingError
from sync.ids import Origin
from sync.leases import Lease, find_box, find_hub, newest_lease, newest_lease_key
from sync.openrecords import BOARD_LOCK, ESCROW, LOCKED, SITE_LOCK, escrow_record, lock_record
from sync.reader import Reader

Entry = tuple[str, bytes, bytes]  # kind, record, body


@dataclass(frozen=True, slots=True)
class Locking:
    """How wraps are published at a leased school. `lease` is None while no key of the box may be locked to."""

    hub: HybridPublicKey
    box: Origin
    lease: HybridPublicKey | None

    def entries(self, pair: ClassKeyPair, person: bytes, key: HybridPublicKey) -> list[Entry]:
        """Return what the board publishes instead of one person's wrap."""
        wrap = wrap_class_key(pair, person, key)
        escrow = seal_escrow(wrap, self.hub)
        found: list[Entry] = [(ESCROW, escrow_record(pair.id, person), escrow)]
        if self.lease is not None:
            lock = lock_wrap(wrap, self.box.epoch, self.lease, escrow_id(escrow))
            found.append((BOARD_LOCK, lock_record(BOARD_LOCK, pair.id, person, self.box), lock))
        return found


def read_locking(reader: Reader, root: VerifyKey, *, leased: bool = False) -> Locking | None:
    """Return how wraps are published at this school; None where it has no leased box.

    `leased` says that its box is known to be leased, whatever stands in the store. Raises HubKeyMissingError when
    such a school's hub or box cannot be found there.
    """
    box = find_box(reader, root)
    lease = newest_lease(reader, root, box) if box else None
    if lease is None and not leased:
        return None
    hub = find_hub(reader, root)
    if box is None or hub is None:
        raise HubKeyMissingError(operation="lock wraps", subject=reader.origin.school)
    return Locking(hub.public_key, box, leased_key(reader, box, lease))


def leased_key(reader: Reader, box: Origin, lease: Lease | None) -> HybridPublicKey | None:
    """Return the box's lease key, if the lease speaks of it and is not revoked."""
    public = newest_lease_key(reader, box)
    if lease is None or lease.revoked or public is None or lease_key_id(public) != lease.lease_key:
        return None
    return public


def owed_locks(
    reader: Reader,
    people: PeopleRoster,
    box: Origin,
    lease: HybridPublicKey,
    hub: Callable[[], HybridPrivateKey],
    now_ms: int,
) -> list[Entry]:
    """Return the locks to a lease key that are not there yet, of everybody in office who has an escrow.

    `hub` gives the key that opens escrows; it is asked for only when something is owed.
    """
    there, found, key_id = _locks(reader, box), [], lease_key_id(lease)
    for (key, person), escrow in _escrows(reader).items():
        who, source = people.person(person), escrow_id(escrow)
        if who is None or not who.valid(now_ms) or key.importance not in who.importances:
            continue
        if (key, person, key_id, source) in there:
            continue
        try:
            lock = lock_wrap(open_escrow(escrow, hub()), box.epoch, lease, source)
        except CryptoError:
            continue  # made for a hub key of former days
        found.append((SITE_LOCK, lock_record(SITE_LOCK, key, person, box), lock))
    return found


def _locks(reader: Reader, box: Origin) -> set[tuple[ClassKeyId, bytes, bytes, bytes]]:
    found = set()
    for kind in (BOARD_LOCK, SITE_LOCK):
        for row in reader.heads(kind):
            try:
                told = read_lock(row.body)
            except CryptoError:
                continue
            if row.record == lock_record(kind, told.class_key, told.person, box):
                found.add((told.class_key, told.person, told.lease_key, told.escrow))
    return found


def _escrows(reader: Reader) -> dict[tuple[ClassKeyId, bytes], bytes]:
    """Return everybody's newest escrows."""
    found: dict[tuple[ClassKeyId, bytes], bytes] = {}
    for row in sorted(reader.heads(ESCROW), key=lambda row: row.change_id):
        try:
            told = read_escrow(row.body)
        except CryptoError:
            continue
        if row.record == escrow_record(told.class_key, told.person) and told.class_key.importance in LOCKED:
            found[told.class_key, told.person] = row.body
    return found
