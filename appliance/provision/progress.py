"""One line for each box while many are provisioned.

Invariant: on a terminal every box has one line that changes; elsewhere a line is written when a box begins a step,
so a log reads in order.
"""

import sys
import threading
import time
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Final

from appliance.messages import Language
from appliance.provision.inventory import Box
from appliance.provision.words import STEPS

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

_LOOK: Final[dict[Language, str]] = {"ja": "調べています", "en": "looking"}


class Lines:
    """A context; call it with school code, step, what is done and the total."""

    def __init__(self, boxes: Sequence[Box], lang: Language, *, live: bool | None = None) -> None:
        self._boxes, self._lang = boxes, lang
        self._live = sys.stderr.isatty() if live is None else live
        self._lock, self._began, self._last = threading.Lock(), time.monotonic(), dict[str, str]()
        self._progress: Progress | None = None
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> "Lines":
        if self._live:
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

            self._progress = Progress(
                TextColumn("{task.fields[school]}"),
                TextColumn("{task.fields[name]}"),
                BarColumn(bar_width=16),
                TaskProgressColumn(),
                TimeElapsedColumn(),
                TextColumn("{task.description}"),
                console=Console(stderr=True),
            )
            for box in self._boxes:
                self._tasks[box.school] = self._progress.add_task("", school=box.school, name=box.name, total=None)
            self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._progress is not None:
            self._progress.stop()

    def __call__(self, school: str, step: str, done: int, total: int) -> None:
        """Show how far a box is."""
        word = STEPS[step][self._lang] if step in STEPS else _LOOK[self._lang]
        if self._progress is not None:
            task = self._tasks[school]
            self._progress.update(task, description=word, completed=done, total=total or None)
            return
        with self._lock:
            if self._last.get(school) != step:
                self._last[school] = step
                sys.stderr.write(f"[{time.monotonic() - self._began:6.1f}s] {school} {word}\n")
                sys.stderr.flush()
