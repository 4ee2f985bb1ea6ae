"""What every store of objects can do, whatever is behind it.

Invariant: a reader sees a whole object or none; `put` and `create` return only when the store has the bytes for
good. Failures tell an unreachable store (StoreUnreachableError) from one that refuses (StoreRefusedError).
"""

from typing import Protocol


class Store(Protocol):
    """One bucket, by key. Used from one thread at a time."""

    def get(self, key: str) -> bytes | None:
        """Return an object's bytes, None when there is none."""
        ...

    def put(self, key: str, data: bytes) -> None:
        """Store an object, in place of what stood there."""
        ...

    def create(self, key: str, data: bytes) -> bool:
        """Store an object where none stands; return whether it was this call that did."""
        ...

    def probe(self, prefix: str) -> None:
        """Ask for something that need not be there; returns when the store answers."""
        ...

    def sizes(self, prefix: str) -> dict[str, int]:
        """Return name → bytes of every object under a prefix."""
        ...
