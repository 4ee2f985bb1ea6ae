"""What the sync daemon knows, in one small file that any process may read.

Invariant: a figure stands here only when it was read back; a file that its daemon no longer renews, or that is
left from before a power cut, is no answer (`read_status` returns None): nothing stays green because somebody died.
"""

import time
from enum import StrEnum
from typing import Final

import msgspec

from sync.atomic import atomic_write
from sync.clock import boot_id
from sync.site import SitePaths

STALE_S: Final = 10.0


class LinkState(StrEnum):
    """State of the line to the object store."""

    ONLINE = "online"
    DEGRADED = "degraded"
    OFFLINE = "offline"
    UNKNOWN = "unknown"


class Status(msgspec.Struct, frozen=True):
    """Counts are changes of this site; times are ms since 1970; `boot_s` is the machine's monotonic clock in
    the life `boot_id` of it.

    `sent` counts changes whose object was read back from the store; `waiting` = saved − sent; `confirmed` counts
    changes that the other side countersigned, as far as they are sent (None: there is no other side yet);
    `clock_skew_ms` is the other side's clock minus ours; `superseded` says that a newer box took over; `warnings`
    are error codes.
    `replicated` counts changes that the replica was read back to hold: it may follow the segments by 30 s.
    `lease` is a LeaseState and `lease_until_ms` when it ends. `documents` are still to be sent or fetched.
    `waiting_since_ms` and `unconfirmed_since_ms`: when the oldest entry that is not sent, or not countersigned,
    was made. `verify_problem` is the code with which the last verified restore failed, empty when it did not.
    """

    link: LinkState
    link_since_ms: int
    saved: int
    sent: int
    waiting: int
    sent_at_ms: int | None
    verified_at_ms: int | None
    verified_seq: int
    replica_resets: int
    litestream_restarts: int
    warnings: tuple[str, ...]
    at_ms: int
    boot_s: float
    confirmed: int | None = None
    confirmed_at_ms: int | None = None
    clock_skew_ms: int | None = None
    superseded: bool = False
    quarantined: int = 0
    lease: str = "unleased"
    lease_until_ms: int | None = None
    documents: int = 0
    replicated: int = 0
    waiting_since_ms: int | None = None
    unconfirmed_since_ms: int | None = None
    verify_problem: str = ""
    boot_id: str = msgspec.field(default_factory=boot_id)


def write_status(paths: SitePaths, status: Status) -> None:
    """Replace the status file. Not fsynced: it means nothing after a restart."""
    atomic_write(paths.status, msgspec.json.encode(status), mode=0o644, durable=False)


def read_status(paths: SitePaths) -> Status | None:
    """Return the status, or None when the daemon does not run (no file, unreadable, of another boot, 10 s old)."""
    try:
        status = msgspec.json.decode(paths.status.read_bytes(), type=Status)
    except (OSError, UnicodeDecodeError, msgspec.DecodeError):
        return None
    age_s = time.monotonic() - status.boot_s
    return status if status.boot_id == boot_id() and 0 <= age_s <= STALE_S else None
