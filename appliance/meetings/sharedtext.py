"""A text that several people write at once without losing a letter: a CRDT of the Yjs family (pycrdt).

Invariant: states merge in any order, twice or not at all, to the same text; an edit is told as the stretch that it
changed, so two people's words in different places both stay. Source: Nicolaescu et al., YATA (2016).
"""

from collections.abc import Iterable
from typing import Final

from pycrdt import Doc, Text

_TEXT: Final = "text"


class SharedText:
    """One copy of the text, with everything merged into it so far."""

    def __init__(self, states: Iterable[bytes] = ()) -> None:
        self._doc: Doc[Text] = Doc()
        self._doc[_TEXT] = self._text = Text()
        for state in states:
            self.merge(state)

    def __str__(self) -> str:
        return str(self._text)

    def merge(self, state: bytes) -> bool:
        """Take another copy's state in; return whether it could be read."""
        try:
            self._doc.apply_update(state)
        except ValueError:
            return False
        return True

    def state(self) -> bytes:
        """Return all of this copy, for another to merge."""
        return self._doc.get_update()

    def edit(self, text: str) -> None:
        """Make the text read like this by the one stretch in which it differs."""
        old = str(self)
        first, kept = changed_stretch(old, text)
        begin = _bytes(old[:first])
        with self._doc.transaction():
            if kept_from := len(old) - kept - first:
                del self._text[begin : begin + _bytes(old[first : first + kept_from])]
            if added := text[first : len(text) - kept]:
                self._text.insert(begin, added)


def changed_stretch(old: str, new: str) -> tuple[int, int]:
    """Return how many letters two texts share at the front, and how many of the rest at the end."""
    shorter = min(len(old), len(new))
    first = next((n for n in range(shorter) if old[n] != new[n]), shorter)
    rest = shorter - first
    kept = next((n for n in range(rest) if old[-1 - n] != new[-1 - n]), rest)
    return first, kept


def _bytes(text: str) -> int:
    """Return how far into the text pycrdt counts this to be: it counts bytes of UTF-8."""
    return len(text.encode())
