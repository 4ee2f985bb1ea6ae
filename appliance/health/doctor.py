"""`doctor`: every check of a site, run side by side within a bounded time.

Invariant: no check can hold the answer up: one that hangs is told as late; one that this user may not make is
told as such, unless the box's own watcher saw it a moment ago.
"""

import queue
import threading
import time
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from appliance.health import linechecks as of_line
from appliance.health import machinechecks as of_machine
from appliance.health import programchecks as of_programs
from appliance.health import sitechecks as of_site
from appliance.health.finding import DENIED, FAILED, LATE, Finding, Seen, State, none
from appliance.health.linechecks import when_told
from appliance.health.look import Look
from appliance.health.watched import read_watched

WITHIN_S: Final = 1.5


class Check(NamedTuple):
    """A check; `late` is what it counts as when it does not come to an end."""

    name: str
    run: Callable[[Look], Seen]
    late: State = State.WARN


CHECKS: Final = (
    Check("config", of_site.config),
    Check("sqlite", of_site.sqlite),
    Check("keeper", of_site.keeper, State.BAD),
    Check("sync", of_line.sync),
    Check("line", when_told(of_line.line)),
    Check("lag", when_told(of_line.lag)),
    Check("verified", when_told(of_line.verified)),
    Check("confirmed", when_told(of_line.confirmed)),
    Check("lease", when_told(of_line.lease)),
    Check("superseded", when_told(of_line.superseded)),
    Check("warnings", when_told(of_line.warnings)),
    Check("marks", of_site.marks),
    Check("healing", of_site.healing),
    Check("quarantine", of_site.quarantine),
    Check("conflicts", of_site.conflicts),
    Check("inbox", of_site.inbox),
    Check("usb", of_site.usb),
    Check("credentials", of_site.credentials),
    Check("permissions", of_site.permissions),
    Check("disk", of_machine.disk, State.BAD),
    Check("inodes", of_machine.inodes),
    Check("memory", of_machine.memory),
    Check("temperature", of_machine.temperature),
    Check("clock", of_machine.clock),
    Check("skew", when_told(of_machine.skew)),
    Check("timesync", of_machine.timesync),
    Check("litestream", of_programs.litestream),
    Check("rclone", of_programs.rclone),
    Check("units", of_programs.units),
    Check("firewall", of_programs.firewall),
    Check("usb_guard", of_programs.usb_guard),
    Check("update", of_programs.update),
    Check("alarms", of_programs.alarms),
)


def examine(look: Look, checks: Sequence[Check] = CHECKS, within_s: float = WITHIN_S) -> list[Finding]:
    """Run every check and return what they found, in their order; takes `within_s` and no more."""
    found: queue.SimpleQueue[tuple[str, Seen]] = queue.SimpleQueue()
    for check in checks:
        # A thread each, and none that the end of the process would wait for: a disk that hangs hangs for good.
        threading.Thread(target=_run, args=(check, look, found), name=check.name, daemon=True).start()
    seen: dict[str, Seen] = {}
    until = time.monotonic() + within_s
    while len(seen) < len(checks) and (left := until - time.monotonic()) > 0:
        try:
            name, outcome = found.get(timeout=left)
        except queue.Empty:
            break
        seen[name] = outcome
    return [_finding(check, seen.get(check.name, Seen(check.late, {}, LATE))) for check in checks]


def examined(look: Look) -> list[Finding]:
    """Return what the checks find, with the watcher's word where this user may not look."""
    findings = examine(look)
    if not any(finding.reason == DENIED for finding in findings):
        return findings
    watched = read_watched(look.paths)
    known = {finding.check: finding for finding in watched.findings} if watched is not None else {}
    age_s = watched.age_s if watched is not None else 0
    return [
        _as_watched(finding, known[finding.check], age_s)
        if finding.reason == DENIED and finding.check in known
        else finding
        for finding in findings
    ]


def _as_watched(mine: Finding, theirs: Finding, age_s: int) -> Finding:
    return (
        mine
        if theirs.reason == DENIED
        else Finding(theirs.check, theirs.state, theirs.figures, theirs.reason, max(1, age_s))
    )


def _run(check: Check, look: Look, found: "queue.SimpleQueue[tuple[str, Seen]]") -> None:
    try:
        outcome = check.run(look)
    except PermissionError:
        outcome = none(DENIED)
    except Exception as error:  # noqa: BLE001 - one broken check must not hide what the others found
        outcome = Seen(State.WARN, {"error": type(error).__name__}, FAILED)
    found.put((check.name, outcome))


def _finding(check: Check, seen: Seen) -> Finding:
    return Finding(check.name, seen.state, dict(seen.figures), seen.reason)
