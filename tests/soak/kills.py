"""Kill -9 of the writer and of Litestream, again and again under writing sessions; and what happens unhealed.

Every second kill of the writer, and each of the control, falls into the fsync of a group commit where strace can
do that: then SQLite may discard what Litestream has read already.
"""

import random
import time
from itertools import chain, islice
from pathlib import Path
from unittest import mock

from crypto.errors import KurabakoError
from sync import litestream
from sync.ids import Origin, Site
from sync.keeperchild import KeeperChild
from sync.restore import Restorer, Wanted
from tests.soak.office import Busy, Ledger
from tests.soak.processes import kill, kill_in_fsync
from tests.soak.results import Control, Play, Row
from tests.soak.town import Town, town_at
from tests.soak.truth import missing, missing_anywhere, replica_faults
from tests.sync.cloud import Cloud, box_key, cloud_at, new_site, replicating, syncs
from tests.sync.pair import BOX, Party

CLERKS = 4
MOST = 6  # marks in one batch
PAUSE_S = 0.01
A_TOWN = 40  # kills; then a new one, so that a verified restore stays small


def writer_kill_9(play: Play, row: Row) -> None:
    """Kill the keeper in the middle of group commits; afterwards nothing acknowledged may be missing anywhere."""
    _killing(play, row, "sync.keeper", play.runs(3, 40, 1000))


def litestream_kill_9(play: Play, row: Row) -> None:
    """Kill Litestream while it sends."""
    _killing(play, row, "litestream", play.runs(2, 20, 500))


def _killing(play: Play, row: Row, victim: str, runs: int) -> None:
    source = random.Random(play.seed)
    turns = play.each(row, runs)
    while (first := next(turns, None)) is not None:
        with town_at(play.sub(first)) as town:
            ledger = Ledger(BOX)
            busy = Busy(town.box.party, ledger, f"{first}-", CLERKS, most=MOST, pause_s=PAUSE_S, seed=play.seed)
            for _ in chain([first], islice(turns, A_TOWN - 1)):
                _kill_once(town, busy, ledger, victim, source, row)
                if row.runs % 10 == 0 or row.runs == runs:
                    play.say(f"{row.name}: {row.runs} of {runs}, lost {row.lost}, corrupt {row.corrupt}")
            busy.close()
            town.until_whole()
            row.lost += missing_anywhere(town, {town.box: ledger})


def _kill_once(town: Town, busy: Busy, ledger: Ledger, victim: str, source: random.Random, row: Row) -> None:
    before = ledger.last
    busy.resume()
    time.sleep(source.uniform(0.05, 0.4))
    if not (
        victim == "sync.keeper" and row.runs % 2 and kill_in_fsync(town.box.process(victim), source.randint(1, 30))
    ):
        while not kill(town.box.process(victim)):
            time.sleep(0.01)
    began = time.monotonic()
    time.sleep(0.3)
    busy.pause()
    town.until_confirmed(town.box, ledger.last)
    row.confirmed.append(time.monotonic() - began)
    row.runs += 1
    row.lost += missing(town.box.party.site.paths.store, town.box.party, ledger, before)
    town.until(lambda: not town.heals(town.box), "healed")
    lacking, fault = replica_faults(town, town.box, ledger)
    row.lost += lacking
    if fault:
        row.corrupt += 1
        row.note += f"run {row.runs}: {fault} "


def control(play: Play) -> Control:
    """Kill the keeper while a plain Litestream lives on and nobody heals; count the replicas left corrupt."""
    found, source = Control(), random.Random(play.seed)
    runs = play.runs(1, 20, 100)
    faults: dict[str, int] = {}
    quick = mock.patch.object(litestream, "SYNC_INTERVAL", "250ms")
    with (
        quick,
        mock.patch.dict(litestream.INTERVALS, {"monitor-interval": "250ms"}),
        cloud_at(play.folder) as cloud,
    ):
        for _ in play.each(told := Row("control"), runs):
            fault = _unhealed(play.sub(found.runs), cloud, found.runs, source)
            found.runs += 1
            if fault:
                found.corrupt += 1
                faults[fault] = faults.get(fault, 0) + 1
            if found.runs % 5 == 0 or found.runs == runs:
                play.say(f"control: {found.corrupt} of {found.runs} replicas corrupt")
    seen = [f"{code} × {count}" for code, count in sorted(faults.items())]
    found.note = ", ".join([*seen, told.note.strip()] if told.note else seen)
    return found


def _unhealed(folder: Path, cloud: Cloud, number: int, source: random.Random) -> str:
    """Kill a keeper once beside a plain Litestream; return the fault of the replica that it leaves, if any."""
    origin = Origin(f"C{number:012d}", Site.BOX, 1)
    key = box_key()
    site = new_site(folder, key, origin.school)
    site.stop_keeper()
    keeper = KeeperChild(site.paths)
    keeper.start()
    replicator = replicating(site, cloud.direct, origin)
    ledger = Ledger(origin)
    busy = Busy(Party(site, key, origin), ledger, "c", CLERKS, most=MOST, pause_s=PAUSE_S, seed=number)
    try:
        busy.resume()
        time.sleep(source.uniform(0.3, 0.7))
        if not kill_in_fsync(keeper.pid or 0, source.randint(1, 30)):
            kill(keeper.pid)
        time.sleep(0.6)
        busy.pause()
        sent = any(syncs(replicator) for _ in range(4))  # a replicator that is stuck never says so itself
        wanted = Wanted(origin, site.root.sign.verify_key, segments=False, known_seq=ledger.last)
        report = Restorer(cloud.direct, wanted, folder / "restored").run()
        return report.problem or ("stuck" if not sent or report.missing else "")
    except KurabakoError as error:
        return error.code
    finally:
        busy.close()
        replicator.stop()
        keeper.stop(10)
        site.close()
