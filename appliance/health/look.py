"""What the checks look at: one site, what its sync daemon says, the machine below.

Invariant: it opens no credential and asks for no passphrase; support runs it as a user who may read no data.
"""

import contextlib
import os
from dataclasses import dataclass, field
from pathlib import Path

from appliance.alarms.section import AlarmsSection
from appliance.config import Config, ConfigMissingError, load_config
from appliance.errors import ApplianceError
from appliance.health.machine import Machine
from sync.clock import wall_ms
from sync.conflicts import ConflictCounter
from sync.database import DatabaseError
from sync.errors import SyncError
from sync.reader import Reader
from sync.site import SitePaths
from sync.status import Status, read_status

Counts = tuple[int | None, int | None]
"""Records in conflict and changes in quarantine; None when the store cannot be read."""


@dataclass(frozen=True, slots=True)
class Look:
    """One look at a site. `problem` is why its configuration is not understood."""

    paths: SitePaths
    config: Config | None
    problem: ApplianceError | None
    told: Status | None
    machine: Machine = field(default_factory=Machine)
    now_ms: int = field(default_factory=wall_ms)

    @property
    def limits(self) -> AlarmsSection:
        """Return from where on something is told."""
        return self.config.alarms if self.config is not None else AlarmsSection()

    @property
    def kind(self) -> str:
        """Return `box` or `hub`."""
        return self.config.site.kind if self.config is not None else "box"

    def room(self) -> tuple[int, int, bool]:
        """Return how many bytes of the site's disk are free, how many it has, and whether it can be written."""
        found = os.statvfs(self.paths.root)
        return found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize, not found.f_flag & os.ST_RDONLY

    def age_s(self, at_ms: int | None) -> int | None:
        """Return how many seconds ago something was; a time ahead of this clock is 0."""
        return None if not at_ms else max(0, (self.now_ms - at_ms) // 1000)


def look_at(site: Path, machine: Machine | None = None) -> Look:
    """Look at the site at `site`; raises ConfigMissingError where there is none."""
    config: Config | None = None
    problem: ApplianceError | None = None
    try:
        config = load_config(site)
    except ConfigMissingError:
        raise
    except ApplianceError as error:
        problem = error
    paths = SitePaths(site.resolve())
    return Look(paths, config, problem, read_status(paths), machine or Machine())


def may_read_store(paths: SitePaths) -> bool:
    """Say whether the store can be read without a file of root's beside it, on which a keeper would stop."""
    if os.geteuid() != 0 or paths.store.stat().st_uid == 0:
        return True
    return paths.store.with_name(f"{paths.store.name}-shm").exists()


def counted(paths: SitePaths) -> Counts:
    """Count conflicts and quarantined changes in a site's store; opens nothing."""
    try:
        if not may_read_store(paths):
            return None, None
        with contextlib.closing(Reader(paths.store)) as reader:
            return ConflictCounter(reader).counts()
    except (DatabaseError, OSError, SyncError):
        return None, None
