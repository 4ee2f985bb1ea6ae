"""A pytest plugin (`-p tests.boxes.results`): writes build/boxes.json, one entry for each scenario.

`figures` are what a scenario measured, by the fixture `note`; of several runs the largest.

Invariant: what did not run says so: a skipped scenario stands there with its reason, and with no passed run. What
was played stands in the file at once, whatever comes.
"""

import json
from collections.abc import Generator, Iterable, Sequence
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

    def take(self, figures: dict[str, float]) -> None:
        """Take what was measured."""
        for name, value in figures.items():
            self.figures[name] = round(max(value, self.figures.get(name, 0.0)), 2)

    def add(self, other: "Scenario") -> None:
        """Add what another process found of the same scenario."""
        self.runs, self.passed = self.runs + other.runs, self.passed + other.passed
        self.seconds = round(self.seconds + other.seconds, 1)
        self.skipped = "; ".join(dict.fromkeys(text for text in (self.skipped, other.skipped) if text))
        self.take(other.figures)


_FOUND: Final[dict[str, Scenario]] = {}


class Note(Protocol):
    """Takes figures of a scenario."""

    def __call__(self, **figures: float) -> None: ...


@pytest.fixture
def note(request: pytest.FixtureRequest) -> Note:
    """Let a scenario say what it measured."""
    found = _found(request.node.nodeid)

    def take(**figures: float) -> None:
        found.take(figures)

    return take


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--out FILE`."""
    parser.addoption("--out", type=Path, default=OUT, help=f"what is written (default {OUT})")


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Take what pytest says of setup, call and teardown of a test."""
    count(_found(report.nodeid), report)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Write what was found after each test, the scenarios in the order in which they ran."""
    done = yield
    write(item.config.getoption("--out"), _FOUND.values())
    return done


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write all of it."""
    write(session.config.getoption("--out"), _FOUND.values())


def count(found: Scenario, report: pytest.TestReport) -> None:
    """Add setup, call or teardown of a test to its scenario."""
    found.seconds = round(found.seconds + report.duration, 1)
    if report.skipped:
        reason = str(report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr)
        found.skipped = reason.removeprefix("Skipped: ")
    elif report.when == "call" or report.failed and report.when == "setup":
        found.runs += 1
        found.passed += report.passed
    elif report.failed:  # something was left behind
        found.passed -= 1


def write(out: Path, scenarios: Iterable[Scenario]) -> None:
    """Write a file of scenarios."""
    out.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps([asdict(one) for one in scenarios], ensure_ascii=False, indent=1)
    out.write_text(f"{text}\n", encoding="utf-8")


def join(files: Sequence[Path]) -> list[Scenario]:
    """Read what several processes wrote and add it up; a scenario that only one of them has stands as it is."""
    joined: dict[str, Scenario] = {}
    for file in files:
        for told in json.loads(file.read_text("utf-8")):
            joined.setdefault(told["scenario"], Scenario(told["scenario"])).add(Scenario(**told))
    return list(joined.values())


def _found(nodeid: str) -> Scenario:
    name = nodeid.partition("::")[2].partition("[")[0].removeprefix("test_")
    return _FOUND.setdefault(name, Scenario(name))
