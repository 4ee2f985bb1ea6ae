"""Trusted time: a clock that setting the machine's clock back cannot turn back.

Invariant: what it says never falls below what it once wrote down, nor behind the time that the machine has run
since; only a lease of a higher serial whose whole life lies before it lowers it (`correct`). Why that is safe:
docs/decisions.md.
"""

import time
from collections.abc import Callable
from typing import Final, NamedTuple, Protocol

import msgspec

from sync.clock import boot_id, wall_ms

CLOCK: Final = ("clock", "trusted")
KEEP_EVERY_MS: Final = 30_000
PLAUSIBLE_MS: Final = 24 * 3600 * 1000  # a clock that was wrong is believed again when it is this near


class LocalValues(Protocol):
    """What keeps values that never leave the box."""

    def local_get(self, space: str, key: str) -> bytes | None:
        """Return a value."""
        ...

    def local_put(self, space: str, key: str, value: bytes | None) -> None:
        """Write a value."""
        ...


class Boot(msgspec.Struct, frozen=True, array_like=True):
    """How long the machine runs, sleep included, and which of its lives this is."""

    up_ms: int
    id: str


class _Kept(msgspec.Struct, frozen=True, array_like=True):
    at_ms: int
    boot: Boot
    doubt: bool = False


def boot_now() -> Boot:
    """Return the machine's boot clock."""
    return Boot(time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000, boot_id())


class Clocks(NamedTuple):
    """The machine's two clocks."""

    wall: Callable[[], int] = wall_ms
    boot: Callable[[], Boot] = boot_now


class TrustedTime:
    """Trusted time over what `local.db` holds. Times are ms since 1970."""

    def __init__(self, local: LocalValues, clocks: Clocks | None = None) -> None:
        self._local = local
        self._wall, self._boot = clocks or Clocks()
        self._kept = _read(local.local_get(*CLOCK))

    def now(self) -> int:
        """Return the time: the greatest of what was written down, how long the machine ran since, the clock."""
        return self._look(self._boot())[0]

    def keep(self, *, at_once: bool = False) -> None:
        """Write the time down, if that was not done in the last 30 s."""
        boot = self._boot()
        now, doubt = self._look(boot)
        if (
            at_once
            or self._kept is None
            or now - self._kept.at_ms >= KEEP_EVERY_MS
            or self._kept.boot.id != boot.id
        ):
            self._write(_Kept(now, boot, doubt))

    def correct(self, issued_ms: int, until_ms: int) -> None:
        """Learn from a lease of a higher serial than any before, validly signed by the board's side.

        Its issue is a time that has come. If all of its life seems to be over, this clock ran ahead: then it is
        set back to the issue, and the machine's clock is not believed until it is within a day of this one.
        """
        boot = self._boot()
        now, doubt = self._look(boot)
        if until_ms <= now:
            now, doubt = issued_ms, self._wall() - issued_ms > PLAUSIBLE_MS
        self._write(_Kept(max(now, issued_ms), boot, doubt))

    def _look(self, boot: Boot) -> tuple[int, bool]:
        wall, kept = self._wall(), self._kept
        if kept is None:
            return wall, False
        # In another life of the machine at least the time since its start has gone by.
        ran = boot.up_ms - kept.boot.up_ms if boot.id == kept.boot.id else boot.up_ms
        at_ms = kept.at_ms + max(0, ran)
        if kept.doubt and wall - at_ms > PLAUSIBLE_MS:
            return at_ms, True
        return max(at_ms, wall), False

    def _write(self, kept: _Kept) -> None:
        self._local.local_put(*CLOCK, msgspec.msgpack.encode(kept))
        self._kept = kept


def _read(raw: bytes | None) -> _Kept | None:
    try:
        return msgspec.msgpack.decode(raw, type=_Kept) if raw else None
    except (msgspec.DecodeError, UnicodeDecodeError):  # who can write nonsense here could have removed it
        return None
