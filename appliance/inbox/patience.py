"""Files that failed by themselves, and when each is due again.

Invariant: a file that fails holds up no other and is tried ever less often, but never given up.
"""

import os
import time
from typing import Final

from appliance.inbox.refusals import WaitingError
from appliance.inbox.settled import FileId

_FIRST_S: Final = 30.0
_LONGEST_S: Final = 3600.0


class Patience:
    """Files that failed by themselves wait longer each time: sealing 200 MB every minute for nothing is much."""

    def __init__(self) -> None:
        self._failures: dict[FileId, tuple[int, float]] = {}

    def check(self, stat: os.stat_result) -> None:
        """Raise WaitingError while a file that failed is not due again."""
        _, due = self._failures.get((stat.st_dev, stat.st_ino), (0, 0.0))
        if time.monotonic() < due:
            raise WaitingError(operation="take file", retry_safe=True)

    def failed(self, stat: os.stat_result) -> None:
        """Have a file wait for its next time."""
        key = (stat.st_dev, stat.st_ino)
        count = self._failures.get(key, (0, 0.0))[0] + 1
        wait_s = min(_LONGEST_S, _FIRST_S * 2 ** min(count, 10))
        self._failures[key] = (count, time.monotonic() + wait_s)

    def keep_only(self, present: set[FileId]) -> None:
        """Forget the files that are gone."""
        self._failures = {key: failure for key, failure in self._failures.items() if key in present}
