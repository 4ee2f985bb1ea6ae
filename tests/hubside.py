"""The board's side of a made school, without a line: its hub writes, and both logs are merged hand to hand."""

import contextlib
from collections.abc import Iterator
from datetime import date

from appliance.board.hubs import board_office, open_hub
from appliance.board.keeping import SiteKeeper
from appliance.office import Office
from appliance.policy import writing_rules
from appliance.site import SiteFolder
from sync.client import KeeperClient
from sync.merge import Merger, copy_log
from sync.reader import Reader
from tests.school import School


def hub(school: School) -> SiteFolder:
    return open_hub(school.board, school.made.code)


@contextlib.contextmanager
def as_board(school: School) -> Iterator[Office]:
    """Open the board's office at the hub; what it enters is at the hub only until `to_box`."""
    with board_office(hub(school), school.root) as office:
        yield office


def to_hub(school: School) -> int:
    """Merge what the box has into the hub."""
    at_hub = hub(school)
    with (
        SiteKeeper(at_hub.paths) as client,
        contextlib.closing(Reader(at_hub.paths.store)) as there,
        contextlib.closing(Reader(school.paths.store)) as here,
    ):
        return copy_log(here, here.origin, Merger(there, client, school.board.root, writing_rules()))


def to_box(school: School) -> int:
    """Merge what the hub has into the box, by the box's own keeper."""
    with (
        contextlib.closing(KeeperClient(school.paths.socket)) as client,
        contextlib.closing(Reader(hub(school).paths.store)) as there,
        contextlib.closing(Reader(school.paths.store)) as here,
    ):
        return copy_log(there, there.origin, Merger(here, client, school.board.root, writing_rules()))


def both_mark(school: School, place: int, on: date, row: int = 0) -> tuple[str, str]:
    """Let a teacher and the board mark one pupil without knowing of each other; return class and pupil."""
    to_hub(school)
    office = school.office("sato")
    class_id = office.attendance.classes(on)[place].class_id
    pupil = office.attendance.day(class_id, on).rows[row].pupil_id
    office.attendance.mark(class_id, on, pupil, "late")
    office.logout()
    with as_board(school) as board:
        board.attendance.mark(class_id, on, pupil, "sick", reason="発熱")
    to_box(school)
    return class_id, pupil
