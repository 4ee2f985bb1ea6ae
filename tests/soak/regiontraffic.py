"""Schools that work: each makes entries at random moments of its own, and its box asks and sends as a box does.

Invariant: nobody waits for anybody: the next entry of a school comes when its moment comes, confirmed or not. A
box asks when its own exchange says so. An entry is 確認済 when its box has read and proven the hub's word for it.
"""

import heapq
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from tests.appliance.region.city import BoxSide

_SOONEST_S: Final = 0.05
Event = tuple[float, int, str, str]  # when, which of those at that moment, what, of which school


@dataclass
class Entries:
    """What was entered: `confirmed_s` are seconds from an entry to 確認済, `late_s` how late this process was."""

    made: int = 0
    confirmed_s: list[float] = field(default_factory=list)
    late_s: float = 0.0


class Traffic:
    """Boxes of schools in this process, stepped when they are due."""

    def __init__(self, boxes: dict[str, BoxSide], chance: random.Random, every_s: float) -> None:
        self.entries = Entries()
        self._boxes, self._chance, self._every_s = boxes, chance, every_s
        self._events: list[Event] = []
        self._step_at: dict[str, float] = {}
        self._open: dict[str, list[tuple[int, float]]] = {code: [] for code in boxes}
        self._count = 0
        for code in boxes:
            self._step(code, time.monotonic() + chance.random() * 5)

    @property
    def waiting(self) -> int:
        """Return how many entries are not 確認済."""
        return sum(map(len, self._open.values()))

    def begin(self) -> None:
        """Let every school make entries from now on, `every_s` apart on average."""
        for code in self._boxes:
            self._push(time.monotonic() + self._pause_s(), "enter", code)

    def end(self) -> None:
        """Let nobody enter anything more."""
        self._events = [event for event in self._events if event[2] != "enter"]
        heapq.heapify(self._events)

    def run(self, until: float, done: Callable[[], bool] = lambda: False) -> None:
        """Do what is due until a time, or until `done`."""
        while time.monotonic() < until and not done():
            at = self._events[0][0] if self._events else until
            if at > time.monotonic():
                time.sleep(max(0.0, min(at, until, time.monotonic() + 0.2) - time.monotonic()))
                continue
            at, _, what, code = heapq.heappop(self._events)
            if what == "enter":
                self.entries.late_s = max(self.entries.late_s, time.monotonic() - at)
                self._enter(code)
            elif self._step_at.get(code) == at:
                self._turn(code)

    def _enter(self, code: str) -> None:
        box, began = self._boxes[code], time.monotonic()
        for _ in range(self._chance.choice((1, 1, 2, 3))):
            self._open[code].append((box.enter(), began))
            self.entries.made += 1
        self._push(time.monotonic() + self._pause_s(), "enter", code)
        self._turn(code)

    def _turn(self, code: str) -> None:
        box = self._boxes[code]
        wait_s = box.exchange.step()
        seq, now = box.exchange.confirmed.seq, time.monotonic()
        for entry in [entry for entry in self._open[code] if entry[0] <= seq]:
            self._open[code].remove(entry)
            self.entries.confirmed_s.append(now - entry[1])
        self._step(code, now + max(_SOONEST_S, wait_s))

    def _pause_s(self) -> float:
        return self._chance.expovariate(1 / self._every_s)

    def _step(self, code: str, at: float) -> None:
        self._step_at[code] = at
        self._push(at, "step", code)

    def _push(self, at: float, what: str, code: str) -> None:
        self._count += 1
        heapq.heappush(self._events, (at, self._count, what, code))
