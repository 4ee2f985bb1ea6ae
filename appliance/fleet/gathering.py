"""All boxes at once: each asked in a thread of its own, none waiting for another.

Invariant: a box that does not answer holds nobody up and is asked again only when its last question came to an
end; what a box said last is kept with its age. A connection stays open until it fails: one login, not one a look.
"""

import contextlib
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from appliance.fleet.asking import Remote, ask_doctor, ask_status
from appliance.fleet.boxview import BoxView, Told
from crypto.errors import KurabakoError
from sync.clock import wall_ms

Say = Callable[[BoxView], None]
Checks = list[tuple[str, str, str, str]]
Known = dict[str, tuple[Told, int]]
T = TypeVar("T")
_BROKEN: Final = "GEN-000"


@dataclass(frozen=True, slots=True)
class Asked:
    """A box of the inventory and how to log in to it; `connect` raises a KurabakoError."""

    school: str
    name: str
    host: str
    connect: Callable[[], Remote]


class Fleet:
    """The boxes and what is known of them. `refresh` returns at once; `say` is called from other threads."""

    def __init__(self, boxes: Sequence[Asked], known: Known | None = None) -> None:
        past = known or {}
        self._lines = {box.school: _Line(box) for box in boxes}
        self._lock = threading.Lock()
        self._views = {
            box.school: BoxView(box.school, box.name, box.host, *past.get(box.school, (None, 0))) for box in boxes
        }

    @property
    def views(self) -> list[BoxView]:
        """Return what is known of every box, in the inventory's order."""
        with self._lock:
            return list(self._views.values())

    @property
    def known(self) -> Known:
        """Return what each box said last, and when."""
        return {view.school: (view.told, view.seen_ms) for view in self.views if view.told is not None}

    def refresh(self, say: Say) -> list[threading.Thread]:
        """Ask every box that is not being asked already."""
        threads = []
        for school, line in self._lines.items():
            if line.busy.acquire(blocking=False):
                thread = threading.Thread(target=self._ask, args=(school, line, say), name=school, daemon=True)
                thread.start()
                threads.append(thread)
        return threads

    def doctor(self, school: str) -> Checks:
        """Ask one box for its checks, and wait; raises a KurabakoError."""
        line = self._lines[school]
        with line.busy:
            return line.doctor()

    def close(self) -> None:
        """Log out of every box that is not being asked."""
        for line in self._lines.values():
            if line.busy.acquire(blocking=False):
                line.close()
                line.busy.release()

    def _ask(self, school: str, line: "_Line", say: Say) -> None:
        told, problem = None, ""
        try:
            told = line.status()
        except KurabakoError as error:
            problem = error.code
        except Exception:  # noqa: BLE001 - one box's trouble, whatever it is, must not end the look at the others
            problem = _BROKEN
        finally:
            line.busy.release()
        with self._lock:
            view = self._views[school]
            if told is not None:
                view = replace(view, told=told, seen_ms=wall_ms(), problem="", asked=True)
            else:
                view = replace(view, problem=problem, asked=True)
            self._views[school] = view
        say(view)


class _Line:
    """The connection to one box; `busy` is held by whoever asks."""

    def __init__(self, box: Asked) -> None:
        self.busy = threading.Lock()
        self._box = box
        self._remote: Remote | None = None

    def status(self) -> Told:
        """Ask for the status; a connection that went is made anew once."""
        return self._asked(ask_status)

    def doctor(self) -> Checks:
        """Ask for the checks."""
        return self._asked(ask_doctor)

    def _asked(self, question: Callable[[Remote], T]) -> T:
        fresh = self._remote is None
        while True:
            if self._remote is None:
                self._remote = self._box.connect()
            try:
                return question(self._remote)
            except KurabakoError:
                self.close()
                if fresh:
                    raise
                fresh = True  # the box may have restarted since: one more try, on a connection of now

    def close(self) -> None:
        """Log out."""
        remote, self._remote = self._remote, None
        if remote is not None:
            with contextlib.suppress(OSError):
                remote.close()
