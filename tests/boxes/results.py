"""A pytest plugin (`-p tests.boxes.results`): writes build/boxes.json, one entry for each scenario.

Invariant: what did not run says so: a skipped scenario stands there with its reason, and with no passed run.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

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


_FOUND: Final[dict[str, Scenario]] = {}


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Take what pytest says of setup, call and teardown of a test."""
    name = report.nodeid.partition("::")[2].partition("[")[0].removeprefix("test_")
    found = _FOUND.setdefault(name, Scenario(name))
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
