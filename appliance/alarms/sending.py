"""Telling those who are due, one after the other, for as long as it takes.

Invariant: a message is tried until it was taken; after a failure its addressee is left alone for a while, at most
five minutes, and asked at once when the line comes back. Used by one thread.
"""

import time
from collections.abc import Callable
from typing import Final

from appliance.alarms.book import Book, Message
from crypto.errors import KurabakoError

_FIRST_S: Final = 5.0
_LONGEST_S: Final = 300.0
Send = Callable[[Message, str], None]
Keep = Callable[[Book], None]


class Sending:
    """Delivers a book's messages; `send` raises a KurabakoError when one was not taken."""

    def __init__(self, now_s: Callable[[], float] = time.monotonic) -> None:
        self._now_s = now_s
        self._wait: dict[str, tuple[float, float]] = {}
        self.failure: KurabakoError | None = None
        """Why the last one could not be sent."""

    def hurry(self) -> None:
        """Try everybody at once: the line is back."""
        self._wait.clear()

    def turn(self, book: Book, send: Send, keep: Keep) -> Book:
        """Tell everybody whose turn it is; after each delivery `keep` writes the book down. Returns the book."""
        for message in book.messages:
            for to in message.due:
                if self._now_s() < self._wait.get(to, (0.0, 0.0))[0]:
                    continue
                try:
                    send(message, to)
                except KurabakoError as error:
                    self.failure = error
                    pause_s = min(_LONGEST_S, max(_FIRST_S, self._wait.get(to, (0.0, 0.0))[1] * 2))
                    self._wait[to] = (self._now_s() + pause_s, pause_s)
                    continue
                self._wait.pop(to, None)
                book = book.delivered(message, to)
                message = next((one for one in book.messages if one.id == message.id), message)
                keep(book)
        return book
