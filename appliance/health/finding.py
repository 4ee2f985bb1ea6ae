"""What one check found.

Invariant: a finding holds figures, names of programs and units, and error codes; never a word that somebody typed
and never the name of a person or file of the school. What could not be looked at is `NONE`, never `OK`.
"""

from enum import StrEnum
from typing import Final, NamedTuple

import msgspec

Figure = int | float | str | tuple[str, ...]


class State(StrEnum):
    """How a thing stands. `NONE`: the check does not apply here, or this user may not look."""

    OK = "ok"
    WARN = "warn"
    BAD = "bad"
    NONE = "none"


class Seen(NamedTuple):
    """State and figures, as a check returns them; `reason` says why a check does not apply."""

    state: State
    figures: dict[str, Figure] = {}
    reason: str = ""


class Finding(msgspec.Struct, frozen=True):
    """One check's outcome. `age_s`: how long ago the box's own watcher saw it, 0 when it was seen now."""

    check: str
    state: State
    figures: dict[str, Figure] = {}
    reason: str = ""
    age_s: int = 0


DENIED: Final = "denied"
LATE: Final = "late"
FAILED: Final = "failed"
SILENT: Final = "silent"  # only the sync daemon knows, and it does not run
NO_BOX: Final = "no_box"  # a laptop or a test: not set up by provisioning
ABSENT: Final = "absent"  # this machine has no such thing
UNUSED: Final = "unused"
NO_BOARD: Final = "no_board"
NOT_YET: Final = "not_yet"
REASONS: Final = (DENIED, LATE, FAILED, SILENT, NO_BOX, ABSENT, UNUSED, NO_BOARD, NOT_YET)


def ok(**figures: Figure) -> Seen:
    """Return that all is well."""
    return Seen(State.OK, figures)


def warn(**figures: Figure) -> Seen:
    """Return that somebody should look soon."""
    return Seen(State.WARN, figures)


def bad(**figures: Figure) -> Seen:
    """Return that somebody must do something."""
    return Seen(State.BAD, figures)


def none(reason: str, **figures: Figure) -> Seen:
    """Return that the check does not apply, and why."""
    return Seen(State.NONE, figures, reason)


def worst(states: list[State]) -> State:
    """Return the gravest of several states; `NONE` counts as well."""
    return next((state for state in (State.BAD, State.WARN) if state in states), State.OK)
