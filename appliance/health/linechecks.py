"""Checks of what left the box: the line, what waits, what was proven, what the board confirmed, the lease.

Invariant: all of it is what the sync daemon read back; while it does not run nothing is claimed.
"""

from collections.abc import Callable
from typing import Final

from appliance.health.finding import ABSENT, DENIED, NO_BOARD, NOT_YET, SILENT, Seen, State, bad, none, ok, warn
from appliance.health.look import Look
from sync.errors import ClockBehindError, LeaseLapsedError, LeaseRevokedError
from sync.status import LinkState, Status

_LONG_AWAY_S: Final = 86_400
_LAG_S: Final = 600
_HOUR_S: Final = 3600
_DAY_MS: Final = 86_400_000
_ELSEWHERE: Final = {LeaseLapsedError.code, LeaseRevokedError.code, ClockBehindError.code}

Told = Callable[[Look, Status], Seen]


def when_told(check: Told) -> Callable[[Look], Seen]:
    """Make a check of what the daemon says: without it, there is nothing to check."""

    def looked(look: Look) -> Seen:
        return none(SILENT) if look.told is None else check(look, look.told)

    return looked


def sync(look: Look) -> Seen:
    """Tell whether the sync daemon runs and renews what it says."""
    if look.told is not None:
        return ok()
    try:
        look.paths.status.stat()
    except PermissionError:
        return none(DENIED)
    except OSError:
        return bad()
    return bad()


def line(look: Look, told: Status) -> Seen:
    """Tell how the line to the object store is; one that is cut is nothing to be repaired in the box."""
    minutes = (look.age_s(told.link_since_ms) or 0) // 60
    if told.link is LinkState.ONLINE:
        return ok(link=str(told.link), minutes=minutes)
    away = told.link is LinkState.OFFLINE and minutes * 60 > _LONG_AWAY_S
    return (bad if away else warn)(link=str(told.link), minutes=minutes)


def lag(look: Look, told: Status) -> Seen:
    """Tell how many changes wait to be sent, and for how long the oldest has."""
    minutes = (look.age_s(told.waiting_since_ms) or 0) // 60
    if minutes * 60 < _LAG_S:
        return ok(waiting=told.waiting, minutes=minutes)
    return (bad if told.link is LinkState.ONLINE else warn)(waiting=told.waiting, minutes=minutes)


def verified(look: Look, told: Status) -> Seen:
    """Tell when a restore was last tried and proven whole."""
    if look.kind == "hub":
        return none(ABSENT)
    age_s = look.age_s(told.verified_at_ms)
    hours = age_s // _HOUR_S if age_s is not None else "—"
    if told.verify_problem:
        return bad(hours=hours, error=told.verify_problem)
    if isinstance(hours, str):
        return Seen(State.WARN, {}, NOT_YET)
    if hours < look.limits.verified_h:
        return ok(hours=hours)
    return (bad if told.link is LinkState.ONLINE else warn)(hours=hours, error="—")


def confirmed(look: Look, told: Status) -> Seen:
    """Tell how long the oldest entry has waited for the board's countersign."""
    if told.confirmed is None:
        return none(NO_BOARD)
    hours = (look.age_s(told.unconfirmed_since_ms) or 0) // _HOUR_S
    figures = {"count": max(0, told.saved - told.confirmed), "hours": hours}
    return (bad if hours >= look.limits.confirmed_h else ok)(**figures)


def lease(look: Look, told: Status) -> Seen:
    """Tell for how long importance I and II still open."""
    if told.lease == "unleased":
        return none(ABSENT)
    days = max(0, (told.lease_until_ms or 0) - look.now_ms) // _DAY_MS
    if told.lease != "live":
        return bad(lease=told.lease, days=0)
    return (warn if days < look.limits.lease_days else ok)(lease=told.lease, days=days)


def superseded(look: Look, told: Status) -> Seen:
    """Tell whether a newer box took over for this one."""
    return bad() if told.superseded else ok()


def warnings(look: Look, told: Status) -> Seen:
    """Tell what else the sync daemon complains of."""
    codes = tuple(code for code in told.warnings if code not in _ELSEWHERE and code != told.verify_problem)
    return bad(codes=codes) if codes else ok()
