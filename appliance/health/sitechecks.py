"""Checks of a site's own folder: configuration, databases, credentials, marks, and what waits for somebody.

Invariant: as `finding` says; a credential is seen to be there, never opened.
"""

import contextlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from appliance.credentials import PEPPER, SITE_KEY, STORE_KEY
from appliance.health.finding import ABSENT, DENIED, SILENT, Seen, bad, none, ok, warn
from appliance.health.look import Look, counted, may_read_store
from appliance.inbox.told import FILE as INBOX_FILE
from appliance.inbox.told import Told, folder_of
from sync.client import KeeperClient
from sync.clock import change_clock, clock_ms
from sync.database import MINIMUM, DatabaseError, sqlite_version
from sync.errors import KeeperGoneError, PeerRefusedError, SyncError
from sync.healing import CORRUPT, FAILED_WRITE, OPERATOR, UNCLEAN, begun
from sync.reader import Reader
from sync.site import SitePaths

PATIENCE_S: Final = 0.4
_LONG_HEALING_S: Final = 3600
_STUCK_S: Final = 600
_USB_KIND: Final = "device.refused"
_USB_FRESH_S: Final = 7 * 86_400
_CREDENTIALS: Final = (PEPPER, SITE_KEY, STORE_KEY)
CAUSES: Final = (UNCLEAN, FAILED_WRITE, CORRUPT, OPERATOR)


def config(look: Look) -> Seen:
    """Tell whether kurabako.toml is understood."""
    if look.problem is None:
        return ok()
    return none(DENIED) if isinstance(look.problem.__cause__, PermissionError) else bad(error=look.problem.code)


def sqlite(look: Look) -> Seen:
    """Tell whether SQLite is free of the WAL-reset bug."""
    found = sqlite_version()
    told = bad if found < MINIMUM else ok
    return told(version=".".join(map(str, found)), needed=".".join(map(str, MINIMUM)))


def keeper(look: Look) -> Seen:
    """Tell whether the keeper answers; that it refuses this user is an answer as well."""
    client = KeeperClient(look.paths.socket, PATIENCE_S)
    with contextlib.closing(client):
        try:
            return ok(seq=client.hello().seq)
        except PeerRefusedError:
            return ok()
        except KeeperGoneError as error:
            return none(DENIED) if isinstance(error.__cause__, PermissionError) else bad()


def credentials(look: Look) -> Seen:
    """Tell whether the credentials are there; their contents are not read."""
    given = os.environ.get("CREDENTIALS_DIRECTORY")
    places = [Path(given)] if given else []
    places += [look.paths.root / "credentials", look.machine.at("etc/kurabako/credentials")]
    denied, missing = False, []
    for name in _CREDENTIALS:
        found = [_seen(place / name) for place in places]
        if True not in found:
            missing.append(name)
            denied = denied or None in found
    if denied:
        return none(DENIED)
    return bad(missing=tuple(missing)) if missing else ok()


def _seen(path: Path) -> bool | None:
    """Say whether a file is there; None when this user may not know."""
    try:
        return _there(path)
    except PermissionError:
        return None


def _there(path: Path) -> bool:
    try:
        path.stat()
    except PermissionError:
        raise
    except OSError:
        return False
    return True


def permissions(look: Look) -> Seen:
    """Tell whether anybody on this machine may reach what is the site's alone, or root left files of its own."""
    owner = look.paths.store.stat().st_uid
    shut = _shut(look.paths.root)
    exposed = foreign = 0
    for path in _guarded(look.paths):
        with contextlib.suppress(FileNotFoundError):
            found = path.lstat()
            exposed += not shut and bool(found.st_mode & stat.S_IRWXO) and not stat.S_ISLNK(found.st_mode)
            foreign += owner != 0 and found.st_uid == 0 and stat.S_ISREG(found.st_mode)
    return bad(exposed=exposed, foreign=foreign) if exposed or foreign else ok()


def _shut(folder: Path) -> bool:
    """Say whether a folder, or one above it, lets nobody in but its owner and group."""
    return any(not place.stat().st_mode & stat.S_IXOTH for place in (folder, *folder.parents))


def _guarded(paths: SitePaths) -> Iterator[Path]:
    for path in (paths.store, paths.local):
        yield from (path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm"))
    yield from (paths.blobs, paths.inbox)
    folder = paths.root / "credentials"
    if folder.is_dir():
        yield folder
        yield from folder.iterdir()


def marks(look: Look) -> Seen:
    """Tell whether the last keeper ended without taking its mark away, and no other one has started since."""
    if not _there(look.paths.running_mark) or keeper(look).state.value == "ok":
        return ok()
    return warn()


def healing(look: Look) -> Seen:
    """Tell whether the replica is being replaced by a whole new one, or that is owed."""
    owed, under_way = _there(look.paths.reset_mark), begun(look.paths)
    if not owed and under_way is None:
        return ok()
    cause = under_way.cause if under_way is not None and under_way.cause in CAUSES else "—"
    age_s = look.age_s(under_way.began_ms) or 0 if under_way is not None else 0
    told = bad if age_s > _LONG_HEALING_S else warn
    return told(cause=cause, minutes=age_s // 60)


def quarantine(look: Look) -> Seen:
    """Tell how many changes are held back."""
    held = counted(look.paths)[1]
    return _of_store(look, held)


def conflicts(look: Look) -> Seen:
    """Tell how many records have more than one value."""
    return _of_store(look, counted(look.paths)[0])


def _of_store(look: Look, count: int | None) -> Seen:
    if count is None:
        look.paths.store.open("rb").close()  # this user may not read it? then that is what is told
        return bad(count="?") if may_read_store(look.paths) else none(SILENT)
    return warn(count=count) if count else ok(count=0)


def usb(look: Look) -> Seen:
    """Tell how many refusals of USB devices are written down, and whether one is of this week."""
    look.paths.store.open("rb").close()
    if not may_read_store(look.paths):
        return none(SILENT)
    count, last_ms = usb_refused(look.paths)
    if not count:
        return ok(count=0)
    age_s = look.age_s(last_ms) or 0
    told = warn if age_s < _USB_FRESH_S else ok
    return told(count=count, days=age_s // 86_400)


def usb_refused(paths: SitePaths) -> tuple[int, int]:
    """Return how many records of refused devices there are, and when the newest was made (ms since 1970)."""
    try:
        with contextlib.closing(Reader(paths.store)) as reader:
            ((count, newest),) = reader.rows(
                f"SELECT count(*), max(change_id) FROM head WHERE kind = '{_USB_KIND}'"  # noqa: S608 - a constant
            )
    except (DatabaseError, OSError, SyncError):
        return 0, 0
    return int(count), clock_ms(change_clock(newest)) if newest else 0


def inbox(look: Look) -> Seen:
    """Tell whether files lie in the drop folder that cannot be taken."""
    try:
        told = msgspec.json.decode((folder_of(look.paths) / INBOX_FILE).read_bytes(), type=Told)
    except FileNotFoundError:
        return none(ABSENT)
    except msgspec.DecodeError:
        return warn(count="?", codes=(), problem="")
    stuck = [one for one in told.not_taken if (look.age_s(one.since_ms) or 0) > _STUCK_S]
    if told.problem or stuck:
        codes = tuple(sorted({one.code for one in stuck}))
        return (bad if told.problem else warn)(count=len(stuck), codes=codes, problem=told.problem or "—")
    return ok(count=0, taken=told.taken)
