"""Ask a running site whether it works: `python -m appliance.updates.pulse SITE`. Writes nothing, opens no key.

Invariant: all is well only when the keeper answers now and the sync daemon wrote down how it is within seconds.
"""

import contextlib
import sys
from importlib import metadata
from pathlib import Path

from appliance.updates.children import Answer, say
from crypto.errors import KurabakoError
from sync.client import KeeperClient
from sync.site import SitePaths
from sync.status import read_status


def main() -> None:
    """Ask, and say what is wrong."""
    say(Answer(metadata.version("kurabako"), problem_of(Path(sys.argv[1]))))


def problem_of(site: Path) -> str:
    """Return what is wrong with a running site, nothing when all is well."""
    paths = SitePaths(site)
    try:
        with contextlib.closing(KeeperClient(paths.socket)) as keeper:
            keeper.hello()
    except KurabakoError as exc:
        return f"keeper {exc.code}"
    return "" if read_status(paths) is not None else "sync"


if __name__ == "__main__":
    main()
