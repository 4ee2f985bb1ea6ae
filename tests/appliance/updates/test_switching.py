"""From one version to the next in two real environments, cut at every stage, and back when the next one is bad."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from appliance.provision.manifest import FILE_NAME, Manifest, read_manifest, write_manifest
from appliance.provision.slots import Slots
from appliance.updates.client import Release
from appliance.updates.errors import (
    NothingToReturnToError,
    SchemaGapError,
    SelfTestError,
    StillWritingError,
    UpdateReturnedError,
    UpdateUnderwayError,
)
from appliance.updates.stages import Stage, StateFile
from appliance.updates.switching import FORMER, POWER, Switch
from tests.appliance.provision.bundles import BASE_PYTHON, TREE, unpacked

BAD = "0.3.0"


class Units:
    """Services that write down what was asked of them, and which version ran while nothing was stopped."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.log = root / "services.log"
        self.fails = ""

    def stop(self) -> None:
        self._say("stop")
        if self.fails == "stop":
            raise StillWritingError(operation="stop services", problem="keeper.lock")

    def arrange(self, slot: Path) -> None:
        self._say(f"arrange {slot.name}")

    def start(self) -> None:
        self._say(f"start {os.readlink(self.root / 'current')}")

    def _say(self, word: str) -> None:
        with self.log.open("a") as file:
            file.write(f"{word}\n")

    def said(self) -> list[str]:
        return self.log.read_text().splitlines() if self.log.exists() else []


def never_two(said: list[str]) -> bool:
    """Say whether every start follows a stop with no other start between."""
    running = True
    for word in said:
        if word == "stop":
            running = False
        elif word.startswith("start"):
            if running:
                return False
            running = True
    return True


def fine(_: Path) -> str:
    return ""


def passes(slot: Path, version: str) -> None:
    """A version passes when its command says so: a real process of the slot's own Python."""
    done = subprocess.run([slot / "bin" / "kurabako"], capture_output=True, text=True)
    if done.stdout.strip() != f"kurabako {version}":
        raise SelfTestError(operation="test", version=version, problem=done.stderr.strip()[-80:])


class QuickSlots(Slots):
    """Slots whose versions are a script and a manifest: pip needs seconds for each, and there are many cuts."""

    def install(self, bundle: Path, slot: str, digest: str) -> bool:
        folder = self.path(slot)
        if folder.exists():
            shutil.rmtree(folder)
        (folder / "bin").mkdir(parents=True)
        raw = (bundle / FILE_NAME).read_bytes()
        version = read_manifest(raw).version
        word = "exit 1" if version == BAD else f"echo kurabako {version}"
        (folder / "bin" / "kurabako").write_text(f"#!/bin/sh\n{word}\n")
        (folder / "bin" / "kurabako").chmod(0o755)
        (folder / FILE_NAME).write_bytes(raw)
        return True


class Box:
    """A box on which 0.1.0 runs in slot a."""

    def __init__(self, work: Path, made: dict[str, tuple[Path, str]], kind: type[Slots] = QuickSlots) -> None:
        self.made = made
        self.slots = kind(work / "opt", BASE_PYTHON)
        self.slots.root.mkdir(parents=True)
        self.units = Units(self.slots.root)
        self.state = StateFile(work / "state")
        self.slots.install(made["0.1.0"][0], "a", made["0.1.0"][1])
        self.slots.switch("a")

    def switch(
        self, healthy: Callable[[Path], str] = fine, self_test: Callable[[Path, str], None] = passes
    ) -> Switch:
        return Switch(self.slots, self.state, self.units, self_test, healthy)

    def release(self, version: str) -> tuple[Path, Release]:
        folder, digest = self.made[version]
        return folder, Release(read_manifest((folder / FILE_NAME).read_bytes()), digest)

    def runs(self) -> str:
        command = self.slots.path("current") / "bin" / "kurabako"
        return subprocess.run([command], capture_output=True, text=True, check=True).stdout.split()[1]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, str]]:
    work = tmp_path_factory.mktemp("made")
    bad = "def main():\n    raise SystemExit('a bad day')\n"
    return {
        "0.1.0": unpacked(work),
        "0.2.0": unpacked(work, "0.2.0"),
        BAD: unpacked(work, BAD, bad),
    }


@pytest.fixture
def box(made: dict[str, tuple[Path, str]], tmp_path: Path) -> Box:
    return Box(tmp_path, made)


def test_a_healthy_version_stays_and_the_former_one_is_kept(
    made: dict[str, tuple[Path, str]], tmp_path: Path
) -> None:
    box = Box(tmp_path, made, Slots)
    assert box.switch().apply(*box.release("0.2.0"), "2026-0012", medium=True)
    state = box.state.read()
    assert (state.stage, state.former, state.version) == (Stage.DONE, "0.1.0", "0.2.0")
    assert (state.permit, state.medium, state.told) == ("2026-0012", True, False)
    assert box.runs() == "0.2.0" and os.readlink(box.slots.root / FORMER) == "a"
    assert box.units.said() == ["stop", "arrange b", "start b"]
    assert not box.switch().apply(*box.release("0.2.0"))
    assert box.switch().rollback().version == "0.1.0" and box.runs() == "0.1.0"
    assert never_two(box.units.said())


def test_a_version_that_is_not_healthy_returns(box: Box) -> None:
    with pytest.raises(UpdateReturnedError) as caught:
        box.switch(lambda _: "sync").apply(*box.release("0.2.0"))
    assert caught.value.params == {"version": "0.2.0", "problem": "sync"}
    assert (box.state.read().stage, box.state.read().problem, box.runs()) == (Stage.RETURNED, "sync", "0.1.0")
    assert box.units.said() == ["stop", "arrange b", "start b", "stop", "arrange a", "start a"]


def test_a_version_that_fails_its_self_test_is_never_switched_to(
    made: dict[str, tuple[Path, str]], tmp_path: Path
) -> None:
    box = Box(tmp_path, made, Slots)
    with pytest.raises(SelfTestError):
        box.switch().apply(*box.release(BAD))
    assert box.runs() == "0.1.0" and box.units.said() == []
    assert box.switch().apply(*box.release("0.2.0")) and box.runs() == "0.2.0"


def test_an_interrupt_brings_the_former_version_back(box: Box) -> None:
    def interrupted(_: Path) -> str:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        box.switch(interrupted).apply(*box.release("0.2.0"))
    assert (box.state.read().stage, box.runs()) == (Stage.RETURNED, "0.1.0")


def test_nothing_is_switched_while_something_still_writes(box: Box) -> None:
    box.units.fails = "stop"
    with pytest.raises(StillWritingError):
        box.switch().apply(*box.release("0.2.0"))
    assert box.runs() == "0.1.0" and "start b" not in box.units.said()
    box.units.fails = ""
    assert box.switch().resume().stage is Stage.RETURNED
    assert box.units.said()[-3:] == ["stop", "arrange a", "start a"]


def test_two_updates_do_not_meet(box: Box) -> None:
    with box.state.held(), pytest.raises(UpdateUnderwayError):
        box.switch().apply(*box.release("0.2.0"))


def test_an_empty_other_slot_is_nothing_to_go_back_to(box: Box) -> None:
    with pytest.raises(NothingToReturnToError):
        box.switch().rollback()
    (box.slots.path("a") / FILE_NAME).unlink()
    with pytest.raises(NothingToReturnToError):
        box.switch().apply(*box.release("0.2.0"))


def _with_schema(box: Box, version: str, **levels: int) -> tuple[Path, Release]:
    folder, release = box.release(version)
    schema = msgspec.structs.replace(release.manifest.schema, **levels)
    return folder, Release(msgspec.structs.replace(release.manifest, schema=schema), release.digest)


def _now(box: Box) -> Manifest:
    return box.release("0.1.0")[1].manifest


@pytest.mark.parametrize("base", ["store", "local"])
def test_a_release_after_which_there_is_no_way_back_is_refused(box: Box, base: str) -> None:
    level = getattr(_now(box).schema, base)
    with pytest.raises(SchemaGapError) as caught:
        box.switch().apply(*_with_schema(box, "0.2.0", **{base: level + 1, f"{base}_readable_from": level + 1}))
    assert caught.value.params == {"new": "0.2.0", "now": "0.1.0"}
    assert box.runs() == "0.1.0" and box.slots.release("b") is None and box.units.said() == []


def test_a_release_that_only_adds_is_taken(box: Box) -> None:
    level = _now(box).schema.store
    assert box.switch().apply(*_with_schema(box, "0.2.0", store=level + 1)) and box.runs() == "0.2.0"


def test_a_rollback_over_a_migration_is_refused(box: Box) -> None:
    box.switch().apply(*box.release("0.2.0"))
    manifest = box.slots.release("b")
    assert manifest is not None
    schema = msgspec.structs.replace(manifest.schema, store=9, store_readable_from=9)
    mark = box.slots.path("b") / FILE_NAME
    mark.write_bytes(write_manifest(msgspec.structs.replace(manifest, schema=schema)))
    with pytest.raises(SchemaGapError):
        box.switch().rollback()
    assert box.runs() == "0.2.0"


# Where the process is killed: before and after what each stage does.
CUTS = {
    "before installing": ("QuickSlots.install", "before", "0.1.0", Stage.NONE),
    "after installing": ("QuickSlots.install", "after", "0.1.0", Stage.NONE),
    "after the self-test": ("self_test", "after", "0.1.0", Stage.NONE),
    "before stopping": ("Units.stop", "before", "0.1.0", Stage.RETURNED),
    "after stopping": ("Units.stop", "after", "0.1.0", Stage.RETURNED),
    "after the link changed": ("Slots.switch", "after", "0.1.0", Stage.RETURNED),
    "after the units were arranged": ("Units.arrange", "after", "0.1.0", Stage.RETURNED),
    "after starting": ("Units.start", "after", "0.1.0", Stage.RETURNED),
    "while checking": ("healthy", "before", "0.1.0", Stage.RETURNED),
    "after checking": ("healthy", "after", "0.1.0", Stage.RETURNED),
}
_CHILD = """
import os, sys
from pathlib import Path
from tests.appliance.updates import test_switching as t
work, place, when, version = Path(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4]
def deadly(act):
    def acted(*args, **more):
        if when == "before":
            os.kill(os.getpid(), 9)
        done = act(*args, **more)
        os.kill(os.getpid(), 9)
        return done
    return acted
box = t.Box.__new__(t.Box)
box.made = {version: (Path(sys.argv[5]), sys.argv[6])}
box.slots, box.units = t.QuickSlots(work / "opt", t.BASE_PYTHON), t.Units(work / "opt")
box.state = t.StateFile(work / "state")
calls = {"self_test": t.passes, "healthy": t.fine}
if place in calls:
    calls[place] = deadly(calls[place])
else:
    kind, name = place.split(".")
    setattr(getattr(t, kind), name, deadly(getattr(getattr(t, kind), name)))
box.switch(calls["healthy"], calls["self_test"]).apply(*box.release(version))
"""


@pytest.mark.faults
@pytest.mark.parametrize("booting", [True, False], ids=["power cut", "kill"])
@pytest.mark.parametrize("cut", CUTS)
def test_a_cut_at_every_stage_ends_in_one_whole_version(box: Box, tmp_path: Path, cut: str, booting: bool) -> None:
    place, when, runs, stage = CUTS[cut]
    folder, digest = box.made["0.2.0"]
    died = subprocess.run(
        [sys.executable, "-c", _CHILD, str(tmp_path), place, when, "0.2.0", str(folder), digest], cwd=TREE
    )
    assert died.returncode == -signal.SIGKILL
    before = len(box.units.said())
    state = box.switch().resume(booting=booting)
    assert (state.stage, box.runs()) == (stage, runs)
    assert state.problem == (POWER if stage is Stage.RETURNED else "")
    after = box.units.said()[before:]
    if booting:
        assert after == (["arrange a"] if stage is Stage.RETURNED else []), "the machine's start does the rest"
    elif stage is Stage.RETURNED:
        assert after == ["stop", "arrange a", "start a"]
    assert box.switch().resume(booting=booting) == state, "a second time changes nothing"
    assert box.switch().apply(*box.release("0.2.0")) and box.runs() == "0.2.0"


@pytest.mark.faults
@pytest.mark.parametrize("at", ["Slots.switch", "Units.arrange"])
def test_a_second_cut_while_returning_is_put_right_as_well(box: Box, tmp_path: Path, at: str) -> None:
    folder, digest = box.made["0.2.0"]
    child = [sys.executable, "-c", _CHILD, str(tmp_path)]
    subprocess.run([*child, "healthy", "before", "0.2.0", str(folder), digest], cwd=TREE)
    assert subprocess.run([*child, at, "before", "0.2.0", str(folder), digest], cwd=TREE).returncode == -9
    assert box.state.read().stage is Stage.RETURNING
    assert box.switch().resume(booting=True).stage is Stage.RETURNED
    assert box.runs() == "0.1.0"


def test_a_state_that_does_not_read_counts_as_none(box: Box) -> None:
    box.state.folder.mkdir()
    (box.state.folder / "state.json").write_bytes(b"\xff{")
    assert box.switch().resume().stage is Stage.NONE
    assert box.switch().apply(*box.release("0.2.0"))
