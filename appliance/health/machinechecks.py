"""Checks of the machine: room on the disk, memory, heat, and its clocks.

Invariant: as `finding` says.
"""

import contextlib
import os
from typing import Final

from appliance.health.finding import ABSENT, DENIED, SILENT, Seen, bad, none, ok, warn
from appliance.health.look import Look
from appliance.health.sitechecks import PATIENCE_S
from sync.client import KeeperClient
from sync.errors import ClockBehindError, KeeperGoneError, SyncError
from sync.status import Status
from sync.trustedtime import TrustedTime

_GIB: Final = 1 << 30
_SCARCE: Final = 500 << 20
_LITTLE_MEMORY, _NO_MEMORY = 10, 4
_WARM, _HOT = 80, 95
_FAR_MS: Final = 600_000
_BEHIND_S: Final = 60


def disk(look: Look) -> Seen:
    """Tell how much room the site's disk has."""
    free, total, writable = look.room()
    percent = free * 100 // max(1, total)
    figures = {"percent": percent, "gib": round(free / _GIB, 1), "writable": "yes" if writable else "no"}
    limit = look.limits.disk_free_percent
    if not writable or free < _SCARCE or percent * 2 < limit:
        return bad(**figures)
    return (warn if percent < limit else ok)(**figures)


def inodes(look: Look) -> Seen:
    """Tell how many more files the site's disk takes."""
    found = os.statvfs(look.paths.root)
    if not found.f_files:
        return none(ABSENT)
    percent = found.f_favail * 100 // found.f_files
    limit = look.limits.disk_free_percent
    return (bad if percent * 2 < limit else warn if percent < limit else ok)(percent=percent)


def memory(look: Look) -> Seen:
    """Tell how much memory is free for use."""
    free, total = look.machine.memory_mb()
    if not total:
        return none(ABSENT)
    percent = free * 100 // total
    told = bad if percent < _NO_MEMORY else warn if percent < _LITTLE_MEMORY else ok
    return told(percent=percent, free_mb=free, total_mb=total)


def temperature(look: Look) -> Seen:
    """Tell how hot the machine's own sensors say that it is."""
    hottest = max(look.machine.temperatures(), default=None)
    if hottest is None:
        return none(ABSENT)
    return (bad if hottest >= _HOT else warn if hottest >= _WARM else ok)(celsius=round(hottest))


def clock(look: Look) -> Seen:
    """Tell whether the clock stands behind what the log and the trusted time have seen, or far ahead of them."""
    client = KeeperClient(look.paths.socket, PATIENCE_S)
    with contextlib.closing(client):
        try:
            behind_s = client.hello().clock_behind_s
            off_s = (TrustedTime(client).now() - look.now_ms) // 1000
        except KeeperGoneError as error:
            return none(DENIED if isinstance(error.__cause__, PermissionError) else SILENT)
        except SyncError:
            return _told_clock(look)
    seconds = max(behind_s, abs(off_s))
    direction = "ahead" if off_s < 0 and -off_s > behind_s else "behind"
    return bad(seconds=seconds, direction=direction) if seconds > _BEHIND_S else ok(seconds=0, direction="—")


def _told_clock(look: Look) -> Seen:
    if look.told is None:
        return none(SILENT)
    return bad(seconds="—", direction="behind") if ClockBehindError.code in look.told.warnings else none(DENIED)


def skew(look: Look, told: Status) -> Seen:
    """Tell by how much the board's clock differs from this one."""
    if told.clock_skew_ms is None:
        return none(ABSENT)
    off_ms = abs(told.clock_skew_ms)
    direction = "behind" if told.clock_skew_ms > 0 else "ahead"
    state = bad if off_ms > _FAR_MS else warn if off_ms > look.limits.clock_s * 1000 else ok
    return state(seconds=off_ms // 1000, direction=direction)


def timesync(look: Look) -> Seen:
    """Tell whether a time service sets the clock; the box works without one."""
    if not look.machine.has_systemd:
        return none(ABSENT)
    if look.machine.at("run/systemd/timesync/synchronized").exists():
        return ok()
    told = look.machine.run("timedatectl", "show", "--property=NTPSynchronized", "--value")
    if told is None:
        return none(ABSENT)
    return ok() if told.strip() == "yes" else warn()
