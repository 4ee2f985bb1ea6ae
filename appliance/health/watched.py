"""`run/health.json`: what the box's own watcher found last, for those who may not look themselves.

Invariant: figures only, as in `finding`; a file that is not renewed, or of another boot, is no answer
(`read_watched` returns None).
"""

import time
from typing import Final

import msgspec

from appliance.health.finding import Finding
from sync.atomic import atomic_write
from sync.clock import boot_id
from sync.site import SitePaths

FILE: Final = "health.json"
STALE_S: Final = 180.0


class Watched(msgspec.Struct, frozen=True):
    """Findings, and when they were made by the machine's monotonic clock; the store's counts; alarms raised."""

    findings: tuple[Finding, ...]
    boot_s: float
    conflicts: int | None = None
    quarantined: int | None = None
    alarms: tuple[str, ...] = ()
    boot_id: str = msgspec.field(default_factory=boot_id)

    @property
    def age_s(self) -> int:
        """Return how long ago that was."""
        return int(time.monotonic() - self.boot_s)


def write_watched(paths: SitePaths, watched: Watched) -> None:
    """Replace the file. Not fsynced: it means nothing after a restart."""
    atomic_write(paths.run / FILE, msgspec.json.encode(watched), mode=0o644, durable=False)


def read_watched(paths: SitePaths) -> Watched | None:
    """Return what was found, or None when the watcher does not run."""
    try:
        watched = msgspec.json.decode((paths.run / FILE).read_bytes(), type=Watched)
    except (OSError, UnicodeDecodeError, msgspec.DecodeError):
        return None
    age_s = time.monotonic() - watched.boot_s
    return watched if watched.boot_id == boot_id() and 0 <= age_s <= STALE_S else None
