"""The watcher of a box: looks, writes down what it found, raises alarms and tells whoever is to be told.

Invariant: it reads figures and changes nothing of the site but its own two files in `run/`; whatever fails in it
is tried again, and it never holds the sync daemon up.
"""

import contextlib
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from appliance.alarms import events
from appliance.alarms.book import Book, read_book, write_book
from appliance.alarms.channels import addressees, send
from appliance.alarms.conditions import Standing, Steady, of_findings, of_status
from appliance.alarms.sending import Sending
from appliance.config import Config
from appliance.health.doctor import examine
from appliance.health.finding import Finding
from appliance.health.look import Look, counted, look_at
from appliance.health.machine import Machine
from appliance.health.metricsserver import MetricsServer
from appliance.health.watched import Watched, write_watched
from appliance.ownversion import own_version
from appliance.site import SiteFolder
from crypto.errors import KurabakoError
from sync.clock import wall_ms
from sync.ids import Site
from sync.site import SitePaths
from sync.status import LinkState

_EVERY_S: Final = 5.0
_EXAMINE_S: Final = 60.0
_USB_S: Final = 10.0


@dataclass
class Watcher:
    """Looks after one site. Used by one thread; `findings` and `book` may be read by others."""

    folder: SiteFolder
    machine: Machine = field(default_factory=Machine)
    steady: Steady = field(default_factory=Steady)
    sending: Sending = field(default_factory=Sending)
    findings: Sequence[Finding] = ()
    _due_examine: float = 0.0
    _due_usb: float = 0.0
    _online: bool = False

    def __post_init__(self) -> None:
        """Take up what was raised in the last life."""
        self.keeper = events.KeeperWatch(self.paths)
        self.book = read_book(self.paths)

    @property
    def paths(self) -> SitePaths:
        """Return where the site's files are."""
        return self.folder.paths

    def turn(self) -> None:
        """Look once, raise and clear what is due, tell whoever is due."""
        look = look_at(self.folder.path, self.machine)
        config = look.config or self.folder.config
        if time.monotonic() >= self._due_examine:
            self._due_examine = time.monotonic() + _EXAMINE_S
            self.examine(look)
        book = self._judged(look, self.book, config).addressed(addressees(config.alarms))
        if book != self.book:
            self._keep(book)
        online = look.told is not None and look.told.link is LinkState.ONLINE
        if online and not self._online:
            self.sending.hurry()
        self._online = online
        told = partial(send, config=config, site=self.folder.path, version=own_version())
        self.sending.turn(self.book, told, self._keep)

    def examine(self, look: Look) -> None:
        """Run every check, and write down what they found for those who may not look themselves."""
        self.findings = examine(look)
        found = Watched(
            tuple(self.findings), time.monotonic(), *counted(self.paths), tuple(sorted(self.book.raised))
        )
        with contextlib.suppress(OSError):  # a full disk: told all the same, by the alarm
            write_watched(self.paths, found)

    def _judged(self, look: Look, book: Book, config: Config) -> Book:
        standings: dict[str, Standing] = {**of_findings(self.findings), **of_status(look.told)}
        standings["keeper"] = self.keeper.turn()
        standings["healing"], book = events.healing(self.paths, book)
        if config.site.kind == Site.BOX and time.monotonic() >= self._due_usb:
            self._due_usb = time.monotonic() + _USB_S
            standings["usb"], book = events.usb(self.paths, book)
        return self._turned(standings, book, config)

    def _turned(self, standings: Mapping[str, Standing], book: Book, config: Config) -> Book:
        for alarm, standing in standings.items():
            raised = alarm in book.raised
            if self.steady.turned(alarm, raised, standing):
                muted = alarm in config.alarms.mute or alarm.partition(".")[0] in config.alarms.mute
                due = () if muted else addressees(config.alarms)
                book = book.changed(alarm, not raised, wall_ms(), due, dict(standing.figures))
        return book

    def _keep(self, book: Book) -> None:
        self.book = book
        with contextlib.suppress(OSError):  # a full disk: written with the next change
            write_book(self.paths, book)


@contextlib.contextmanager
def watching(folder: SiteFolder) -> Iterator[None]:
    """Watch a site and serve its figures while it runs."""
    stopping = threading.Event()
    watcher = Watcher(folder)
    thread = threading.Thread(target=watch, args=(watcher, stopping), name="watch", daemon=True)
    with MetricsServer(watcher):
        thread.start()
        try:
            yield
        finally:
            stopping.set()
            thread.join(2.0)  # a mail server that hangs is left behind: the message stays in the queue


def watch(watcher: Watcher, stopping: threading.Event) -> None:
    """Watch until `stopping`."""
    while not stopping.is_set():
        with contextlib.suppress(KurabakoError, OSError):
            watcher.turn()
        stopping.wait(_EVERY_S)
