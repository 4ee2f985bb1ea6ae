"""Run as `python -m tests.boxes [--short] [PYTEST ARGUMENTS]`: boots machines in a network of their own.

What takes too long for one process is played in shares, at the same time or on machines of their own:
`--share 1/2` and `--share 2/2`, each with an `--out` of its own, then `--join FILE FILE… [--out FILE]`.
"""

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.boxes.bundled import EDITIONS, THIS, cached_bundle
from tests.boxes.machine import missing_here
from tests.boxes.results import OUT, join, write
from tests.boxes.rootfs import KERNEL, RELEASES, cached_rootfs
from tests.boxes.virtual import PROGRAMS

_ALONE: Final = ("unshare", "--net", "--mount", "--", "sh", "-c", 'ip link set lo up && exec "$@"', "sh")
# A machine without virtualisation takes its time; every test has limits of its own.
_OPTIONS: Final = ("-q", "-rs", "--timeout=7200", "-p", "tests.boxes.results", "-p", "tests.boxes.shares")
_SHORT: Final = (
    "tests/boxes/test_boot.py::test_a_bare_machine_boots_and_is_alone_with_its_cable",
    "tests/boxes/test_provision.py::test_from_bare_to_the_first_confirmation_and_the_second_run_does_nothing",
)


def main() -> int:
    """Fetch what comes from outside, then leave this machine's network for good and run the tests."""
    parser = argparse.ArgumentParser(prog="tests.boxes", allow_abbrev=False)
    parser.add_argument("--short", action="store_true", help="one bare machine, provisioned twice")
    parser.add_argument("--fetch", action="store_true", help="fetch what comes from outside, and no more")
    parser.add_argument("--join", type=Path, nargs="+", help="play nothing; add up the files of shares")
    parser.add_argument("--out", type=Path, default=OUT)
    args, words = parser.parse_known_args()
    if args.join:
        return _joined(args.join, args.out)
    reason = missing_here()
    if reason:
        print(f"error: {reason}", file=sys.stderr)
        return 1
    _fetch(short=args.short)
    if args.fetch:
        return 0
    named = any(word.startswith("tests/") for word in words)
    which: tuple[str, ...] = () if named else _SHORT if args.short else ("tests/boxes",)
    command = [*_ALONE, sys.executable, "-m", "pytest", *which, *_OPTIONS, "--out", str(args.out), *words]
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # it removes what was booted; a shell's background has it ignored
    os.execvpe(command[0], command, {**os.environ, "KURABAKO_BOXES": "1"})


def _fetch(*, short: bool) -> None:
    """Have in the cache what the tests take from there: they cannot reach anything."""
    for release in RELEASES[:1] if short else RELEASES:
        cached_rootfs(release)
    if not short and not missing_here(*PROGRAMS):
        cached_rootfs(more=KERNEL)
    for edition in (THIS,) if short else EDITIONS:
        cached_bundle(edition)


def _joined(files: Sequence[Path], out: Path) -> int:
    """Add up the files of shares; return 1 when a run of one failed."""
    found = join(files)
    write(out, found)
    for one in found:
        print(f"{one.passed:>4} of {one.runs:>3}  {one.seconds:>8.1f} s  {one.scenario}  {one.skipped}".rstrip())
    return 0 if all(one.passed == one.runs for one in found) else 1


if __name__ == "__main__":
    sys.exit(main())
