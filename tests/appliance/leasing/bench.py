"""A school of its own whose guard's clocks a test sets."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from appliance.board.leasing import issuer_of
from appliance.credentials import read_site_key
from appliance.office import Office
from crypto.importance import Importance
from sync.client import KeeperClient
from sync.clock import wall_ms
from sync.leaseguard import LeaseGuard, LeaseState
from sync.localstore import LEASE_SECRET
from sync.openrecords import (
    LOCKED,
)
from sync.reader import Reader
from sync.trustedtime import Boot, Clocks, boot_now
from tests.hubside import hub, to_box, to_hub
from tests.school import School

DAY = 24 * 3600 * 1000
YEARS = 3652 * DAY
SECOND = Importance.II


@dataclass
class Bench:
    """A school of its own; the guard's clocks are set by the test, the rest is as on a box."""

    school: School
    wall_shift: int = 0
    ran: int = 0
    client: KeeperClient = field(init=False)
    reader: Reader = field(init=False)

    def __post_init__(self) -> None:
        self.client, self.reader = KeeperClient(self.school.paths.socket), Reader(self.school.paths.store)

    @property
    def clocks(self) -> Clocks:
        def boot() -> Boot:
            real = boot_now()
            return Boot(real.up_ms + self.ran, real.id)

        return Clocks(lambda: wall_ms() + self.wall_shift, boot)

    def guard(self) -> LeaseGuard:
        key = read_site_key(self.school.site)
        return LeaseGuard(self.reader, self.client, self.school.board.root, key, self.clocks)

    def state(self) -> LeaseState:
        return self.guard().turn().state

    def secret(self) -> bytes | None:
        return self.client.local_get(*LEASE_SECRET)

    def on_disk(self, wanted: bytes) -> list[str]:
        """Return the files of the site that hold these bytes."""
        files = [path for path in self.school.site.rglob("*") if path.is_file() and not path.is_symlink()]
        return [path.name for path in files if wanted in path.read_bytes()]

    def exchange(self) -> None:
        """Let the hub hear the box, issue what is due, and the box hear the hub."""
        to_hub(self.school)
        with issuer_of(hub(self.school)) as issuer:
            issuer.mind()
        to_box(self.school)

    @contextlib.contextmanager
    def office(self, name: str = "sato") -> Iterator[Office]:
        office = self.school.office(name)
        try:
            yield office
        finally:
            office.logout()

    def opens(self, name: str = "sato") -> frozenset[Importance]:
        with self.office(name) as office:
            keyring = office._session.store.keyring
            return frozenset(importance for importance in Importance if keyring.cleared(importance))

    def close(self) -> None:
        self.client.close()
        self.reader.close()
        self.school.close()


ALL = frozenset(Importance)
TEACHER = ALL - {Importance.I}
OPEN = ALL - LOCKED
