"""Being woken when something arrives in the drop folder.

Invariant: an event only wakes the worker, which looks at everything by itself; so a lost event costs time and no
file. Reading makes no event here, or the worker would wake itself.
"""

import contextlib
import os
import threading
from typing import Final

from watchdog.events import (
    DirCreatedEvent,
    DirMovedEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver
from watchdog.observers.polling import PollingObserver

from appliance.inbox.folders import LEAVING

_EVENTS: Final[list[type[FileSystemEvent]]] = [
    DirCreatedEvent,
    DirMovedEvent,
    FileClosedEvent,  # it was open for writing
    FileCreatedEvent,
    FileMovedEvent,
]
_POLL_S: Final = 2.0


class Watcher:
    """Sets an event when something changes below a folder; `polling` where the kernel gives no events."""

    def __init__(self, folder: str, woken: threading.Event) -> None:
        self._folder, self._woken = folder, woken
        self._observer: BaseObserver | None = None
        self.polling = False

    def start(self) -> None:
        """Begin; without inotify, or at its limit, by looking every two seconds."""
        try:
            self._observer = self._begin(Observer())
        except OSError:
            self.polling = True
            self._observer = self._begin(PollingObserver(timeout=_POLL_S))

    def stop(self) -> None:
        """End."""
        if self._observer is not None and self._observer.is_alive():
            self._observer.stop()
            self._observer.join()
        self._observer = None

    def _begin(self, observer: BaseObserver) -> BaseObserver:
        events = [*_EVENTS, FileModifiedEvent] if self.polling else _EVENTS
        try:
            observer.schedule(_Waker(self._woken), self._folder, recursive=True, event_filter=events)
            observer.start()
        except BaseException:
            with contextlib.suppress(RuntimeError):
                observer.stop()
            raise
        return observer


class _Waker(FileSystemEventHandler):
    def __init__(self, woken: threading.Event) -> None:
        self._woken = woken

    def on_any_event(self, event: FileSystemEvent) -> None:
        """Wake the worker, but not for what it does itself."""
        if os.sep.encode() + LEAVING not in os.fsencode(event.dest_path or event.src_path):
            self._woken.set()
