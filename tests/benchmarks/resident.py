"""Resident memory of a served site, and how long `kurabako status` takes."""

import os
import subprocess
import sys
import time
from pathlib import Path

from appliance.demo.city import DemoCity
from tests.benchmarks.marks import median


def served(folder: Path) -> tuple[float, float]:
    """Return (MB of keeper + Litestream + sync, median seconds of `kurabako status`)."""
    city = DemoCity(folder)
    city.start()
    try:
        city.make(lambda _: None)
        city.wait(lambda status: status.waiting == 0, 60)
        time.sleep(25)  # past the first self-check, which is a process of its own while it runs
        return _resident(city), _status(city.site)
    finally:
        city.stop()


def _resident(city: DemoCity) -> float:
    serving = city.serving_pid()
    assert serving is not None
    pids = [serving, *(pid for pid in _children(serving) if not _is_inbox(pid))]
    return sum(_rss(pid) for pid in pids) / 1e6


def _is_inbox(pid: int) -> bool:
    """Say whether it is the drop folder's process, which the figure does not name."""
    return b"inbox" in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")


def _children(pid: int) -> list[int]:
    found: list[int] = []
    for task in os.listdir(f"/proc/{pid}/task"):
        text = Path(f"/proc/{pid}/task/{task}/children").read_text()
        found += [int(child) for child in text.split()]
    return found


def _rss(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) * 1024
    return 0


def _status(site: Path) -> float:
    command = [str(Path(sys.executable).parent / "kurabako"), "status", "--json", str(site)]
    # As on a box, where programs were compiled when they were installed: not compiled anew at each start.
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    seconds = []
    for _ in range(9):
        began = time.perf_counter()
        subprocess.run(command, env=env, check=False, capture_output=True)
        seconds.append(time.perf_counter() - began)
    return median(seconds)
