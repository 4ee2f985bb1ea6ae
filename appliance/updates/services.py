"""The service manager, as far as an update needs it: stop everything, take another version's unit files, start.

Invariant: when `stop` returns, nobody holds the lock of the site's one writer.
"""

import fcntl
import os
import re
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

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
        if not _free(SitePaths(self.site).lock, self.patience_s):
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


def parts(units: Path) -> list[str]:
    """Return the services that stop with the target."""
    found = sorted(units.glob("kurabako-*.service"))
    return [file.name for file in found if file.is_file() and _PART in file.read_text("utf-8").splitlines()]


def _free(lock: Path, patience_s: float) -> bool:
    """Wait until nobody holds a lock; say whether that came true."""
    until = time.monotonic() + patience_s
    while True:
        try:
            descriptor = os.open(lock, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:
            return True
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except OSError:
            if time.monotonic() > until:
                return False
        finally:
            os.close(descriptor)
        time.sleep(0.1)
