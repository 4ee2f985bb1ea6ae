"""Try a version on a site before it is switched to: `python -m appliance.updates.selftest SITE`. Writes nothing.

Invariant: everything that could keep it from starting is tried: every module is imported, the programs beside it
answer, the configuration is understood, the store is of a level that it knows.
"""

import contextlib
import importlib
import pkgutil
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Final

from appliance.config import load_config
from appliance.updates.children import Answer, say
from crypto.errors import KurabakoError
from sync.database import DatabaseError, open_reader
from sync.programs import find_program
from sync.reader import Reader
from sync.site import SitePaths

PACKAGES: Final = ("crypto", "sync", "appliance", "tui")
_PROGRAMS: Final = (("litestream", "version"), ("rclone", "version"))
_SETS: Final = ("kurabako.store", "kurabako.local")


def main() -> None:
    """Try everything and say what is wrong."""
    version = metadata.version("kurabako")
    try:
        problem = next(problems(Path(sys.argv[1])), "")
    except KurabakoError as exc:
        problem = f"{exc.code} {exc.subject}"
    except (DatabaseError, OSError) as exc:
        problem = f"{type(exc).__name__}: {exc}"
    say(Answer(version, problem))


def problems(site: Path) -> Iterator[str]:
    """Yield what is wrong, the first that is found first."""
    yield from _imports()
    yield from _programs()
    load_config(site)
    yield from _levels(SitePaths(site))
    with contextlib.closing(Reader(SitePaths(site).store)) as reader:
        reader.changes()


def _imports() -> Iterator[str]:
    for package in PACKAGES:
        paths = importlib.import_module(package).__path__
        for module in pkgutil.walk_packages(paths, f"{package}."):
            if not module.name.endswith("__main__"):
                try:
                    importlib.import_module(module.name)
                except Exception as exc:  # noqa: BLE001 - whatever it is, this version cannot be used
                    yield f"{module.name}: {type(exc).__name__}: {exc}"


def _programs() -> Iterator[str]:
    for name, word in _PROGRAMS:
        done = subprocess.run([find_program(name), word], stdin=subprocess.DEVNULL, capture_output=True)
        if done.returncode:
            yield f"{name}: {done.returncode}"


def _levels(paths: SitePaths) -> Iterator[str]:
    from sync.schema import LOCAL_LEVEL, STORE_LEVEL  # imports sqlite-utils, which costs 0.2 s

    for path, name, known in zip((paths.store, paths.local), _SETS, (STORE_LEVEL, LOCAL_LEVEL), strict=True):
        with contextlib.closing(open_reader(path)) as connection:
            asked = "SELECT count(*) FROM _sqlite_migrations WHERE migration_set = ?"
            (level,) = connection.execute(asked, (name,)).fetchone()
        if level > known:
            yield f"{path.name}: level {level}, known {known}"


if __name__ == "__main__":
    main()
