"""Run as `python -m tests.soak.region --schools N --workers W --out FILE`: a region with live traffic.

Every school makes entries at random moments and waits for 確認済; workers are killed with SIGKILL at random. At
the end hubs are rebuilt from the object store alone and must hold every entry once. Measured: seconds from an
entry to 確認済, processor and requests of the region and its workers, and what a school costs at which nothing
happens.
"""

import argparse
import contextlib
import json
import os
import random
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any, Final

from appliance.board.hubs import open_hub
from appliance.policy import writing_rules
from appliance.region.wards import IDLE_S
from sync.hubimage import bring_up
from sync.ids import Origin, Site
from sync.objectstore import ObjectStore, StoreConfig
from sync.reader import Reader
from sync.site import SitePaths
from sync.verify import verify_store
from tests.appliance.region.city import BoxSide, City
from tests.soak.regionchild import Running, Told, region_child
from tests.soak.regioncity import make_big_city
from tests.soak.regiontraffic import Traffic
from tests.soak.store import conditional_store, counts

GET_USD: Final = 0.0000004  # list price of a GET at the largest provider, us-east-1
PUT_USD: Final = 0.000005
_DAY_S: Final = 86_400
_BOXES: Final = "boxes"  # the key pair of the boxes; the region has the store's own
_SOAK: Final = "soak"
_PATIENCE_S: Final = 300.0
_TOLD_S: Final = 1.5  # a region tells what it counted once a second


@dataclass
class Found:
    """What a run found, as it stands in the file."""

    figures: dict[str, Any] = field(default_factory=dict)
    lost: int = 0
    twice: int = 0

    def note(self, **values: float) -> None:
        """Keep values, seconds and the like to two digits."""
        self.figures |= {name: round(value, 3) for name, value in values.items()}


@dataclass(frozen=True)
class Moment:
    """What was counted up to a moment."""

    at: float
    told: Told
    requests: dict[str, int]


def main() -> int:
    """Play; return 1 when an entry was lost, is there twice, or took longer than a minute."""
    parser = argparse.ArgumentParser(prog="tests.soak.region")
    parser.add_argument("--schools", type=int, default=12)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--minutes", type=float, default=3.0, help="how long schools work")
    parser.add_argument("--every", type=float, default=90.0, help="seconds between a school's entries, on average")
    parser.add_argument("--kills", type=int, default=3, help="workers killed in all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--idle", type=float, default=60.0, help="seconds in which nothing happens, measured too")
    parser.add_argument("--check", type=int, default=0, help="hubs that are rebuilt in the end; 0: all of them")
    parser.add_argument("--folder", type=Path, help="where to work (default: the folder for temporary files)")
    parser.add_argument("--out", type=Path, default=Path("build/region.json"))
    args = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="kurabako-region-soak-", dir=args.folder) as work,
        conditional_store(Path(work)) as store,
    ):
        found = play(Path(work), store, args)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(json.dumps(found.figures, indent=2) + "\n", "utf-8")
    print(json.dumps(found.figures, indent=2), flush=True)
    return int(bool(found.lost or found.twice or found.figures["confirmed_s_max"] > 60))


def play(work: Path, store: StoreConfig, args: argparse.Namespace) -> Found:
    """Enrol the schools, run them as a region, and look at what became of every entry."""
    found, chance, began = Found(), random.Random(args.seed), time.monotonic()
    found.note(schools=args.schools, workers=args.workers, every_s=args.every, minutes=args.minutes)
    city = make_big_city(work, store, args.schools)
    found.note(enrolled_after_s=time.monotonic() - began)
    with boxes_of(city) as boxes, region_child(work / "board", args.workers, work / "told.json") as region:
        traffic = Traffic(boxes, chance, args.every)
        _bring_up(traffic, region, args.schools)
        found.note(all_visited_after_s=time.monotonic() - began)
        _say(f"{args.schools} schools are with the region after {time.monotonic() - began:.0f} s")
        before = _moment(store, region)
        found.note(killed=_work(traffic, region, chance, args))
        _note_work(found, traffic, before, _moment(store, region), args.schools)
        _idle(found, store, region, args)
        traffic.run(time.monotonic() + 1)
        _note_processes(found, region)
        entered = {code: box.entered for code, box in boxes.items()}
    chosen = chance.sample(sorted(entered), args.check) if args.check else sorted(entered)
    for code in chosen:
        _look_again(city, code, entered[code], work / "again", found)
    found.note(lost=found.lost + traffic.waiting, twice=found.twice, rebuilt=len(chosen))
    found.note(seconds=time.monotonic() - began, load=os.getloadavg()[1])
    return found


@contextlib.contextmanager
def boxes_of(city: City) -> Iterator[dict[str, BoxSide]]:
    """Open the boxes of a city, with one client of the store for all of them."""
    store = city.store
    library = ObjectStore(StoreConfig(store.endpoint, store.bucket, store.region, _BOXES, store.secret_key))
    with contextlib.ExitStack() as after:
        found = {}
        for code in city.boxes:
            found[code] = BoxSide(city, code, library)
            after.callback(found[code].close)
        yield found


def _bring_up(traffic: Traffic, region: Running, schools: int) -> None:
    end = time.monotonic() + 3600
    while region.told().visited < schools:
        traffic.run(time.monotonic() + 1)
        if time.monotonic() > end:
            raise TimeoutError("not all schools are with the region")
    traffic.run(time.monotonic() + 30)  # what founding left behind is said and heard


def _work(traffic: Traffic, region: Running, chance: random.Random, args: argparse.Namespace) -> int:
    """Let schools work, kill workers meanwhile, and wait for the last 確認済; return how many were killed."""
    began, seconds, killed = time.monotonic(), args.minutes * 60, 0
    moments = sorted(chance.uniform(0.1, 0.9) * seconds for _ in range(args.kills))
    traffic.begin()
    for moment in moments:
        traffic.run(began + moment)
        killed += _kill_one(region.told().workers, chance)
    traffic.run(began + seconds)
    traffic.end()
    traffic.run(time.monotonic() + _PATIENCE_S, lambda: not traffic.waiting)
    return killed


def _kill_one(pids: tuple[int, ...], chance: random.Random) -> int:
    order = list(pids)
    chance.shuffle(order)
    for pid in order:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
            return 1
    return 0  # all of them are being started again


def _note_work(found: Found, traffic: Traffic, before: Moment, after: Moment, schools: int) -> None:
    done = sorted(traffic.entries.confirmed_s) or [_PATIENCE_S]  # none was within it
    minutes = (after.at - before.at) / 60
    visits, cpu_s = after.told.visits - before.told.visits, _cpu_s(after) - _cpu_s(before)
    cpu_s -= after.told.base * (after.at - before.at)
    gets, puts = (_requests(after, kind) - _requests(before, kind) for kind in ("GET", "PUT"))
    found.note(
        entries=traffic.entries.made,
        confirmed_s_p50=median(done),
        confirmed_s_p99=done[int(len(done) * 0.99)],
        confirmed_s_max=done[-1],
        harness_late_s=traffic.entries.late_s,
        visits=visits,
        visits_per_s=visits / minutes / 60,
        base_cpu=after.told.base,
        cpu=(_cpu_s(after) - _cpu_s(before)) / (after.at - before.at),
        cpu_ms_per_visit=cpu_s * 1000 / visits,
        cpu_ms_per_school_minute=cpu_s * 1000 / schools / minutes,
        gets_per_visit=gets / visits,
        gets_per_school_minute=gets / schools / minutes,
        puts_per_visit=puts / visits,
    )


def _idle(found: Found, store: StoreConfig, region: Running, args: argparse.Namespace) -> None:
    """Let nothing happen for a while, as if it had not for hours, and count what that costs."""
    region.be_idle()
    time.sleep(IDLE_S + 2)  # what was due before is over
    region.be_idle()
    before = _moment(store, region)
    time.sleep(max(0.0, args.idle - _TOLD_S))
    after = _moment(store, region)
    days = (after.at - before.at) / _DAY_S * args.schools
    gets, puts = (_requests(after, kind) - _requests(before, kind) for kind in ("GET", "PUT"))
    found.note(
        idle_visits=after.told.visits - before.told.visits,
        idle_gets_per_school_day=gets / days,
        idle_puts_per_school_day=puts / days,
        idle_usd_per_school_day=(gets * GET_USD + puts * PUT_USD) / days,
        idle_cpu_s_per_school_day=(_cpu_s(after) - _cpu_s(before)) / days
        - after.told.base * _DAY_S / args.schools,
    )
    found.figures["idle_usd_per_school_day"] = round((gets * GET_USD + puts * PUT_USD) / days, 6)


def _note_processes(found: Found, region: Running) -> None:
    told = region.told()
    others = [pid for pid in told.peak_kb if pid != region.pid]
    found.note(
        colds=told.colds,
        failing=told.failing,
        region_mb=told.peak_kb[region.pid] / 1024,
        worker_mb=max(told.peak_kb[pid] for pid in others) / 1024,
        region_files=told.files[region.pid],
        worker_files=max(told.files[pid] for pid in others),
    )


def _moment(store: StoreConfig, region: Running) -> Moment:
    time.sleep(_TOLD_S)
    return Moment(time.monotonic(), region.told(), counts(store))


def _requests(moment: Moment, kind: str) -> int:
    """Return the requests of everybody but the boxes."""
    return sum(count for who, count in moment.requests.items() if who.split() == [_SOAK, kind])


def _cpu_s(moment: Moment) -> float:
    return sum(moment.told.cpu_s.values())


def _look_again(city: City, code: str, entered: int, folder: Path, found: Found) -> None:
    """Rebuild a hub from the store alone, prove it, and count the entries in it."""
    paths = SitePaths(folder / code)
    bring_up(paths, Origin(code, Site.HUB, 1), open_hub(city.board, code).daemon_settings())
    verify_store(paths.store, city.board.root, code, full=True, rules=writing_rules())
    with contextlib.closing(Reader(paths.store)) as reader:
        there = len(reader.heads("meeting.item"))
    found.lost += max(0, entered - there)
    found.twice += max(0, there - entered)
    shutil.rmtree(paths.root)


def _say(text: str) -> None:
    print(f"  {text}", flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
