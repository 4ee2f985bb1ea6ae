"""Run as `python -m tests.soak.regiondrill --schools N --workers W --kills K --out FILE`: a drill over a region.

Every school has a replica that Litestream made; workers are killed with SIGKILL at random moments of the drill. At
the end the record must hold every school once, passed, and nothing that was restored may be left.
"""

import argparse
import json
import os
import random
import signal
import tempfile
import time
from collections import Counter
from pathlib import Path
from statistics import median
from typing import Any, Final

from appliance.board.drills import Drill, read_drills
from appliance.region.cluster import Cluster, Where, cluster_at
from appliance.region.drilling import drill_region
from tests.appliance.region.city import City, replicate
from tests.soak.regioncity import make_big_city
from tests.sync.cloud import cloud_at

_BATCH: Final = 50  # databases that one Litestream has at a time


def main() -> int:
    """Play; return 1 when a school was missed, drilled twice or failed, or anything was left behind."""
    parser = argparse.ArgumentParser(prog="tests.soak.regiondrill")
    parser.add_argument("--schools", type=int, default=12)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--kills", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="where to work (default: the folder for temporary files)")
    parser.add_argument("--out", type=Path, default=Path("build/regiondrill.json"))
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="kurabako-region-drill-", dir=args.folder) as work:
        tempfile.tempdir = work  # so that what a drill leaves would be seen
        found = play(Path(work), args)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(json.dumps(found, indent=2) + "\n", "utf-8")
    print(json.dumps(found, indent=2), flush=True)
    return int(any(found[bad] for bad in ("missed", "twice", "failed", "left")))


def play(work: Path, args: argparse.Namespace) -> dict[str, Any]:
    """Enrol schools, replicate them, drill them all while workers are killed, and read the record."""
    began = time.monotonic()
    with cloud_at(work) as cloud:
        city = make_big_city(work, cloud.direct, args.schools)
        _replicate(city, work)
        ready = time.monotonic()
        print(f"  {args.schools} schools with replicas after {ready - began:.0f} s", flush=True)
        with cluster_at(Where(workers=args.workers)) as cluster:
            killing = _Killing(cluster, random.Random(args.seed), args.schools, args.kills)
            told = [
                killing.seen(drill) for drill in drill_region(city.board, city.board.schools, cluster, full=False)
            ]
    record = read_drills(city.board)
    times = Counter(drill.school for drill in record)
    seconds = time.monotonic() - ready
    return {
        "schools": args.schools,
        "workers": args.workers,
        "killed": killing.killed,
        "missed": len(set(city.boxes) - set(times)),
        "twice": sum(count > 1 for count in times.values()) + (record != told),
        "failed": sum(not drill.passed or not drill.changes for drill in record),
        "left": len(list(work.glob("kurabako-*/**/school.db"))),
        "seconds": round(seconds, 1),
        "seconds_per_school_p50": round(median(drill.seconds for drill in record), 2),
        "seconds_per_school_max": max(drill.seconds for drill in record),
        "load": round(os.getloadavg()[1], 1),
    }


def _replicate(city: City, work: Path) -> None:
    codes = list(city.boxes)
    for first in range(0, len(codes), _BATCH):
        part = {code: city.boxes[code] for code in codes[first : first + _BATCH]}
        replicate(City(city.board, city.root, part, city.store), work / f"litestream-{first}")


class _Killing:
    """Kills a worker whenever so many drills are done as chance said."""

    def __init__(self, cluster: Cluster, chance: random.Random, schools: int, kills: int) -> None:
        self.killed, self._done = 0, 0
        self._cluster, self._chance = cluster, chance
        self._due = set(chance.sample(range(1, schools), min(kills, schools - 1)))

    def seen(self, drill: Drill) -> Drill:
        self._done += 1
        if self._done in self._due and (pids := self._cluster.pids):
            time.sleep(self._chance.random() * 0.3)  # in the middle of what is in hand, wherever that is
            os.kill(self._chance.choice(pids), signal.SIGKILL)
            self.killed += 1
        return drill


if __name__ == "__main__":
    raise SystemExit(main())
