"""Run as `python -m tests.soak.region --schools N --workers W --out FILE`: a region with live traffic.

Every school makes entries at random moments and waits for 確認済; workers are killed with SIGKILL at random. At
the end hubs are rebuilt from the object store alone and must hold every entry once. Measured: seconds from an
entry to 確認済, visits, and what a school costs at which nothing happens.
"""

import argparse
import contextlib
import json
import os
import random
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Final

from appliance.board.hubs import open_hub
from appliance.policy import writing_rules
from appliance.region.cluster import Cluster
from appliance.region.running import IDLE_S, Region
from sync.hubimage import bring_up
from sync.ids import Origin, Site
from sync.objectstore import StoreConfig
from sync.reader import Reader
from sync.site import SitePaths
from sync.verify import verify_store
from tests.appliance.region.city import BoxSide, City, boxes_of, make_city, running
from tests.soak.store import conditional_store

GET_USD: Final = 0.0000004  # list price of a GET at the largest provider, us-east-1
_DAY_S: Final = 86_400
_HOURS_S: Final = 7200.0


@dataclass
class Found:
    """What a run found. `confirmed_s` are seconds from an entry to 確認済."""

    schools: int
    workers: int
    entries: int = 0
    lost: int = 0
    twice: int = 0
    killed: int = 0
    visits: int = 0
    colds: int = 0
    seconds: float = 0.0
    confirmed_s: list[float] = field(default_factory=list)
    idle_requests_per_day: float = 0.0
    idle_cpu_ms_per_visit: float = 0.0

    def figures(self) -> dict[str, float | int | None]:
        """Return the row as it stands in the file."""
        done = sorted(self.confirmed_s)
        return {
            "schools": self.schools,
            "workers": self.workers,
            "entries": self.entries,
            "lost": self.lost,
            "twice": self.twice,
            "killed": self.killed,
            "visits": self.visits,
            "colds": self.colds,
            "seconds": round(self.seconds, 1),
            "confirmed_s_p50": round(median(done), 2) if done else None,
            "confirmed_s_max": round(done[-1], 2) if done else None,
            "idle_requests_per_day": round(self.idle_requests_per_day),
            "idle_cpu_ms_per_visit": round(self.idle_cpu_ms_per_visit, 2),
            "idle_usd_per_day": round(self.idle_requests_per_day * GET_USD, 6),
        }


def main() -> int:
    """Play; return 1 when an entry was lost, is there twice, or took longer than a minute."""
    parser = argparse.ArgumentParser(prog="tests.soak.region")
    parser.add_argument("--schools", type=int, default=12)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3, help="how often every school makes entries")
    parser.add_argument("--kills", type=int, default=3, help="workers killed in all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--idle", type=float, default=60.0, help="seconds in which nothing happens, to be measured"
    )
    parser.add_argument("--check", type=int, default=50, help="hubs that are rebuilt and looked at in the end")
    parser.add_argument("--out", type=Path, default=Path("build/region.json"))
    args = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="kurabako-region-soak-") as work,
        conditional_store(Path(work)) as store,
    ):
        found = play(Path(work), store, args)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(json.dumps(found.figures(), indent=2) + "\n", "utf-8")
    print(json.dumps(found.figures(), indent=2), flush=True)
    return int(bool(found.lost or found.twice or (found.confirmed_s and max(found.confirmed_s) > 60)))


def play(work: Path, store: StoreConfig, args: argparse.Namespace) -> Found:
    """Enrol the schools, run them as a region, and look at what became of every entry."""
    found, chance, began = Found(args.schools, args.workers), random.Random(args.seed), time.monotonic()
    city = make_city(work, store, args.schools)
    _say(f"{args.schools} schools after {time.monotonic() - began:.0f} s")
    with boxes_of(city) as boxes:
        for box in boxes.values():
            box.step()
        with running(city, args.workers) as (region, cluster):
            _until(lambda: len(region.wards) == args.schools and all_confirmed(boxes), "all are with the region")
            _say(f"all with the region after {time.monotonic() - began:.0f} s")
            kills = sorted(chance.sample(range(args.rounds * 10), min(args.kills, args.rounds * 10)))
            for number in range(args.rounds):
                due = [kill % 10 / 10 for kill in kills if kill // 10 == number]
                for gone in traffic(boxes, chance, found, due):
                    found.killed += _kill_one(cluster, chance) if gone else 0
                _say(f"round {number + 1}: {max(found.confirmed_s):.1f} s at most, {found.killed} killed")
            found.visits = sum(ward.visits for ward in region.wards.values())
            idle(region, cluster, args.idle, found)
            found.colds = sum(ward.colds for ward in region.wards.values())
        for code in chance.sample(sorted(boxes), min(args.check, len(boxes))):
            look_again(city, code, boxes[code], work / "again", found)
    found.seconds = time.monotonic() - began
    return found


def idle(region: Region, cluster: Cluster, seconds: float, found: Found) -> None:
    """Let nothing happen for a while, as if it had not for hours, and count what that costs."""
    wards = list(region.wards.values())
    time.sleep(10)  # what the boxes said last is read
    for ward in wards:
        ward.news_at -= _HOURS_S
    time.sleep(IDLE_S)  # what was due before is over
    pids, visits = [os.getpid(), *cluster.pids], sum(ward.visits for ward in wards)
    cpu, began = sum(map(_cpu_s, pids)), time.monotonic()
    time.sleep(seconds)
    made = sum(ward.visits for ward in wards) - visits
    asks = sum(len(ward.told.asks) for ward in wards if ward.told) / len(wards)
    per_school = made / len(wards) / (time.monotonic() - began) * _DAY_S
    found.idle_requests_per_day = per_school * asks
    found.idle_cpu_ms_per_visit = (sum(map(_cpu_s, pids)) - cpu) / max(1, made) * 1000


def _cpu_s(pid: int) -> float:
    try:
        words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except FileNotFoundError:
        return 0.0
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def traffic(boxes: dict[str, BoxSide], chance: random.Random, found: Found, due: list[float]) -> Iterator[bool]:
    """Let every school make entries and wait for 確認済; yield True when a worker is to be killed."""
    order = list(boxes.values())
    chance.shuffle(order)
    asked: dict[int, float] = {}
    for place, box in enumerate(order):
        count = chance.randrange(1, 4)
        box.enter(count)
        found.entries += count
        asked[id(box)] = time.monotonic()
        box.step()
        while due and place >= due[0] * len(order):
            due.pop(0)
            yield True
        for other in order[max(0, place - 20) : place]:
            _note(other, asked, found)
    end = time.monotonic() + 600
    while asked and time.monotonic() < end:
        for box in order:
            _note(box, asked, found)
        yield False
    found.lost += len(asked)


def _note(box: BoxSide, asked: dict[int, float], found: Found) -> None:
    if id(box) in asked:
        box.step()
        if box.confirmed:
            found.confirmed_s.append(time.monotonic() - asked.pop(id(box)))


def look_again(city: City, code: str, box: BoxSide, folder: Path, found: Found) -> None:
    """Rebuild a hub from the store alone, prove it, and count the entries in it."""
    paths = SitePaths(folder / code)
    bring_up(paths, Origin(code, Site.HUB, 1), open_hub(city.board, code).daemon_settings())
    verify_store(paths.store, city.board.root, code, full=True, rules=writing_rules())
    with contextlib.closing(Reader(paths.store)) as reader:
        there = len(reader.heads("meeting.item"))
        found.lost += max(0, box.entered - there)
        found.twice += max(0, there - box.entered)


def all_confirmed(boxes: dict[str, BoxSide]) -> bool:
    """Step every box that waits; say whether none does."""
    for box in boxes.values():
        if not box.confirmed:
            box.step()
    return all(box.confirmed for box in boxes.values())


def _kill_one(cluster: Cluster, chance: random.Random) -> bool:
    pids = cluster.pids
    with contextlib.suppress(ProcessLookupError):
        if pids:
            os.kill(chance.choice(pids), signal.SIGKILL)
            return True
    return False  # all of them are being started again


def _until(true: Callable[[], object], what: str) -> None:
    end = time.monotonic() + 3600
    while not true():
        if time.monotonic() > end:
            raise TimeoutError(what)
        time.sleep(0.05)


def _say(text: str) -> None:
    print(f"  {text}", flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
