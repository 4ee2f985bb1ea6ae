"""Restore drills: every school is brought back into a folder of the moment, proven, measured and removed again.

Invariant: a drill loads no key and changes nothing at the store; what came of it stands in `drills.jsonl` before
the next school is tried, and one school's failure never keeps another from being tried.
"""

import contextlib
import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from appliance.board.folder import BoardFolder, ReplicaPlace
from appliance.board.restored import RestoreRequest, known_seq, remember_seq, restore_place
from appliance.errors import ApplianceError
from appliance.messages import explain
from crypto.signing import VerifyKey
from sync.clock import wall_ms
from sync.restore import RestoreReport, Stage

RECORD: Final = "drills.jsonl"
_WORK: Final = "drill"
_DAY_MS: Final = 86_400_000


class DrillRunningError(ApplianceError):
    """Another drill of this board runs already."""

    code = "APP-455"


class Drill(msgspec.Struct, frozen=True):
    """One line of the record. `code` is why it failed, "" when it did not; times are ms since 1970."""

    school: str
    at_ms: int
    passed: bool
    code: str = ""
    changes: int = 0
    newest_ms: int | None = None
    missing: int = 0
    store_bytes: int = 0
    seconds: float = 0.0


class Errand(msgspec.Struct, frozen=True):
    """What a drill takes: where the replica is, the board's public root key, what was verified before. No key."""

    place: ReplicaPlace
    root: bytes
    known_seq: int
    full: bool

    def __repr__(self) -> str:  # a cluster may log what it was given: never the store's key pair
        return f"Errand({self.place.school})"


class Outcome(msgspec.Struct, frozen=True):
    """What came of an errand: the line of the record, and up to which seq the replica at `place` was proven."""

    drill: Drill
    place: ReplicaPlace | None = None
    seq: int = 0


@dataclass(frozen=True, slots=True)
class Standing:
    """How a school stands: its newest drill and its newest good one, None where there was none."""

    school: str
    last: Drill | None
    last_good: Drill | None

    def good(self, now_ms: int, within_days: int) -> bool:
        """Say whether the newest drill was good and is not too old."""
        last = self.last
        return last is not None and last.passed and now_ms - last.at_ms <= within_days * _DAY_MS


@contextlib.contextmanager
def drill_folder(board: BoardFolder, work: Path | None = None) -> Iterator[Path]:
    """Give an empty folder for drills and remove it at the end; raises DrillRunningError."""
    folder = work or board.path / _WORK
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(board.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            raise DrillRunningError(operation="drill", subject=str(folder), cause=exc) from exc
        target = folder / "kurabako-drill"  # what a drill that was killed left behind goes first
        _clear(target)
        yield target
        _clear(target)
    finally:
        os.close(descriptor)


def drill_school(
    board: BoardFolder, school: str, target: Path, *, full: bool = False, stage: Stage | None = None
) -> Drill:
    """Restore a school into `target`, prove it, remove it, and write down what came of it."""
    at_ms = wall_ms()
    try:
        errand = errand_for(board, school, full=full)
    except Exception as error:  # noqa: BLE001 - a broken file of one school keeps no other from being tried
        outcome = Outcome(Drill(school, at_ms, passed=False, code=explain(error).code))
    else:
        outcome = run_errand(errand, target, stage)
    note_outcome(board, outcome)
    return outcome.drill


def errand_for(board: BoardFolder, school: str, *, full: bool) -> Errand:
    """Return what it takes to drill a school; raises UnknownSchoolError and what a broken file raises."""
    place = board.place(school)
    return Errand(place, board.root.to_bytes(), known_seq(board, place), full)


def run_errand(errand: Errand, target: Path, stage: Stage | None = None) -> Outcome:
    """Restore a school into `target`, prove it and remove it. Never raises; needs no folder of the board."""
    began, at_ms, school = time.monotonic(), wall_ms(), errand.place.school
    try:
        root = VerifyKey.from_bytes(errand.root)
        request = RestoreRequest(school, target, None, errand.full)
        report = restore_place(errand.place, root, errand.known_seq, request, stage)
        return Outcome(_drill(school, at_ms, report), errand.place, report.verified.seq)
    except Exception as error:  # noqa: BLE001 - whatever one school's drill fails with, the others are tried
        seconds = round(time.monotonic() - began, 3)
        return Outcome(Drill(school, at_ms, passed=False, code=explain(error).code, seconds=seconds))
    finally:
        _clear(target)


def note_outcome(board: BoardFolder, outcome: Outcome) -> None:
    """Write down what came of a drill; only the board's own process does."""
    if outcome.place is not None:
        remember_seq(board, outcome.place, outcome.seq)
    _keep(board, outcome.drill)


def read_drills(board: BoardFolder) -> list[Drill]:
    """Return every drill on record, oldest first; a line that a power cut left torn is passed over."""
    try:
        lines = (board.path / RECORD).read_bytes().splitlines()
    except FileNotFoundError:
        return []
    found = []
    for line in lines:
        with contextlib.suppress(msgspec.DecodeError, UnicodeDecodeError):
            found.append(msgspec.json.decode(line, type=Drill))
    return found


def standings(board: BoardFolder) -> list[Standing]:
    """Return how every enrolled school stands."""
    last: dict[str, Drill] = {}
    good: dict[str, Drill] = {}
    for drill in read_drills(board):
        last[drill.school] = drill
        if drill.passed:
            good[drill.school] = drill
    return [Standing(school, last.get(school), good.get(school)) for school in board.schools]


def _drill(school: str, at_ms: int, report: RestoreReport) -> Drill:
    return Drill(
        school,
        at_ms,
        report.complete,
        report.problem,
        report.verified.changes,
        report.verified.newest_ms,
        report.missing,
        (report.path / "school.db").stat().st_size,
        round(report.seconds, 3),
    )


def _keep(board: BoardFolder, drill: Drill) -> None:
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
    descriptor = os.open(board.path / RECORD, flags, 0o600)
    try:
        size = os.fstat(descriptor).st_size
        torn = size and os.pread(descriptor, 1, size - 1) != b"\n"
        os.write(descriptor, (b"\n" if torn else b"") + msgspec.json.encode(drill) + b"\n")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _clear(target: Path) -> None:
    for folder in (target, target.with_name(f".{target.name}.restoring")):
        shutil.rmtree(folder, ignore_errors=True)
