"""The hub's side of leases: renewing them, locking wraps to a box's new lease key, revoking.

Invariant: needs nobody's passphrase and opens no class key: the hub opens escrows only, and what is in them still
wants the person's own key. While the newest lease of a box is revoked nothing is issued until `allow`.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from crypto.errors import CryptoError
from crypto.hybrid import HybridPrivateKey, HybridPublicKey
from crypto.leasewrap import lease_key_id
from crypto.secret import Secret
from crypto.signing import SigningKey, VerifyKey
from sync.client import Keeping
from sync.clock import wall_ms
from sync.errors import HubKeyMissingError, LeaseRevokedError, NotLeasedError
from sync.ids import Origin
from sync.keyring import read_people
from sync.leases import LIFE_MS, Lease, find_box, newest_lease, newest_lease_key, sign_lease
from sync.locking import owed_locks
from sync.openrecords import LEASE, lease_record
from sync.reader import Reader
from sync.sitevoice import SiteVoice

HUB_SECRET: Final = ("lease", "hub")  # what opens escrows: in the hub's `local.db` only
_LOOK_S: Final = 1.0
_AGAIN_S: Final = 5.0
_LOOK_ANYWAY_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Leased:
    """What the hub knows of a box's lease: the newest lease, and the lease key that the box made last."""

    box: Origin
    lease: Lease
    key: HybridPublicKey | None

    @property
    def asked(self) -> bool:
        """Say whether the box asks for a lease for another key."""
        return self.key is not None and lease_key_id(self.key) != self.lease.lease_key


class LeaseIssuer:
    """Issues leases at one school's hub. Used by one thread at a time."""

    def __init__(
        self,
        reader: Reader,
        client: Keeping,
        root: VerifyKey,
        key: SigningKey,
        now_ms: Callable[[], int] = wall_ms,
        life_ms: int = LIFE_MS,
    ) -> None:
        self._reader = reader
        self._client = client
        self._root = root
        self._key = key
        self._now_ms = now_ms
        self._life_ms = life_ms
        self._voice = SiteVoice(reader, client, key)
        self._seen, self._due, self._due_anyway = -1, 0.0, 0.0

    def turn(self) -> bool:
        """Look, at most once a second, whether a lease or a lock is due, and issue it; say whether it looked."""
        now = time.monotonic()
        if now < self._due:
            return False
        self._due = now + _AGAIN_S  # unless it goes well
        changes = self._reader.changes()
        if changes != self._seen or now >= self._due_anyway:
            self.mind()
            self._seen, self._due_anyway = changes, now + _LOOK_ANYWAY_S
        self._due = now + _LOOK_S
        return True

    def mind(self) -> bool:
        """Issue what is due; say whether anything was."""
        known = self.known()
        if known is None or known.lease.revoked or known.key is None:
            return False
        entries = self._owed(known, known.key)
        old = self._now_ms() >= known.lease.issued_ms + self._life_ms // 3
        if known.asked or old:
            entries.append(self._lease(known, lease_key_id(known.key)))
        if entries:
            self._voice.say(entries)
        return bool(entries)

    def known(self) -> Leased | None:
        """Return what is known of the newest box's lease; None where it never had one."""
        box = find_box(self._reader, self._root)
        lease = newest_lease(self._reader, self._root, box) if box else None
        return Leased(box, lease, newest_lease_key(self._reader, box)) if box and lease else None

    def renew(self) -> Lease:
        """Issue a new lease now; raises NotLeasedError, LeaseRevokedError."""
        known = self._leased()
        if known.lease.revoked:
            raise LeaseRevokedError(operation="renew lease", subject=known.box.school)
        return self._issue(known)

    def allow(self) -> Lease:
        """Issue a lease even after a revocation; raises NotLeasedError."""
        return self._issue(self._leased())

    def revoke(self, box: Origin | None = None) -> Lease:
        """Revoke the lease of a box (by default the newest); raises NotLeasedError."""
        lease = newest_lease(self._reader, self._root, box) if box else self._leased().lease
        if lease is None:
            raise NotLeasedError(operation="revoke lease", subject=self._reader.origin.school)
        if lease.revoked:
            return lease
        now = self._now_ms()
        ended = Lease(lease.school, lease.epoch, lease.serial + 1, lease.lease_key, now, now, revoked=True)
        self._say(ended, box or self._leased().box)
        return ended

    def _leased(self) -> Leased:
        known = self.known()
        if known is None:
            raise NotLeasedError(operation="find lease", subject=self._reader.origin.school)
        return known

    def _issue(self, known: Leased) -> Lease:
        key_id = lease_key_id(known.key) if known.key else known.lease.lease_key
        lease = self._next(known, key_id)
        entries = self._owed(known, known.key) if known.key else []
        self._voice.say([*entries, self._entry(lease, known.box)])
        return lease

    def _owed(self, known: Leased, key: HybridPublicKey) -> list[tuple[str, bytes, bytes]]:
        people = read_people(self._reader, self._root, self._reader.origin.school)
        return owed_locks(self._reader, people, known.box, key, self._secret, self._now_ms())

    def _lease(self, known: Leased, key_id: bytes) -> tuple[str, bytes, bytes]:
        return self._entry(self._next(known, key_id), known.box)

    def _next(self, known: Leased, key_id: bytes) -> Lease:
        now, before = self._now_ms(), known.lease
        return Lease(before.school, before.epoch, before.serial + 1, key_id, now, now + self._life_ms)

    def _say(self, lease: Lease, box: Origin) -> None:
        self._voice.say([self._entry(lease, box)])

    def _entry(self, lease: Lease, box: Origin) -> tuple[str, bytes, bytes]:
        return LEASE, lease_record(box), sign_lease(lease, self._key)

    def _secret(self) -> HybridPrivateKey:
        raw = self._client.local_get(*HUB_SECRET)
        try:
            return HybridPrivateKey.from_bytes(Secret(raw or b""))
        except CryptoError as exc:
            school = self._reader.origin.school
            raise HubKeyMissingError(operation="open escrow", subject=school, cause=exc) from exc
