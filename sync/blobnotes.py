"""What is to be carried, noted in `local.db`: so any process of a site may ask, and nothing is forgotten.

Invariant: a document is noted as sent only after it was proven to be in the store; a note of what is still to do
goes only after that, so a kill between the two repeats a look and loses nothing.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

import msgspec

from sync.blobs import DIGEST_BYTES
from sync.clock import wall_ms
from sync.ids import Origin, Site

_OPEN: Final = "blobs"
_SENT: Final = "blobs.sent"
_PROBLEM: Final = "blobs.problem"


class Way(StrEnum):
    """In which direction a document goes."""

    SEND = "send"
    FETCH = "fetch"


class Notes(Protocol):
    """What is needed of a keeper."""

    def local_get(self, space: str, key: str) -> bytes | None:
        """Return a value that never leaves the box."""
        ...

    def local_put(self, space: str, key: str, value: bytes | None) -> None:
        """Write a value that never leaves the box."""
        ...

    def local_keys(self, space: str) -> tuple[str, ...]:
        """Return the keys of a space."""
        ...


class Progress(msgspec.Struct, frozen=True, array_like=True):
    """`proven` parts of `part_bytes` each; `school`, `site` and `epoch` say whose document is fetched."""

    proven: int = 0
    part_bytes: int = 0
    school: str = ""
    site: str = ""
    epoch: int = 0


@dataclass(frozen=True, slots=True)
class Wish:
    """A document to be carried."""

    way: Way
    digest: bytes

    @property
    def key(self) -> str:
        """Return the key of its note."""
        return f"{self.way}/{self.digest.hex()}"


def ask_to_send(notes: Notes, digest: bytes) -> None:
    """Have a document of `blobs/` sent, unless it was; durable on return."""
    wish = Wish(Way.SEND, _checked(digest))
    if sent_at_ms(notes, digest) is None and notes.local_get(_OPEN, wish.key) is None:
        note_progress(notes, wish, Progress())


def ask_to_fetch(notes: Notes, digest: bytes, origin: Origin) -> None:
    """Have a document fetched that another site sent; durable on return. Whoever waits may ask again and again."""
    wish = Wish(Way.FETCH, _checked(digest))
    progress = Progress(school=origin.school, site=str(origin.site), epoch=origin.epoch)
    if notes.local_get(_OPEN, wish.key) != msgspec.msgpack.encode(progress):
        note_progress(notes, wish, progress)


def sent_at_ms(notes: Notes, digest: bytes) -> int | None:
    """Return when a document was proven to be in the store as a whole (ms since 1970), None when it was not."""
    raw = notes.local_get(_SENT, _checked(digest).hex())
    return int.from_bytes(raw, "big") if raw else None


def wishes(notes: Notes) -> tuple[Wish, ...]:
    """Return what is still to be carried, what people wait for (fetching) first."""
    found = [wish for key in notes.local_keys(_OPEN) if (wish := _wish(key)) is not None]
    return tuple(sorted(found, key=lambda wish: (wish.way is not Way.FETCH, wish.digest)))


def progress_of(notes: Notes, wish: Wish) -> Progress:
    """Return how far a document came; nothing when there is no note."""
    try:
        return msgspec.msgpack.decode(notes.local_get(_OPEN, wish.key) or b"\x90", type=Progress)
    except msgspec.DecodeError:  # then it is looked what the store holds
        return Progress()


def note_progress(notes: Notes, wish: Wish, progress: Progress) -> None:
    """Write down how far a document came."""
    notes.local_put(_OPEN, wish.key, msgspec.msgpack.encode(progress))


def withdraw(notes: Notes, digest: bytes) -> None:
    """Have a document carried no longer, in either direction."""
    for way in Way:
        notes.local_put(_OPEN, Wish(way, _checked(digest)).key, None)
    note_problem(notes, digest, "")


def note_problem(notes: Notes, digest: bytes, code: str) -> None:
    """Write down why a document that people wait for does not come; "" once it is under way again."""
    if problem_of(notes, digest) != code:
        notes.local_put(_PROBLEM, digest.hex(), code.encode() or None)


def problem_of(notes: Notes, digest: bytes) -> str:
    """Return the code of why a document does not come; "" where nothing is known to be in its way."""
    return (notes.local_get(_PROBLEM, digest.hex()) or b"").decode()


def note_done(notes: Notes, wish: Wish) -> None:
    """Write down that a document is where it was to go."""
    if wish.way is Way.SEND:
        notes.local_put(_SENT, wish.digest.hex(), wall_ms().to_bytes(8, "big"))
    else:
        note_problem(notes, wish.digest, "")
    notes.local_put(_OPEN, wish.key, None)


def source_of(progress: Progress, own: Origin) -> Origin:
    """Return whose document is fetched."""
    if progress.site not in tuple(Site):
        return own
    return Origin(progress.school, Site(progress.site), progress.epoch)


def _wish(key: str) -> Wish | None:
    way, _, name = key.partition("/")
    try:
        return Wish(Way(way), _checked(bytes.fromhex(name)))
    except ValueError:  # of another version
        return None


def _checked(digest: bytes) -> bytes:
    if len(digest) != DIGEST_BYTES:
        raise ValueError(f"{len(digest)} bytes are no SHA-256")
    return digest
