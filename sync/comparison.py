"""Two stores of one site compared: what each lacks of the other, and whether both are of one past."""

import contextlib
from dataclasses import dataclass
from pathlib import Path

from sync.checkpoint import heads_digest
from sync.errors import DivergedStoresError
from sync.reader import Reader


@dataclass(frozen=True, slots=True)
class Difference:
    """How many changes each of two stores lacks of the other; both are 0 when they hold the same."""

    first_lacks: int
    second_lacks: int

    @property
    def none(self) -> bool:
        """Say whether both hold the same."""
        return not (self.first_lacks or self.second_lacks)


def compare(first: Path, second: Path) -> Difference:
    """Compare by the logs of all origins and, where these are the same, by the heads.

    Raises DivergedStoresError when an origin's two logs go apart, or other heads follow from the same changes.
    """
    with (
        contextlib.closing(Reader(first)) as one,
        contextlib.closing(Reader(second)) as other,
        one.snapshot(),
        other.snapshot(),
    ):
        lacks = [0, 0]
        for origin in {**one.origins(), **other.origins()}:
            here, there = one.position(origin), other.position(origin)
            common = min(here.seq, there.seq)
            if common and one.chain_at(origin, common) != other.chain_at(origin, common):
                raise DivergedStoresError(operation="compare stores", subject=origin.prefix, log=origin.prefix)
            lacks[0] += there.seq - common
            lacks[1] += here.seq - common
        difference = Difference(*lacks)
        if difference.none and heads_digest(one.heads_by_name()) != heads_digest(other.heads_by_name()):
            raise DivergedStoresError(operation="compare stores", subject="heads", log="heads")
        return difference
