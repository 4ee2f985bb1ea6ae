"""What the store holds of a site's replica at a time: its states, its whole copies, and when it was made anew.

Invariant: only reads and proves nothing; the causes are what the site told, shown as the site's own words.
"""

import tempfile
from dataclasses import dataclass
from pathlib import Path

from sync.fetch import Fetcher
from sync.healing import Healing, healings_name, read_healings
from sync.ids import Origin
from sync.litestream import replica_path
from sync.objectstore import ObjectStore, StoreConfig


@dataclass(frozen=True, slots=True)
class ReplicaSpan:
    """A replica in [from_ms, until_ms): how many states, the first and last of them, whole copies, healings."""

    origin: Origin
    states: int
    first_ms: int
    last_ms: int
    whole_ms: tuple[int, ...]
    healings: tuple[Healing, ...]


def replica_spans(store: StoreConfig, origins: list[Origin], span: tuple[int, int]) -> list[ReplicaSpan]:
    """Return what the replicas of some sites held; those of which there is nothing are left out.

    Raises StoreUnreachableError, StoreRefusedError.
    """
    found = (_span(store, origin, span) for origin in origins)
    return [told for told in found if told.states or told.healings]


def _span(store: StoreConfig, origin: Origin, span: tuple[int, int]) -> ReplicaSpan:
    objects = ObjectStore(store)
    with tempfile.TemporaryDirectory(prefix="kurabako-states-") as work:
        fetcher = Fetcher(store, objects, replica_path(origin), Path(work), lambda *_: None)
        states = (
            [state for state in fetcher.states() if span[0] <= state.at_ms < span[1]] if fetcher.look() else []
        )
    times = {state.txid: state.at_ms for state in sorted(states, key=lambda state: -state.at_ms)}.values()
    whole = tuple(sorted({state.at_ms for state in states if state.whole}))
    told = read_healings(objects.get(healings_name(origin)) or b"")
    healings = tuple(entry for entry in told if span[0] <= entry.began_ms < span[1])
    return ReplicaSpan(origin, len(times), min(times, default=0), max(times, default=0), whole, healings)
