"""A box that is replaced while its school's hub is with a region."""

import contextlib
import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.board.hubs import open_hub
from appliance.board.replacement import Replacement, replace_box
from appliance.policy import writing_rules
from crypto.identity import KdfProfile
from sync.hubimage import bring_up
from sync.ids import Origin, Site
from sync.reader import Reader
from sync.site import SitePaths
from sync.verify import verify_store
from tests.appliance.region.city import BoxSide, City, all_confirmed, boxes_of, make_city, replicate, running
from tests.sync.cloud import wait_until
from tests.sync.servers import moto


@pytest.fixture
def city(tmp_path: Path) -> Iterator[City]:
    with moto(tmp_path) as store:
        made = make_city(tmp_path, store, 2)
        replicate(made, tmp_path / "litestream")
        yield made


def test_a_box_replaced_under_a_region_is_heard_and_the_former_one_gives_way(city: City, tmp_path: Path) -> None:
    code, other = city.board.schools
    with boxes_of(city) as boxes, running(city, workers=1) as (region, _):
        wait_until(lambda: len(region.wards) == 2, "both hubs are with the region")
        for box in boxes.values():
            box.enter(2)
            box.step()
        wait_until(lambda: all_confirmed(boxes), "what was entered is 確認済")
        made = replace_box(city.board, city.root, Replacement(code, tmp_path / "new"), None, KdfProfile.QUICK)
        assert made.origin == Origin(code, Site.BOX, 2) and made.restored.complete
        after = dataclasses.replace(city, boxes={code: made.paths})
        with contextlib.closing(BoxSide(after, code)) as box:
            assert len(box.reader.heads("meeting.item")) == 2
            box.entered = 2
            box.enter()
            box.step()
            wait_until(lambda: all_confirmed({code: box}), "the new box's entry is 確認済")
        wait_until(lambda: region.wards[code].errand.place.epoch == 2, "it is noted where its replica is now")
        boxes[code].exchange._due_grant = 0.0  # a former box asks for its successor once an hour
        boxes[code].step()
        assert boxes[code].exchange.superseded and not boxes[other].exchange.superseded
        boxes[other].enter()
        wait_until(lambda: all_confirmed({other: boxes[other]}), "the other school never noticed")
    rebuilt = SitePaths(tmp_path / "again")
    bring_up(rebuilt, Origin(code, Site.HUB, 1), open_hub(city.board, code).daemon_settings())
    verify_store(rebuilt.store, city.board.root, code, full=True, rules=writing_rules())
    with contextlib.closing(Reader(rebuilt.store)) as reader:
        assert len(reader.heads("meeting.item")) == 3 and not reader.quarantined()
