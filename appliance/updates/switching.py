"""From one version to the next, and back when the next one fails.

Invariant: `current` changes only while no version writes; of the two the former stays whole in its slot until the
next update, and is what a box runs again when the new one fails its check, or when the power goes before it has
passed it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import msgspec

from appliance.provision.manifest import Manifest
from appliance.provision.slots import Slots, point
from appliance.updates.client import Release
from appliance.updates.errors import NothingToReturnToError, SchemaGapError, UpdateReturnedError
from appliance.updates.stages import MIDDLE, Stage, State, StateFile
from crypto.errors import KurabakoError

FORMER: Final = "former"
POWER: Final = "power"
"""Why an update returned that nobody ended: the power went, or the machine was started again."""


class Services(Protocol):
    """Starting and stopping what runs on the box."""

    def stop(self) -> None:
        """Stop every process of Kurabako; on return none writes. Raises StillWritingError."""
        ...

    def arrange(self, slot: Path) -> None:
        """Let the service manager use the unit files of a slot."""
        ...

    def start(self) -> None:
        """Start them again."""
        ...


Check = Callable[[Path], str]
"""Looks at a slot and returns what is wrong with it, nothing when all is well."""


@dataclass(frozen=True, slots=True)
class Switch:
    """The updates of one box. `self_test` looks at a slot that does not run, `healthy` at the one that does."""

    slots: Slots
    state: StateFile
    services: Services
    self_test: Callable[[Path, str], None]
    healthy: Check

    def apply(self, bundle: Path, release: Release, permit: str = "", *, medium: bool = False) -> bool:
        """Install a release beside the one that runs and switch to it; return False if it runs already.

        Raises UpdateUnderwayError, SchemaGapError, InstallFailedError, SelfTestError, StillWritingError; and
        UpdateReturnedError when the former version had to be brought back.
        """
        with self.state.held():
            self._recover()
            now = self.slots.current()
            running = self.slots.release(now) if now else None
            if now is None or running is None:
                raise NothingToReturnToError(operation="apply update", subject=str(now), slot=str(now))
            if running == release.manifest:
                return False
            _check_schema(release.manifest, running)
            state = State(
                Stage.INSTALLING,
                former_slot=now,
                former=running.version,
                slot=self.slots.idle(),
                version=release.manifest.version,
                digest=release.digest,
                permit=permit,
                medium=medium,
                told=False,
            )
            self.state.write(state)
            self.slots.install(bundle, state.slot, release.digest)
            self.self_test(self.slots.path(state.slot), state.version)
            self._switch(self._reach(state, Stage.TESTED))
            return True

    def resume(self, *, booting: bool = False) -> State:
        """Put right what a cut left behind. `booting`: nothing runs yet, and what starts it comes afterwards.

        A version that had not passed its check is not tried a second time without hands: the former one returns.
        """
        with self.state.held():
            return self._recover(booting=booting)

    def rollback(self) -> State:
        """Go back to the former version by hand; raises NothingToReturnToError, SchemaGapError."""
        with self.state.held():
            self._recover()
            now, other = self.slots.current(), self.slots.idle()
            running, former = (self.slots.release(slot) if slot else None for slot in (now, other))
            if now is None or running is None or former is None:
                raise NothingToReturnToError(operation="roll back", subject=other, slot=other)
            _check_schema(running, former)
            self.self_test(self.slots.path(other), former.version)
            state = State(
                Stage.TESTED,
                former_slot=now,
                former=running.version,
                slot=other,
                version=former.version,
                told=False,
            )
            return self._switch(self.state.write(state))

    def _switch(self, state: State) -> State:
        """Change from the former slot to the new one, and back when the new one fails."""
        point(self.slots.root, FORMER, state.former_slot)  # what puts it right after a power cut runs from there
        state = self._reach(state, Stage.SWITCHING)
        problem = ""
        try:
            self._run(state.slot)
            state = self._reach(state, Stage.CHECKING)
            problem = self.healthy(self.slots.path(state.slot))
        except KurabakoError as exc:
            problem = f"{exc.code} {exc.params.get('problem', '')}".strip()
        except BaseException:  # an interrupt: the former version is the one that is known to work
            self._return(state, "interrupted")
            raise
        if not problem:
            return self._reach(state, Stage.DONE)
        state = self._return(state, problem)
        raise UpdateReturnedError(
            operation="apply update", subject=state.version, version=state.version, problem=problem
        )

    def _run(self, slot: str) -> None:
        self.services.stop()
        self._point(slot)
        self.services.start()

    def _point(self, slot: str) -> None:
        self.slots.switch(slot)
        self.services.arrange(self.slots.path(slot))

    def _return(self, state: State, problem: str, *, booting: bool = False) -> State:
        state = self._reach(msgspec.structs.replace(state, problem=problem), Stage.RETURNING)
        if booting:
            self._point(state.former_slot)
        else:
            self._run(state.former_slot)
        return self._reach(state, Stage.RETURNED)

    def _recover(self, *, booting: bool = False) -> State:
        """Bring back the former version if an update was cut off; what runs is stopped first."""
        state = self.state.read()
        if state.stage in MIDDLE:
            return self._return(state, state.problem or POWER, booting=booting)
        if state.stage in (Stage.INSTALLING, Stage.TESTED):
            return self._reach(msgspec.structs.replace(state, told=True), Stage.NONE)
        return state

    def _reach(self, state: State, stage: Stage) -> State:
        return self.state.write(msgspec.structs.replace(state, stage=stage))


def _check_schema(new: Manifest, now: Manifest) -> None:
    """Refuse a release after which the version that runs now could not take over again; raises SchemaGapError.

    A store that was migrated stays so: what was entered since cannot be taken out of it again.
    """
    fits = (
        new.schema.store_readable_from <= now.schema.store and new.schema.local_readable_from <= now.schema.local
    )
    if not fits:
        raise SchemaGapError(operation="compare schemas", new=new.version, now=now.version)
