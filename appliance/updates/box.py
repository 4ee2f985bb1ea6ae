"""The updates of one box, put together: where they come from, whom it believes, what it does with them."""

import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from appliance.provision.slots import ROOT, Slots
from appliance.site import SiteFolder
from appliance.updates.checking import Health, SelfTest
from appliance.updates.children import ask
from appliance.updates.client import FIRST_ROOT, Release, Trust, UpdateClient, sweep
from appliance.updates.errors import PermitMissingError
from appliance.updates.fetched import Fetched
from appliance.updates.places import PREFIX
from appliance.updates.services import Systemd
from appliance.updates.stages import FOLDER, StateFile
from appliance.updates.switching import Services, Switch
from sync.clock import wall_ms
from sync.folderstore import FolderConfig, FolderStore
from sync.objectstore import ObjectStore
from sync.stores import Store

FETCHED: Final = Path("/var/lib/kurabako-fetch")
_BOXTIME: Final = "appliance.updates.boxtime"
_PERMIT: Final = re.compile(r"\d{4}-[BS]?\d{4,}")  # as the permit desk gives them
_TARGET: Final = "import platform, sys; print(*sys.version_info[:2], sep='.'); print(platform.machine())"


@dataclass(frozen=True, slots=True)
class Places:
    """Where things are on a box; tests have others."""

    slots: Path = ROOT
    state: Path = FOLDER
    fetched: Path = FETCHED
    first_root: Path = FIRST_ROOT
    python: str = "/usr/bin/python3"


@dataclass(frozen=True, slots=True)
class UpdateBox:
    """The updates of the box at `site`."""

    site: Path
    places: Places = Places()
    services: Services | None = None
    healthy: Callable[[Path], str] | None = None

    @property
    def slots(self) -> Slots:
        """Return the two slots."""
        return Slots(self.places.slots, self.places.python)

    @property
    def state(self) -> StateFile:
        """Return how far the last update got."""
        return StateFile(self.places.state)

    @property
    def switch(self) -> Switch:
        """Return what installs and switches."""
        services = self.services or Systemd(self.site)
        return Switch(self.slots, self.state, services, SelfTest(self.site), self.healthy or Health(self.site))

    def fetch(self, site: SiteFolder) -> Release:
        """Bring the newest release over the line. Its freshness is judged by who installs it, by trusted time."""
        fetched = Fetched(self.places.fetched)
        client = self._client(ObjectStore(site.store()), Trust(self.places.first_root, fetched.seen), 0)
        try:
            release = client.release(fetched.root)
        finally:
            fetched.show()
        held = fetched.bundle / "manifest.json"
        if held.exists() and held.read_bytes() != (fetched.root / "manifest.json").read_bytes():
            held.unlink()  # from here on what lies there is of no one release
        client.collect(release, fetched.bundle, *self._target())
        return release

    def look(self, medium: Path | None = None) -> Release:
        """Return the newest release that was fetched, or that a medium holds, proven by trusted time."""
        self.places.state.mkdir(mode=0o755, parents=True, exist_ok=True)
        return self._trusting(medium).release(self.places.state)

    def apply(self, medium: Path | None = None, permit: str = "") -> bool:
        """Install what was fetched, or what a medium holds, and switch to it; return False if it runs already.

        A medium takes the number of a permit; raises PermitMissingError.
        """
        if medium is not None and not _PERMIT.fullmatch(permit):
            raise PermitMissingError(operation="apply update", subject=permit, given=permit)
        self.places.state.mkdir(mode=0o755, parents=True, exist_ok=True)
        client, work = self._trusting(medium), self.places.state / "bundle"
        release = client.release(self.places.state)
        running = self.slots.release(self.slots.current() or "a")
        if running == release.manifest:
            return False
        client.collect(release, work, *self._target())
        done = self.switch.apply(work, release, permit, medium=medium is not None)
        sweep(work)
        return done

    def _trusting(self, medium: Path | None) -> UpdateClient:
        """Return the view that root has: its own memory of what it saw, the box's trusted time."""
        trust = Trust(self.places.first_root, self.places.state / "seen")
        if medium is None:
            return self._client(Fetched(self.places.fetched), trust, self._now_ms(), prefix="")
        return self._client(FolderStore(FolderConfig(medium)), trust, self._now_ms())

    def _client(self, store: Store, trust: Trust, now_ms: int, prefix: str = PREFIX) -> UpdateClient:
        return UpdateClient(store, trust, now_ms, place=type(store).__name__, prefix=prefix)

    def _now_ms(self) -> int:
        """Return the box's trusted time, asked by a child as whoever may read it."""
        return ask(self.slots.path("current"), _BOXTIME, self.site).now_ms or wall_ms()

    def _target(self) -> tuple[str, str]:
        """Return for which Python and machine this box needs wheels: those of the system, not of this process."""
        said = subprocess.run(
            [self.places.python, "-I", "-c", _TARGET], stdin=subprocess.DEVNULL, capture_output=True, text=True
        )
        python, machine = said.stdout.split()
        return python, machine
