"""The machine below a site: its files and programs, so that every check reads them in one way.

Invariant: a program that hangs is given up after a second or so, and is never asked through a shell; what a file
says is taken as text with a bound.
"""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

UNIT: Final = re.compile(r"kurabako(-[a-z]+)?(@[0-9a-f-]+)?\.(service|socket|target|timer)")
_LARGEST: Final = 65_536
_UNITS: Final = "kurabako-*"
_PROPERTIES: Final = "Id,LoadState,ActiveState,SubState,Result,NRestarts,ActiveEnterTimestampMonotonic"


@dataclass(frozen=True, slots=True)
class Machine:
    """`root` is where its files are, `path` where its programs are (default: those of this process).

    `patience_s`: how long a program may take to answer.
    """

    root: Path = Path("/")
    path: str | None = None
    patience_s: float = 1.2

    def at(self, name: str) -> Path:
        """Return the path of one of its files."""
        return self.root / name

    def text(self, name: str) -> str | None:
        """Return what a small file says, None where there is none; raises PermissionError."""
        try:
            with self.at(name).open("rb") as file:
                return file.read(_LARGEST).decode("utf-8", "replace").strip()
        except PermissionError:
            raise
        except OSError:
            return None

    def run(self, *command: str) -> str | None:
        """Return what a program prints, None where it is missing, fails or takes too long."""
        program = shutil.which(command[0], path=self.path)
        if program is None:
            return None
        try:
            done = subprocess.run(
                [program, *command[1:]],
                env={**os.environ, "LC_ALL": "C"},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=self.patience_s,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            return None
        return done.stdout.decode("utf-8", "replace") if done.returncode == 0 else None

    @property
    def provisioned(self) -> bool:
        """Say whether this is a box that provisioning set up, and not a laptop or a test."""
        return self.at("opt/kurabako/current").is_symlink()

    @property
    def has_systemd(self) -> bool:
        """Say whether systemd runs this machine."""
        return self.at("run/systemd/system").is_dir()

    def units(self) -> dict[str, dict[str, str]]:
        """Return the properties of the units of Kurabako, by name; empty where systemd is not there or not asked.

        Who is not root reaches it through D-Bus, which a small machine may not have.
        """
        told = self.run("systemctl", "show", _UNITS, f"--property={_PROPERTIES}") if self.has_systemd else None
        found = {}
        for block in (told or "").split("\n\n"):
            fields = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
            if UNIT.fullmatch(fields.get("Id", "")):
                found[fields["Id"]] = fields
        return found

    def memory_mb(self) -> tuple[int, int]:
        """Return how much memory is free for use, and how much there is; (0, 0) where that is not told."""
        fields = {
            line.split(":")[0]: line.split()[1]
            for line in (self.text("proc/meminfo") or "").splitlines()
            if len(line.split()) > 1
        }
        free, total = (int(fields.get(name, 0)) // 1024 for name in ("MemAvailable", "MemTotal"))
        return free, total

    def temperatures(self) -> list[float]:
        """Return what the machine's own sensors say, in °C."""
        found = []
        for zone in sorted(self.at("sys/class/thermal").glob("thermal_zone*/temp")):
            text = self.text(str(zone.relative_to(self.root))) or ""
            if text.removeprefix("-").isdigit():
                found.append(int(text) / 1000)
        return found
