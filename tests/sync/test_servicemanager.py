"""What the service manager is told, at a real socket of its kind, and that none there matters to nobody."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sync.servicemanager import Pulse, leaving, serving
from tests.sync.site import TestSite


@contextlib.contextmanager
def manager(path: str) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(path)
        listening.settimeout(20)
        yield listening


def heard(listening: socket.socket) -> str:
    return listening.recv(200).decode()


def test_both_kinds_of_address_are_reached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"kurabako-test-{os.getpid()}"
    for path, told in ((str(tmp_path / "notify"), str(tmp_path / "notify")), (f"\0{name}", f"@{name}")):
        with manager(path) as listening:
            monkeypatch.setenv("NOTIFY_SOCKET", told)
            serving()
            leaving()
            assert [heard(listening), heard(listening)] == ["READY=1", "STOPPING=1"]


@pytest.mark.parametrize("where", ["", "/no/such/socket", "vsock:2:1", "@no-such-socket"])
def test_without_anybody_there_nothing_happens(monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", where)
    monkeypatch.setenv("WATCHDOG_USEC", "1000")
    serving()
    Pulse().beat()
    leaving()


@pytest.mark.parametrize(("watched", "pid"), [("0", ""), ("not a number", ""), ("1000", "1")])
def test_who_is_not_watched_tells_no_watchdog(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, watched: str, pid: str
) -> None:
    with manager(str(tmp_path / "notify")) as listening:
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        monkeypatch.setenv("WATCHDOG_USEC", watched)
        monkeypatch.setenv("WATCHDOG_PID", pid or str(os.getpid()))
        Pulse().beat()
        serving()
        assert heard(listening) == "READY=1"


def test_a_keeper_tells_that_it_serves_lives_and_leaves(site: TestSite, tmp_path: Path) -> None:
    site.stop_keeper()
    with manager(str(tmp_path / "notify")) as listening:
        env = {**os.environ, "NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "400000"}
        command = [sys.executable, "-m", "sync.keeper", str(site.paths.root)]
        with subprocess.Popen(command, env=env) as keeper:
            assert heard(listening) == "READY=1" and site.paths.socket.exists()
            assert [heard(listening), heard(listening)] == ["WATCHDOG=1", "WATCHDOG=1"]
            keeper.send_signal(signal.SIGTERM)
            told = heard(listening)
            while told == "WATCHDOG=1":
                told = heard(listening)
            assert told == "STOPPING=1" and keeper.wait(20) == 0
