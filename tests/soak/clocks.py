"""Machines whose clock is ten years wrong."""

import time
from pathlib import Path

from tests.soak.office import Clerk, Ledger
from tests.soak.results import Play, Row
from tests.soak.town import Side, Town, town_at
from tests.soak.truth import disagreeing, missing_anywhere, replica_faults
from tests.sync.pair import BOX, HUB

TEN_YEARS_S = 10 * 365 * 86_400
SHIFTED = Path(__file__).with_name("shifted")


def clock_10_years(play: Play, row: Row) -> None:
    """Let box or hub live ten years ahead or behind, then put the clock right; everybody still agrees."""
    wrong = [(side, sign * TEN_YEARS_S) for side in ("box", "hub") for sign in (1, -1)]
    for turn in play.each(row, play.runs(1, 1, 5)):
        for name, shift_s in wrong[turn % 4 :][: play.pick(1, 4, 4)]:
            with town_at(play.sub(f"{turn}-{name}-{shift_s}")) as town:
                _live_wrong(town, town.box if name == "box" else town.hub, shift_s, row)
                play.say(f"clock_10_years: {name} {shift_s:+} s, 確認済 after {row.confirmed[-1]:.1f} s")
    row.note += "signatures of requests use the machine's true clock here"


def _live_wrong(town: Town, wrong: Side, shift_s: int, row: Row) -> None:
    ledgers = {town.box: Ledger(BOX), town.hub: Ledger(HUB)}
    for shift in (shift_s, 0):  # wrong, and put right again
        wrong.stop()
        wrong.start(environment=shifted(shift))
        town.until(lambda: wrong.status, "it runs")
        began = time.monotonic()
        for side, ledger in ledgers.items():
            clerk = Clerk(side.party, ledger, f"{side.role}{shift}", shift * 1000 if side is wrong else 0)
            for _ in range(5):
                clerk.save(2)
            clerk.close()
        for side, ledger in ledgers.items():
            town.until_confirmed(side, ledger.last)
        row.confirmed.append(time.monotonic() - began)
    row.runs += 1
    town.until_whole()
    row.lost += missing_anywhere(town, ledgers) + disagreeing(town)
    for side, ledger in ledgers.items():
        lacking, fault = replica_faults(town, side, ledger)
        row.lost += lacking
        row.corrupt += bool(fault)


def shifted(seconds: int) -> dict[str, str]:
    """Return the environment in which every Python of ours reads a wrong clock."""
    return {"PYTHONPATH": str(SHIFTED) if seconds else "", "KURABAKO_SOAK_SHIFT_S": str(seconds)}
