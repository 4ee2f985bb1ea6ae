"""Asking whether anybody said anything new at a school: one GET for each of the others, made by this process.

Invariant: an answer decides only whether a visit is given out, never what is merged: the visit looks for itself.
A question costs a fifth of a millisecond here; as a task of the cluster it cost nine, and a thousand schools are
asked some hundreds of times a second. No store waits for another one's answer: while one is away it is asked one
question at a time, whose answer is every waiting school's.
"""

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Final

from appliance.board.folder import ReplicaPlace
from appliance.messages import explain
from appliance.region.stores import kept_store
from appliance.region.wards import UNREACHABLE
from sync.hubvisit import nothing_new

_AT_ONCE: Final = 16  # of one store: at 40 ms an answer four hundred questions a second
_MOST: Final = 8 * _AT_ONCE

StoreName = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Answer:
    """`code` is why nothing is known, "" when it is."""

    news: bool = False
    code: str = ""


@dataclass(frozen=True, slots=True)
class _Question:
    school: str
    place: ReplicaPlace
    names: tuple[str, ...]


@dataclass(slots=True)
class _Line:
    """What is asked of one store, and what waits for its turn."""

    away: bool = False
    asked: int = 0
    waiting: deque[_Question] = field(default_factory=deque)


class Asker:
    """Asks in threads of its own; used by one thread."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_MOST, thread_name_prefix="ask")
        self._answers = SimpleQueue[tuple[_Question, Answer]]()
        self._lines: dict[StoreName, _Line] = {}

    def ask(self, school: str, place: ReplicaPlace, names: tuple[str, ...]) -> None:
        """Ask for the next segments of a school by name."""
        line = self._lines.setdefault((place.endpoint, place.bucket), _Line())
        line.waiting.append(_Question(school, place, names))
        self._go_on(line)

    def answers(self) -> list[tuple[str, Answer]]:
        """Return what was answered since the last call."""
        found = []
        try:
            while True:
                question, answer = self._answers.get_nowait()
                found.append((question.school, answer))
                line = self._lines[question.place.endpoint, question.place.bucket]
                line.asked, line.away = line.asked - 1, answer.code in UNREACHABLE
                if line.away:
                    found += [(one.school, answer) for one in line.waiting]
                    line.waiting.clear()
                self._go_on(line)
        except Empty:
            return found

    def close(self) -> None:
        """Ask nothing more."""
        self._threads.shutdown(cancel_futures=True)

    def _go_on(self, line: _Line) -> None:
        while line.waiting and line.asked < (1 if line.away else _AT_ONCE):
            line.asked += 1
            self._threads.submit(self._ask, line.waiting.popleft())

    def _ask(self, question: _Question) -> None:
        try:
            answer = Answer(not nothing_new(kept_store(question.place), question.names))
        except Exception as error:  # noqa: BLE001 - one school's trouble is told, and holds up no other
            answer = Answer(code=explain(error).code)
        self._answers.put((question, answer))
