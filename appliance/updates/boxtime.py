"""Tell a box's trusted time: `python -m appliance.updates.boxtime SITE`. Writes nothing.

Invariant: it is the time by which leases are judged (`sync/trustedtime.py`): a clock that was set back does not
make an update fresh that nobody vouches for any more.
"""

import contextlib
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

from appliance.updates.children import Answer, say
from sync.clock import wall_ms
from sync.database import DatabaseError, open_reader
from sync.site import SitePaths
from sync.trustedtime import TrustedTime


class _Reading:
    """`local.db`, read only."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def local_get(self, space: str, key: str) -> bytes | None:
        asked = "SELECT value FROM local WHERE space=? AND key=?"
        row = self._connection.execute(asked, (space, key)).fetchone()
        return bytes(row[0]) if row else None

    def local_put(self, space: str, key: str, value: bytes | None) -> None:
        raise PermissionError("read only")


def trusted_now(site: Path) -> int:
    """Return the trusted time of a site in ms since 1970; the machine's where nothing of it can be read."""
    try:
        with contextlib.closing(open_reader(SitePaths(site).local)) as connection:
            return TrustedTime(_Reading(connection)).now()
    except DatabaseError:
        return wall_ms()


if __name__ == "__main__":
    say(Answer(metadata.version("kurabako"), now_ms=trusted_now(Path(sys.argv[1]))))
