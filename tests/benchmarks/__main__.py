"""Run as `python -m tests.benchmarks --out FILE`: measures, prints, writes JSON with limits beside the figures."""

import argparse
import json
import tempfile
from pathlib import Path

from tests.benchmarks.exchange import measure
from tests.benchmarks.marks import (
    PUPILS,
    SESSIONS,
    bare_commits,
    bare_rows,
    marks,
    median,
    percentile,
    row_bytes,
    thirty_sessions,
)
from tests.benchmarks.reading import open_day
from tests.benchmarks.replication import Cloud, fill, replica_lag, restores
from tests.benchmarks.resident import served
from tests.school import enrol

LIMITS = {
    "mark_ack_p50_ratio": 3.0,
    "mark_ack_p99_ms": 16.7,
    "sessions30_ratio": 1.0,
    "open_day_ratio": 4.0,
    "replica_lag_ratio": 1.1,
    "verified_restore_ratio": 2.0,
    "resident_mb": 150.0,
    "status_s": 0.25,
    "edit_confirmed_s_p50": 0.5,
    "edit_wire_kb": 8.0,
    "catch_up_10k_s": 5.0,
    "catch_up_growth": 1.5,
    "idle_requests_per_day": 1500.0,
}


def main() -> None:
    """Measure everything."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=Path, default=Path("build/bench.json"))
    parser.add_argument("--only", choices=["marks", "replication", "served", "exchange"])
    args = parser.parse_args()
    found: dict[str, float] = {}
    with tempfile.TemporaryDirectory(prefix="kurabako-bench-") as work:
        if args.only in (None, "marks"):
            found |= _marks(Path(work))
        if args.only in (None, "replication"):
            found |= _replication(Path(work) / "replication")
        if args.only in (None, "served"):
            resident, status = served(Path(work) / "served")
            found |= {"resident_mb": resident, "status_s": status}
        if args.only in (None, "exchange"):
            found |= _exchange(Path(work) / "exchange")
    shown = {name: round(value, 4) for name, value in found.items()}
    missed = {name: limit for name, limit in LIMITS.items() if name in shown and shown[name] > limit}
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(json.dumps({**shown, "limits": LIMITS, "missed": sorted(missed)}, indent=2) + "\n")
    for name, value in shown.items():
        verdict = "" if name not in LIMITS else f"  limit {LIMITS[name]}  {'MISSED' if name in missed else 'ok'}"
        print(f"{name:28} {value:10.4f}{verdict}")


def _marks(folder: Path) -> dict[str, float]:
    school = enrol(folder)
    try:
        marks(school)  # warm
        ours = marks(school)
        size = row_bytes(school)
        bare = bare_commits(folder, size, len(ours))
        rounds = []
        for number in range(3):
            together = thirty_sessions(school)
            rounds.append((together, bare_rows(school, folder, SESSIONS * PUPILS - number)))
        day, plain_day = open_day(school, folder)
    finally:
        school.close()
    return {
        "mark_ack_p50_ratio": median(ours) / median(bare),
        "mark_ack_p99_ms": percentile(ours, 0.99) * 1000,
        "mark_ack_p50_ms": median(ours) * 1000,
        "bare_commit_p50_ms": median(bare) * 1000,
        "sessions30_ratio": median([ours_s / bare_s for ours_s, bare_s in rounds]),
        "sessions30_s": median([ours_s for ours_s, _ in rounds]),
        "open_day_ratio": day / plain_day,
        "open_day_ms": day * 1000,
    }


def _replication(folder: Path) -> dict[str, float]:
    folder.mkdir()
    cloud = Cloud(folder)
    cloud.daemon.start()
    try:
        lag, plain_lag = replica_lag(cloud)
        fill(cloud)
        ours, plain = restores(cloud)
    finally:
        cloud.close()
    return {
        "replica_lag_ratio": lag / plain_lag,
        "replica_lag_s": lag,
        "verified_restore_ratio": ours / plain,
        "verified_restore_s": ours,
    }


def _exchange(folder: Path) -> dict[str, float]:
    seen = measure(folder)
    catching = seen.catch_up_s
    return {
        "edit_confirmed_s_p50": median(seen.edit_confirmed_s),
        "edit_confirmed_s_p95": percentile(seen.edit_confirmed_s, 0.95),
        "edit_wire_kb": seen.edit_wire_kb,
        "edit_wire_alone_kb": seen.edit_wire_alone_kb,
        "catch_up_1k_s": catching[1_000],
        "catch_up_10k_s": catching[10_000],
        "catch_up_100k_s": catching[100_000],
        # seconds for one entry at 100,000 against 10,000: 1.0 is linear
        "catch_up_growth": catching[100_000] / catching[10_000] / 10,
        "idle_requests_per_day": seen.idle_requests_per_day,
    }


if __name__ == "__main__":
    main()
