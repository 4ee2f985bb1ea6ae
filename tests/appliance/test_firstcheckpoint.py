"""A box's first checkpoint, made before it had heard of the board's hub, holds when the hub's work comes."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.credentials import read_site_key
from sync.client import KeeperClient
from sync.reader import Reader
from sync.sitevoice import SiteVoice
from sync.verify import verify_store
from tests.hubside import as_board, hub, to_box, to_hub
from tests.school import SCHOOL_DAY, School, enrol


@pytest.fixture
def school(tmp_path: Path) -> Iterator[School]:
    made = enrol(tmp_path / "school", seed=72)
    yield made
    made.close()


def test_what_came_from_an_origin_that_a_checkpoint_did_not_know_is_no_contradiction(school: School) -> None:
    to_hub(school)
    with (
        contextlib.closing(Reader(school.paths.store)) as reader,
        contextlib.closing(KeeperClient(school.paths.socket)) as client,
    ):
        SiteVoice(reader, client, read_site_key(school.site)).checkpoint()
        assert hub(school).root == school.board.root and len(reader.origins()) == 1
    verify_store(school.paths.store, school.board.root, school.made.code)
    with as_board(school) as office:
        view = office.attendance.classes(SCHOOL_DAY)[0]
        row = office.attendance.day(view.class_id, SCHOOL_DAY).rows[0]
        office.attendance.mark(view.class_id, SCHOOL_DAY, row.pupil_id, "late")
    to_box(school)
    proven = verify_store(school.paths.store, school.board.root, school.made.code)
    assert proven.checkpoint_seq and proven.others[0][1] > 0
