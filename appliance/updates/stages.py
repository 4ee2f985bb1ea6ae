"""How far an update has got, on the disk: whoever comes after a power cut goes on from there.

Invariant: a stage is written down before what it names is begun, so the worst that a cut leaves behind is a step
that is done twice; each of them may be.
"""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Final

import msgspec

from appliance.updates.errors import UpdateUnderwayError
from sync.atomic import atomic_write

FOLDER: Final = Path("/var/lib/kurabako-update")
_NAME: Final = "state.json"


class Stage(StrEnum):
    """Where an update stands."""

    NONE = "none"
    INSTALLING = "installing"  # into the slot that does not run
    TESTED = "tested"  # it passed its self-test there
    SWITCHING = "switching"  # the old version stops, `current` changes, the new one starts
    CHECKING = "checking"  # the new version runs and has to show that it is healthy
    DONE = "done"
    RETURNING = "returning"  # the former version is being brought back
    RETURNED = "returned"


MIDDLE: Final = frozenset((Stage.SWITCHING, Stage.CHECKING, Stage.RETURNING))
"""Stages in which the version that runs may not be the one that should."""


class State(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An update: from which slot and version to which. `problem` says why it returned.

    `permit` is the number under which a medium was used; `told` says that the audit record has it.
    """

    stage: Stage = Stage.NONE
    former_slot: str = ""
    former: str = ""
    slot: str = ""
    version: str = ""
    digest: str = ""
    permit: str = ""
    medium: bool = False
    problem: str = ""
    told: bool = True


class StateFile:
    """The state of the updates of one box, in one folder."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self._path = folder / _NAME
        self.folder = folder

    def read(self) -> State:
        """Return the state; what does not read counts as none: no stage of it can be gone on with."""
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=State)
        except (OSError, UnicodeDecodeError, msgspec.DecodeError):
            return State()

    def write(self, state: State) -> State:
        """Write the state down; on return it is on the disk."""
        atomic_write(self._path, msgspec.json.encode(state), mode=0o644)
        return state

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Keep every other update away; raises UpdateUnderwayError."""
        self.folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        descriptor = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as exc:
                raise UpdateUnderwayError(operation="begin update", cause=exc, retry_safe=True) from exc
            yield
        finally:
            os.close(descriptor)
