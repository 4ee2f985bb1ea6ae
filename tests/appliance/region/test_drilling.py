"""Drills of a region: workers are killed in the middle, and every school is in the record once."""

import contextlib
import http.client
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from appliance.board.drills import RECORD, Drill, read_drills, standings
from appliance.board.hubs import open_hub
from appliance.board.regional import in_region
from appliance.region.cluster import Certificates, OpenSchedulerError, SchedulerAwayError, Where, cluster_at
from appliance.region.drilling import drill_region
from appliance.region.strictclient import strict_client
from sync.linecut import LineCut
from tests.appliance.region.city import City, make_city, replicate
from tests.appliance.test_cli import run
from tests.sync.cloud import cloud_at, wait_until

SCHOOLS = 12


@pytest.fixture(scope="module")
def cut_off(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[City, LineCut]]:
    """Twelve schools with replicas behind a line, and a board that cannot open its own root."""
    folder = tmp_path_factory.mktemp("city")
    with cloud_at(folder) as cloud:
        city = make_city(folder, cloud.config, SCHOOLS)
        replicate(city, folder / "litestream")
        for key in ("root.sealed", "pepper"):
            (city.board.path / key).unlink()
        yield city, cloud.line


@pytest.fixture
def line(cut_off: tuple[City, LineCut]) -> LineCut:
    return cut_off[1]


@pytest.fixture
def clean(cut_off: tuple[City, LineCut]) -> City:
    """The city with an empty record."""
    city, _ = cut_off
    (city.board.path / RECORD).unlink(missing_ok=True)
    return city


def in_hand(scratch: Path) -> set[Path]:
    """Return the folders of drills that hang: there before and after a while in which one would have ended."""
    before = set(scratch.rglob("kurabako-drill-*"))
    time.sleep(0.5)
    return before & set(scratch.rglob("kurabako-drill-*"))


@pytest.mark.faults
@pytest.mark.usefixtures("workers_die")
def test_workers_are_killed_in_mid_drill_and_no_school_is_missed_or_counted_twice(
    clean: City, line: LineCut, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    chance, killed, told = random.Random(7), set[int](), list[Drill]()
    with cluster_at(Where(workers=2)) as cluster:
        for drill in drill_region(clean.board, clean.board.schools, cluster, full=False):
            told.append(drill)
            if len(told) == 2:
                line.hang()
                wait_until(lambda: len(in_hand(tmp_path)) == 2, "both workers are in the middle of a drill")
                for pid in cluster.pids:
                    killed.add(pid)
                    os.kill(pid, signal.SIGKILL)
                line.mend()
            if len(told) == 6:
                pid = chance.choice(cluster.pids)
                killed.add(pid)
                os.kill(pid, signal.SIGKILL)
        assert len(killed) == 3 and not killed & set(cluster.pids), "others took over"
    record = read_drills(clean.board)
    assert Counter(drill.school for drill in record) == Counter(clean.board.schools)
    assert record == told and all(drill.passed and drill.changes > 0 for drill in record), record
    assert all(standing.good(standing.last.at_ms, 1) for standing in standings(clean.board) if standing.last)
    seen = {file.name.partition(".")[0] for file in (clean.board.path / "schools").glob("*.seen.json")}
    assert seen == set(clean.board.schools), "what was proven is remembered here"
    assert not list(tmp_path.rglob("school.db")), "nothing that was restored stays behind"


def test_the_command_drills_on_workers_and_alarms_for_what_fails(clean: City) -> None:
    broken = clean.board.schools[3]
    file = clean.board.path / "schools" / f"{broken}.toml"
    whole = file.read_text("utf-8")
    file.write_text("not = [toml", "utf-8")
    try:
        told = run("board", "--board", clean.board.path, "drill", "--all", "--workers", 2, "--json")
    finally:
        file.write_text(whole, "utf-8")
    assert told.code == 3 and [line.split()[:2] for line in told.err.splitlines()] == [["通報", broken]]
    rows = msgspec.json.decode(told.out)["drills"]
    assert {row["school"]: row["passed"] for row in rows} == {
        school: school != broken for school in clean.board.schools
    }
    assert len(read_drills(clean.board)) == SCHOOLS


def test_a_scheduler_is_reached_with_certificates_or_not_at_all(clean: City, tmp_path: Path) -> None:
    here = clean.board.path
    for address in ("tcp://127.0.0.1:9", "tls://127.0.0.1:9"):
        told = run("board", "--board", here, "drill", "--all", "--scheduler", address)
        assert (told.code, told.error()) == (2, "APP-691")
    both = run("board", "--board", here, "drill", "--all", "--scheduler", "tls://h:1", "--workers", 2)
    assert both.code == 2 and read_drills(clean.board) == []
    files = Certificates(*(tmp_path / name for name in ("ca", "cert", "key")))
    with pytest.raises(OpenSchedulerError), cluster_at(Where(address="tcp://127.0.0.1:9", certificates=files)):
        pass
    with pytest.raises(SchedulerAwayError), cluster_at(Where(address="tls://127.0.0.1:9", certificates=files)):
        pass


def listening(pid: int) -> set[int]:
    """Return the TCP ports of IPv4 that a process listens on."""
    own = {os.readlink(file) for file in Path(f"/proc/{pid}/fd").iterdir() if file.is_symlink()}
    rows = [line.split() for line in Path(f"/proc/{pid}/net/tcp").read_text("ascii").splitlines()[1:]]
    return {int(row[1].split(":")[1], 16) for row in rows if row[3] == "0A" and f"socket:[{row[9]}]" in own}


def test_nobody_else_on_this_machine_may_speak_to_the_scheduler() -> None:
    with cluster_at(Where(workers=1)) as cluster:
        address = cluster.address
        assert address.startswith("tls://127.0.0.1:")
        for at in (address, address.replace("tls", "tcp")):
            with pytest.raises((OSError, TypeError, RuntimeError)):
                strict_client()(at, timeout=2, set_as_default=False)
        assert cluster.pids, "and whoever has them still may"
        ports = {port for pid in (os.getpid(), *cluster.pids) for port in listening(pid)}
        for port in ports:
            with contextlib.suppress(OSError, http.client.HTTPException):
                line = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
                with contextlib.closing(line):
                    line.request("GET", "/info/main/workers.html")
                    assert line.getresponse().status in (400, 404), "no page tells anything"
        assert 8787 not in ports


def test_what_a_task_carries_shows_no_key_pair_when_it_is_logged(clean: City) -> None:
    from appliance.board.drills import errand_for

    secret = clean.board.place(clean.board.schools[0]).secret_key
    assert secret not in repr(errand_for(clean.board, clean.board.schools[0], full=False))


def test_hubs_are_not_shared_among_workers_over_a_store_without_conditions(clean: City) -> None:
    words = ("board", "--board", str(clean.board.path), "run", "--workers", "1")
    command = [sys.executable, "-m", "appliance.cli", *words]
    environment = os.environ | {"KURABAKO_LANG": "en"}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as region:
        assert region.stderr is not None
        told = next((line for line in region.stderr if "SYNC-057" in line), "")
        region.terminate()
        assert region.wait(60) == 0
    assert told.startswith(f"kurabako: {clean.board.schools[0]}") and "If-None-Match" in told
    assert not any(in_region(open_hub(clean.board, school).paths) for school in clean.board.schools)
