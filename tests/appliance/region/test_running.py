"""The hubs of a region: state in object storage, workers that are killed, officers at the board's copy."""

import contextlib
import os
import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.board.hubs import board_store, open_hub
from appliance.board.leasing import revoke_lease
from appliance.board.regional import in_region, leave_region
from appliance.board.sharing import document_of, share
from appliance.policy import writing_rules
from crypto.importance import Importance
from sync.hubimage import bring_up
from sync.hubvisit import visit
from sync.ids import Origin, Site
from sync.leases import newest_lease
from sync.objectstore import ObjectStore
from sync.reader import Reader
from sync.sealed import Draft
from sync.site import SitePaths
from sync.status import read_status
from sync.verify import verify_store
from tests.appliance.region.city import City, all_confirmed, boxes_of, make_city, running
from tests.sync.cloud import wait_until
from tests.sync.servers import moto

SCHOOLS = 12


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    """Twelve schools in a store that keeps two creators apart."""
    folder = tmp_path_factory.mktemp("region")
    with moto(folder) as store:
        yield make_city(folder, store, SCHOOLS)


def rebuilt(city: City, code: str, folder: Path) -> Reader:
    """Build a school's hub from object storage alone, prove it whole, and open it."""
    paths, settings = SitePaths(folder / code), open_hub(city.board, code).daemon_settings()
    bring_up(paths, Origin(code, Site.HUB, 1), settings)
    verify_store(paths.store, city.board.root, code, full=True, rules=writing_rules())
    return Reader(paths.store)


def test_a_school_whose_box_was_never_switched_on_is_visited_all_the_same(tmp_path: Path) -> None:
    with contextlib.ExitStack() as after:
        city = make_city(tmp_path, after.enter_context(moto(tmp_path)), 2)
        boxes = after.enter_context(boxes_of(city))
        region, _ = after.enter_context(running(city, workers=1))
        wait_until(lambda: len(region.wards) == 2, "all hubs are with the region")
        wards = list(region.wards.values())
        wait_until(lambda: all(ward.visits for ward in wards), "all were visited")
        assert {ward.code for ward in wards} == {""} and all(ward.told for ward in wards)
        assert not ObjectStore(city.store).sizes(f"{wards[0].school}/box/1/changes"), "no box has sent anything"
        for box in boxes.values():
            box.enter()
        wait_until(lambda: all_confirmed(boxes), "and goes on as ever once it is")
        with contextlib.closing(rebuilt(city, wards[0].school, tmp_path)) as reader:
            assert len(reader.heads("meeting.item")) == 1


@pytest.mark.faults
@pytest.mark.usefixtures("workers_die")
def test_workers_are_killed_at_random_and_every_entry_is_confirmed_and_kept_once(
    city: City, tmp_path: Path
) -> None:
    chance, killed = random.Random(11), set[int]()
    with boxes_of(city) as boxes:
        with running(city, workers=2) as (region, cluster):
            for _ in range(3):
                for box in boxes.values():
                    box.enter(chance.randrange(1, 4))
                    box.step()
                time.sleep(chance.random())
                pid = chance.choice(cluster.pids)
                killed.add(pid)
                os.kill(pid, signal.SIGKILL)
                wait_until(lambda: all_confirmed(boxes), "every school's entries are 確認済")
            assert len(killed) == 3 and set(region.wards) == set(city.boxes)
            wait_until(
                lambda: all(
                    (s := read_status(w.hub.paths)) and s.saved and not s.waiting for w in region.wards.values()
                )
            )
        for code, box in boxes.items():
            with contextlib.closing(rebuilt(city, code, tmp_path)) as reader:
                own = box.reader.origin
                assert reader.position(own).seq >= box.exchange.confirmed.seq
                held = [row.seq for row in reader.since(0, origin=own)]
                assert held == sorted(set(held)) and not reader.quarantined()
                assert len(reader.heads("meeting.item")) == box.entered


def test_what_an_officer_gives_a_school_goes_through_the_region(city: City, tmp_path: Path) -> None:
    code = city.board.schools[0]
    with boxes_of(city) as boxes, running(city, workers=1) as (region, _):
        wait_until(lambda: len(region.wards) == SCHOOLS, "all hubs are with the region")
        before = len(boxes[code].reader.heads("meeting.item"))
        with board_store(open_hub(city.board, code), city.root) as store:
            record = store.record_id("meeting.item", Importance.III, "of the board", "1")
            store.put([Draft("meeting.item", record, Importance.III, b"{}")])

        def arrived() -> bool:
            boxes[code].step()
            return len(boxes[code].reader.heads("meeting.item")) == before + 1

        wait_until(arrived, "the box has it")
        assert in_region(open_hub(city.board, code).paths)
        file = tmp_path / "handbook.txt"
        file.write_bytes("学校安全の手引き".encode() * 100)
        (shared,) = share(city.board, city.root, [code], document_of(file, Importance.III, "手引き"))
        assert shared.new and shared.error is None
        blobs = ObjectStore(city.store).sizes(f"{code}/hub/1/blobs")
        assert any(name.endswith("manifest") for name in blobs), "its sealed bytes are in the store"
        assert revoke_lease(city.board, code).lease.revoked

        def heard() -> bool:
            boxes[code].step()
            lease = newest_lease(boxes[code].reader, city.board.root, boxes[code].reader.origin)
            return lease is not None and lease.revoked

        wait_until(heard, "the box hears that its lease is revoked")


def test_a_hub_comes_back_with_everything_and_is_run_here_again(city: City) -> None:
    code = city.board.schools[1]
    hub = open_hub(city.board, code)
    with boxes_of(city) as boxes:
        if not in_region(hub.paths):
            with running(city, workers=1) as (region, _):
                wait_until(lambda: code in region.wards)
        with contextlib.closing(Reader(hub.paths.store)) as reader:
            leave_region(hub)
            own = boxes[code].reader.origin
            assert reader.position(own).seq >= boxes[code].exchange.confirmed.seq
        assert not in_region(hub.paths) and hub.paths.reset_mark.exists()
        boxes[code].enter()
        boxes[code].step()
        visit(hub.paths, hub.daemon_settings())
        boxes[code].step()
        assert boxes[code].confirmed
