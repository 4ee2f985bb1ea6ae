"""A store that answers wrongly, slowly or not at all, while the office goes on saving."""

import functools
import time
from collections.abc import Callable

from tests.faults.faultystore import Fault, FaultyStore
from tests.soak.office import Busy, Ledger
from tests.soak.results import Play, Row
from tests.soak.town import Town, town_at
from tests.soak.truth import Lights, disagreeing, missing_anywhere, replica_faults
from tests.sync.pair import BOX, HUB

FAULTS = {
    "store_403": Fault.FORBIDDEN,
    "store_404": Fault.NOT_FOUND,
    "store_429": Fault.TOO_MANY,
    "store_500": Fault.BROKEN,
    "store_503": Fault.SLOW_DOWN,
    "store_slow_1kBs": Fault.SLOW,
    "store_cut_mid_body": Fault.CUT,
    "store_wrong_body": Fault.WRONG_BODY,
    "store_stale_listing": Fault.STALE_LISTING,
    "store_hanging_connect": Fault.HANGING,
}
SHARES = (1.0, 0.4)  # every request, then only some: what works in between is as dangerous


def scenarios() -> dict[str, Callable[[Play, Row], None]]:
    """Return a scenario for each fault of the store."""
    return {name: functools.partial(_play, fault=fault) for name, fault in FAULTS.items()}


def _play(play: Play, row: Row, fault: Fault) -> None:
    with town_at(play.folder, functools.partial(FaultyStore, seed=play.seed), both=True) as town:
        box, hub = Ledger(BOX), Ledger(HUB)
        offices = [
            Busy(side.party, ledger, "m", 2, pause_s=0.15, seed=play.seed)
            for side, ledger in ((town.box, box), (town.hub, hub))
        ]
        lights = Lights(town, box)
        for office in offices:
            office.work(1.0)
        for _ in play.each(row, play.runs(1, 2, 20)):
            _strike(play, row, town, fault, offices, (box, hub))
        row.lost += missing_anywhere(town, {town.box: box, town.hub: hub}) + disagreeing(town)
        false = lights.close()
        row.lost += false
        for side, ledger in ((town.box, box), (town.hub, hub)):
            lacking, problem = replica_faults(town, side, ledger)
            row.lost += lacking
            row.corrupt += bool(problem)
            row.note += f"{side.role}'s replica lacks {lacking} " if lacking else ""
            row.note += problem
        for office in offices:
            office.close()
        row.note += "; ".join(lights.false[:3])


def _strike(
    play: Play, row: Row, town: Town, fault: Fault, offices: list[Busy], ledgers: tuple[Ledger, Ledger]
) -> None:
    proxy = town.front
    assert isinstance(proxy, FaultyStore)
    share = SHARES[row.runs % len(SHARES)]
    refused = [ledger.refused for ledger in ledgers]
    for office in offices:
        office.resume()
    proxy.fail(fault, share=share)
    time.sleep(play.pick(2, 8, 45))
    for office in offices:
        office.pause()
    struck = proxy.struck[fault]
    proxy.heal()
    began = time.monotonic()
    for side, ledger in zip(town.sides, ledgers, strict=True):
        town.until_confirmed(side, ledger.last)
    row.confirmed.append(time.monotonic() - began)
    row.runs += 1
    assert struck and refused == [ledger.refused for ledger in ledgers], (
        "the office goes on whatever the store does"
    )
    play.say(f"{row.name}: {row.runs}, {struck} requests struck, 確認済 {row.confirmed[-1]:.1f} s after")
