"""Run as `python -m tests.boxes [PYTEST ARGUMENTS]`: boots machines in a network that nothing else is in."""

import os
import sys
from typing import Final

from tests.boxes.bundled import EDITIONS, cached_bundle
from tests.boxes.machine import missing_here
from tests.boxes.rootfs import KERNEL, RELEASES, cached_rootfs
from tests.boxes.virtual import PROGRAMS

_ALONE: Final = ("unshare", "--net", "--mount", "--", "sh", "-c", 'ip link set lo up && exec "$@"', "sh")
_OPTIONS: Final = ("-q", "-rs", "-p", "tests.boxes.results")


def main() -> int:
    """Fetch what comes from outside, then leave this machine's network for good and run the tests."""
    reason = missing_here()
    if reason:
        print(f"error: {reason}", file=sys.stderr)
        return 1
    for release in RELEASES:
        cached_rootfs(release)
    if not missing_here(*PROGRAMS):
        cached_rootfs(more=KERNEL)
    for edition in EDITIONS:
        cached_bundle(edition)
    which = () if any("test_" in word and word.endswith(".py") for word in sys.argv[1:]) else ("tests/boxes",)
    words = [*_ALONE, sys.executable, "-m", "pytest", *which, *_OPTIONS, *sys.argv[1:]]
    os.execvpe(words[0], words, {**os.environ, "KURABAKO_BOXES": "1"})


if __name__ == "__main__":
    sys.exit(main())
