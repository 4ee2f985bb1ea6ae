"""A whole site killed at every stage of sending, reading and merging, and at moments that nobody chose."""

import random
import time
from collections.abc import Iterator, Mapping
from typing import Final

from tests.soak.office import Busy, Ledger
from tests.soak.results import Play, Row
from tests.soak.town import Side, Stage, Town, town_at
from tests.soak.truth import disagreeing, missing_anywhere, replica_faults
from tests.sync.pair import BOX, HUB

# What happens while changes are sent, read and merged, in this order; the number is how late a call may be meant.
STAGES: Final = (
    ("sync.outbox:Outbox._keep", 6),
    ("sync.outbox:write_segment", 4),
    ("sync.objectstore:ObjectStore.create", 1),
    ("sync.objectstore:ObjectStore.put", 4),
    ("sync.outbox:Outbox.proven", 4),
    ("sync.objectstore:ObjectStore.get", 12),
    ("sync.inbox:Inbox.check", 4),
    ("sync.merge:Merger.take", 4),
    ("sync.client:KeeperClient.take", 4),
    ("sync.client:KeeperClient.local_put", 6),
    ("sync.inbox:Inbox.take", 4),
    ("sync.exchange:Exchange._answer", 4),
    ("sync.sitevoice:SiteVoice.countersign", 3),
    ("sync.sitevoice:SiteVoice.checkpoint", 2),
    ("sync.exchange:keep_confirmed", 3),
    ("sync.merge:Merger.judge_all", 1),
)
_REACHED_S: Final = 12.0


def sync_killed(play: Play, row: Row) -> None:
    """Kill box or hub before or after each stage, start it again, and see that both end with everything."""
    source = random.Random(play.seed)
    stages = list(_stages(source))
    with town_at(play.folder) as town:
        ledgers = {town.box: Ledger(BOX), town.hub: Ledger(HUB)}
        offices = {side: Busy(side.party, ledgers[side], side.role, 2, pause_s=0.3, most=4) for side in town.sides}
        timed = 0
        part, of = play.share
        for turn in play.each(row, play.runs(2, 32, 320)):
            number = turn * of + part - 1
            victim = town.sides[number // len(stages) % 2] if play.size == "full" else source.choice(town.sides)
            stage = stages[number * 7 % len(stages)]
            timed += not _kill_at(town, victim, stage, offices, ledgers, row)
            if row.runs % 8 == 0:
                play.say(f"sync_killed: {row.runs} runs, last at {stage[1]} {stage[0]} of the {victim.role}")
        for office in offices.values():
            office.close()
        town.until_whole()
        row.lost += missing_anywhere(town, ledgers) + disagreeing(town)
        for side, ledger in ledgers.items():
            lacking, fault = replica_faults(town, side, ledger)
            row.lost += lacking
            row.corrupt += bool(fault)
            row.note += f"{fault} " if fault else ""
        row.note += f"{timed} of {row.runs} by the clock, not by a stage"


def _stages(source: random.Random) -> Iterator[Stage]:
    for stage, latest in STAGES:
        for when in ("before", "after"):
            yield stage, when, source.randint(1, latest)


def _kill_at(
    town: Town, victim: Side, stage: Stage, offices: Mapping[Side, Busy], ledgers: Mapping[Side, Ledger], row: Row
) -> bool:
    """Let a side die at a stage while both offices save; return whether it got there by itself."""
    before = {side: ledger.last for side, ledger in ledgers.items()}
    victim.stop()
    starts = victim.starts
    for office in offices.values():
        office.resume()
    victim.start(stage)
    deadline = time.monotonic() + _REACHED_S
    while victim.starts == starts + 1 and time.monotonic() < deadline:
        time.sleep(0.02)
    reached = victim.starts > starts + 1
    if not reached:
        victim.kill()
    began = time.monotonic()
    for office in offices.values():
        office.pause()
    for side, ledger in ledgers.items():
        town.until_confirmed(side, ledger.last)
    row.confirmed.append(time.monotonic() - began)
    row.runs += 1
    row.lost += missing_anywhere(town, {side: _since(ledgers[side], before[side]) for side in ledgers})
    return reached


def _since(ledger: Ledger, seq: int) -> Ledger:
    return Ledger(ledger.origin, {at: payload for at, payload in list(ledger.entries.items()) if at > seq})
