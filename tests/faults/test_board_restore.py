"""A served school with everything embedded, restored on the board's side by the real commands."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from appliance.board.restored import store_of
from appliance.config import load_config, write_config
from appliance.generator.school import make_school
from appliance.session import JST
from sync.objectstore import ObjectStore
from sync.ports import hold_port, number_of
from sync.site import SitePaths
from sync.status import LinkState, Status, read_status
from tests.school import BOARD_PASSPHRASE, SCHOOL_DAY, School, enrol

PATIENCE_S = 180
REPORT = ["school", "epoch", "verified", "complete", "changes", "newest_change", "asked_for", "checkpoint"]
REPORT += ["signatures_checked", "completed", "complete_to", "missing", "lacking", "problem", "fell_back_to"]
REPORT += ["seconds", "store"]
pytestmark = pytest.mark.faults


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def descendants(pid: int) -> dict[str, int]:
    """Return the living processes below one, by the name of their program."""
    parents: dict[int, int] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except FileNotFoundError:
            continue
    below = {pid}
    while fresh := {child for child, parent in parents.items() if parent in below} - below:
        below |= fresh
    words = {child: Path(f"/proc/{child}/cmdline").read_bytes().decode() for child in below - {pid}}
    names = ("sync.keeper", "litestream", "rclone")
    return {name: child for child, line in words.items() for name in names if name in line.replace("\0", " ")}


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


@dataclass
class Served:
    """A school under `kurabako serve`, and what was entered there."""

    school: School
    process: "subprocess.Popen[bytes] | None" = None
    pupil: str = ""
    before: datetime | None = None

    @property
    def paths(self) -> SitePaths:
        return self.school.paths

    @property
    def code(self) -> str:
        return self.school.made.code

    def start(self) -> None:
        with (self.school.folder / "serve.log").open("ab") as log:
            command = [sys.executable, "-m", "appliance.cli", "serve", str(self.school.site)]
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def end(self, number: int) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(PATIENCE_S)

    def all_sent(self) -> None:
        def sent(status: Status | None) -> bool:
            return (
                status is not None and status.link is LinkState.ONLINE and status.saved > 0 and not status.waiting
            )

        office = self.school.office("sato")
        saved = office.light().saved
        office.logout()
        wait_until(
            lambda: sent(status := read_status(self.paths)) and status is not None and status.saved >= saved
        )

    def enter(self) -> None:
        """Keep one pupil's absence, a whole second after everything before it."""
        office = self.school.office("sato")
        view = office.attendance.classes(SCHOOL_DAY)[0]
        row = office.attendance.day(view.class_id, SCHOOL_DAY).rows[0]
        self.all_sent()
        time.sleep(1.1)
        self.before = datetime.now(JST).replace(microsecond=0)
        time.sleep(1.1)
        office.attendance.mark(view.class_id, SCHOOL_DAY, row.pupil_id, "sick", reason="発熱")
        office.logout()
        self.pupil = row.name
        self.all_sent()

    def board(self, *words: object, stdin: str = "") -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "appliance.cli", "board", "--board", str(self.school.board.path)]
        env = {
            name: value for name, value in os.environ.items() if not name.startswith(("LC_", "LANG", "KURABAKO_"))
        }
        return subprocess.run(
            [*command, *map(str, words)], env=env, input=stdin, capture_output=True, encoding="utf-8", timeout=120
        )

    def show(self, folder: Path) -> str:
        told = self.board("show", folder, "--on", SCHOOL_DAY, "--passphrase-stdin", stdin=f"{BOARD_PASSPHRASE}\n")
        assert (told.returncode, told.stderr) == (0, "")
        return told.stdout


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("served")
    held = hold_port()  # the store's place, while it is killed too
    school = enrol(folder, seed=51, endpoint=f"http://127.0.0.1:{number_of(held)}")
    school.close()
    config = load_config(school.site)
    write_config(
        school.site, msgspec.structs.replace(config, store=msgspec.structs.replace(config.store, embedded=True))
    )
    made = Served(school)
    made.start()
    try:
        made.enter()
        yield made
    finally:
        if made.process is not None and made.process.poll() is None:
            made.end(signal.SIGTERM)
        held.close()


@pytest.fixture(scope="module")
def restored(served: Served, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, object]]:
    """The school in a new folder, with the report."""
    target = tmp_path_factory.mktemp("cloud side") / "restored"
    told = served.board("restore", served.code, "--to", target, "--json")
    assert (told.returncode, told.stderr) == (0, "")
    report = json.loads(told.stdout)
    assert isinstance(report, dict)
    return target, report


def test_the_report_has_the_documented_shape(served: Served, restored: tuple[Path, dict[str, object]]) -> None:
    target, report = restored
    assert list(report) == REPORT
    expected = {"school": served.code, "epoch": 1, "verified": True, "complete": True, "asked_for": None}
    expected |= {"missing": 0, "problem": None, "fell_back_to": None, "store": str(target / "school.db")}
    expected |= {"lacking": [], "complete_to": report["newest_change"]}
    assert {name: report[name] for name in expected} == expected
    status = read_status(served.paths)
    assert status is not None and isinstance(report["changes"], int) and 2500 < report["changes"] <= status.saved
    newest = datetime.fromisoformat(str(report["newest_change"]))
    assert newest.utcoffset() == timedelta(hours=9) and served.before is not None and newest > served.before
    assert [path.name for path in target.iterdir()] == ["school.db"]


def test_the_report_is_kept_beside_the_folder_and_names_nobody(
    served: Served, restored: tuple[Path, dict[str, object]]
) -> None:
    target, report = restored
    assert json.loads(target.with_name("restored.report.json").read_text("utf-8")) == report
    words = target.with_name("restored.report.txt").read_text("utf-8")
    newest = datetime.fromisoformat(str(report["newest_change"]))
    assert f"{newest:%Y-%m-%d %H:%M:%S} までの記録が、すべてそろっています。" in words
    assert served.pupil not in words and "佐藤" not in words


def test_the_board_sees_the_entry_with_the_pupils_name(
    served: Served, restored: tuple[Path, dict[str, object]]
) -> None:
    lines = served.show(restored[0]).splitlines()
    entries = [line for line in lines if line.startswith("    ")]
    assert len(entries) == 1 and served.pupil in entries[0] and "病欠" in entries[0] and "佐藤 葵" in entries[0]
    assert len([line for line in lines if "名  " in line]) == len(served.school.made.classes)
    assert not any("発熱" in line for line in lines), "a reason is not part of the day's list"


def test_a_folder_that_is_not_empty_is_left_alone(
    served: Served, restored: tuple[Path, dict[str, object]]
) -> None:
    before = (restored[0] / "school.db").read_bytes()
    told = served.board("restore", served.code, "--to", restored[0], "--json")
    assert told.returncode == 2 and told.stdout == "" and "[SYNC-045]" in told.stderr
    assert (restored[0] / "school.db").read_bytes() == before
    kept = {restored[0].name, "restored.report.json", "restored.report.txt"}
    assert {path.name for path in restored[0].parent.iterdir()} == kept


def test_a_time_before_the_entry_brings_the_school_without_it(served: Served, tmp_path: Path) -> None:
    assert served.before is not None
    told = served.board("restore", served.code, "--to", tmp_path / "then", "--at", served.before.isoformat())
    assert (told.returncode, told.stderr) == (0, "") and f"{served.before:%Y-%m-%d %H:%M:%S} まで" in told.stdout
    assert served.pupil not in served.show(tmp_path / "then")


def test_a_time_before_there_was_a_replica_is_refused(served: Served, tmp_path: Path) -> None:
    told = served.board("restore", served.code, "--to", tmp_path / "never", "--at", "2020-04-01T08:30:00")
    assert told.returncode == 10 and "[SYNC-046]" in told.stderr and list(tmp_path.iterdir()) == []


def test_what_the_board_has_seen_and_does_not_get_back_is_told(served: Served, tmp_path: Path) -> None:
    seen = served.school.board.path / "schools" / f"{served.code}.seen.json"
    kept = seen.read_bytes() if seen.exists() else None
    status = read_status(served.paths)
    assert status is not None
    seen.write_text(json.dumps({"epoch": 1, "seq": status.saved + 1000}))
    told = served.board("restore", served.code, "--to", tmp_path / "less", "--json")
    seen.unlink() if kept is None else seen.write_bytes(kept)
    report = json.loads(told.stdout)
    assert told.returncode == 3 and report["complete"] is False and report["problem"] is None
    assert report["missing"] == status.saved + 1000 - report["changes"]
    (lack,) = report["lacking"]
    assert (lack["origin"], lack["source"], lack["held"]) == (f"{served.code}/box/1", "board", report["changes"])
    words = (tmp_path / "less.report.txt").read_text("utf-8")
    upto = f"{datetime.fromisoformat(report['complete_to']):%Y-%m-%d %H:%M:%S}"
    assert f"{upto} より後の記録が {report['missing']}件、あったと分かっていて、ここにありません。" in words


def test_the_timeline_shows_the_entrys_quarter_and_nothing_of_it(served: Served) -> None:
    assert served.before is not None
    on, end = f"{served.before:%Y-%m-%d}", time.monotonic() + 120
    while True:  # the replica follows the segments
        told = served.board("timeline", served.code, "--on", on, "--json")
        assert (told.returncode, told.stderr) == (0, "")
        shape = json.loads(told.stdout)
        if datetime.fromisoformat(shape["replicas"][0]["last"]) > served.before or time.monotonic() > end:
            break
    assert list(shape) == ["school", "on", "changes", "quarters", "events", "replicas"]
    (replica,) = shape["replicas"]
    assert replica["site"] == f"{served.code}/box/1" and replica["states"] > 1 and replica["healings"] == []
    assert datetime.fromisoformat(replica["last"]) > served.before
    assert shape["changes"] == sum(quarter["changes"] for quarter in shape["quarters"]) > 2000
    newest = max(datetime.fromisoformat(quarter["last"]) for quarter in shape["quarters"])
    assert newest > served.before and not {"gap", "damaged"} & {event["kind"] for event in shape["events"]}
    words = served.board("timeline", served.code, "--on", f"{served.before:%Y-%m-%d}")
    assert f"複製の状態 {replica['states']}点" in words.stdout
    assert words.returncode == 0 and f"{newest:%H:%M:%S}" in words.stdout and "学校の箱（1代目）" in words.stdout
    assert served.pupil not in words.stdout + told.stdout
    days = served.board("timeline", served.code, "--json")
    assert {"on": f"{served.before:%Y-%m-%d}", "changes": shape["changes"]} in json.loads(days.stdout)["days"]


def test_a_guided_restore_asks_until_it_understands_and_brings_back_the_second(
    served: Served, tmp_path: Path
) -> None:
    assert served.before is not None
    day, second = f"{served.before:%Y-%m-%d}", f"{served.before:%H:%M:%S}"
    answers = ["7", "1", "きのう", day, "25:00", day, second, str(tmp_path / "then"), "", "n"]
    told = served.board("restore", "--guided", stdin="".join(f"{answer}\n" for answer in answers))
    assert told.returncode == 0 and f"{day} {second} まで" in told.stdout
    for words in ("その学校はありません", "日付として読めません", "時刻として読めません"):
        assert told.stderr.count(words) == 1
    assert f"{day} {second} の学校です。それより後の記録は入れていません。" in told.stdout
    assert served.pupil not in served.show(tmp_path / "then")
    assert (tmp_path / "then.report.txt").exists()


def test_a_guided_restore_that_is_not_confirmed_does_nothing(served: Served, tmp_path: Path) -> None:
    answers = ["", str(tmp_path / "never"), "n"]
    told = served.board("restore", "--guided", served.code, stdin="".join(f"{answer}\n" for answer in answers))
    assert told.returncode == 130 and list(tmp_path.iterdir()) == []
    assert served.board("restore", served.code).returncode == 2
    assert served.board("restore", "--guided", "--json").returncode == 2


def test_a_drill_passes_without_any_key_and_leaves_nothing_but_its_record(served: Served) -> None:
    board = served.school.board
    keys = {name: (board.path / name).read_bytes() for name in ("root.sealed", "pepper")}
    for name in keys:
        (board.path / name).unlink()
    try:
        told = served.board("drill", "--all", "--json")
    finally:
        for name, data in keys.items():
            (board.path / name).write_bytes(data)
    assert (told.returncode, told.stderr) == (0, "")
    (row,) = json.loads(told.stdout)["drills"]
    assert row["passed"] and row["school"] == served.code and row["problem"] is None and row["missing"] == 0
    assert row["changes"] > 2500 and row["store_bytes"] > 1_000_000 and row["seconds"] > 0
    assert list((board.path / "drill").iterdir()) == []
    status = served.board("drill", "--status", "--json")
    assert status.returncode == 0 and json.loads(status.stdout)["schools"][0]["last"] == row
    words = served.board("drill", served.code)
    assert (words.returncode, words.stderr) == (0, "") and words.stdout.startswith(f"{served.code}  合格")


def test_another_schools_replica_is_not_taken_for_this_ones(served: Served, tmp_path: Path) -> None:
    other = make_school(52, 2026).code
    bucket = served.school.site / "cloud" / "store" / "tests"
    shutil.copytree(bucket / served.code, bucket / other)
    board = served.school.board
    place = msgspec.structs.replace(board.place(served.code), school=other, name="別の学校")
    board.keep_place(place)
    wait_until(lambda: bool(ObjectStore(store_of(place)).sizes(f"{other}/box/1/db")))  # rclone remembers folders
    told = served.board("restore", other, "--to", tmp_path / "wrong", "--json")
    assert told.returncode == 1 and told.stdout == "" and "[SYNC-018]" in told.stderr
    assert list(tmp_path.iterdir()) == [] and served.pupil not in told.stderr


def test_killing_serve_takes_everything_down_and_the_next_start_carries_on(served: Served) -> None:
    assert served.process is not None
    children = descendants(served.process.pid)
    assert set(children) == {"sync.keeper", "litestream", "rclone"}
    served.end(signal.SIGKILL)
    wait_until(lambda: all(gone(pid) for pid in children.values()))
    served.start()
    served.all_sent()
    office = served.school.office("suzuki")
    view = office.attendance.classes(SCHOOL_DAY)[0]
    assert office.attendance.day(view.class_id, SCHOOL_DAY).rows[0].code == "sick"
    office.logout()


def test_asking_serve_to_stop_leaves_nothing_running(served: Served) -> None:
    assert served.process is not None
    children = descendants(served.process.pid)
    assert served.end(signal.SIGTERM) == 0
    assert all(gone(pid) for pid in children.values()) and len(children) == 3
    assert not served.paths.status.exists() and not served.paths.running_mark.exists()
    assert not served.paths.reset_mark.exists()
