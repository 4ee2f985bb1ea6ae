"""The service manager, as far as an update needs it: stop everything, take another version's unit files, start.

Invariant: when `stop` returns, nobody holds the lock of the site's one writer.
"""

import re
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from appliance.updates.children import run_as_keeper
from appliance.updates.errors import StillWritingError
from sync.atomic import atomic_write
from sync.site import SitePaths

TARGET: Final = "kurabako.target"
UNITS: Final = Path("/etc/systemd/system")
_KINDS: Final = re.compile(r"kurabako[A-Za-z0-9@-]*\.(service|target|timer|path|socket|mount)")
_PART: Final = f"PartOf={TARGET}"
_PATIENCE_S: Final = 30.0

Run = Callable[[Sequence[str]], None]


def systemctl(words: Sequence[str]) -> None:
    """Run systemctl; what it cannot do shows in the check that follows."""
    subprocess.run(["/usr/bin/systemctl", "--quiet", *words], stdin=subprocess.DEVNULL, check=False)


@dataclass(frozen=True, slots=True)
class Systemd:
    """The units of the box at `site`. `units` is where unit files are installed."""

    site: Path
    units: Path = UNITS
    run: Run = systemctl
    patience_s: float = _PATIENCE_S

    def stop(self) -> None:
        """Stop every unit, and wait until nobody writes; raises StillWritingError.

        Each is named: stopping the target does not wait for its parts.
        """
        self.run(["stop", TARGET, *parts(self.units)])
        if not self._nobody_writes():
            raise StillWritingError(operation="stop services", subject=str(self.site), problem="keeper.lock")

    def arrange(self, slot: Path) -> None:
        """Install a slot's unit files; what provisioning adds beside them (drop-ins) stays."""
        for file in sorted((slot / "systemd").iterdir()):
            raw = file.read_bytes() if _KINDS.fullmatch(file.name) and file.is_file() else None
            place = self.units / file.name
            if raw is not None and not (place.is_file() and place.read_bytes() == raw):
                atomic_write(place, raw, mode=0o644)
        self.run(["daemon-reload"])

    def start(self) -> None:
        """Start everything."""
        self.run(["start", TARGET])

    def _nobody_writes(self) -> bool:
        """Wait until the writer's lock can be had, as the writer's own user; say whether that came true."""
        lock = str(SitePaths(self.site).lock)
        wait = ["/usr/bin/flock", "--timeout", f"{self.patience_s:g}", lock, "/usr/bin/true"]
        return run_as_keeper(self.site, wait, self.patience_s + 10).returncode == 0


def parts(units: Path) -> list[str]:
    """Return the services that stop with the target."""
    found = sorted(units.glob("kurabako-*.service"))
    return [file.name for file in found if file.is_file() and _PART in file.read_text("utf-8").splitlines()]
