"""What support sees of one box: figures that the box told, and how old they are.

Invariant: what a box says is taken as figures and known words only, within bounds; a box that was broken into can
draw nothing on support's terminal and fill no memory. What was not told is unknown, never well.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import msgspec

from appliance.errors import ApplianceError

LARGEST: Final = 256 * 1024
_LATE_S: Final = 600
_WAITS_S: Final = 86_400
_LITTLE_PERCENT: Final = 10
_SKEW_MS: Final = 120_000
_LEASE_MS: Final = 3 * 86_400_000
_MOST: Final = 20
_LONGEST: Final = 40


class StrangeAnswerError(ApplianceError):
    """A box answered something that is no status."""

    code = "APP-490"


class Told(msgspec.Struct, frozen=True):
    """The part of a box's `status --json` that is shown; names and units are those of the box's."""

    running: bool
    at_ms: int
    version: str = ""
    link: str = "unknown"
    waiting: int | None = None
    waiting_age_s: int | None = None
    confirmed: int | None = None
    unconfirmed_age_s: int | None = None
    verified_age_s: int | None = None
    verify_problem: str | None = None
    superseded: bool | None = None
    clock_skew_ms: int | None = None
    lease: str | None = None
    lease_until_ms: int | None = None
    alarms: tuple[str, ...] | None = None
    disk_free_bytes: int = 0
    disk_size_bytes: int = 0
    disk_writable: bool = True

    @property
    def disk_percent(self) -> int:
        """Return how much of the disk is free, in hundredths."""
        return self.disk_free_bytes * 100 // max(1, self.disk_size_bytes)

    @property
    def lease_left_ms(self) -> int | None:
        """Return for how long the lease still lives, by the box's own clock; None for an unleased box."""
        if self.lease in (None, "unleased"):
            return None
        return max(0, (self.lease_until_ms or 0) - self.at_ms) if self.lease == "live" else 0


class Health(StrEnum):
    """How a box stands; `AWAY` was not reached this time, `ASKED` not yet."""

    OK = "ok"
    WARN = "warn"
    BAD = "bad"
    AWAY = "away"
    ASKED = "asked"


@dataclass(frozen=True, slots=True)
class BoxView:
    """One box. `told` is the last that it said, `seen_ms` when, by this machine's clock; `problem` why not now."""

    school: str
    name: str
    host: str
    told: Told | None = None
    seen_ms: int = 0
    problem: str = ""
    asked: bool = False

    @property
    def health(self) -> Health:
        """Return how the box stands."""
        if self.problem:
            return Health.AWAY
        if self.told is None:
            return Health.ASKED
        return _health(self.told)


def _health(told: Told) -> Health:
    left_ms = told.lease_left_ms
    bad = (
        not told.running,
        bool(told.superseded),
        bool(told.alarms),
        not told.disk_writable,
        bool(told.verify_problem),
        left_ms == 0,
        (told.unconfirmed_age_s or 0) > _WAITS_S,
    )
    warn = (
        told.link != "online",
        (told.waiting_age_s or 0) > _LATE_S,
        told.verified_age_s is None or told.verified_age_s > _WAITS_S,
        told.disk_percent < _LITTLE_PERCENT,
        abs(told.clock_skew_ms or 0) > _SKEW_MS,
        left_ms is not None and left_ms < _LEASE_MS,
    )
    return Health.BAD if any(bad) else Health.WARN if any(warn) else Health.OK


def read_told(answer: bytes) -> Told:
    """Read a box's answer; raises StrangeAnswerError."""
    try:
        told = msgspec.json.decode(answer, type=Told) if len(answer) <= LARGEST else None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise StrangeAnswerError(operation="read status", cause=exc) from exc
    if told is None:
        raise StrangeAnswerError(operation="read status", subject="too large")
    return msgspec.structs.replace(
        told,
        version=clean(told.version),
        link=clean(told.link),
        lease=None if told.lease is None else clean(told.lease),
        verify_problem=None if told.verify_problem is None else clean(told.verify_problem),
        alarms=None if told.alarms is None else tuple(clean(one) for one in told.alarms[:_MOST]),
    )


def clean(text: str, longest: int = _LONGEST) -> str:
    """Return a box's word without anything that could move a cursor, shortened."""
    return "".join(char for char in text[:longest] if char.isprintable())


def clean_check(entry: Any) -> tuple[str, str, str, str]:
    """Return (state, what, says, todo) of one of a box's checks."""
    fields = entry if isinstance(entry, dict) else {}
    parts = (fields.get(name) for name in ("state", "what", "says", "todo"))
    state, what, says, todo = (clean(part, 300) if isinstance(part, str) else "" for part in parts)
    return state, what, says, todo
