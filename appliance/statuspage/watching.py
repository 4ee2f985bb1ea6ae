"""The pages of now: gathered by a thread every few seconds, so that no browser waits for a thousand schools.

Invariant: a look that fails leaves the last page standing; its time tells how old it is.
"""

import contextlib
import threading
from typing import Final

from appliance.noticeboard.server import Answer, answer_of
from appliance.statuspage.gathering import Gatherer
from appliance.statuspage.page import PATHS, page
from sync.clock import wall_ms

EVERY_S: Final = 10.0


class Watch:
    """Looks at all schools again and again. `pages` are what is served."""

    def __init__(self, gatherer: Gatherer) -> None:
        self._gatherer = gatherer
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="status page", daemon=True)
        self.pages = {path: Shown() for path in PATHS.values()}

    def look(self) -> None:
        """Make the pages of now."""
        now = wall_ms()
        schools = self._gatherer.look(now)
        for lang, path in PATHS.items():
            self.pages[path].show(page(self._gatherer.name, schools, now, lang))

    def start(self) -> None:
        """Look once, then again and again."""
        self.look()
        self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(EVERY_S):
            with contextlib.suppress(Exception):  # whatever it is, the next look may succeed
                self.look()


class Shown:
    """One page, replaced whole."""

    def __init__(self) -> None:
        self._answer = answer_of(b"")

    def show(self, plain: bytes) -> None:
        """Put a page in place of the last one."""
        self._answer = answer_of(plain)

    def answer(self) -> Answer:
        """Return the page of now."""
        return self._answer
