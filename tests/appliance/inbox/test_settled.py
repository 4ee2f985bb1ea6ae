"""A file is whole when nobody writes it any more, however long the writer pauses."""

import os
import signal
import threading
import time

import pytest

from appliance.inbox import settled
from appliance.inbox.settled import Quiet, Rest, Writer, writer_of
from appliance.inbox.watcher import Watcher
from tests.appliance.inbox.boxing import PATIENCE_S, QUIET, Box, until


class SlowCopy:
    """A real process that writes half of a file and pauses."""

    def __init__(self, path: bytes) -> None:
        self.half, go = os.pipe(), os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                with open(path, "wb", buffering=0) as file:
                    file.write(b"first half, ")
                    os.write(self.half[1], b".")
                    os.read(go[0], 1)
                    file.write(b"second half")
            finally:
                os._exit(0)
        os.read(self.half[0], 1)
        self._go, self._ends = go[1], (*self.half, *go)

    def finish(self) -> None:
        os.write(self._go, b".")
        self.close()

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        self.close()

    def close(self) -> None:
        os.waitpid(self.pid, 0)
        for end in self._ends:
            os.close(end)


def test_a_copy_that_pauses_longer_than_any_rest_is_not_taken_before_its_end(box: Box) -> None:
    copy = SlowCopy(os.fsencode(box.inbox / "II/a.txt"))
    until_s = time.monotonic() + 10 * QUIET.rest_s
    while time.monotonic() < until_s:
        assert box.worker.turn() is not None
    assert box.taken == [] and box.told.waiting == 1
    copy.finish()
    box.settle()
    assert box.contents == [b"first half, second half"] and box.plain == []


def test_a_copy_whose_writer_was_killed_is_taken_as_it_is(box: Box) -> None:
    copy = SlowCopy(os.fsencode(box.inbox / "II/a.txt"))
    box.worker.turn()
    copy.kill()
    box.settle()
    assert box.contents == [b"first half, "]


@pytest.mark.parametrize("leases", [True, False])
def test_a_writer_is_seen_with_and_without_leases(box: Box, monkeypatch: pytest.MonkeyPatch, leases: bool) -> None:
    if not leases:
        monkeypatch.setattr(settled, "held", _no_leases)
    path = os.fsencode(box.inbox / "II/a.txt")
    copy = SlowCopy(path)
    reading = os.open(path, os.O_RDONLY)
    assert writer_of(reading) is Writer.SOME
    copy.finish()
    assert writer_of(reading) in ((Writer.NONE,) if leases else (Writer.NONE, Writer.UNKNOWN))
    os.close(reading)


def _no_leases(descriptor: int) -> None:
    raise OSError("no leases here")


def test_a_mapped_file_counts_as_written(box: Box) -> None:
    import mmap

    path = box.put("II/a.txt", b"mapped")
    with open(path, "r+b") as file:
        mapped = mmap.mmap(file.fileno(), 0)
    reading = os.open(path, os.O_RDONLY)
    assert writer_of(reading) is Writer.SOME
    mapped.close()
    assert writer_of(reading) is Writer.NONE
    os.close(reading)


def test_rest_begins_anew_with_every_change_and_is_longer_where_nothing_is_sure(box: Box) -> None:
    now = [0.0]
    rest = Rest(Quiet(2.0, 30.0, 600.0), lambda: now[0])
    path = box.put("II/a.txt", b"1")
    assert rest.left_s(os.stat(path)) == 2.0
    now[0] = 1.5
    assert rest.left_s(os.stat(path)) == 0.5
    box.put("II/a.txt", b"12")
    assert rest.left_s(os.stat(path)) == 2.0
    now[0] = 3.5
    assert rest.left_s(os.stat(path)) == 0 and rest.left_s(os.stat(path), Writer.UNKNOWN) == 28.0
    assert not rest.long(os.stat(path))
    now[0] = 601
    assert rest.long(os.stat(path))
    rest.keep_only(())
    assert rest.left_s(os.stat(path)) == 2.0 and not rest.long(os.stat(path))


@pytest.mark.filterwarnings("ignore:Callback with id")  # watchdog's own, when folders come and go at once
@pytest.mark.parametrize("polling", [False, True])
def test_what_arrives_wakes_and_what_the_worker_does_itself_does_not(
    box: Box, monkeypatch: pytest.MonkeyPatch, polling: bool
) -> None:
    if polling:
        monkeypatch.setattr("appliance.inbox.watcher.Observer", _at_the_limit)
        monkeypatch.setattr("appliance.inbox.watcher._POLL_S", 0.05)
    woken = threading.Event()
    watcher = Watcher(str(box.inbox), woken)
    watcher.start()
    try:
        assert watcher.polling is polling
        box.put("II/new folder/a.txt")
        assert woken.wait(PATIENCE_S)
        box.put("II/b.part")
        time.sleep(0.2)
        woken.clear()
        os.rename(box.inbox / "II/b.part", box.inbox / "II/b.txt")
        assert woken.wait(PATIENCE_S)
        if not polling:
            time.sleep(0.2)
            woken.clear()
            with open(box.inbox / "II/b.txt", "rb") as file:
                file.read()
            box.settle()
            time.sleep(0.2)
            assert not woken.is_set()
    finally:
        watcher.stop()
    until(lambda: box.worker.turn() is None, "not taken")
    assert len(box.taken) == 2


def _at_the_limit() -> None:
    raise OSError(28, "inotify watch limit reached")
