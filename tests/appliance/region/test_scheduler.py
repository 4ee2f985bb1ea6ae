"""A Dask cluster that is there already, in processes of its own: drills and hubs over it, and a worker lost."""

import contextlib
import gc
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from distributed import Client

from appliance.board.drills import read_drills
from appliance.region.cluster import Certificates, SchedulerAwayError, Where, cluster_at
from sync.ports import hold_port, number_of
from tests.appliance.region.city import City, all_confirmed, boxes_of, make_city, replicate, running_at
from tests.appliance.test_cli import run
from tests.sync.cloud import wait_until
from tests.sync.servers import moto, wait_for

DASK = Path(sys.executable).with_name("dask")


def certificates(folder: Path, name: str) -> Certificates:
    """Make a certificate that is signed by itself, for both ends."""
    key, cert = folder / f"{name}.key", folder / f"{name}.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
        + ["-subj", "/CN=region", "-addext", "subjectAltName=IP:127.0.0.1"]
        + ["-keyout", str(key), "-out", str(cert)],
        check=True,
        capture_output=True,
    )
    return Certificates(cert, cert, key)


@contextlib.contextmanager
def started(words: list[str], files: Certificates, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    tls = ["--tls-ca-file", str(files.ca), "--tls-cert", str(files.cert), "--tls-key", str(files.key)]
    with log.open("wb") as told, subprocess.Popen([DASK, *words, *tls], stdout=told, stderr=told) as child:
        try:
            yield child
        finally:
            child.kill()


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return certificates(tmp_path_factory.mktemp("tls"), "board")


@pytest.fixture
def scheduler(files: Certificates, tmp_path: Path) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """A scheduler's address, and the processes of its two workers."""
    held = hold_port()
    port = number_of(held)
    address = f"tls://127.0.0.1:{port}"
    begin = ["scheduler", "--host", "127.0.0.1", "--protocol", "tls", "--port", str(port), "--no-dashboard"]
    with contextlib.ExitStack() as after:
        after.enter_context(held)
        after.enter_context(started(begin, files, tmp_path / "scheduler.log"))
        wait_for(port)
        workers = []
        for number in range(2):
            words = ["worker", address, "--nthreads", "1", "--no-nanny", "--no-dashboard"]
            words += ["--local-directory", str(tmp_path / f"worker{number}")]
            workers.append(after.enter_context(started(words, files, tmp_path / f"worker{number}.log")))
        yield address, workers


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    folder = tmp_path_factory.mktemp("city")
    with moto(folder) as store:
        made = make_city(folder, store, 4)
        replicate(made, folder / "litestream")
        yield made


@pytest.mark.faults
@pytest.mark.usefixtures("workers_die")
def test_schools_are_worked_on_by_a_cluster_elsewhere_and_one_of_its_workers_is_lost(
    city: City, scheduler: tuple[str, list[subprocess.Popen[bytes]]], files: Certificates
) -> None:
    address, workers = scheduler
    where = Where(address=address, certificates=files)
    with cluster_at(where) as cluster:
        wait_until(lambda: len(cluster.pids) == 2, "both workers are there")
        assert set(cluster.pids) == {worker.pid for worker in workers}
    tls = ("--tls-ca", files.ca, "--tls-cert", files.cert, "--tls-key", files.key)
    told = run("board", "--board", city.board.path, "drill", "--all", "--scheduler", address, *tls, "--json")
    assert told.code == 0, told.err
    assert all(row["passed"] for row in msgspec.json.decode(told.out)["drills"])
    assert Counter(drill.school for drill in read_drills(city.board)) == Counter(city.board.schools)
    with boxes_of(city) as boxes, running_at(city, where) as (region, _):
        wait_until(lambda: len(region.wards) == 4 and all_confirmed(boxes), "all hubs are with the region")
        os.kill(workers[0].pid, signal.SIGKILL)
        for box in boxes.values():
            box.enter()
        wait_until(lambda: all_confirmed(boxes), "the other worker does it all")
        wait_until(lambda: {ward.code for ward in region.wards.values()} == {""}, "and is in nobody's way")


def test_somebody_with_another_certificate_may_not_speak_to_it(
    scheduler: tuple[str, list[subprocess.Popen[bytes]]], tmp_path: Path
) -> None:
    strange = certificates(tmp_path, "strange")
    with (
        pytest.raises(SchedulerAwayError),
        cluster_at(Where(address=scheduler[0], certificates=strange)),
    ):
        pass


def test_a_client_that_did_not_start_is_closed_at_once(files: Certificates) -> None:
    where = Where(address="tls://nowhere:x", certificates=files)
    with pytest.raises(SchedulerAwayError), cluster_at(where):
        pass
    assert {client.status for client in gc.get_objects() if isinstance(client, Client)} <= {"closed"}
