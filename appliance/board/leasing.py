"""The board's hand on leases: what a school's box may open, and from when on it may not.

Invariant: all is issued by the school's hub with the hub's own key, so none of it asks for a passphrase, and
none of it can open a class key. It reaches the box with the next exchange of segments.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

from appliance.board.folder import BoardFolder
from appliance.board.hubs import board_store, open_hub
from appliance.board.keeping import SiteKeeper
from appliance.credentials import read_site_key
from appliance.site import SiteFolder
from crypto.hybrid import HybridPrivateKey
from crypto.identity import Identity, PersonKeys
from crypto.secret import Secret
from sync.checkpoint import site_person
from sync.clock import wall_ms
from sync.errors import NotLeasedError
from sync.founding import renew, site_member
from sync.ids import Origin
from sync.leaseissuer import HUB_SECRET, LeaseIssuer
from sync.leases import Lease, find_hub, newest_lease
from sync.openrecords import LEASE, lease_record
from sync.reader import Reader
from sync.sitevoice import SiteVoice


@dataclass(frozen=True, slots=True)
class LeaseTold:
    """The newest lease of a school's box, and whether the box asks for one for another key."""

    box: Origin
    lease: Lease
    asked: bool

    def word(self, now_ms: int) -> str:
        """Return `live`, `over` or `revoked`."""
        if self.lease.revoked:
            return "revoked"
        return "live" if now_ms < self.lease.until_ms else "over"


@contextlib.contextmanager
def issuer_of(hub: SiteFolder) -> Iterator[LeaseIssuer]:
    """Open what issues leases at a hub; the hub may run or not."""
    with SiteKeeper(hub.paths) as client, contextlib.closing(Reader(hub.paths.store)) as reader:
        yield LeaseIssuer(reader, client, hub.root, read_site_key(hub.path))


def show_lease(board: BoardFolder, school: str) -> LeaseTold:
    """Return what stands; raises UnknownSchoolError, HubMissingError, NotLeasedError."""
    with issuer_of(open_hub(board, school)) as issuer:
        return _told(issuer, school)


def renew_lease(board: BoardFolder, school: str) -> LeaseTold:
    """Issue a new lease now; raises LeaseRevokedError besides."""
    with issuer_of(open_hub(board, school)) as issuer:
        issuer.renew()
        return _told(issuer, school)


def revoke_lease(board: BoardFolder, school: str) -> LeaseTold:
    """Revoke: the box drops the key that opens importance I and II when it reads this."""
    with issuer_of(open_hub(board, school)) as issuer:
        issuer.revoke()
        return _told(issuer, school)


def allow_lease(board: BoardFolder, school: str) -> LeaseTold:
    """Issue a lease again after a revocation."""
    with issuer_of(open_hub(board, school)) as issuer:
        issuer.allow()
        return _told(issuer, school)


def say_lease(hub: SiteFolder, box: Origin, signed: bytes) -> None:
    """Let the hub say a new box's first lease, unless one stands there: so it is revocable from the beginning."""
    with SiteKeeper(hub.paths) as client, contextlib.closing(Reader(hub.paths.store)) as reader:
        if newest_lease(reader, hub.root, box) is None:
            SiteVoice(reader, client, read_site_key(hub.path)).say([(LEASE, lease_record(box), signed)])


def end_lease(hub: SiteFolder, box: Origin) -> None:
    """Revoke the lease of a box that was replaced, if it had one."""
    with issuer_of(hub) as issuer, contextlib.suppress(NotLeasedError):
        issuer.revoke(box)


def ensure_hub_key(hub: SiteFolder, root: Identity) -> None:
    """Give a hub the key that opens escrows, where it has none that the roster names."""
    with board_store(hub, root) as store:
        assert store.client is not None  # noqa: S101 - board_store opens a hub through its keeper
        person = find_hub(store.reader, root.sign.verify_key)
        raw = store.client.local_get(*HUB_SECRET)
        if person is None or (raw and HybridPrivateKey.from_bytes(Secret(raw)).public == person.public_key):
            return
        key, origin = HybridPrivateKey.generate(), store.reader.origin
        store.client.local_put(*HUB_SECRET, key.to_bytes().reveal())
        keys = PersonKeys(site_person(origin), key.public, person.verify_key)
        renew(store, root, [site_member(origin, keys)], wall_ms())


def _told(issuer: LeaseIssuer, school: str) -> LeaseTold:
    known = issuer.known()
    if known is None:
        raise NotLeasedError(operation="find lease", subject=school)
    return LeaseTold(known.box, known.lease, known.asked)
