"""A region in a process of its own: `python -m tests.soak.regionchild BOARD WORKERS FILE`.

What it counts stands in FILE, written again every second. A line `idle` on standard input lets every school be as
if nothing had happened for hours; the end of standard input ends it.
"""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

from appliance.board.folder import open_board
from appliance.region.cluster import Cluster, Where, cluster_at
from appliance.region.running import Region

_EVERY_S: Final = 1.0
_HOURS_S: Final = 7200.0
_DEAD_S: Final = 60.0


class Told(msgspec.Struct, frozen=True):
    """Sums over all schools; `cpu_s` and `peak_kb` by process id, also of workers that are dead.

    `base` is the processor that the processes took, in seconds a second, when there was no school at all.
    """

    hubs: int = 0
    visited: int = 0
    asked: int = 0
    visits: int = 0
    colds: int = 0
    failing: int = 0
    workers: tuple[int, ...] = ()
    cpu_s: dict[int, float] = {}
    peak_kb: dict[int, int] = {}
    files: dict[int, int] = {}
    base: float = 0.0


class Running:
    """A region that runs, as its parent sees it."""

    def __init__(self, child: subprocess.Popen[str], file: Path) -> None:
        self._child, self._file = child, file

    @property
    def pid(self) -> int:
        """Return the process id of the region itself."""
        return self._child.pid

    def told(self) -> Told:
        """Return what it counted last."""
        try:
            return msgspec.json.decode(self._file.read_bytes(), type=Told)
        except FileNotFoundError:
            return Told()

    def be_idle(self) -> None:
        """Let every school be as if nothing had happened for hours."""
        assert self._child.stdin is not None
        print("idle", file=self._child.stdin, flush=True)


@contextmanager
def region_child(board: Path, workers: int, file: Path) -> Iterator[Running]:
    """Run a region for a while."""
    command = [sys.executable, "-m", "tests.soak.regionchild", str(board), str(workers), str(file)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, text=True) as child:
        try:
            yield Running(child, file)
        finally:
            assert child.stdin is not None
            child.stdin.close()
            try:
                child.wait(_DEAD_S)
            except subprocess.TimeoutExpired:
                child.kill()


def process_cpu_s(pid: int) -> float | None:
    """Return the seconds of processor that a process took, None when it is gone."""
    try:
        words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def _peak_kb(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next((int(line.split()[1]) for line in lines if line.startswith("VmHWM")), 0)


class _Teller:
    def __init__(self, region: Region, cluster: Cluster, file: Path) -> None:
        self._region, self._cluster, self._file = region, cluster, file
        self._cpu: dict[int, float] = {}
        self._peak: dict[int, int] = {}
        self._files: dict[int, int] = {}
        self._base = 0.0

    def settle(self) -> None:
        """Learn what the processes take with nothing to do."""
        for _ in range(2):
            self.tell()
            began, cpu_s = time.monotonic(), sum(self._cpu.values())
            for _ in range(8):
                time.sleep(_EVERY_S)
                self.tell()
            self._base = (sum(self._cpu.values()) - cpu_s) / (time.monotonic() - began)

    def tell(self) -> None:
        wards, workers = list(self._region.wards.values()), self._cluster.pids
        for pid in (os.getpid(), *workers):
            try:
                self._cpu[pid] = process_cpu_s(pid) or self._cpu.get(pid, 0.0)
                self._peak[pid] = _peak_kb(pid)
                self._files[pid] = max(self._files.get(pid, 0), len(os.listdir(f"/proc/{pid}/fd")))
            except OSError:
                pass  # it was killed in between
        told = Told(
            len(wards),
            sum(ward.told is not None for ward in wards),
            sum(ward.asked for ward in wards),
            sum(ward.visits for ward in wards),
            sum(ward.colds for ward in wards),
            sum(bool(ward.code) for ward in wards),
            tuple(workers),
            self._cpu,
            self._peak,
            self._files,
            self._base,
        )
        beside = self._file.with_suffix(".new")
        beside.write_bytes(msgspec.json.encode(told))
        beside.replace(self._file)

    def be_idle(self) -> None:
        for ward in list(self._region.wards.values()):
            ward.news_at -= _HOURS_S


def main() -> None:
    """Run until standard input ends."""
    board, workers, file = Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
    stop, over = threading.Event(), threading.Event()
    with cluster_at(Where(workers=workers)) as cluster:
        region = Region(open_board(board), cluster, stop, lambda _: None)
        teller, running = _Teller(region, cluster, file), threading.Thread(target=region.run)

        def listen() -> None:
            for line in sys.stdin:
                if line.strip() == "idle":
                    teller.be_idle()
            over.set()

        threading.Thread(target=listen, daemon=True).start()
        teller.settle()
        running.start()
        try:
            while not over.wait(_EVERY_S) and running.is_alive():
                teller.tell()
        finally:
            stop.set()
            running.join()


if __name__ == "__main__":
    main()
