"""The box's side of its lease: it takes leases in, and lets the lease key die when none lives.

Invariant: the lease key's private half is in `local.db` only while a lease for it may live; from the moment that
the newest lease is over or revoked it is erased there, and only then the next one is made and asked for. Whether a
box is leased stands in `local.db`: what stands in the store alone never makes it an unleased one again.
"""

import contextlib
import time
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import msgspec

from crypto.errors import ContextMismatchError, CryptoError
from crypto.hybrid import HybridPrivateKey, HybridPublicKey
from crypto.leasewrap import lease_key_id
from crypto.secret import Secret
from crypto.signing import SigningKey, VerifyKey
from sync.client import Keeping
from sync.clock import wall_ms
from sync.errors import SyncError
from sync.ids import Origin
from sync.keyring import BoxLease
from sync.leases import LIFE_MS, Lease, newest_lease, newest_lease_key, open_lease, sign_lease
from sync.localstore import LEASE_SECRET
from sync.openrecords import LEASE, LEASE_KEY, lease_key_record, lease_record
from sync.reader import Reader
from sync.sitevoice import SiteVoice
from sync.trustedtime import Clocks, LocalValues, TrustedTime

LEASE_NOTE: Final = ("lease", "note")
LOGIN_NOTE: Final = ("lease", "login")
_ASK_AGAIN_S: Final = 60.0


class LeaseState(StrEnum):
    """What a box may open: everything (`unleased`, `live`), or nothing of importance I and II."""

    UNLEASED = "unleased"
    LIVE = "live"
    LAPSED = "lapsed"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class LeaseView:
    """The state of a box's lease, and when it ends (ms since 1970; 0 for an unleased box)."""

    state: LeaseState
    until_ms: int = 0

    @property
    def opens(self) -> bool:
        """Say whether importance I and II may be open."""
        return self.state in (LeaseState.UNLEASED, LeaseState.LIVE)


class _Note(msgspec.Struct, frozen=True, array_like=True):
    """The newest lease that was taken in; `held`: the key that it speaks of is here."""

    lease: Lease
    held: bool


class LeaseBook:
    """What `local.db` says of the lease: taking leases in, and erasing the key when none lives."""

    def __init__(self, local: LocalValues, reader: Reader, root: VerifyKey, clocks: Clocks | None = None) -> None:
        self._local = local
        self._reader = reader
        self._root = root
        self._heads: frozenset[bytes] | None = None
        self.clock = TrustedTime(local, clocks)
        self._note = _read_note(local)

    @property
    def leased(self) -> bool:
        """Say whether this box is leased."""
        return self._note is not None

    @property
    def lease(self) -> Lease | None:
        """Return the lease that counts here."""
        return self._note.lease if self._note else None

    def settle(self) -> LeaseView:
        """Erase the key if its lease is over, and take in what the store has; return what is so now.

        In this order: a lease that was held back until its time went by must not find the key that it speaks of.
        """
        self._note = _read_note(self._local) or self._note  # a login may have written it since
        if self._note is None:
            return LeaseView(LeaseState.UNLEASED)
        self._lapse(self._note)
        self._take_newest(self._note.lease)
        return _view(self._note, self.clock.now())

    def key(self) -> HybridPrivateKey | None:
        """Return the lease key that is here."""
        return _read_key(self._local)

    def make_key(self) -> HybridPrivateKey:
        """Make the next lease key; the former one is erased."""
        private = HybridPrivateKey.generate()
        self._local.local_put(*LEASE_SECRET, private.to_bytes().reveal())
        return private

    def take(self, lease: Lease) -> None:
        """Take a lease in that is newer than any before; of one that does not live the key is erased first."""
        private = self.key()
        held = private is not None and lease_key_id(private.public) == lease.lease_key
        if held:  # one for another key may be as old as the hills
            self.clock.correct(lease.issued_ms, lease.until_ms)
        self._write(lease, held=held and not self._erase_unless_live(lease))

    def open_lease(self) -> BoxLease | None:
        """Return what a person who logs in opens importance I and II with; None at an unleased box."""
        view = self.settle()
        if view.state is LeaseState.UNLEASED:
            return None
        private = self.key() if view.state is LeaseState.LIVE else None
        if private is None and self._note is not None and self._note.held:
            self._write(self._note.lease, held=False)  # it is not here after all: so the box asks for the next one
        return BoxLease(self._reader.origin, private)

    def _lapse(self, note: _Note) -> None:
        if note.held and self._erase_unless_live(note.lease):
            self._write(note.lease, held=False)

    def _erase_unless_live(self, lease: Lease) -> bool:
        """Erase the key of a lease that does not live, before anybody reads that it is over; say if it was."""
        if _lives(lease, self.clock.now()):
            return False
        self._local.local_put(*LEASE_SECRET, None)
        self.clock.keep(at_once=True)
        return True

    def _take_newest(self, known: Lease) -> None:
        box = self._reader.origin
        heads = frozenset(row.change_id for row in self._reader.heads(LEASE, [lease_record(box)]))
        if heads == self._heads:
            return
        newest = newest_lease(self._reader, self._root, box)
        if newest is not None and newest.rank > known.rank:
            self.take(newest)
        self._heads = heads

    def _write(self, lease: Lease, *, held: bool) -> None:
        note = _Note(lease, held)
        self._local.local_put(*LEASE_NOTE, msgspec.msgpack.encode(note))
        self._note = note


class LeaseGuard:
    """Looks after the lease of a running box. `turn` is called every second or so by one thread."""

    def __init__(
        self, reader: Reader, client: Keeping, root: VerifyKey, key: SigningKey, clocks: Clocks | None = None
    ) -> None:
        self._reader = reader
        self._voice = SiteVoice(reader, client, key)
        self.book = LeaseBook(client, reader, root, clocks)
        self._due_ask = 0.0

    def turn(self) -> LeaseView:
        """Do what is due; return the state. Raises KeeperGoneError and what a keeper refuses with."""
        view = self.book.settle()
        if view.state is LeaseState.UNLEASED:
            return view
        self.book.clock.keep()
        if not view.opens:
            self._ask()
        return view

    def _ask(self) -> None:
        """Publish the lease key that waits for a lease, making one where there is none."""
        if time.monotonic() < self._due_ask:
            return
        self._due_ask = time.monotonic() + _ASK_AGAIN_S
        private = self.book.key() or self.book.make_key()
        told = newest_lease_key(self._reader, self._reader.origin)
        if told != private.public:
            with contextlib.suppress(SyncError):  # a box that was replaced writes nothing; else the next turn
                self._voice.say([(LEASE_KEY, lease_key_record(self._reader.origin), private.public.to_bytes())])


def begin_lease(
    reader: Reader,
    client: Keeping,
    root: VerifyKey,
    box_key: SigningKey,
    signer: SigningKey,
    life_ms: int = LIFE_MS,
) -> Lease:
    """Give a box its lease key and its first lease, signed by the hub or the board's root."""
    public = LeaseBook(client, reader, root).make_key().public
    box, lease = reader.origin, first_lease(reader.origin, public, life_ms)
    said = (LEASE, lease_record(box), sign_lease(lease, signer))
    SiteVoice(reader, client, box_key).say([(LEASE_KEY, lease_key_record(box), public.to_bytes()), said])
    LeaseBook(client, reader, root).take(lease)
    return lease


def first_lease(box: Origin, public: HybridPublicKey, life_ms: int = LIFE_MS) -> Lease:
    """Return a box's first lease, for the lease key that it made."""
    now = wall_ms()
    return Lease(box.school, box.epoch, 1, lease_key_id(public), now, now + life_ms)


def take_first_lease(
    reader: Reader, client: Keeping, root: VerifyKey, box_key: SigningKey, signed: bytes
) -> Lease:
    """Begin with a lease that the root signed for the key that is here; raises what `open_lease` raises.

    The hub says the lease, so that it can be revoked before the box ever calls; the box says its key.
    """
    box, book = reader.origin, LeaseBook(client, reader, root)
    lease, key = open_lease(signed, [root], box), book.key()
    if key is None or lease_key_id(key.public) != lease.lease_key:
        raise ContextMismatchError(operation="begin lease", subject="lease key")
    SiteVoice(reader, client, box_key).say([(LEASE_KEY, lease_key_record(box), key.public.to_bytes())])
    book.take(lease)
    return lease


def lease_view(local: LocalValues, clocks: Clocks | None = None) -> LeaseView:
    """Return the state of a box's lease as `local.db` has it: two questions to the keeper."""
    note = _read_note(local)
    if note is None:
        return LeaseView(LeaseState.UNLEASED)
    return _view(note, TrustedTime(local, clocks).now())


def _view(note: _Note, now_ms: int) -> LeaseView:
    if note.lease.revoked:
        return LeaseView(LeaseState.REVOKED, note.lease.until_ms)
    live = note.held and _lives(note.lease, now_ms)
    return LeaseView(LeaseState.LIVE if live else LeaseState.LAPSED, note.lease.until_ms)


def _lives(lease: Lease, now_ms: int) -> bool:
    return not lease.revoked and now_ms < lease.until_ms


def _read_note(local: LocalValues) -> _Note | None:
    raw = local.local_get(*LEASE_NOTE)
    try:
        return msgspec.msgpack.decode(raw, type=_Note) if raw else None
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _read_key(local: LocalValues) -> HybridPrivateKey | None:
    raw = local.local_get(*LEASE_SECRET)
    try:
        return HybridPrivateKey.from_bytes(Secret(raw)) if raw else None
    except CryptoError:
        return None
