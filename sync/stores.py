"""What every store of objects can do, whatever is behind it.

Invariant: a reader sees a whole object or none; `put` and `create` return only when the store has the bytes for
good. Failures tell an unreachable store (StoreUnreachableError) from one that refuses (StoreRefusedError). Nobody
tries twice in here: the callers are loops that decide. All stores pass tests/sync/test_store_conformance.py.
"""

from typing import Protocol


class Store(Protocol):
    """One bucket, by key. May be used from several threads.

    A key is names joined by "/"; no name is empty or begins with a dot: such names are the stores' own.
    """

    def get(self, key: str) -> bytes | None:
        """Return an object's bytes, None when there is none."""
        ...

    def put(self, key: str, data: bytes) -> None:
        """Store an object, in place of what stood there."""
        ...

    def create(self, key: str, data: bytes) -> bool:
        """Store an object where none stands; return whether it was this call that did.

        Of many callers at most one is told True. One whose answer was lost gets StoreUnreachableError and, asking
        again, False: it then compares what stands there with its own.
        """
        ...

    def probe(self, prefix: str) -> None:
        """Ask for something that need not be there; returns when the store answers."""
        ...

    def sizes(self, prefix: str) -> dict[str, int]:
        """Return key → bytes of every object under a prefix of whole names; "" is the whole bucket."""
        ...


def key_names(key: str) -> tuple[str, ...]:
    """Return the names that a key consists of; raises PermissionError for what is no key or leads elsewhere."""
    names = tuple(key.split("/"))
    if "\0" in key or not all(name and name[0] != "." for name in names):
        raise PermissionError(f"no key: {key!r}")
    return names
