"""The board's machine is lost with its hubs: another one becomes the board, takes the hub up, and carries on."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.board.depositing import keep_deposit_place, make_deposit
from appliance.board.folder import BoardFolder
from appliance.board.hubs import HubMissingError, open_hub
from appliance.board.officerkey import DepositPlace, read_officer_key, write_officer_key
from appliance.board.officers import Officers
from appliance.board.recovery import recover_board
from crypto.identity import KdfProfile
from sync.site import SitePaths
from tests.faults.city import ACCESS, BUCKET, SECRET, City, mark, marks, office_at, wait_until
from tests.school import BOARD_PASSPHRASE
from tests.sync.samecontent import same_content

pytestmark = pytest.mark.faults
WORDS = {"kacho": "kacho-no-aikotoba", "shuji": "shuji-no-aikotoba"}
BOTH = "".join(f"{name}\n{words}\n" for name, words in WORDS.items())


@pytest.fixture
def city(tmp_path: Path) -> Iterator[City]:
    made = City(tmp_path)
    try:
        yield made
    finally:
        made.close()


def lost(city: City) -> BoardFolder:
    """Deposit the board, lose its machine, and become the board on another one."""
    board, root = city.board, city.board.unlock(BOARD_PASSPHRASE)
    place = DepositPlace(city.cloud.config.endpoint, BUCKET, "us-east-1", ACCESS, SECRET)
    keep_deposit_place(board, place)
    for name, words in WORDS.items():
        Officers(board).add(root, name, words, KdfProfile.QUICK)
    made = make_deposit(board, root)
    keys = []
    for name in WORDS:
        medium = city.folder / name
        medium.mkdir()
        keys.append(read_officer_key(write_officer_key(board, name, medium, place, made.serial)))
    shutil.move(board.path, city.folder / "burnt")
    return recover_board(city.folder / "bare", keys[0], keys[1], WORDS.__getitem__).board


def test_a_hub_is_taken_up_and_box_and_board_go_on(city: City) -> None:
    box = city.school.site
    city.serve(box)
    city.run_hubs()
    with office_at(box) as office:
        first = mark(office, 0)
    city.until_confirmed(box)
    hub = city.hub
    wait_until(lambda: city.positions(hub) == city.positions(SitePaths(box)), "both know the same")
    wait_until(lambda: city.cloud_holds(f"{city.code}/hub/1/db"), "the hub's replica")
    city.stop("hubs")
    bare = lost(city)
    with pytest.raises(HubMissingError):
        open_hub(bare, city.code)
    base = ("board", "--board", bare.path)
    done = city.run(*base, "take-up", city.code, "--passphrase-stdin", stdin=BOTH)
    assert done.returncode == 0, done.stderr
    again = city.run(*base, "take-up", city.code, "--passphrase-stdin", stdin=BOTH)
    assert again.returncode != 0 and "take" not in again.stdout
    with office_at(box) as office:
        second = mark(office, 1)
    city.start("hubs", *base, "run")
    city.until_confirmed(box)
    taken = open_hub(bare, city.code).paths
    wait_until(lambda: city.positions(taken) == city.positions(SitePaths(box)), "both know the same again")
    assert same_content(taken.store, SitePaths(box).store)
    with office_at(box) as office:
        assert {first, second} <= set(marks(office))
    replaced = city.folder / "next"
    done = city.run(*base, "replace", city.code, "--site", replaced, "--passphrase-stdin", stdin=BOTH)
    assert done.returncode == 0, done.stderr
    words = dict(line.split("\t") for line in (city.folder / "next.slips").read_text("utf-8").splitlines())
    city.serve(replaced)
    with office_at(replaced, "sato", words["sato"]) as office:
        assert {first, second} <= set(marks(office))
        mark(office, 2)
    city.until_confirmed(replaced)
