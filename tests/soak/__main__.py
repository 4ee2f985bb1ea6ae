"""Run as `python -m tests.soak [--short|--tiny] [--only NAME…] --out FILE`: every fault, and one table of them.

What takes too long for one process is played in shares, in processes or on machines of its own: `--share 1/2` and
`--share 2/2`, then `--join` with all their files.
"""

import argparse
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from math import inf
from pathlib import Path

from tests.soak import storefaults
from tests.soak.clocks import clock_10_years
from tests.soak.disks import disk_full, eio_fsync
from tests.soak.kills import control, litestream_kill_9, writer_kill_9
from tests.soak.lines import outage_72h, thin_line
from tests.soak.results import Control, Play, Row, read, table, write
from tests.soak.stages import sync_killed
from tests.soak.twoboxes import two_boxes

CONTROL = "control"
SCENARIOS: dict[str, Callable[[Play, Row], None]] = {
    "writer_kill_9": writer_kill_9,
    "litestream_kill_9": litestream_kill_9,
    **storefaults.scenarios(),
    "disk_full": disk_full,
    "eio_fsync": eio_fsync,
    "two_boxes": two_boxes,
    "sync_killed": sync_killed,
    "clock_10_years": clock_10_years,
    "thin_line": thin_line,
    "outage_72h": outage_72h,
}


def main(words: Sequence[str] | None = None) -> int:
    """Play; return 1 when anything was lost, stayed corrupt, or could not be played to its end."""
    parser = argparse.ArgumentParser(prog="tests.soak")
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--short", dest="size", action="store_const", const="short", default="full")
    size.add_argument("--tiny", dest="size", action="store_const", const="tiny")
    parser.add_argument("--only", nargs="+", choices=[*SCENARIOS, CONTROL], default=[*SCENARIOS, CONTROL])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2, help="faults played at the same time")
    parser.add_argument("--out", type=Path, default=Path("build/soak.json"))
    parser.add_argument("--share", type=_share, default=(1, 1), help="play the first of two parts: 1/2")
    parser.add_argument("--minutes", type=float, default=inf, help="begin nothing new after so long")
    parser.add_argument("--join", type=Path, nargs="+", help="play nothing; add up the files of shares")
    args = parser.parse_args(words)
    rows: list[Row] = []
    unhealed: Control | None = None
    if args.join:
        rows, unhealed = read(args.join)
        write(args.out, rows, unhealed, args.seed, args.size)
    else:
        with tempfile.TemporaryDirectory(prefix="kurabako-soak-") as work:
            plays = {name: _play(name, Path(work), args) for name in (*SCENARIOS, CONTROL) if name in args.only}
            with ThreadPoolExecutor(args.jobs, "soak") as pool:
                for row in pool.map(_played, [name for name in plays if name != CONTROL], plays.values()):
                    rows.append(row)
                    write(args.out, rows, None, args.seed, args.size)  # what was played stands, whatever comes
            if CONTROL in plays:
                unhealed = control(plays[CONTROL])
            write(args.out, rows, unhealed, args.seed, args.size)
    print(f"\n{table(rows, unhealed)}", flush=True)
    return 0 if all(row.passed for row in rows) and (unhealed is None or unhealed.passed) else 1


def _share(text: str) -> tuple[int, int]:
    number, _, of = text.partition("/")
    if not 1 <= int(number) <= int(of):
        raise ValueError(text)
    return int(number), int(of)


def _play(name: str, work: Path, args: argparse.Namespace) -> Play:
    seed = args.seed + 1000 * (args.share[0] - 1)
    ends = time.monotonic() + args.minutes * 60
    return Play(work / name, args.size, seed, lambda text: print(f"  {text}", flush=True), args.share, ends)


def _played(name: str, play: Play) -> Row:
    began = time.monotonic()
    row = Row(name)
    try:
        SCENARIOS[name](play, row)
    except Exception as error:  # noqa: BLE001 - one broken fault must not hide what the others show
        traceback.print_exc()
        row.failed = f"{type(error).__name__}: {error}"[:300]
    verdict = "ok" if row.passed else "NOT OK"
    print(f"{name}: {row.runs} runs in {time.monotonic() - began:.0f} s, {verdict}", flush=True)
    return row


if __name__ == "__main__":
    sys.exit(main())
