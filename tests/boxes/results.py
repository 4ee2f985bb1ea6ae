"""A pytest plugin (`-p tests.boxes.results`): writes build/boxes.json, one entry for each scenario.

`figures` are what a scenario measured, by the fixture `note`; of several runs the largest.

Invariant: what did not run says so: a skipped scenario stands there with its reason, and with no passed run.
"""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final, Protocol

import pytest

OUT: Final = Path("build/boxes.json")


@dataclass
class Scenario:
    """How the runs of one scenario went; `seconds` is the time of all of them, with what they set up."""

    scenario: str
    runs: int = 0
    passed: int = 0
    seconds: float = 0.0
    skipped: str = ""
    figures: dict[str, float] = field(default_factory=dict)


_FOUND: Final[dict[str, Scenario]] = {}


class Note(Protocol):
    """Takes figures of a scenario."""

    def __call__(self, **figures: float) -> None: ...


@pytest.fixture
def note(request: pytest.FixtureRequest) -> Note:
    """Let a scenario say what it measured."""
    found = _found(request.node.nodeid)

    def take(**figures: float) -> None:
        for name, value in figures.items():
            found.figures[name] = round(max(value, found.figures.get(name, 0.0)), 2)

    return take


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Take what pytest says of setup, call and teardown of a test."""
    found = _found(report.nodeid)
    found.seconds = round(found.seconds + report.duration, 1)
    if report.skipped:
        found.skipped = str(report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr)
    elif report.when == "call" or report.failed and report.when == "setup":
        found.runs += 1
        found.passed += report.passed
    elif report.failed:  # something was left behind
        found.passed -= 1


def pytest_sessionfinish() -> None:
    """Write what was found, the scenarios in the order in which they ran."""
    OUT.parent.mkdir(exist_ok=True)
    text = json.dumps([asdict(one) for one in _FOUND.values()], ensure_ascii=False, indent=1)
    OUT.write_text(f"{text}\n", encoding="utf-8")


def _found(nodeid: str) -> Scenario:
    name = nodeid.partition("::")[2].partition("[")[0].removeprefix("test_")
    return _FOUND.setdefault(name, Scenario(name))
