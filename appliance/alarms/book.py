"""What is raised, and what somebody still has to be told: one file, `run/alarms.json`.

Invariant: state and queue are one file, replaced whole, so an alarm is raised together with its message or not at
all, and a message leaves the queue only after it was delivered (at least once, whenever the power goes). Of one
alarm never more than two messages wait: how it began, and how it stands since.
"""

import secrets
from typing import Final

import msgspec

from appliance.health.finding import Figure
from appliance.health.words import known_alarm
from sync.atomic import atomic_write
from sync.site import SitePaths

FILE: Final = "alarms.json"
_AT_MOST: Final = 2


class Message(msgspec.Struct, frozen=True):
    """One change of an alarm's state. `due`: who must still be told; `times`: changes that it stands for."""

    id: str
    alarm: str
    raised: bool
    at_ms: int
    due: tuple[str, ...]
    figures: dict[str, Figure] = {}
    times: int = 1


class Book(msgspec.Struct, frozen=True):
    """`raised`: alarm → since when (ms since 1970); `marks`: counts up to which events were told."""

    raised: dict[str, int] = {}
    messages: tuple[Message, ...] = ()
    marks: dict[str, int] = {}

    def changed(
        self, alarm: str, raised: bool, at_ms: int, due: tuple[str, ...], figures: dict[str, Figure] | None = None
    ) -> "Book":
        """Return the book after an alarm was raised or cleared; with nobody to be told, no message waits."""
        now = {name: since for name, since in self.raised.items() if name != alarm}
        if raised:
            now[alarm] = at_ms
        message = Message(secrets.token_hex(8), alarm, raised, at_ms, due, figures or {})
        messages = _queued(self.messages, message) if due else self.messages
        return msgspec.structs.replace(self, raised=now, messages=messages)

    def delivered(self, message: Message, to: str) -> "Book":
        """Return the book after one of those who are due was told."""
        rest = msgspec.structs.replace(message, due=tuple(one for one in message.due if one != to))
        kept = (rest if one.id == message.id else one for one in self.messages)
        return msgspec.structs.replace(self, messages=tuple(one for one in kept if one.due))

    def addressed(self, known: tuple[str, ...]) -> "Book":
        """Return the book without those who are no longer to be told."""
        kept = (
            msgspec.structs.replace(one, due=tuple(name for name in one.due if name in known))
            for one in self.messages
        )
        return msgspec.structs.replace(self, messages=tuple(one for one in kept if one.due))

    def marked(self, name: str, count: int) -> "Book":
        """Return the book with an event's count written down."""
        return msgspec.structs.replace(self, marks={**self.marks, name: count})


def _queued(messages: tuple[Message, ...], new: Message) -> tuple[Message, ...]:
    waiting = [one for one in messages if one.alarm == new.alarm]
    if len(waiting) < _AT_MOST:
        return (*messages, new)
    # While nobody could be told, an alarm that comes and goes all night is two messages, not two hundred.
    last = waiting[-1]
    return (
        *(one for one in messages if one.id != last.id),
        msgspec.structs.replace(new, times=last.times + 1),
    )


def read_book(paths: SitePaths) -> Book:
    """Return the book, an empty one where there is none that reads; raises PermissionError.

    Alarms that this release has no words for are left out: those of a later one, before a return to this one.
    """
    try:
        book = msgspec.json.decode((paths.run / FILE).read_bytes(), type=Book)
    except PermissionError:
        raise
    except (OSError, UnicodeDecodeError, msgspec.DecodeError):
        return Book()
    raised = {alarm: since for alarm, since in book.raised.items() if known_alarm(alarm)}
    return Book(raised, tuple(one for one in book.messages if known_alarm(one.alarm)), book.marks)


def write_book(paths: SitePaths, book: Book) -> None:
    """Replace the book, durable on return; raises OSError."""
    atomic_write(paths.run / FILE, msgspec.json.encode(book), mode=0o600)
