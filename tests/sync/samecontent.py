"""Whether two stores hold the same, for tests that expect it or the contrary."""

from pathlib import Path

from sync.comparison import compare
from sync.errors import DivergedStoresError


def same_content(first: Path, second: Path) -> bool:
    """Say whether two stores hold the same changes and the same heads."""
    try:
        return compare(first, second).none
    except DivergedStoresError:
        return False
