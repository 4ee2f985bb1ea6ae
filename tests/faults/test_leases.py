"""Leases by the real commands: box, hub and line as processes; revoked within a minute, allowed again, renewed."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from crypto.importance import Importance
from sync.client import KeeperClient
from sync.leaseguard import LeaseState
from sync.localstore import LEASE_SECRET, LocalStore
from sync.openrecords import LOCKED
from sync.site import SitePaths
from sync.trustedtime import CLOCK
from tests.faults.city import City, mark, office_at, wait_until

pytestmark = pytest.mark.faults
DAY = 24 * 3600 * 1000


@pytest.fixture
def city(tmp_path: Path) -> Iterator[City]:
    made = City(tmp_path)
    try:
        yield made
    finally:
        made.close()


def secret(site: Path) -> bytes | None:
    with contextlib.closing(KeeperClient(SitePaths(site).socket)) as client:
        return client.local_get(*LEASE_SECRET)


def on_disk(site: Path, wanted: bytes) -> list[str]:
    return [path.name for path in site.rglob("*") if path.is_file() and wanted in path.read_bytes()]


def opens(site: Path, name: str = "kocho") -> frozenset[Importance]:
    with office_at(site, name) as office:
        keyring = office._session.store.keyring
        return frozenset(importance for importance in Importance if keyring.cleared(importance))


def test_revoked_is_unreadable_within_a_minute_and_the_line_goes_on(city: City) -> None:
    box = city.school.site
    city.serve(box)
    city.run_hubs()
    with office_at(box) as office:
        mark(office, 0)
    city.until_confirmed(box)
    city.until(box, lambda status: status.lease == LeaseState.LIVE, "a lease")
    assert opens(box) == frozenset(Importance)
    before = secret(box)
    assert before is not None and on_disk(box, before)

    with office_at(box, "kocho") as office:  # somebody sits there with everything open
        done = city.as_board("lease", "revoke", city.code)
        assert (done.returncode, done.stderr) == (0, "")
        store = office._session.store
        wait_until(lambda: not store.lease_state().opens, "the session hears of it")
        store.forget(LOCKED)
    assert on_disk(box, before) == []
    assert opens(box) == frozenset(Importance) - LOCKED
    city.until(box, lambda status: "SYNC-052" in status.warnings and status.lease == "revoked", "told")
    with office_at(box) as office:
        mark(office, 1)
    city.until_confirmed(box)

    done = city.as_board("lease", "allow", city.code)
    assert (done.returncode, done.stderr) == (0, "")
    city.until(box, lambda status: status.lease == LeaseState.LIVE, "allowed again")
    assert opens(box) == frozenset(Importance)


def test_a_lapse_heals_by_itself_once_the_hub_is_there(city: City) -> None:
    box = city.school.site
    city.serve(box)
    city.until(box, lambda status: status.lease == LeaseState.LIVE, "a lease")
    before = secret(box)
    city.stop(box.name)
    local = LocalStore(SitePaths(box).local)  # its clock ran fifteen days ahead while it was off
    kept = local.get(*CLOCK)
    assert kept is not None
    at_ms, *rest = msgspec.msgpack.decode(kept)
    local.put(*CLOCK, msgspec.msgpack.encode([at_ms + 15 * DAY, *rest]))
    local.close()
    city.serve(box)
    city.until(box, lambda status: status.lease == LeaseState.LAPSED, "lapsed")
    assert before is not None
    wait_until(lambda: on_disk(box, before) == [], "the key is gone")
    assert opens(box) == frozenset(Importance) - LOCKED
    city.until(box, lambda status: "SYNC-053" in status.warnings, "told")
    city.run_hubs()
    city.until(box, lambda status: status.lease == LeaseState.LIVE, "the next lease")
    assert opens(box) == frozenset(Importance)
