"""A pytest plugin (`-p tests.boxes.shares`): one process plays a share of the scenarios, and only for so long.

Shares are played in processes or on machines of their own: files are dealt out among them and what is done many
times (the tests with a `number`) run by run. `--join` of `python -m tests.boxes` adds up what they found.

Invariant: of the shares 1/N to N/N each test is in one; what the time did not suffice for says so.
"""

import time
from collections.abc import Iterator, Sequence
from typing import Final

import pytest

OVER: Final = "the time was over"
_ENDS = pytest.StashKey[float]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--share 1/2` and `--minutes 60`."""
    parser.addoption("--share", type=parsed, default=(1, 1), help="play the first of two parts: 1/2")
    parser.addoption("--minutes", type=float, default=None, help="begin nothing new after so long")


def pytest_configure(config: pytest.Config) -> None:
    """Let the time begin."""
    minutes = config.getoption("--minutes")
    if minutes is not None:
        config.stash[_ENDS] = time.monotonic() + 60 * minutes


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep this share's tests."""
    number, of = config.getoption("--share")
    kept = [item for place, hand in enumerate(dealt(items)) if place % of == number - 1 for item in hand]
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = kept


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Begin nothing new when the time is over."""
    if time.monotonic() > item.config.stash.get(_ENDS, float("inf")):
        pytest.skip(OVER)


def dealt(items: Sequence[pytest.Item]) -> Iterator[list[pytest.Item]]:
    """Yield what stays together: the tests of a file, because they share machines, and each run by itself."""
    hands: dict[object, list[pytest.Item]] = {}
    for item in items:
        hands.setdefault(item.nodeid if _numbered(item) else item.path, []).append(item)
    yield from hands.values()


def parsed(text: str) -> tuple[int, int]:
    """Return which share of how many."""
    number, _, of = text.partition("/")
    if not 1 <= int(number) <= int(of):
        raise ValueError(text)
    return int(number), int(of)


def _numbered(item: pytest.Item) -> bool:
    return isinstance(item, pytest.Function) and hasattr(item, "callspec") and "number" in item.callspec.params
