"""A progress bar on stderr, fed with (done, total).

Invariant: stdout stays data; when stderr is no terminal nothing is drawn.
"""

import sys
import unicodedata
from types import TracebackType

_WIDTH = 24


class Progress:
    """Draws `label [#####-----] 42 %`; call it with what is done and the total."""

    def __init__(self, label: str) -> None:
        self._label = label
        self._shown = -1
        self._live = sys.stderr.isatty()

    def relabel(self, label: str) -> None:
        """Begin another stage on a line of its own: the one before is done."""
        if label != self._label:
            self._end(whole=True)
            self._label, self._shown = label, -1

    def __call__(self, done: int, total: int) -> None:
        """Show how far it is."""
        percent = min(100, done * 100 // max(1, total))
        if not self._live or percent == self._shown:
            return
        self._shown = percent
        full = _WIDTH * percent // 100
        pad = " " * max(0, 22 - _cells(self._label))
        sys.stderr.write(f"\r{self._label}{pad} [{'#' * full}{'-' * (_WIDTH - full)}] {percent:3d} %")
        sys.stderr.flush()

    def __enter__(self) -> "Progress":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end(whole=kind is None)

    def _end(self, *, whole: bool) -> None:
        if self._live and self._shown >= 0:
            if whole:
                self(1, 1)
            sys.stderr.write("\n")


def _cells(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)
