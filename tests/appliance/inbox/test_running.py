"""The drop folder's process as `serve` starts it: real events, real files, nobody logged in."""

import fcntl
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from appliance.inbox import running
from appliance.inbox.running import LOCK
from appliance.inbox.shielding import shield
from appliance.inbox.told import folder_of
from appliance.inbox.watcher import Watcher
from sync.keeperchild import KeeperChild
from tests.appliance.inbox.boxing import Box, in_child, until

Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start(box: Box) -> Iterator[Start]:
    started = []

    def one(what: str = "inbox") -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "appliance.cli", what, str(box.school.site)]
        env = {**os.environ, "KURABAKO_LANG": "en"}
        started.append(subprocess.Popen(command, stderr=subprocess.PIPE, encoding="utf-8", env=env))
        return started[-1]

    yield one
    for process in started:
        process.kill()
        process.communicate()


@pytest.mark.filterwarnings("ignore:Callback with id")  # watchdog's own, when folders come and go at once
def test_three_hundred_files_at_once_half_of_them_in_a_folder_moved_in(box: Box) -> None:
    woken, stop = threading.Event(), threading.Event()
    watcher, tidying = Watcher(str(box.inbox), woken), running._Tidying(box.paths)
    for number in range(150):
        box.put(f"III/{number:03}.txt", f"{number:03}".encode())
    outside = box.school.folder / "moved in"
    outside.mkdir()
    for number in range(150, 300):
        (outside / f"{number:03}.txt").write_text(f"{number:03}")
    watcher.start()
    loop = threading.Thread(target=running._loop, args=(box.worker, tidying, woken, stop.is_set))
    loop.start()
    try:
        until(lambda: box.told.at_ms > 0, "it never looked")
        outside.rename(box.inbox / "III/しおり")
        until(lambda: box.plain == [], "still there")
    finally:
        stop.set()
        loop.join()
        watcher.stop()
    box.renew()
    assert box.contents == [f"{n:03}".encode() for n in range(300)]
    assert box.told.taken == 300 and box.settle().counts == {} and box.notes == ()


def test_the_process_takes_what_arrives_while_it_runs_and_says_no_name(box: Box, start: Start) -> None:
    box.put("III/a.txt", "集合は八時二十分".encode())
    process = start()
    until(lambda: box.told.at_ms > 0, "the process never looked")
    box.put("II/b.part", b"renamed")
    os.rename(box.inbox / "II/b.part", box.inbox / "II/秘密の名前.txt")
    (box.inbox / "II/秘密の名前.pdf").symlink_to("/etc/passwd")
    box.put("II/empty.txt", b"")
    until(lambda: len(box.plain) == 2 and sum(box.told.counts.values()) == 2, f"told: {box.told}")
    assert box.contents == sorted(["集合は八時二十分".encode(), b"renamed"])
    texts = {box.book.text(version.file.blob).text.strip() for version in box.taken}
    assert texts == {"集合は八時二十分", "renamed"}
    assert box.notes == () and not box.told.polling
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 0 and said == ""


def test_a_second_one_is_refused(box: Box, start: Start) -> None:
    first = start()
    until(lambda: box.told.at_ms > 0, "the process never looked")
    second = start()
    _, said = second.communicate(timeout=60)
    assert second.returncode == 11 and "[APP-307]" in said
    first.send_signal(signal.SIGTERM)
    assert first.wait(60) == 0


def test_serve_runs_it_starts_it_again_and_takes_it_down(box: Box, start: Start) -> None:
    box.school.keeper.stop(10)
    try:
        serve = start("serve")
        box.put("II/a.txt", b"one")
        until(lambda: box.plain == [] and box.contents == [b"one"], "not taken")
        os.kill(child_of(serve.pid), signal.SIGKILL)
        box.put("II/b.txt", b"two")
        until(lambda: box.plain == [] and box.contents == [b"one", b"two"], "not taken after a kill")
        serve.send_signal(signal.SIGTERM)
        serve.wait(60)
        with (folder_of(box.paths) / LOCK).open() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # nobody holds it any more
    finally:
        box.school.keeper = KeeperChild(box.paths)
        box.school.keeper.start()
    assert box.notes == ()


def child_of(parent: int) -> int:
    """Return the process of the drop folder below a running `serve`."""
    for task in Path(f"/proc/{parent}/task").iterdir():
        for pid in (task / "children").read_text().split():
            if b"\0inbox\0" in Path(f"/proc/{pid}/cmdline").read_bytes():
                return int(pid)
    raise AssertionError("serve has no such child")


def test_a_shielded_process_leaves_no_core_and_is_closed_to_others() -> None:
    def work() -> None:
        shield()
        shown = Path("/proc/self/limits").read_text()
        core = next(line for line in shown.splitlines() if line.startswith("Max core file size")).split()
        os._exit(0 if core[4:6] == ["0", "0"] and os.stat("/proc/self/fd").st_uid == 0 else 1)

    assert os.waitstatus_to_exitcode(in_child(work)[1]) == 0
