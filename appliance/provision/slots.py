"""The two slots of a box: `a` and `b`, each a private virtual environment; `current` says which one runs.

Invariant: `current` changes by one rename and points only to a slot that is wholly installed; the slot that it
points to is never written to.
"""

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from appliance.errors import ApplianceError
from appliance.provision import install as installer
from appliance.provision.manifest import FILE_NAME, Manifest, read_manifest
from sync.atomic import sync_folder

ROOT: Final = Path("/opt/kurabako")
NAMES: Final = ("a", "b")
CURRENT: Final = installer.CURRENT
_SYSTEM_PYTHON: Final = "/usr/bin/python3"
_TOLD: Final = re.compile(r"error: (.*) \[(APP-\d+)\]")


class InstallFailedError(ApplianceError):
    """The programs of a bundle cannot be installed. Params: `problem`."""

    code = "APP-546"


class SlotInUseError(ApplianceError):
    """The slot that was to be written to, or switched to, is not the one for that. Params: `slot`."""

    code = "APP-547"


@dataclass(frozen=True, slots=True)
class Slots:
    """The slots below one folder."""

    root: Path = ROOT
    python: str = _SYSTEM_PYTHON

    def path(self, slot: str) -> Path:
        """Return the folder of a slot."""
        return self.root / slot

    def current(self) -> str | None:
        """Return which slot runs, None before the first installation."""
        try:
            found = os.readlink(self.root / CURRENT)
        except FileNotFoundError:
            return None
        return found if found in NAMES else None

    def idle(self) -> str:
        """Return the slot that does not run."""
        return NAMES[1] if self.current() == NAMES[0] else NAMES[0]

    def release(self, slot: str) -> Manifest | None:
        """Return what is wholly installed in a slot, None where there is nothing."""
        try:
            return read_manifest((self.path(slot) / FILE_NAME).read_bytes())
        except OSError:
            return None

    def install(self, bundle: Path, slot: str, digest: str) -> bool:
        """Install an unpacked bundle into a slot; return False if it is there already.

        A process of the system's Python does it, the same file that provisioning runs on a bare box. Raises
        InstallFailedError, SlotInUseError.
        """
        if slot == self.current():
            raise SlotInUseError(operation="install bundle", subject=slot, slot=slot)
        command = (self.python, "-I", installer.__file__, str(bundle), str(self.path(slot)), "--manifest", digest)
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if done.returncode:
            told = _TOLD.search(done.stderr)
            problem = f"{told[1]} [{told[2]}]" if told else (done.stderr.strip().splitlines() or ["-"])[-1]
            raise InstallFailedError(operation="install bundle", subject=slot, problem=problem)
        return done.stdout.startswith("installed")

    def switch(self, slot: str) -> None:
        """Let `current` point to a slot, by one rename that is on the disk at the end; raises SlotInUseError."""
        if slot not in NAMES or self.release(slot) is None:
            raise SlotInUseError(operation="switch slot", subject=slot, slot=slot)
        point(self.root, CURRENT, slot)


def point(folder: Path, name: str, to: str) -> None:
    """Let a link point elsewhere, by one rename that is on the disk when this returns."""
    beside = folder / f".{name}"
    beside.unlink(missing_ok=True)
    beside.symlink_to(to)
    beside.rename(folder / name)
    sync_folder(folder)
