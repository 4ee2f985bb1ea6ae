"""A hub's replicas are proven and healed as a box's are: on a timer, after an unclean stop, each by itself."""

import asyncio
import contextlib
import dataclasses
import os
import signal
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from sync import healing
from sync.errors import HubKeyMissingError, ReplicatorError
from sync.hub import Hub
from sync.hubreplicas import Replicator
from sync.hubschool import HubSchool, School
from sync.ids import Origin, Site
from sync.leaseissuer import LeaseIssuer
from sync.litestream import SETTINGS, Litestream, Replicated, replica_path
from sync.objectstore import StoreConfig
from sync.restore import Restorer, RestoreReport, Wanted
from sync.settings import Settings
from sync.site import SitePaths
from sync.status import Status, read_status
from tests.faults.faultystore import Fault, FaultyStore
from tests.sync.cloud import Cloud, Office, box_key, cloud_at, flip, new_site, wait_until
from tests.sync.site import TestSite

pytestmark = pytest.mark.faults
SCHOOLS = ("C241200000011", "C241200000022")


class Schools:
    """Two schools' hubs, served by one process (this one) in a thread of its own."""

    def __init__(self, folder: Path, cloud: Cloud, store: StoreConfig) -> None:
        self.folder = folder
        self.cloud = cloud
        self.sites: list[TestSite] = []
        self.schools: list[HubSchool] = []
        for code in SCHOOLS:
            key = box_key()
            site = new_site(folder / code, key, code)
            office = Office(site)
            office.make(3)
            office.close()
            site.stop_keeper()
            settings = Settings(store, site.root.sign.verify_key, key.sign)
            self.sites.append(site)
            self.schools.append(HubSchool(site.paths, settings))
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self.hub: Hub | None = None

    def start(self) -> None:
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), name="hub")
        self._thread.start()

    def stop(self) -> None:
        if self._thread is not None:
            assert self._loop is not None and self.hub is not None
            self._loop.call_soon_threadsafe(self.hub.stop)
            self._thread.join(60)
            assert not self._thread.is_alive()
        self._thread = None

    @contextlib.contextmanager
    def running(self) -> Iterator[Replicator]:
        """Serve them for a while; yields what looks after their replicas."""
        self.start()
        try:
            self.until_verified(0)
            assert self.hub is not None
            (replicator,) = self.hub._replicators
            yield replicator
        finally:
            self.stop()

    def paths(self, number: int) -> SitePaths:
        return self.schools[number].paths

    def status(self, number: int) -> Status:
        wait_until(lambda: read_status(self.paths(number)), "it is served")
        status = read_status(self.paths(number))
        assert status is not None
        return status

    def until_verified(self, number: int, after_ms: int = 0) -> Status:
        wait_until(
            lambda: (told := read_status(self.paths(number))) and (told.verified_at_ms or 0) > after_ms, "verified"
        )
        return self.status(number)

    def restored(self, number: int, target: Path) -> RestoreReport:
        root = self.sites[number].root.sign.verify_key
        return Restorer(self.cloud.direct, Wanted(self.origin(number), root, segments=False), target).run()

    def origin(self, number: int) -> Origin:
        return Origin(SCHOOLS[number], Site.BOX, 1)

    def objects(self, number: int) -> list[Path]:
        return list((self.cloud.bucket / replica_path(self.origin(number))).rglob("*.ltx"))

    async def _run(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.hub = Hub(self.folder / "run", self.schools)
        await self.hub.run()


@pytest.fixture
def hubs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Schools]:
    monkeypatch.setattr("sync.replicacheck._FIRST_S", 0.5)
    monkeypatch.setattr("sync.replicacheck._AGAIN_S", 0.5)
    monkeypatch.setattr("sync.hubschool._PROVE_EVERY_S", 0.5)
    monkeypatch.setattr("sync.hubschool._STATUS_FRESH_S", 0.5)  # an idle school's turn comes as often
    with cloud_at(tmp_path) as cloud:
        made = Schools(tmp_path, cloud, cloud.direct)
        try:
            yield made
        finally:
            made.stop()


def test_every_replica_is_restored_and_verified_on_a_timer_and_the_status_says_when(hubs: Schools) -> None:
    hubs.start()
    seen = [hubs.until_verified(number) for number in (0, 1)]
    for status in seen:
        assert status.verified_seq > 0 and status.warnings == ()
        assert (status.replica_resets, status.litestream_restarts) == (0, 0)
    assert not any((hubs.paths(number).run / "selfcheck").exists() for number in (0, 1))
    hubs.stop()
    hubs.start()
    assert hubs.status(0).verified_at_ms is not None, "the last life's proof is not forgotten"


def test_a_damaged_replica_is_replaced_proven_and_written_down_and_the_others_is_left(
    hubs: Schools, tmp_path: Path
) -> None:
    hubs.start()
    before = [hubs.until_verified(number).verified_at_ms or 0 for number in (0, 1)]
    hubs.stop()
    for path in hubs.objects(0):
        flip(path)
    hubs.start()
    wait_until(lambda: healing.newest_healing(hubs.paths(0)), "healed")
    entry = healing.newest_healing(hubs.paths(0))
    assert entry is not None and entry.cause == healing.CORRUPT and entry.seconds > 0 and entry.seq > 0
    wait_until(lambda: healing.begun(hubs.paths(0)) is None, "nothing is under way any more")
    status = hubs.until_verified(0, before[0])
    assert status.replica_resets == 1 and hubs.restored(0, tmp_path / "back").complete
    hubs.until_verified(1, before[1])
    assert hubs.status(1).replica_resets == 0 and healing.newest_healing(hubs.paths(1)) is None


def test_after_an_unclean_stop_the_replica_is_replaced_and_verified(hubs: Schools, tmp_path: Path) -> None:
    hubs.sites[0].start_keeper()
    hubs.sites[0].kill_keeper()
    hubs.start()
    wait_until(lambda: healing.newest_healing(hubs.paths(0)), "healed")
    entry = healing.newest_healing(hubs.paths(0))
    assert entry is not None and entry.cause == healing.UNCLEAN and entry.seconds > 0
    assert hubs.restored(0, tmp_path / "back").complete
    hubs.stop()
    assert healing.newest_healing(hubs.paths(1)) is None


def test_a_reset_that_cannot_be_done_holds_no_other_school_up(
    hubs: Schools, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried, reset = list[str](), Litestream.reset

    def refusing(self: Litestream, database: Replicated | None = None, *, forget: bool = True) -> None:
        assert database is not None
        tried.append(database.origin.school)
        if database.origin.school == SCHOOLS[0]:
            raise ReplicatorError(operation="reset replica", subject="log in use", retry_safe=True)
        reset(self, database, forget=forget)

    monkeypatch.setattr(Litestream, "reset", refusing)
    for number in (0, 1):
        healing.ask_for_healing(hubs.paths(number), healing.OPERATOR)
    hubs.start()
    wait_until(lambda: healing.newest_healing(hubs.paths(1)), "the other one is healed")
    assert hubs.paths(0).reset_mark.exists() and healing.begun(hubs.paths(0)) is not None, "it is still owed"
    assert hubs.status(0).replicated == 0, "and nothing is claimed of it"
    monkeypatch.setattr(Litestream, "reset", reset)
    wait_until(lambda: healing.newest_healing(hubs.paths(0)), "healed, once it can be")
    assert tried.count(SCHOOLS[0]) < 10, "it is not tried every second"


def test_what_keeps_leases_from_being_issued_is_told_until_it_was_tried_again(
    hubs: Schools, monkeypatch: pytest.MonkeyPatch
) -> None:
    def without_its_key(_issuer: LeaseIssuer) -> bool:
        raise HubKeyMissingError(operation="open escrow")

    monkeypatch.setattr("sync.leaseissuer._AGAIN_S", 0.5)
    monkeypatch.setattr(LeaseIssuer, "mind", without_its_key)
    with contextlib.closing(School(hubs.schools[0])) as school:
        for _ in range(3):  # only the first one looks
            school._mind_leases()
            assert isinstance(school.lease_failure, HubKeyMissingError)
        monkeypatch.setattr(LeaseIssuer, "mind", lambda _: False)
        wait_until(lambda: school.lease_failure is None, "it was tried again", school._mind_leases)


def test_a_snapshot_that_was_given_up_is_begun_again_and_not_looked_at(
    hubs: Schools, monkeypatch: pytest.MonkeyPatch
) -> None:
    school = School(hubs.schools[0])
    replicator = Replicator(hubs.folder / "run", [school])
    begun, start = list[bool](), replicator.litestream.start

    def recording(*, snapshot: bool = False) -> None:
        begun.append(snapshot)
        start(snapshot=False)  # one that does not end by itself

    monkeypatch.setattr(replicator.litestream, "start", recording)
    looked = list[bool]()
    monkeypatch.setattr(school, "look", lambda: looked.append(replicator._snapshotting))
    monkeypatch.setattr(school, "heal", lambda _: school.paths.reset_mark.unlink())
    healing.ask_for_healing(school.paths, healing.OPERATOR)
    replicator.mind()
    assert begun == [True] and looked == []
    monkeypatch.setattr(school, "stuck", lambda _: True)
    replicator.mind()
    assert begun == [True, True] and looked == [], "given up on a connection that hung, and begun again"
    monkeypatch.setattr(school, "stuck", lambda _: False)
    assert replicator.litestream.pid is not None
    os.kill(replicator.litestream.pid, signal.SIGKILL)
    wait_until(lambda: replicator.litestream.ended, "it ended")
    replicator.mind()
    assert begun == [True, True, False] and looked == [False], "now as usual, and it may be looked at"
    replicator.stop()
    school.close()


def test_a_hung_connection_is_not_left_longer_because_others_hung_before(
    hubs: Schools, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("sync.hubreplicas._STUCK_S", 1.0)
    monkeypatch.setattr("sync.hubschool._PROVE_S", 1.0)
    front = FaultyStore("127.0.0.1", hubs.cloud.server.port)
    far = Schools(tmp_path / "far", hubs.cloud, dataclasses.replace(hubs.cloud.direct, endpoint=front.endpoint))
    with contextlib.closing(front), far.running() as replicator:
        school, litestream = replicator.schools[0], replicator.litestream
        for _ in range(2):
            before = school.restarts
            front.fail(Fault.HANGING)
            assert litestream.pid is not None
            hung = len(front.hung)
            os.kill(litestream.pid, signal.SIGKILL)
            wait_until(partial(_begun_again, school, before + 1), "a new one asks the store")
            with contextlib.closing(Office(far.sites[0])) as office:
                office.make()
            wait_until(lambda: school.unproven, "nothing is sent")
            wait_until(partial(_hangs, front, hung, replica_path(far.origin(0))), "it hangs for good")
            front.heal()
            wait_until(partial(_begun_again, school, before + 2), "it is taken to be hung")
            wait_until(lambda: not school.unproven, "proven")
            wait_until(lambda: replicator._patience_s == 1.0, "as patient as at first")
        assert far.restored(0, tmp_path / "back").complete


def _hangs(front: FaultyStore, since: int, path: str) -> bool:
    """Say whether Litestream waits for what no time-out ends: a sync gives up what it asks for, merging never.

    Measured: after a sync that gave up while nothing else was asked for, the next one gets through by itself.
    """
    merged = [f"{path}/{level:04x}/" for level in range(1, len(SETTINGS["levels"]) + 1)]
    return any(folder in target for target in front.hung[since:] for folder in merged)


def _begun_again(school: School, times: int) -> bool:
    return school.restarts >= times
