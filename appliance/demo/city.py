"""A demo city with one school, everything embedded: object store, a line that can be cut, board, site, people.

Invariant: the school's data goes through the same enrolment and the same importer as any school's; the folder can
be used again, and whatever is started is stopped with this process.
"""

import contextlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec

from appliance.board.enrolment import NewSchool, enrol_school
from appliance.board.folder import BoardFolder, ReplicaPlace, init_board, open_board
from appliance.board.hubs import hub_path
from appliance.config import StoreSection, load_config, write_config
from appliance.credentials import StoreKey
from appliance.demo.agenda import demo_agenda
from appliance.generator.school import make_school
from appliance.generator.writer import write_school
from appliance.login import login
from appliance.office import Office
from appliance.people import StaffMember
from appliance.schooldays import school_year_of
from appliance.session import JST
from crypto.identity import Identity
from crypto.secret import Secret
from sync.atomic import atomic_write
from sync.clock import wall_ms
from sync.embedded import EmbeddedStore
from sync.errors import SecondKeeperError
from sync.keeperlock import keeper_pid, take_lock
from sync.linecut import LineCut
from sync.programs import start_child, stop_child
from sync.reader import Reader
from sync.site import SitePaths
from sync.status import LinkState, Status, read_status
from sync.storerights import PrefixKey

PASSPHRASE: Final = "kurabako-demo-1"  # noqa: S105 - printed by the demo; it guards nothing
BOARD_PASSPHRASE: Final = "kurabako-board-1"  # noqa: S105 - likewise
STAFF: Final = (
    ("kocho", "髙橋 誠", "principal"),
    ("kyoto", "𠮷村 恵子", "vice_principal"),
    ("sato", "佐藤 葵", "teacher"),
    ("suzuki", "鈴木 航", "teacher"),
    ("hoken", "渡邊 真理", "nurse"),
    ("jimu", "齋藤 久美子", "clerk"),
)
_SEED: Final = 7
_BUCKET: Final = "kurabako-demo"
_STOPPING_S: Final = 30.0
_DONE: Final = "ready-3"  # 2: with a hub; 3: with a key pair for every prefix
_KEYS: Final = "store-keys.json"
_ACCESS, _SECRET = "kurabako-demo", "loopback-only-secret"
Say = Callable[[str], None]


class _Issued(msgspec.Struct, frozen=True):
    access_key: str
    secret_key: str
    prefix: str
    library: str


class DemoCity:
    """The folder of a demo and the processes over it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.site = self.folder / "site"
        self._cloud = EmbeddedStore(
            self.folder / "cloud" / "store",
            _ACCESS,
            Secret(_SECRET.encode()),
            _BUCKET,
            fenced=True,
            keys=self._issued(),
        )
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self.line: LineCut | None = None

    @property
    def paths(self) -> SitePaths:
        """Return the site's files."""
        return SitePaths(self.site)

    @property
    def board(self) -> BoardFolder:
        """Return the board's folder."""
        return open_board(self.folder / "board")

    @property
    def made(self) -> bool:
        """Say whether the folder holds a finished demo."""
        return (self.folder / _DONE).exists()

    def unlock(self) -> Identity:
        """Open the board's root identity."""
        return self.board.unlock(BOARD_PASSPHRASE)

    def start(self) -> None:
        """Start the object store, the line and the site; the demo must be made."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._cloud.start()
        self.line = LineCut("127.0.0.1", self._cloud.port)
        if self.made:
            self._point()
            self._start_hubs()
            self.start_site(self.site)

    def make(self, say: Say) -> None:
        """Make board, school, people and roster; call after `start`."""
        assert self.line is not None  # noqa: S101 - start() came first
        for part in ("site", "board"):
            shutil.rmtree(self.folder / part, ignore_errors=True)
        year = school_year_of(datetime.fromtimestamp(wall_ms() / 1000, JST).date())
        school = make_school(_SEED, year)
        write_school(school, self.folder / "roster.zip")
        say(f"名簿を作りました: {school.name}（{school.code}）")
        board = init_board(self.folder / "board", "多良川市教育委員会", BOARD_PASSPHRASE)
        root = board.unlock(BOARD_PASSPHRASE)
        place = ReplicaPlace(
            school.code, school.name, self._cloud.config.endpoint, _BUCKET, "us-east-1", _ACCESS, _SECRET
        )
        store = StoreSection(self._cloud.config.endpoint, _BUCKET, connect=self.line.endpoint)
        new = NewSchool(school.code, school.name, place, store, key=self.issue(f"{school.code}/box/1"))
        staff = [StaffMember(name, shown, (role,), Secret(PASSPHRASE.encode())) for name, shown, role in STAFF]
        enrol_school(board, root, new, staff, self.site)
        say(f"学校を登録しました: 職員{len(staff)}名の鍵、署名入りの利用者名簿、教育委員会のハブ")
        self._start_hubs()
        self.start_site(self.site)
        self._fill(say)
        (self.folder / _DONE).write_text("")

    def issue(self, prefix: str) -> StoreKey:
        """Return a key pair of the object store that writes below `prefix` only."""
        key = self._cloud.issue(prefix)
        kept = [
            _Issued(k.access_key, k.secret_key.reveal().decode(), k.prefix, k.library) for k in self._cloud.keys
        ]
        atomic_write(self.folder / _KEYS, msgspec.json.encode(kept))
        return StoreKey(key.access_key, key.secret_key)

    def _issued(self) -> list[PrefixKey]:
        try:
            kept = msgspec.json.decode((self.folder / _KEYS).read_bytes(), type=list[_Issued])
        except FileNotFoundError:
            return []
        return [PrefixKey(k.access_key, Secret(k.secret_key.encode()), k.prefix, k.library) for k in kept]

    def office(self, name: str) -> Office:
        """Log somebody in."""
        return login(self.site, name, PASSPHRASE)

    def open_today(self) -> None:
        """See that today is a school day at the demo school, also on a Sunday."""
        office = self.office("kocho")
        try:
            today = office.today()
            year = office.calendar.year(today)
            if not office.home().school_day:
                office.calendar.keep(msgspec.structs.replace(year, extra_days=(*year.extra_days, today)))
            if not office.home().meetings:
                meeting, items = demo_agenda(today)
                office.meetings.add(meeting, items)
        finally:
            office.logout()

    def status(self, site: Path | None = None) -> Status | None:
        """Return what the daemon of a site (by default the school's first box) knows."""
        return read_status(SitePaths(site) if site else self.paths)

    def keeper_pid(self) -> int | None:
        """Return the keeper's process id while it runs."""
        return keeper_pid(self.paths)

    def serving_pid(self) -> int | None:
        """Return the process id of `kurabako serve` for the school's first box while it runs."""
        running = self._running.get(self.site.name)
        return running.pid if running else None

    def wait(self, wanted: Callable[[Status], bool], timeout_s: float, site: Path | None = None) -> Status:
        """Wait for a status; raises TimeoutError."""
        deadline = time.monotonic() + timeout_s
        while True:
            status = self.status(site)
            if status is not None and wanted(status):
                return status
            if time.monotonic() > deadline:
                raise TimeoutError(str(status))
            time.sleep(0.1)

    def wait_confirmed(self, site: Path) -> Status:
        """Wait until the board vouches for everything that the site has in its own log by now."""
        with contextlib.closing(Reader(SitePaths(site).store)) as reader:
            seq = reader.position().seq
        return self.wait(lambda status: (status.confirmed or 0) >= seq, 120, site)

    def start_site(self, site: Path, wanted: Callable[[Status], bool] | None = None) -> None:
        """Serve a site and wait for a status of it, by default until it has sent something.

        One that is still stopping is waited for; raises SecondKeeperError for one that runs.
        """
        _wait_until_free(SitePaths(site))
        self._start(site.name, "serve", str(site))
        self.wait(wanted or (lambda status: status.link is LinkState.ONLINE and status.sent > 0), 60, site)

    def stop_site(self, site: Path) -> None:
        """Stop serving a site."""
        stop_child(self._running.pop(site.name, None), 30.0)

    def stop(self) -> None:
        """Stop everything."""
        for name in list(self._running):
            stop_child(self._running.pop(name), 30.0)
        if self.line is not None:
            self.line.close()
        self._cloud.stop()

    def _fill(self, say: Say) -> None:
        clerk = self.office("jimu")
        try:
            plan = clerk.roster.plan(self.folder / "roster.zip")
            clerk.roster.commit(plan)
            say(f"名簿を取り込みました: {len(plan.class_counts)}学級 {sum(c.pupils for c in plan.class_counts)}名")
        finally:
            clerk.logout()
        self.open_today()

    def _point(self) -> None:
        """Ports change from run to run: tell box, hub and board where the store is now."""
        assert self.line is not None  # noqa: S101 - start() came first
        endpoint, school = self._cloud.config.endpoint, load_config(self.site).site.school
        for site, connect in ((self.site, self.line.endpoint), (hub_path(self.board, school), "")):
            config = load_config(site)
            store = msgspec.structs.replace(config.store, endpoint=endpoint, connect=connect)
            write_config(site, msgspec.structs.replace(config, store=store))
        self.board.keep_place(msgspec.structs.replace(self.board.place(school), endpoint=endpoint))

    def _start_hubs(self) -> None:
        self._start("hubs", "board", "--board", str(self.folder / "board"), "run")

    def _start(self, name: str, *words: str) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            self._running[name] = start_child([sys.executable, "-m", "appliance.cli", *words], None, log)


def _wait_until_free(paths: SitePaths) -> None:
    end = time.monotonic() + _STOPPING_S
    while paths.run.exists():
        try:
            os.close(take_lock(paths))
            return
        except SecondKeeperError:
            if time.monotonic() > end:
                raise
            time.sleep(0.2)
