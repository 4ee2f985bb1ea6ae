"""Run as `python -m tests.boxes [PYTEST ARGUMENTS]`: boots machines in a network that nothing else is in."""

import os
import sys
from typing import Final

from tests.boxes.machine import missing_here
from tests.boxes.rootfs import cached_rootfs

_ALONE: Final = ("unshare", "--net", "--", "sh", "-c", 'ip link set lo up && exec "$@"', "sh")


def main() -> int:
    """Fetch what needs the Debian mirror, then leave this machine's network for good and run the tests."""
    reason = missing_here()
    if reason:
        print(f"error: {reason}", file=sys.stderr)
        return 1
    cached_rootfs()
    words = [*_ALONE, sys.executable, "-m", "pytest", "tests/boxes", "-q", *sys.argv[1:]]
    os.execvpe(words[0], words, {**os.environ, "KURABAKO_BOXES": "1"})


if __name__ == "__main__":
    sys.exit(main())
