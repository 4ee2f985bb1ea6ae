"""What raises an alarm, and when it is over.

Invariant: an alarm is raised once and cleared once. What is not known (no daemon, a check that could not be made)
changes nothing. A thing must stand for its `hold_s` before it is raised, and be gone for its `clear_s` before it
is cleared, by the monotonic clock: what comes and goes makes no flood.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from appliance.health.finding import Figure, Finding, State
from sync.status import Status


class Pace(NamedTuple):
    """How long something must stand before it is raised, and be gone before it is cleared, in seconds."""

    hold_s: float
    clear_s: float


class Standing(NamedTuple):
    """Whether something is so now; None: not known."""

    active: bool | None
    figures: Mapping[str, Figure] = {}


PACES: Final = {
    "verify_failed": Pace(0, 0),
    "healing": Pace(0, 0),
    "disk": Pace(30, 300),
    "confirmed": Pace(60, 60),
    "lease": Pace(30, 60),
    "superseded": Pace(0, 60),
    "clock": Pace(90, 300),
    "keeper": Pace(0, 3600),
    "usb": Pace(0, 3600),
    "doctor": Pace(150, 300),
}
DOCTOR: Final = "doctor."  # followed by the name of the check
_OF_CHECKS: Final = {
    "disk": ("disk", "inodes"),
    "confirmed": ("confirmed",),
    "lease": ("lease",),
    "clock": ("clock", "skew"),
}
# Told by an alarm of their own, or nothing that a message could leave the box with.
_NOT_BY_DOCTOR: Final = {"verified", "superseded", "healing", "keeper", "usb", "alarms", "line", "marks"}
_EARLY: Final = {"disk", "lease"}  # told from a warning on


def of_findings(findings: Iterable[Finding]) -> dict[str, Standing]:
    """Return how the alarms stand that follow from what the checks found."""
    known = {finding.check: finding for finding in findings}
    found: dict[str, Standing] = {}
    for alarm, checks in _OF_CHECKS.items():
        found[alarm] = _of_checks([known[name] for name in checks if name in known], alarm in _EARLY)
    covered = {name for checks in _OF_CHECKS.values() for name in checks} | _NOT_BY_DOCTOR
    for name, finding in known.items():
        if name not in covered:
            found[DOCTOR + name] = _of_checks([finding], early=False)
    return found


def _of_checks(findings: list[Finding], early: bool) -> Standing:
    wanted = (State.BAD, State.WARN) if early else (State.BAD,)
    for finding in findings:
        if finding.state in wanted and not finding.reason:
            return Standing(True, finding.figures)
    known = [finding for finding in findings if not finding.reason]
    return Standing(False if known else None)


def of_status(told: Status | None) -> dict[str, Standing]:
    """Return how the alarms stand that the sync daemon's word alone decides."""
    if told is None:
        return {"verify_failed": Standing(None), "superseded": Standing(None)}
    return {
        "verify_failed": Standing(bool(told.verify_problem), {"error": told.verify_problem}),
        "superseded": Standing(told.superseded),
    }


@dataclass
class Steady:
    """Decides when a change has stood for long enough; `now_s` is a monotonic clock."""

    now_s: Callable[[], float] = time.monotonic
    paces: Mapping[str, Pace] = field(default_factory=lambda: PACES)
    _since: dict[str, float] = field(default_factory=dict)

    def turned(self, alarm: str, raised: bool, standing: Standing) -> bool:
        """Say whether an alarm that is `raised` (or not) shall change now."""
        if standing.active is None or standing.active is raised:
            self._since.pop(alarm, None)
            return False
        pace = self.paces[alarm.partition(".")[0]]
        since = self._since.setdefault(alarm, self.now_s())
        if self.now_s() - since < (pace.clear_s if raised else pace.hold_s):
            return False
        del self._since[alarm]
        return True
