"""What the status page shows of each school, from files that are there anyway.

Invariant: no key and no passphrase; read are status files, the record of drills, and of a hub's store only names,
counts, times and what sites sign openly. A school that cannot be read is shown as that, and hides no other.
"""

import contextlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Final

from appliance.board.drills import Standing, standings
from appliance.board.folder import BoardFolder
from appliance.board.hubs import hub_path
from appliance.fleet.boxview import Told
from crypto.errors import KurabakoError
from sync.conflicts import conflicting, held_back
from sync.database import DatabaseError
from sync.ids import Site
from sync.leases import find_box, newest_lease
from sync.reader import Reader
from sync.site import SitePaths
from sync.status import LinkState, Status, read_status

DRILL_DAYS: Final = 35
_DAY_MS: Final = 86_400_000
_SILENT_MS: Final = 4 * _DAY_MS  # longer than a weekend with a holiday
PLACES: Final = "places.toml"


class Health(StrEnum):
    """How a school stands, the gravest first."""

    BAD = "bad"
    WARN = "warn"
    OK = "ok"


@dataclass(frozen=True, slots=True)
class Stored:
    """What a hub's store tells without a key; times in ms since 1970."""

    heard_ms: int | None = None
    conflicts: int = 0
    held: int = 0
    lease_until_ms: int | None = None
    lease_revoked: bool = False


@dataclass(frozen=True, slots=True)
class SchoolView:
    """One school. `notes` are why it is not well, as names of words; `codes` are error codes and alarms."""

    school: str
    name: str
    running: bool
    online: bool
    waiting: int
    stored: Stored
    drilled_ms: int | None
    drill_good_ms: int | None
    drill_passed: bool
    notes: tuple[str, ...]
    codes: tuple[str, ...]
    health: Health
    at: tuple[float, float] | None = None


class Gatherer:
    """Looks at all schools again and again; a store that nobody wrote to is not opened again."""

    def __init__(self, board: BoardFolder, boxes: Mapping[str, tuple[Told, int]] | None = None) -> None:
        self._board = board
        self._boxes = boxes or {}
        self._stored: dict[str, tuple[tuple[int, ...], Stored | None]] = {}
        self._names: dict[str, str] = {}

    @property
    def name(self) -> str:
        """Return the board's name."""
        return self._board.name

    def look(self, now_ms: int) -> list[SchoolView]:
        """Return every enrolled school, the gravest first."""
        places = read_places(self._board.path / PLACES)
        found = [self._view(standing, now_ms) for standing in standings(self._board)]
        order = list(Health)
        found.sort(key=lambda view: (order.index(view.health), view.school))
        return [replace(view, at=places.get(view.school)) for view in found]

    def _view(self, standing: Standing, now_ms: int) -> SchoolView:
        school = standing.school
        paths = SitePaths(hub_path(self._board, school))
        status, stored = read_status(paths), self._look_into(school, paths)
        last, good = standing.last, standing.last_good
        told = self._boxes.get(school)
        codes = [*(status.warnings if status else ()), *([last.code] if last and last.code else ())]
        codes += list(told[0].alarms or ()) if told else []
        grave, light = _faults(status, stored, standing, now_ms)
        grave += ["alarm"] if told and told[0].alarms else []
        light += ["warning"] if status and status.warnings else []
        health = Health.BAD if grave else Health.WARN if light else Health.OK
        return SchoolView(
            school,
            self._name(school),
            status is not None,
            status is not None and status.link is LinkState.ONLINE,
            status.waiting if status else 0,
            stored or Stored(),
            last.at_ms if last else None,
            good.at_ms if good else None,
            last is not None and last.passed,
            (*grave, *light),
            tuple(dict.fromkeys(codes)),
            health,
        )

    def _name(self, school: str) -> str:
        if school not in self._names:
            try:
                self._names[school] = self._board.place(school).name
            except (KurabakoError, ValueError):  # a file that is no TOML is a ValueError
                return ""
        return self._names[school]

    def _look_into(self, school: str, paths: SitePaths) -> Stored | None:
        """Return what a store tells; None where there is none, or none that can be read."""
        stamp = tuple(_changed_at(paths.store.with_name(paths.store.name + end)) for end in ("", "-wal"))
        known = self._stored.get(school)
        if known is None or known[0] != stamp:
            found = None
            with contextlib.suppress(OSError, DatabaseError, KurabakoError):
                found = self._read(paths)
            known = self._stored[school] = (stamp, found)
        return known[1]

    def _read(self, paths: SitePaths) -> Stored:
        with contextlib.closing(Reader(paths.store)) as reader:
            box = find_box(reader, self._board.root)
            lease = newest_lease(reader, self._board.root, box) if box else None
            return Stored(
                _heard(reader),
                len(conflicting(reader)),
                len(held_back(reader)),
                lease.until_ms if lease else None,
                bool(lease and lease.revoked),
            )


def read_places(file: Path) -> dict[str, tuple[float, float]]:
    """Return school → (longitude, latitude) from a TOML file of `[[place]]`; nothing where there is none."""
    try:
        raw = tomllib.loads(file.read_text("utf-8"))
        return {str(one["school"]): (float(one["lon"]), float(one["lat"])) for one in raw.get("place", ())}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _faults(
    status: Status | None, stored: Stored | None, standing: Standing, now_ms: int
) -> tuple[list[str], list[str]]:
    """Return what is grave and what is to be looked at, as names of words."""
    grave, light, last = list[str](), list[str](), standing.last
    if status is None:
        grave.append("stopped")
    elif status.link is not LinkState.ONLINE:
        grave.append("offline")
    if stored is None:
        grave.append("unreadable")
    if last is not None and not last.passed:
        grave.append("drill_failed")
    elif not standing.good(now_ms, DRILL_DAYS):
        light.append("drill_old" if last else "drill_never")
    if stored is not None:
        light += [name for name, count in (("conflict", stored.conflicts), ("held", stored.held)) if count]
        if stored.heard_ms is not None and now_ms - stored.heard_ms > _SILENT_MS:
            light.append("silent")
        if stored.lease_until_ms is not None and not stored.lease_revoked and stored.lease_until_ms < now_ms:
            light.append("lease_over")
        light += ["lease_revoked"] if stored.lease_revoked else []
    return grave, light


def _heard(reader: Reader) -> int | None:
    """Return when the newest change was made that came from a box or a standby."""
    times = []
    for origin in reader.origins():
        seq = reader.position(origin).seq
        if origin.site is not Site.HUB and seq:
            times += [row.at_ms for row in reader.since(seq - 1, 1, origin)]
    return max(times, default=None)


def _changed_at(file: Path) -> int:
    try:
        return file.stat().st_mtime_ns
    except OSError:
        return 0
