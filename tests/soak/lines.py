"""A line that is thin, and one that was away for three days."""

import functools
import random
import time

from tests.faults.shaping import THIN, Shape, ShapedLine
from tests.soak.office import Clerk, Ledger
from tests.soak.results import Play, Row
from tests.soak.town import USUAL, Town, town_at
from tests.soak.truth import Lights, missing_anywhere, replica_faults
from tests.sync.pair import BOX

MARKS_A_DAY = 120  # of 1,000 pupils, those who are late, ill or away: the exceptions
MEETING_ITEMS_A_DAY = 20
ITEM_BYTES = 1500
BROADBAND = Shape(1_000_000, 1_000_000, 0.02)
_QUIET_S = 8.0
_HARDLY_ANY = 2000
_TICK_S = 0.3  # Litestream looks every 250 ms: so each entry is a transaction of its own, as in three real days


def thin_line(play: Play, row: Row) -> None:
    """Save marks over 64 kbit/s, 600 ms each way and 5 % loss; each becomes 確認済."""
    front = functools.partial(ShapedLine, shape=Shape(), seed=play.seed)
    with town_at(play.folder, front, settings=USUAL) as town:
        line, ledger = town.front, Ledger(BOX)
        assert isinstance(line, ShapedLine)
        _until_quiet(line)
        line.shape = THIN
        clerk, lights = Clerk(town.box.party, ledger, "thin"), Lights(town, ledger)
        carried = line.carried.up + line.carried.down
        for _ in play.each(row, play.runs(1, 5, 50)):
            began = time.monotonic()
            town.until_confirmed(town.box, clerk.save(), 300)
            row.confirmed.append(time.monotonic() - began)
            row.runs += 1
            play.say(f"thin_line: {row.runs}, 確認済 after {row.confirmed[-1]:.1f} s")
            time.sleep(play.pick(0, 2, 20))
        carried = line.carried.up + line.carried.down - carried
        line.shape = Shape()
        _look(town, ledger, row, lights)
        clerk.close()
        row.note += f"{carried / row.runs / 1000:.1f} kB a mark, {line.lost_segments} segments lost"


def outage_72h(play: Play, row: Row) -> None:
    """Do three days' work without a line; then catch up over 1 Mbit/s."""
    source = random.Random(play.seed)
    for _ in play.each(row, play.runs(1, 1, 5)):
        with town_at(play.sub(row.runs), functools.partial(ShapedLine, shape=BROADBAND, seed=play.seed)) as town:
            ledger = Ledger(BOX)
            clerk, lights = Clerk(town.box.party, ledger, "day"), Lights(town, ledger)
            town.line.cut()
            _three_days(play, clerk, source)
            carried = town.line.carried.up
            town.line.mend()
            row.confirmed.append(town.until_confirmed(town.box, ledger.last, 600))
            row.runs += 1
            town.until_whole()
            row.note = f"{len(ledger.entries)} entries, {(town.line.carried.up - carried) / 1000:.0f} kB up "
            _look(town, ledger, row, lights)
            clerk.close()
            play.say(f"outage_72h: {len(ledger.entries)} entries, 確認済 after {row.confirmed[-1]:.1f} s")


def _until_quiet(line: ShapedLine) -> None:
    """Wait until the first sending of the whole database is over."""
    deadline, since, before = time.monotonic() + 90, time.monotonic(), 0
    while time.monotonic() < min(deadline, since + _QUIET_S):
        time.sleep(0.1)
        if line.carried.up > before + _HARDLY_ANY:
            before, since = line.carried.up, time.monotonic()


def _three_days(play: Play, clerk: Clerk, source: random.Random) -> None:
    work = [60] * MARKS_A_DAY * 3 + [ITEM_BYTES] * MEETING_ITEMS_A_DAY * 3
    source.shuffle(work)
    for size in work[:: play.pick(10, 1, 1)]:
        clerk.save(1, size)
        time.sleep(_TICK_S)


def _look(town: Town, ledger: Ledger, row: Row, lights: Lights) -> None:
    town.until_whole()
    row.lost += missing_anywhere(town, {town.box: ledger}) + lights.close()
    lacking, fault = replica_faults(town, town.box, ledger)
    row.lost += lacking
    row.corrupt += bool(fault)
    row.note += " ".join([fault, *lights.false[:3]])
