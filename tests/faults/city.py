"""A city in small: object store, the board with its running hubs, one school's box behind a line that can be cut.

Everything is started by the real commands; a person at the screen is an office of this process.
"""

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from appliance.attendance.records import Mark
from appliance.board.folder import BoardFolder
from appliance.board.hubs import open_hub
from appliance.config import load_config, write_config
from appliance.login import login
from appliance.office import Office
from crypto.secret import Secret
from sync.embedded import EmbeddedStore
from sync.linecut import LineCut
from sync.objectstore import ObjectStore
from sync.programs import stop_child
from sync.reader import Reader
from sync.site import SitePaths
from sync.status import Status, read_status
from tests.school import BOARD_PASSPHRASE, PASSPHRASE, SCHOOL_DAY, School, enrol

PATIENCE_S = 180
BUCKET, ACCESS, SECRET = "tests", "access", "secret-secret"  # as tests.school enrols


def wait_until(true: Callable[[], object], what: str = "") -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < deadline, f"waited in vain: {what}"
        time.sleep(0.05)


class City:
    """The whole of it in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.cloud = EmbeddedStore(folder / "cloud" / "store", ACCESS, Secret(SECRET.encode()), BUCKET)
        self.cloud.start()
        self.line = LineCut("127.0.0.1", self.cloud.port)
        self.school: School = enrol(folder, seed=61, endpoint=self.cloud.config.endpoint)
        self.school.close()
        self.point(self.school.site)
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    @property
    def board(self) -> BoardFolder:
        return self.school.board

    @property
    def code(self) -> str:
        return self.school.made.code

    @property
    def hub(self) -> SitePaths:
        return open_hub(self.board, self.code).paths

    def point(self, site: Path) -> None:
        """Let a site reach the store over the line."""
        config = load_config(site)
        store = msgspec.structs.replace(config.store, connect=self.line.endpoint)
        write_config(site, msgspec.structs.replace(config, store=store))

    def start(self, name: str, *words: object) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            command = [sys.executable, "-m", "appliance.cli", *map(str, words)]
            self.processes[name] = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def serve(self, site: Path) -> None:
        self.start(site.name, "serve", site)

    def run_hubs(self) -> None:
        self.start("hubs", "board", "--board", self.board.path, "run")

    def stop(self, name: str) -> None:
        stop_child(self.processes.pop(name, None), 30.0)

    def run(
        self, *words: object, stdin: str = "", timeout_s: float = PATIENCE_S
    ) -> "subprocess.CompletedProcess[str]":
        env = {
            name: value for name, value in os.environ.items() if not name.startswith(("LC_", "LANG", "KURABAKO_"))
        }
        command = [sys.executable, "-m", "appliance.cli", *map(str, words)]
        return subprocess.run(
            command, env=env, input=stdin, capture_output=True, encoding="utf-8", timeout=timeout_s
        )

    def as_board(self, *words: object) -> "subprocess.CompletedProcess[str]":
        return self.run("board", "--board", self.board.path, *words, stdin=f"{BOARD_PASSPHRASE}\n")

    def told(self, site: Path) -> Status | None:
        return read_status(SitePaths(site))

    def until(self, site: Path, true: Callable[[Status], bool], what: str = "") -> None:
        wait_until(lambda: (status := self.told(site)) is not None and true(status), f"{what}: {self.told(site)}")

    def until_confirmed(self, site: Path) -> None:
        """Wait until the board vouches for what stands in the site's own log now, and the replica has it too."""
        with contextlib.closing(Reader(SitePaths(site).store)) as reader:
            saved = reader.position().seq
        self.until(site, lambda status: min(status.confirmed or 0, status.sent) >= saved, f"confirmed {saved}")

    def positions(self, site: SitePaths) -> dict[str, int]:
        with contextlib.closing(Reader(site.store)) as reader:
            return {origin.prefix: reader.position(origin).seq for origin in reader.origins()}

    def conflicts(self, site: SitePaths) -> int:
        """Return how many marks have more than one head."""
        with contextlib.closing(Reader(site.store)) as reader:
            rows = reader.rows(f"SELECT count(*) FROM head WHERE kind = '{Mark.kind}' GROUP BY record")
            return sum(count > 1 for (count,) in rows)

    def cloud_holds(self, prefix: str) -> bool:
        """Say whether anything is stored under a prefix."""
        return bool(ObjectStore(self.cloud.config).sizes(prefix))

    def close(self) -> None:
        for name in list(self.processes):
            self.stop(name)
        self.line.close()
        self.cloud.stop()


@contextlib.contextmanager
def office_at(site: Path, name: str = "sato", passphrase: str = PASSPHRASE) -> Iterator[Office]:
    office = login(site, name, passphrase)
    try:
        yield office
    finally:
        office.logout()


def mark(office: Office, number: int, code: str = "sick") -> str:
    """Mark the pupil in a row of the first class; return the name."""
    class_id = office.attendance.classes(SCHOOL_DAY)[0].class_id
    row = office.attendance.day(class_id, SCHOOL_DAY).rows[number]
    office.attendance.mark(class_id, SCHOOL_DAY, row.pupil_id, code)
    return row.name


def marks(office: Office) -> dict[str, str]:
    """Return name → code of every mark in the first class."""
    class_id = office.attendance.classes(SCHOOL_DAY)[0].class_id
    return {row.name: row.code for row in office.attendance.day(class_id, SCHOOL_DAY).rows if row.code}


def parsed(done: "subprocess.CompletedProcess[str]") -> Any:
    return json.loads(done.stdout)
