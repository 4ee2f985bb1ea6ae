"""Two visits to one hub at the same time, and what is left of a hub when its machine is gone."""

import contextlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import pytest

from appliance.board.hubs import open_hub
from crypto.importance import Importance
from sync import hubvisit
from sync.client import KeeperClient
from sync.errors import AnotherWriterError, SecondKeeperError, UnconditionalStoreError
from sync.founding import open_as_board
from sync.hubimage import bring_up
from sync.hubrebase import rebase_hub
from sync.hubvisit import visit
from sync.ids import Origin, Site
from sync.objectstore import ObjectStore
from sync.reader import Reader
from sync.sealed import Draft
from sync.settings import Settings
from sync.site import SitePaths
from sync.stores import Store
from sync.visitlog import VisitLog
from tests.appliance.region.city import BoxSide, City, boxes_of, make_city
from tests.sync.cloud import cloud_at
from tests.sync.samecontent import same_content
from tests.sync.servers import moto


@dataclass
class Late:
    """A store that answers the first question for a name as it would have a moment ago: it is not there."""

    store: Store
    asked: set[str] = field(default_factory=set)

    def get(self, key: str) -> bytes | None:
        if key not in self.asked and "/hub/" in key:
            self.asked.add(key)
            return None
        return self.store.get(key)

    def put(self, key: str, data: bytes) -> None:
        self.store.put(key, data)

    def create(self, key: str, data: bytes) -> bool:
        return self.store.create(key, data)

    def probe(self, prefix: str) -> None:
        self.store.probe(prefix)

    def sizes(self, prefix: str) -> dict[str, int]:
        return self.store.sizes(prefix)


@dataclass(frozen=True)
class Scene:
    """One school: its box, what its hub needs, and the object store."""

    city: City
    box: BoxSide
    settings: Settings
    origin: Origin

    @property
    def store(self) -> ObjectStore:
        return ObjectStore(self.city.store)

    def copy(self, folder: Path) -> SitePaths:
        paths = SitePaths(folder)
        bring_up(paths, self.origin, self.settings)
        return paths

    def entry(self, count: int = 1) -> None:
        self.box.enter(count)
        self.box.step()

    def segments(self) -> dict[str, bytes | None]:
        return {name: self.store.get(name) for name in self.store.sizes(f"{self.origin.prefix}/changes")}


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("races")
    with moto(folder) as store:
        city = make_city(folder, store, 1)
        (code,) = city.boxes
        with boxes_of(city) as boxes:
            settings = open_hub(city.board, code).daemon_settings()
            yield Scene(city, boxes[code], settings, Origin(code, Site.HUB, 1))


def test_of_two_visits_at_once_one_is_told_that_it_was_late(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.entry()
    one = scene.copy(tmp_path / "one")
    two = SitePaths(shutil.copytree(one.root, tmp_path / "two"))
    assert visit(one, scene.settings).sent > 0
    before = scene.segments()
    with monkeypatch.context() as patch:
        patch.setattr(hubvisit, "open_store", lambda _: Late(scene.store))
        with pytest.raises(AnotherWriterError):
            visit(two, scene.settings)
    assert scene.segments() == before, "nothing that stands was replaced"
    with pytest.raises(AnotherWriterError):
        visit(two, scene.settings)  # what it said and nobody heard does not go away by itself
    rebase_hub(two, scene.settings)
    scene.entry()
    visit(two, scene.settings)
    visit(one, scene.settings)
    assert same_content(one.store, two.store)
    scene.box.step()
    assert scene.box.confirmed


def test_what_people_made_at_a_copy_survives_a_lost_race(scene: Scene, tmp_path: Path) -> None:
    one = scene.copy(tmp_path / "one")
    two = SitePaths(shutil.copytree(one.root, tmp_path / "two"))
    client = cast(KeeperClient, VisitLog(two))
    with contextlib.closing(open_as_board(Reader(two.store), client, scene.city.root)) as board:
        record = board.record_id("meeting.item", Importance.III, "lost race", "1")
        board.put([Draft("meeting.item", record, Importance.III, b"{}")])
    scene.entry()
    assert visit(one, scene.settings).sent > 0  # takes the number that the other would need
    with pytest.raises(AnotherWriterError):
        visit(two, scene.settings)
    rebase_hub(two, scene.settings)
    rebase_hub(two, scene.settings)  # again, as after a kill: the same batch is kept once
    visit(two, scene.settings)
    for _ in range(3):  # it stops reading at the word that it waits for
        scene.box.step()
    assert len(scene.box.reader.heads("meeting.item", [record])) == 1
    for copy in (one, two):  # the box has spoken meanwhile, and one of them answers
        visit(copy, scene.settings)
    visit(one, scene.settings)
    assert same_content(one.store, two.store)


def test_a_copy_is_in_one_hand_at_a_time(scene: Scene, tmp_path: Path) -> None:
    paths = scene.copy(tmp_path / "one")
    with contextlib.closing(VisitLog(paths)), pytest.raises(SecondKeeperError):
        visit(paths, scene.settings)


def test_a_hub_is_brought_up_from_its_image_and_without_it_alike(scene: Scene, tmp_path: Path) -> None:
    scene.entry(600)
    first = scene.copy(tmp_path / "first")
    visit(first, scene.settings)
    images = scene.store.sizes(f"{scene.origin.prefix}/image")
    assert len(images) == 1
    scene.entry(3)
    visit(first, scene.settings)
    assert same_content(scene.copy(tmp_path / "second").store, first.store)
    (name,) = images
    whole = scene.store.get(name)
    assert whole is not None
    scene.store.put(name, whole[: len(whole) // 2] + bytes(64) + whole[len(whole) // 2 + 64 :])
    third = scene.copy(tmp_path / "third")
    assert same_content(third.store, first.store), "an image that does not pass is left aside"
    assert not visit(third, scene.settings).faults
    assert len(scene.store.sizes(f"{scene.origin.prefix}/image")) == 2, "and there is another one at once"


def test_a_store_that_does_not_keep_two_creators_apart_is_found_out(scene: Scene, tmp_path: Path) -> None:
    scene.store.require_conditions(scene.origin.prefix)
    with cloud_at(tmp_path) as cloud, pytest.raises(UnconditionalStoreError):
        ObjectStore(cloud.direct).require_conditions(scene.origin.prefix)
