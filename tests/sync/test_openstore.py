"""Segments of two sites over every kind of store, and the rights that docs/object-store.md asks of a real one."""

import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from sync.courier import Courier
from sync.errors import StoreRefusedError
from sync.folderstore import FolderConfig, FolderStore
from sync.objectstore import ObjectStore, StoreConfig
from sync.openstore import open_store
from sync.sftpstore import SftpConfig, SftpStore
from tests.sync.cloud import wait_until
from tests.sync.pair import Pair, pair_at
from tests.sync.servers import BUCKET, NAMES, moto, served

DOCS = Path(__file__).parents[2] / "docs"
PAGES = ("object-store.md", "ja/object-store.md")
SCHOOL = "C241210000019"


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    with pair_at(tmp_path) as made:
        yield made


def test_the_place_decides_which_store_it_is(tmp_path: Path, pair: Pair) -> None:
    sftp = SftpConfig("127.0.0.1", "box", tmp_path / "key", "SHA256:" + "a" * 43, "/srv", 9)
    assert isinstance(open_store(FolderConfig(tmp_path)), FolderStore)
    assert isinstance(open_store(sftp), SftpStore)
    assert isinstance(open_store(pair.cloud.direct), ObjectStore)


@pytest.mark.parametrize("name", [name for name in NAMES if not name.startswith("s3")])
def test_two_sites_meet_where_their_segments_go(pair: Pair, tmp_path: Path, name: str) -> None:
    (tmp_path / "elsewhere").mkdir()
    with served(name, tmp_path / "elsewhere") as there:
        couriers = [
            Courier(party.site.paths, pair.settings(party, segments=there.place)) for party in (pair.box, pair.hub)
        ]
        for courier in couriers:
            courier.start()
        try:
            seq = pair.box.mark("aoi")
            wait_until(lambda: couriers[0].told().confirmed >= seq, "the hub has countersigned")
            assert pair.hub.values() == pair.box.values() and len(pair.hub.values()) == 1
            assert not ObjectStore(pair.cloud.direct).sizes(""), "nothing went to Litestream's store"
        finally:
            for courier in couriers:
                courier.stop()


def policy(page: str) -> str:
    """Return the policy that a page of the documentation gives, for epoch 1 of a school."""
    blocks = re.findall(r"```json\n(.*?)```", (DOCS / page).read_text("utf-8"), re.DOTALL)
    return str(blocks[0]).replace("BUCKET", BUCKET).replace("SCHOOL", SCHOOL).replace("EPOCH", "1")


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoreConfig]:
    with moto(tmp_path_factory.mktemp("limited"), policy(PAGES[0])) as config:
        yield config


def test_the_documented_policy_lets_a_box_write_its_epoch_only(limited: StoreConfig) -> None:
    store = ObjectStore(limited, 20.0)
    own = f"{SCHOOL}/box/1"
    assert store.create(f"{own}/seg/1", b"mine")
    store.put(f"{own}/db/0000/1.ltx", b"page")
    assert store.get(f"{own}/seg/1") == b"mine"
    assert store.get(f"{SCHOOL}/hub/1/seg/1") is None, "a 404, not a 403: the box may list its school"
    assert store.sizes(own) == {f"{own}/seg/1": 4, f"{own}/db/0000/1.ltx": 4}
    assert store.get("updates/metadata/2.root.json") is None, (
        "it may ask for updates, and is told when there is none"
    )
    for place in (
        "updates",
        f"{SCHOOL}/box/2",
        f"{SCHOOL}/box/12",
        f"{SCHOOL}/hub/1",
        f"{SCHOOL}",
        "C299999999999/box/1",
    ):
        for way in (store.put, store.create):
            with pytest.raises(StoreRefusedError):
                way(f"{place}/seg/1", b"not mine")
    with pytest.raises(StoreRefusedError):
        store.get("C299999999999/box/1/seg/1")


def test_a_revoked_key_pair_is_refused(limited: StoreConfig) -> None:
    gone = ObjectStore(dataclasses.replace(limited, access_key="AKIAIOSFODNN7EXAMPLE"))
    with pytest.raises(StoreRefusedError):
        gone.put(f"{SCHOOL}/box/1/seg/2", b"x")


def test_both_languages_give_the_same_policy() -> None:
    assert policy(PAGES[0]) == policy(PAGES[1])
