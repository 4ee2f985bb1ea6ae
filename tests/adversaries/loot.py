"""What somebody gets out of a store who tries every key that they hold on every byte that could take one.

Invariant: nothing is skipped because of what a record says about itself: every open body is taken for a wrap, a
lock and an escrow, every sealed row is tried with every batch key that opened and with every secret as it is.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from crypto.batchkeys import BatchKey, open_batch_key
from crypto.classkeys import ClassKeyId, ClassKeyPair, ClassPublic, open_wrap, read_wrap
from crypto.errors import CryptoError
from crypto.hybrid import HybridPrivateKey
from crypto.identity import Identity
from crypto.importance import Importance
from crypto.leasewrap import open_escrow, open_lock
from crypto.people import PeopleRoster
from crypto.sealing import open_row
from crypto.secret import Secret
from crypto.signing import VerifyKey
from sync.keyring import read_class_keys, read_rosters
from sync.openrecords import BATCH_KEY
from sync.reader import Reader, Row

_KEY = 32
_EPOCHS = (1, 2)


@dataclass
class Loot:
    """A store and what somebody has to open it with: opened identities, private keys, secrets of any length."""

    store: Path
    root: VerifyKey
    identities: list[Identity] = field(default_factory=list)
    privates: list[HybridPrivateKey] = field(default_factory=list)
    secrets: list[bytes] = field(default_factory=list)

    @cached_property
    def rows(self) -> list[Row]:
        columns = "id, change_id, author, kind, record, base, replaced, importance, key_id, body"
        with contextlib.closing(Reader(self.store)) as reader:
            return [Row._make(row) for row in reader.rows(f"SELECT {columns} FROM change ORDER BY id")]

    @cached_property
    def publics(self) -> list[ClassPublic]:
        with contextlib.closing(Reader(self.store)) as reader:
            return read_class_keys(reader, self.root, reader.origin.school)

    @cached_property
    def rosters(self) -> list[PeopleRoster]:
        with contextlib.closing(Reader(self.store)) as reader:
            return read_rosters(reader, self.root, reader.origin.school)

    @cached_property
    def keys(self) -> list[HybridPrivateKey]:
        """Every private key: those of identities, those held, and whatever a secret may be one of."""
        found = [identity.seal for identity in self.identities] + self.privates
        for secret in self.secrets:
            with contextlib.suppress(CryptoError):
                found.append(HybridPrivateKey.from_bytes(Secret(secret)))
        return found

    @cached_property
    def pairs(self) -> dict[ClassKeyId, ClassKeyPair]:
        """Every class key that opens, by whatever way."""
        bodies = [row.body for row in self.rows if not row.key_id and row.kind != BATCH_KEY]
        wraps = bodies + list(self._unlocked(bodies))
        found = {}
        for wrap in wraps:
            with contextlib.suppress(CryptoError):
                person = read_wrap(wrap).person
                for public in self.publics:
                    for key in self.keys:
                        with contextlib.suppress(CryptoError):
                            found[public.id] = open_wrap(wrap, public, person, key)
        return found

    @cached_property
    def batch_keys(self) -> dict[bytes, BatchKey]:
        signers = {person.id: person.verify_key for roster in self.rosters for person in roster.people}
        found = {}
        for row in self.rows:
            for pair in self.pairs.values() if row.kind == BATCH_KEY else ():
                with contextlib.suppress(CryptoError):
                    key = open_batch_key(row.body, pair, signers[row.author])
                    found[key.id] = key
        return found

    def opened(self, importance: Importance) -> list[bytes]:
        """Return every value of an importance that opens."""
        return [payload for row in self.sealed(importance) for payload in self._open(row)]

    def sealed(self, importance: Importance) -> list[Row]:
        """Return the sealed rows of an importance."""
        return [row for row in self.rows if row.key_id and row.importance == importance]

    def text(self, importance: Importance) -> bytes:
        """Return all that opens, as one run of bytes."""
        return b"\n".join(self.opened(importance))

    def _unlocked(self, bodies: list[bytes]) -> Iterator[bytes]:
        for body in bodies:
            for key in self.keys:
                for epoch in _EPOCHS:
                    with contextlib.suppress(CryptoError):
                        yield open_lock(body, epoch, key)
                with contextlib.suppress(CryptoError):
                    yield open_escrow(body, key)

    def _open(self, row: Row) -> Iterator[bytes]:
        for key in self._candidates(row):
            with contextlib.suppress(CryptoError):
                yield open_row(key, row.kind, row.record, row.change_id, row.body)

    def _candidates(self, row: Row) -> Iterator[BatchKey]:
        own = self.batch_keys.get(row.key_id)
        if own is not None:
            yield own
        if row.importance not in (Importance.I, Importance.II):
            return
        class_key = next(public.id for public in self.publics if public.id.importance == row.importance)
        raw = [key.secret.reveal() for key in self.batch_keys.values() if key is not own]
        for secret in self.secrets:
            raw += [secret[at : at + _KEY] for at in range(0, len(secret) - _KEY + 1, _KEY)]
        for value in raw:
            yield BatchKey(row.key_id, class_key, Secret(value))
