"""A kill at any moment: never lost, never unsealed and gone, and never a second document."""

import os
import signal
import threading

import pytest

from appliance.documents.intake import Intake
from appliance.inbox import plainfile
from appliance.inbox.settled import wanted
from tests.appliance.inbox.boxing import Box, die, in_child, until

STEPS = ("noted", "blob", "kept", "audited", "recorded", "moved", "proven", "removed", "forgotten")


@pytest.mark.parametrize("at", STEPS)
def test_killed_at_each_step_it_is_one_document_in_the_end(box: Box, at: str) -> None:
    box.put("III/校外学習/a.txt", b"the only copy")

    def work() -> None:
        if at == "blob":  # between the sealed bytes on disk and their record
            Intake.record = lambda *_: os.kill(os.getpid(), signal.SIGKILL)  # type: ignore[assignment, method-assign]
        worker = box.new_worker(step=die(at))
        until(lambda: worker.turn() is None, "never taken")

    _, status = in_child(work)
    assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    gone, sealed = box.plain == [], box.contents == [b"the only copy"]
    assert sealed or not gone
    assert gone is (at in ("removed", "forgotten"))
    box.settle()
    (version,) = box.taken
    assert box.contents == [b"the only copy"] and box.plain == [] and version.file.title == "校外学習/a.txt"
    until(lambda: box.worker.turn() is None and box.notes == (), "a note is left")


def test_killed_again_and_again_it_is_still_one_document(box: Box) -> None:
    box.put("I/a.txt", b"the only copy")
    for at in ("noted", "noted", "kept", "audited", "recorded", "moved", "moved", "proven"):
        die_at(box, at)
    box.settle()
    assert box.contents == [b"the only copy"] and box.plain == []


def test_a_file_that_took_the_number_of_one_that_is_gone_is_taken_by_itself(box: Box) -> None:
    path = box.put("II/a.txt", b"first")
    die_at(box, "recorded")
    times = os.stat(path)
    with open(path, "r+b") as file:
        file.write(b"other")  # the same inode, size and times: only the bytes are others
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    box.settle()
    assert b"other" in box.contents and box.plain == []


def test_bytes_sealed_for_a_moment_only_do_not_pass_for_those_that_stand_there(box: Box) -> None:
    path = box.put("II/a.txt", b"first")

    def work() -> None:
        digest, calls = plainfile._digest, []

        def swapped(descriptor: int) -> bytes:
            calls.append(1)
            found = digest(descriptor)
            if len(calls) == 1:
                overwrite(path, b"other")
            return found

        plainfile._digest = swapped
        worker = box.new_worker(step=die("kept"))
        until(lambda: worker.turn() is None, "never taken")

    in_child(work)
    assert box.contents == [b"other"]
    overwrite(path, b"first")
    box.settle()
    assert b"first" in box.contents and box.plain == []


def die_at(box: Box, step: str) -> None:
    """Let a worker in a process of its own take what is there, and be killed at a step."""

    def work() -> None:
        worker = box.new_worker(step=die(step))
        until(lambda: worker.turn() is None, "never taken")

    _, status = in_child(work)
    assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL


def overwrite(path: bytes, data: bytes) -> None:
    """Write other bytes of the same length without a trace in size or time."""
    times = os.stat(path)
    with open(path, "r+b") as file:
        file.write(data)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def test_whoever_opens_it_while_it_is_proven_waits_and_writes_into_a_file_that_stays(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    box.put("II/a.txt", b"first")
    digest, opening, threads = plainfile._digest, threading.Event(), list[threading.Thread]()

    def append(path: bytes) -> None:
        opening.set()
        with open(path, "ab") as file:  # waits for the worker's lease
            file.write(b" and more")

    def meanwhile(descriptor: int) -> bytes:
        if box.plain and b".leaving" in box.plain[0] and not threads:
            threads.append(threading.Thread(target=append, args=(box.plain[0],)))
            threads[0].start()
            opening.wait()
            until(lambda: wanted(descriptor), "it does not wait")
        return digest(descriptor)

    monkeypatch.setattr(plainfile, "_digest", meanwhile)
    box.settle()
    threads[0].join()
    box.settle()
    assert box.contents == [b"first", b"first and more"] and box.plain == []
