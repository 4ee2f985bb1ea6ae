"""A disk that is full, and one whose fsync fails."""

import contextlib
import os
import random
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.soak.office import Busy, Ledger
from tests.soak.processes import gone
from tests.soak.results import Play, Row
from tests.soak.town import Town, town_at
from tests.soak.truth import missing_anywhere, replica_faults
from tests.sync.pair import BOX

_MB: Final = 1_048_576
_DISK: Final = 256 * _MB  # healing needs room for two copies of the database
_GIVEN_BACK_S: Final = 5.0
_LARGE: Final = 4_000  # bytes of an entry: a megabyte is soon full


def disk_full(play: Play, row: Row) -> None:
    """Leave the box 0, 1, 2 … MB of disk, save until it is full, make room again."""
    for turn in play.each(row, play.runs(1, 1, 5)):
        folder = play.sub(turn)
        (folder / "box").mkdir()
        with _small_disk(folder / "box") as reason:
            if reason:
                row.note = f"skipped: {reason}"
                return
            with town_at(folder) as town:
                _fill_often(play, town, folder / "box" / "filler", row)


def _fill_often(play: Play, town: Town, filler: Path, row: Row) -> None:
    ledger = Ledger(BOX)
    busy = Busy(town.box.party, ledger, "d", 2, pause_s=0.01, most=4, size=_LARGE, seed=play.seed, patience_s=3.0)
    for megabytes in range(play.pick(1, 8, 8)):
        _fill(town, busy, ledger, filler, megabytes, row)
        play.say(f"disk_full: {megabytes} MB, {ledger.refused} refused, 確認済 {row.confirmed[-1]:.1f} s after")
    busy.close()
    _look(town, ledger, row)
    row.note = (
        f"{ledger.refused} saves refused, {len(ledger.entries)} kept, {town.box.starts - 1} restarts {row.note}"
    )


def eio_fsync(play: Play, row: Row) -> None:
    """Let the keeper's fsync fail for a while."""
    strace = shutil.which("strace")
    if strace is None:
        row.note = "skipped: strace is not installed"
        return
    with town_at(play.folder) as town:
        ledger = Ledger(BOX)
        source = random.Random(play.seed)
        busy = Busy(town.box.party, ledger, "e", 3, most=4, pause_s=0.01, seed=play.seed, patience_s=5.0)
        for _ in play.each(row, play.runs(1, 8, 100)):
            if not _fail_fsync(town, strace, busy, ledger, source, row):
                row.note = "skipped: strace may not attach here"
                break
            play.say(f"eio_fsync: {row.runs}, {ledger.refused} refused, 確認済 {row.confirmed[-1]:.1f} s after")
        busy.close()
        _look(town, ledger, row)
        row.note += f"{ledger.refused} saves refused, {len(ledger.entries)} kept"


def _fill(town: Town, busy: Busy, ledger: Ledger, filler: Path, megabytes: int, row: Row) -> None:
    _leave(filler, megabytes * _MB)
    refused, deadline = ledger.refused, time.monotonic() + 30 + 5 * megabytes
    busy.resume()
    later = time.monotonic() + _GIVEN_BACK_S + megabytes
    while ledger.refused < refused + 4 and time.monotonic() < deadline:
        time.sleep(0.05)
        if time.monotonic() > later:  # Litestream has taken files away since, and there is room again
            _take_all(filler)
            later += _GIVEN_BACK_S
    busy.pause()
    assert ledger.refused > refused, "the disk was full, and somebody was told so"
    filler.unlink()
    busy.work(0.5)
    row.confirmed.append(_settled(town, ledger))
    row.runs += 1
    row.lost += missing_anywhere(town, {town.box: ledger})


def _leave(filler: Path, room: int) -> None:
    """Fill the disk up to so many bytes."""
    free = os.statvfs(filler.parent)
    size = free.f_bavail * free.f_frsize - room
    with filler.open("wb") as file, contextlib.suppress(OSError):
        os.posix_fallocate(file.fileno(), 0, max(1, size))


def _take_all(filler: Path) -> None:
    """Fill what has become free."""
    free = os.statvfs(filler.parent)
    with filler.open("ab") as file, contextlib.suppress(OSError):
        os.posix_fallocate(file.fileno(), filler.stat().st_size, max(1, free.f_bavail * free.f_frsize))


@contextlib.contextmanager
def _small_disk(folder: Path) -> Iterator[str]:
    """Mount a small file system; yields why that is not possible here, or an empty string."""
    command = ["mount", "-t", "tmpfs", "-o", f"size={_DISK},mode=0700", "kurabako-soak", str(folder)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S607 - found on PATH
    except OSError as error:
        yield f"no mount: {error.strerror}"
        return
    if done.returncode:
        yield f"mounting needs root: {done.stderr.strip()}"
        return
    try:
        yield ""
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=False)  # noqa: S607 - found on PATH


def _fail_fsync(town: Town, strace: str, busy: Busy, ledger: Ledger, source: random.Random, row: Row) -> bool:
    keeper = town.box.process("sync.keeper")
    calls = "fsync,fdatasync"
    inject = f"inject={calls}:error=EIO:when={source.randint(1, 4)}+{source.randint(1, 3)}"
    refused = ledger.refused
    busy.resume()
    command = [strace, "-f", "-q", "-p", str(keeper), "-e", f"trace={calls}", "-e", inject]
    tracer = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 20
    while ledger.refused < refused + 3 and tracer.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    attached = tracer.poll() is None or gone(keeper)  # it ends with whom it traces
    tracer.terminate()
    tracer.communicate(timeout=20)
    busy.pause()
    if not attached:
        return False
    row.runs += 1
    row.confirmed.append(_settled(town, ledger))
    row.lost += missing_anywhere(town, {town.box: ledger})
    return True


def _settled(town: Town, ledger: Ledger) -> float:
    took = town.until_confirmed(town.box, ledger.last)
    town.until(lambda: not town.heals(town.box), "healed")
    return took


def _look(town: Town, ledger: Ledger, row: Row) -> None:
    town.until_whole()
    row.lost += missing_anywhere(town, {town.box: ledger})
    lacking, fault = replica_faults(town, town.box, ledger)
    row.lost += lacking
    row.corrupt += bool(fault)
    row.note += f"{fault} " if fault else ""
