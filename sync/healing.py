"""Healing a replica: why it was replaced by a whole new one, when, and when that was proven.

Invariant: a healing that began is written down before anything is replaced and ends only with a verified restore;
what lies in between survives any end of the daemon. The log is `log/replica.jsonl` in the site's folder; its
newest lines are copied to `<school>/<site>/<epoch>/healings` in the store, where the board's timeline reads them.
"""

import contextlib
from typing import Final

import msgspec

from sync.atomic import atomic_write
from sync.clock import wall_ms
from sync.ids import Origin
from sync.site import SitePaths

UNCLEAN: Final = "unclean stop"  # the keeper was killed: Litestream may have sent what SQLite then discarded
FAILED_WRITE: Final = "write failed"
CORRUPT: Final = "replica corrupt"  # a verified restore failed
OPERATOR: Final = "operator"
_KEPT: Final = 1000
_TOLD_LINES: Final = 100
_TOLD_BYTES: Final = 64 * 1024
_TOLD: Final = 0o644  # the keeper asks, the daemon heals, support looks: each may be another user of the box


class Begun(msgspec.Struct, frozen=True):
    """A healing under way; `began_ms` is ms since 1970."""

    cause: str
    began_ms: int


class Healing(msgspec.Struct, frozen=True):
    """A healing that was proven: everything up to `seq` was restored from the new replica and verified."""

    cause: str
    began_ms: int
    seconds: float
    seq: int


def ask_for_healing(paths: SitePaths, cause: str) -> None:
    """Leave the mark that makes the daemon replace the replica."""
    atomic_write(paths.reset_mark, f"{cause}\n".encode(), mode=_TOLD)


def cause_of(paths: SitePaths) -> str:
    """Return why the replica is to be replaced."""
    return paths.reset_mark.read_text("utf-8", "replace").strip()


def begin(paths: SitePaths, cause: str) -> None:
    """Note that the replica is being replaced; of several causes before the proof the first is kept."""
    if begun(paths) is None:
        atomic_write(paths.healing, msgspec.json.encode(Begun(cause, wall_ms())), mode=_TOLD)


def begun(paths: SitePaths) -> Begun | None:
    """Return the healing under way."""
    try:
        return msgspec.json.decode(paths.healing.read_bytes(), type=Begun)
    except (FileNotFoundError, msgspec.DecodeError):
        return None


def done(paths: SitePaths, seq: int) -> Healing | None:
    """Note that the new replica was proven up to `seq`; None when no healing was under way."""
    under_way = begun(paths)
    if under_way is None:
        return None
    entry = Healing(under_way.cause, under_way.began_ms, (wall_ms() - under_way.began_ms) / 1000, seq)
    paths.healing_log.parent.mkdir(mode=0o700, exist_ok=True)
    lines = [*_lines(paths)[1 - _KEPT :], msgspec.json.encode(entry)]
    atomic_write(paths.healing_log, b"\n".join(lines) + b"\n", mode=_TOLD)
    paths.healing.unlink(missing_ok=True)
    return entry


def newest_healing(paths: SitePaths) -> Healing | None:
    """Return the newest entry of the log."""
    lines = _lines(paths)
    return msgspec.json.decode(lines[-1], type=Healing) if lines else None


def healings_name(origin: Origin) -> str:
    """Return where a site's healings are told in the store."""
    return f"{origin.prefix}/healings"


def newest_lines(paths: SitePaths) -> bytes:
    """Return what is told in the store: the newest entries of the log, a JSON line each."""
    return b"".join(line + b"\n" for line in _lines(paths)[-_TOLD_LINES:])


def read_healings(data: bytes) -> list[Healing]:
    """Read what a site told; lines that cannot be read are passed over, since anybody may have written them."""
    found = []
    for line in data[:_TOLD_BYTES].splitlines():
        with contextlib.suppress(msgspec.DecodeError, ValueError):
            found.append(msgspec.json.decode(line, type=Healing))
    return found


def _lines(paths: SitePaths) -> list[bytes]:
    try:
        return paths.healing_log.read_bytes().splitlines()
    except FileNotFoundError:
        return []
