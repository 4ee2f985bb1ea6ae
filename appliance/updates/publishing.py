"""Bring a repository of updates to where boxes read it: a bucket, or a medium that an officer carries.

Invariant: a reader never sees metadata whose files are not there yet: targets go first, the timestamp last.
"""

from collections.abc import Callable

from appliance.updates.places import METADATA, PREFIX, TARGETS
from appliance.updates.repository import Repository
from sync.stores import Store


def send(
    repository: Repository, store: Store, prefix: str = PREFIX, tell: Callable[[str], None] = lambda _: None
) -> int:
    """Put what a store lacks of the newest state there; return how many bytes went. May be cut and done again."""
    sent = 0
    there = store.sizes(prefix)
    for name in repository.targets():
        folder = repository.path / TARGETS / name
        for piece in sorted(folder.iterdir()):
            key = f"{prefix}/{TARGETS}{name}/{piece.name}"
            if there.get(key) != piece.stat().st_size:
                sent += _put(store, key, piece.read_bytes())
        tell(name)
    for file in repository.metadata():
        sent += _put(store, f"{prefix}/{METADATA}{file.name}", file.read_bytes())
    return sent


def _put(store: Store, key: str, raw: bytes) -> int:
    store.put(key, raw)
    return len(raw)
