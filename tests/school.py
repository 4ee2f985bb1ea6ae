"""A whole enrolled school with a real keeper, made once for the tests of a run."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import msgspec

from appliance.board.enrolment import NewSchool, enrol_school
from appliance.board.folder import BoardFolder, ReplicaPlace, init_board
from appliance.config import StoreSection
from appliance.demo.agenda import demo_agenda
from appliance.generator.school import MadeSchool, make_school
from appliance.generator.writer import write_school
from appliance.login import login
from appliance.office import Office
from appliance.people import StaffMember
from crypto.identity import Identity, KdfProfile
from crypto.secret import Secret
from sync.client import KeeperClient
from sync.keeperchild import KeeperChild
from sync.site import SitePaths

PASSPHRASE = "tests-only-passphrase"
BOARD_PASSPHRASE = "tests-only-board-passphrase"
SCHOOL_DAY = date(2026, 11, 24)
STAFF = (
    ("kocho", "髙橋 誠", "principal"),
    ("kyoto", "田中 望", "vice_principal"),
    ("sato", "佐藤 葵", "teacher"),
    ("suzuki", "鈴木 航", "teacher"),
    ("jimu", "齋藤 久美子", "clerk"),
    ("shien", "森 遥", "assistant"),
)


@dataclass
class School:
    """Board, site and keeper of a school."""

    folder: Path
    made: MadeSchool
    board: BoardFolder
    root: Identity
    keeper: KeeperChild

    @property
    def site(self) -> Path:
        return self.folder / "site"

    @property
    def paths(self) -> SitePaths:
        return SitePaths(self.site)

    @property
    def zip(self) -> Path:
        return self.folder / "roster.zip"

    def office(self, name: str = "sato") -> Office:
        return login(self.site, name, PASSPHRASE)

    @contextlib.contextmanager
    def opened(self, name: str = "sato") -> Iterator[Office]:
        """Log in for a while."""
        office = self.office(name)
        try:
            yield office
        finally:
            office.logout()

    def close(self) -> None:
        self.keeper.stop(10)


def enrol(folder: Path, seed: int = 3, *, endpoint: str = "http://127.0.0.1:9", imported: bool = True) -> School:
    """Make a board, enrol a school, start its keeper and import its roster."""
    made = make_school(seed, 2026)
    board = init_board(folder / "board", "試験市教育委員会", BOARD_PASSPHRASE, KdfProfile.QUICK)
    root = board.unlock(BOARD_PASSPHRASE)
    place = ReplicaPlace(made.code, made.name, endpoint, "tests", "us-east-1", "access", "secret-secret")
    staff = [StaffMember(name, shown, (role,), Secret(PASSPHRASE.encode())) for name, shown, role in STAFF]
    new = NewSchool(made.code, made.name, place, StoreSection(endpoint, "tests"))
    paths = enrol_school(board, root, new, staff, folder / "site", KdfProfile.QUICK)
    keeper = KeeperChild(paths)
    keeper.start()
    client = KeeperClient(paths.socket)
    client.hello()
    client.close()
    school = School(folder, made, board, root, keeper)
    write_school(made, school.zip)
    if imported:
        fill(school)
    return school


def open_days(school: School) -> None:
    """See that today is a school day, also on a Sunday, and tomorrow too, when a test runs into it.

    For tests of a command: their clock is this machine's.
    """
    office = school.office("kocho")
    today = office.today()
    for on in (today, today + timedelta(days=1)):
        year = office.calendar.year(on)
        office.calendar.keep(msgspec.structs.replace(year, extra_days=(*year.extra_days, on)))
    office.logout()


def fill(school: School) -> None:
    """Import the roster and keep a meeting."""
    office = school.office("jimu")
    office.roster.commit(office.roster.plan(school.zip))
    meeting, items = demo_agenda(SCHOOL_DAY)
    office.meetings.add(meeting, items)
    office.logout()
