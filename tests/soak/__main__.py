"""Run as `python -m tests.soak [--short|--tiny] [--only NAME…] --out FILE`: every fault, and one table of them."""

import argparse
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.soak import storefaults
from tests.soak.clocks import clock_10_years
from tests.soak.disks import disk_full, eio_fsync
from tests.soak.kills import control, litestream_kill_9, writer_kill_9
from tests.soak.lines import outage_72h, thin_line
from tests.soak.results import Control, Play, Row, table, write
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
    args = parser.parse_args(words)
    with tempfile.TemporaryDirectory(prefix="kurabako-soak-") as work:
        names = [name for name in SCENARIOS if name in args.only]
        with ThreadPoolExecutor(args.jobs, "soak") as pool:
            rows = list(pool.map(lambda name: _played(name, Path(work), args.size, args.seed), names))
        unhealed = _control(Path(work), args.size, args.seed) if CONTROL in args.only else None
    print(f"\n{table(rows, unhealed)}", flush=True)
    write(args.out, rows, unhealed, args.seed, args.size)
    return 0 if all(row.passed for row in rows) else 1


def _played(name: str, work: Path, size: str, seed: int) -> Row:
    began = time.monotonic()
    play = Play(work / name, size, seed, lambda text: print(f"  {text}", flush=True))
    row = Row(name)
    try:
        SCENARIOS[name](play, row)
    except Exception as error:  # noqa: BLE001 - one broken fault must not hide what the others show
        traceback.print_exc()
        row.failed = f"{type(error).__name__}: {error}"[:300]
    verdict = "ok" if row.passed else "NOT OK"
    print(f"{name}: {row.runs} runs in {time.monotonic() - began:.0f} s, {verdict}", flush=True)
    return row


def _control(work: Path, size: str, seed: int) -> Control:
    return control(Play(work / CONTROL, size, seed, lambda text: print(f"  {text}", flush=True)))


if __name__ == "__main__":
    sys.exit(main())
