"""Locks and escrows: only the lease key opens a lock, only the hub an escrow, and what comes out is a wrap."""

import pytest

from crypto.classkeys import open_wrap, wrap_class_key
from crypto.errors import ContextMismatchError, CryptoError, MalformedError, OpenFailedError
from crypto.hybrid import HybridPrivateKey
from crypto.leasewrap import (
    escrow_id,
    lease_key_id,
    lock_wrap,
    open_escrow,
    open_lock,
    read_escrow,
    read_lock,
    seal_escrow,
)
from tests.crypto.fixed import class_pair, hybrid_key, identity

LEASE, HUB = hybrid_key("lease"), hybrid_key("hub")
SOURCE = bytes(range(16))


def wrapped() -> bytes:
    owner = identity("hanako")
    return wrap_class_key(class_pair(), owner.person, owner.public.seal)


def test_a_lock_gives_the_wrap_back_and_the_wrap_the_class_key() -> None:
    pair, owner, wrap = class_pair(), identity("hanako"), wrapped()
    lock = lock_wrap(wrap, 3, LEASE.public, SOURCE)
    assert open_lock(lock, 3, LEASE) == wrap
    assert open_wrap(open_lock(lock, 3, LEASE), pair.public, owner.person, owner.seal).public == pair.public
    told = read_lock(lock)
    assert (told.class_key, told.person, told.epoch, told.lease_key, told.escrow) == (
        pair.id,
        owner.person,
        3,
        lease_key_id(LEASE.public),
        SOURCE,
    )


def test_a_lock_without_the_lease_key_opens_for_nobody() -> None:
    lock = lock_wrap(wrapped(), 1, LEASE.public, SOURCE)
    with pytest.raises(ContextMismatchError):
        open_lock(lock, 1, HybridPrivateKey.generate())
    with pytest.raises(ContextMismatchError):
        open_lock(lock, 2, LEASE)
    pair, owner = class_pair(), identity("hanako")
    with pytest.raises(CryptoError):  # the passphrase alone
        open_wrap(lock, pair.public, owner.person, owner.seal)


def test_a_lock_for_another_key_under_this_keys_name_does_not_open() -> None:
    other = HybridPrivateKey.generate()
    lock = bytearray(lock_wrap(wrapped(), 1, other.public, SOURCE))
    at = bytes(lock).index(lease_key_id(other.public))
    lock[at : at + 16] = lease_key_id(LEASE.public)
    with pytest.raises(OpenFailedError):
        open_lock(bytes(lock), 1, LEASE)


def test_only_the_hub_opens_an_escrow() -> None:
    wrap = wrapped()
    escrow = seal_escrow(wrap, HUB.public)
    assert open_escrow(escrow, HUB) == wrap
    assert (read_escrow(escrow).class_key, read_escrow(escrow).person) == (
        class_pair().id,
        identity("hanako").person,
    )
    assert escrow_id(escrow) != escrow_id(seal_escrow(wrap, HUB.public))
    with pytest.raises(OpenFailedError):
        open_escrow(escrow, LEASE)


@pytest.mark.parametrize("cut", range(0, 1400, 97))
def test_cut_bytes_are_refused(cut: int) -> None:
    lock, escrow = lock_wrap(wrapped(), 1, LEASE.public, SOURCE), seal_escrow(wrapped(), HUB.public)
    with pytest.raises(CryptoError):
        open_lock(lock[:cut], 1, LEASE)
    with pytest.raises(CryptoError):
        open_escrow(escrow[:cut], HUB)


def test_what_is_no_wrap_is_not_locked() -> None:
    with pytest.raises(MalformedError):
        lock_wrap(b"\x01no wrap", 1, LEASE.public, SOURCE)
    with pytest.raises(MalformedError):
        seal_escrow(b"", HUB.public)
