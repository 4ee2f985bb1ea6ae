"""The keyless worker that brings refused USB devices from the spool into the sealed log.

Invariant: a refusal is kept, as a record and in the audit record in one batch, before its file is removed: what
ends in between tells it twice, never not at all. It holds no key that opens anything.

One device is told once at once and then once in ten minutes, with a count; of more than `MOST_DEVICES` different
ones in that time the rest are told together: plugging in all day makes no flood of records.
"""

import contextlib
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec

from appliance.audit import AuditEntry
from appliance.classification.model import Action, Verdict
from appliance.devices.records import DeviceRefused
from appliance.devices.spool import Dropped, dropped
from appliance.site import SiteFolder
from crypto.errors import KurabakoError
from sync.client import KeeperClient
from sync.clock import wall_ms
from sync.database import DatabaseError
from sync.ids import Site
from sync.reader import Reader
from sync.sealed import Draft, SealedStore
from sync.sitesession import site_session

SAME_MS: Final = 600_000
MOST_DEVICES: Final = 20
_SETTLE_MS: Final = 2_000  # one device's interfaces are refused one after another
_EVERY_S: Final = 2.0
_RULE: Final = "70-kurabako-usb"  # the udev rule is what refused it
_OTHERS: Final = ("", "")


@dataclass
class Collector:
    """Takes the spool of one site; `now_ms` is the clock. Used by one thread."""

    site: SiteFolder
    now_ms: Callable[[], int] = wall_ms
    _told: dict[tuple[str, str], int] = field(default_factory=dict)

    def turn(self) -> int:
        """Keep what is due and return how many refusals were told.

        Raises KeeperGoneError, PeopleMissingError and what the keeper refuses with; then the files stay.
        """
        waiting = dropped(self.site.paths)
        if not waiting:
            return 0
        now = self.now_ms()
        # A time ahead of now, or long ago, is a clock that was set: such a window is over.
        self._told = {device: at for device, at in self._told.items() if 0 <= now - at < SAME_MS}
        due = {key: group for key, group in self._groups(waiting).items() if self._due(key, group, now)}
        if not due:
            return 0
        with self._session() as store:
            for key, group in due.items():
                self._keep(store, group)
                self._told[key] = now
        return len(due)

    def _groups(self, waiting: Sequence[Dropped]) -> dict[tuple[str, str], list[Dropped]]:
        groups: dict[tuple[str, str], list[Dropped]] = {}
        for one in waiting:
            key = _key(one)
            known = {*self._told, *groups} - {_OTHERS}
            groups.setdefault(key if key in known or len(known) < MOST_DEVICES else _OTHERS, []).append(one)
        return groups

    def _due(self, key: tuple[str, str], group: Sequence[Dropped], now: int) -> bool:
        return key not in self._told and not 0 <= now - group[-1].at_ms < _SETTLE_MS

    @contextlib.contextmanager
    def _session(self) -> Iterator[SealedStore]:
        paths, key = self.site.paths, self.site.signing_key()
        reader, client = Reader(paths.store), KeeperClient(paths.socket)
        with contextlib.closing(reader), contextlib.closing(client):
            yield site_session(reader, client, self.site.root, key)

    def _keep(self, store: SealedStore, group: Sequence[Dropped]) -> None:
        told = _record(group)
        words = f"USB {told.what}" + (f"（{told.vendor}:{told.product}）" if told.vendor else "")
        entry = AuditEntry(
            action=Action.COPY_REMOVABLE,
            asset=DeviceRefused.kind,
            graded=DeviceRefused.importance,
            verdict=Verdict.DENY,
            rule=_RULE,
            count=told.count,
            source=words if told.count == 1 else f"{words} {told.count}回",
        )
        store.put([_draft(told), _draft(entry)])
        for one in group:
            one.path.unlink(missing_ok=True)


@contextlib.contextmanager
def collecting(site: SiteFolder) -> Iterator[None]:
    """Collect in a thread of its own while the site runs; the board's hubs have no USB sockets of a school."""
    if site.config.site.kind != Site.BOX:
        yield
        return
    stopping = threading.Event()
    thread = threading.Thread(target=collect, args=(site, stopping), name="usb", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join(10.0)


def collect(site: SiteFolder, stopping: threading.Event) -> None:
    """Collect until `stopping`; whatever fails is tried again, since the files stay."""
    collector = Collector(site)
    while not stopping.wait(_EVERY_S):
        with contextlib.suppress(KurabakoError, DatabaseError, OSError):
            collector.turn()


def _key(one: Dropped) -> tuple[str, str]:
    return one.device.vendor, one.device.product


def _record(group: Sequence[Dropped]) -> DeviceRefused:
    """Return what is told of one device, or of several that were too many.

    A device is refused once for each of its interfaces: it was plugged in as often as the most refused of them.
    """
    of_interface: dict[str, int] = {}
    for one in group:
        of_interface[one.device.name] = of_interface.get(one.device.name, 0) + 1
    devices = {_key(one) for one in group}
    gravest = min((one.device for one in group), key=lambda device: device.gravity)
    counts = [max(n for name, n in of_interface.items() if name.startswith("-".join(key))) for key in devices]
    alone = len(devices) == 1
    return DeviceRefused(
        vendor=gravest.vendor if alone else "",
        product=gravest.product if alone else "",
        what=gravest.words if alone else f"{gravest.words}など{len(devices)}種類",
        count=sum(counts),
        first_ms=group[0].at_ms,
        last_ms=group[-1].at_ms,
        others=0 if alone else len(devices),
    )


def _draft(record: DeviceRefused | AuditEntry) -> Draft:
    return Draft(record.kind, os.urandom(16), record.importance, msgspec.msgpack.encode(record))
