"""The keeper's door: whoever stands outside it, the keeper lives and nobody gets another's answer."""

import os
import resource
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sync.change import BATCH_DOMAIN, Batch
from sync.client import KeeperClient, as_error
from sync.clock import HybridClock
from sync.errors import BadBatchError, KeeperGoneError, RefusedError, SyncError
from sync.ids import change_id
from sync.log import signed_payload
from sync.openrecords import open_change
from sync.protocol import MAX_MESSAGE, Hello, LocalGet, Refused, packed
from sync.reader import Reader
from tests.sync.site import SCHOOL, TestSite

NOBODY = 65534
WAL_HEADER, FRAME_HEADER = 32, 24


@pytest.fixture
def client(site: TestSite) -> Iterator[KeeperClient]:
    opened = KeeperClient(site.paths.socket)
    yield opened
    opened.close()


def batch(site: TestSite, number: int, writer: bytes = b"writer-1") -> Batch:
    """A batch of one open change by the board, signed."""
    with Reader(site.paths.store).snapshot() as reader:
        tag = reader.origin.tag
    reader.close()
    name = change_id(HybridClock().next(), tag, writer)
    change = open_change(name, "key.test", writer + number.to_bytes(8, "big"), (), b"body")
    unsigned = Batch(writer, number, site.root.person, (change,), bytes(64))
    signature = site.root.sign.sign(BATCH_DOMAIN, signed_payload(tag, unsigned))
    return Batch(writer, number, site.root.person, (change,), signature)


def connect(site: TestSite) -> socket.socket:
    raw = socket.socket(socket.AF_UNIX)
    raw.settimeout(20)
    raw.connect(str(site.paths.socket))
    return raw


def until(true: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


def framed(body: bytes) -> bytes:
    return len(body).to_bytes(4, "big") + body


GARBAGE = {
    "too large": (MAX_MESSAGE + 1).to_bytes(4, "big"),
    "no body": framed(b""),
    "not msgpack": framed(b"\xc1"),
    "unknown message": framed(b"\x92\xa5Erase\xa1x"),
    "bad utf-8": framed(b"\x93\xa8LocalGet\xa1\xff\xa1x"),
    "too deep": framed(b"\x92\xa5Hello" + b"\x91" * 200_000 + b"\x90"),
    "a wrong type": framed(b"\x93\xa8LocalGet\x01\x02"),
}


@pytest.mark.parametrize("name", GARBAGE)
def test_what_cannot_be_read_is_refused_and_the_keeper_lives(
    site: TestSite, client: KeeperClient, name: str
) -> None:
    raw = connect(site)
    raw.sendall(GARBAGE[name])
    answer = b""
    while chunk := raw.recv(4096):
        answer += chunk
    raw.close()
    assert b"SYNC-005" in answer
    assert client.hello().school == SCHOOL
    assert site.keeper is not None and site.keeper.poll() is None


def test_a_keeper_that_takes_no_call_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sync.client._ANSWER_S", 0.05)
    with socket.socket(socket.AF_UNIX) as mute:
        mute.bind(str(tmp_path / "mute"))
        mute.listen(8)  # the kernel connects, and nobody ever answers
        asking = KeeperClient(tmp_path / "mute", patience_s=0.2)
        with pytest.raises(KeeperGoneError):
            asking.hello()
        asking.close()


def test_a_number_too_large_to_keep_harms_nobody(site: TestSite, client: KeeperClient) -> None:
    good = batch(site, 1)
    with pytest.raises(BadBatchError):
        client.submit(Batch(good.writer, 1 << 63, good.author, good.changes, good.signature))
    assert client.submit(good).first_seq == client.hello().seq
    assert site.keeper is not None and site.keeper.poll() is None


def test_half_a_message_waits_for_its_other_half(site: TestSite, client: KeeperClient) -> None:
    raw, message = connect(site), packed(Hello())
    raw.sendall(message[:3])
    assert client.hello().school == SCHOOL
    raw.sendall(message[3:])
    assert SCHOOL.encode() in raw.recv(4096)
    raw.close()


def test_who_asks_without_reading_is_not_read_and_stops_nobody(site: TestSite, client: KeeperClient) -> None:
    """200,000 questions with 64 KiB answers are 12 GiB: the keeper holds a handful of them."""
    assert site.keeper is not None
    client.local_put("big", "key", bytes(65536))
    before = memory_kib(site.keeper.pid)
    raw = connect(site)
    raw.setblocking(False)
    question = packed(LocalGet("big", "key")) * 1000
    sent = 0
    for _ in range(200):
        try:
            sent += raw.send(question)
        except BlockingIOError:
            client.hello()
    assert sent < 200 * len(question), "the keeper reads on for one who does not read"
    assert memory_kib(site.keeper.pid) - before < 64 * 1024
    assert client.submit(batch(site, 1)).last_seq == client.hello().seq
    raw.close()


def test_who_reads_slowly_gets_every_answer(site: TestSite, client: KeeperClient) -> None:
    """Many rounds: answers that drain at the wrong moment once left the questions behind them unanswered."""
    client.local_put("big", "key", bytes(65536))
    question, questions = packed(LocalGet("big", "key")), 200
    for _ in range(60):
        raw = connect(site)
        sender = threading.Thread(target=raw.sendall, args=(question * questions,))
        sender.start()
        with raw.makefile("rb") as answers:
            for _ in range(questions):
                body = answers.read(int.from_bytes(answers.read(4), "big"))
                assert body.count(0) >= 65536
        sender.join(20)
        raw.close()


def memory_kib(pid: int) -> int:
    fields = Path(f"/proc/{pid}/status").read_text().split()
    return int(fields[fields.index("VmRSS:") + 1])


@pytest.mark.faults
def test_more_connections_than_the_keeper_may_open_do_not_end_it(site: TestSite, client: KeeperClient) -> None:
    assert site.keeper is not None
    client.hello()
    resource.prlimit(site.keeper.pid, resource.RLIMIT_NOFILE, (32, 32))
    crowd = [connect(site) for _ in range(60)]
    for number in range(5):
        client.submit(batch(site, number))
    for one in crowd:
        one.close()
    late = KeeperClient(site.paths.socket)
    assert late.hello().school == SCHOOL
    late.close()
    assert site.keeper.poll() is None


@pytest.mark.skipif(os.getuid() != 0, reason="only root can act as another user")
def test_another_user_is_refused_even_where_it_can_reach_the_socket(
    site: TestSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.paths.run.chmod(0o711)
    site.paths.socket.chmod(0o666)
    monkeypatch.chdir(site.paths.run)
    raw = socket.socket(socket.AF_UNIX)
    raw.settimeout(20)
    os.seteuid(NOBODY)
    try:
        raw.connect(site.paths.socket.name)
    finally:
        os.seteuid(0)
    answer = raw.recv(4096)
    assert b"SYNC-006" in answer and f"uid {NOBODY}".encode() in answer
    assert raw.recv(4096) == b""
    raw.close()


class Interrupted(Exception):  # noqa: N818 - stands for KeyboardInterrupt
    pass


@pytest.mark.faults
def test_an_interrupted_question_does_not_leave_its_answer_to_the_next(
    site: TestSite, client: KeeperClient
) -> None:
    assert site.keeper is not None
    first, second = batch(site, 1), batch(site, 2)
    before = client.hello().seq

    def interrupt(*_: object) -> None:
        raise Interrupted

    former = signal.signal(signal.SIGALRM, interrupt)
    site.keeper.send_signal(signal.SIGSTOP)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.3)
        with pytest.raises(Interrupted):
            client.submit(first)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, former)
        site.keeper.send_signal(signal.SIGCONT)
    until(lambda: position(site) == before + 1)
    assert client.submit(second).first_seq == before + 2
    assert client.submit(first).first_seq == before + 1


def position(site: TestSite) -> int:
    reader = Reader(site.paths.store)
    seq = reader.position().seq
    reader.close()
    return seq


@pytest.mark.faults
def test_many_sessions_that_wait_share_commits(site: TestSite) -> None:
    """Thirty teachers at 8:25: what piled up while the disk was busy goes in with few fsyncs."""
    assert site.keeper is not None
    waiting = [KeeperClient(site.paths.socket, 20) for _ in range(12)]
    for one in waiting:
        one.hello()
    before, commits = position(site), wal_commits(site)
    site.keeper.send_signal(signal.SIGSTOP)
    with ThreadPoolExecutor(len(waiting)) as pool:
        work = [
            pool.submit(one.submit, batch(site, 0, b"writer%02d" % index)) for index, one in enumerate(waiting)
        ]
        time.sleep(0.5)
        site.keeper.send_signal(signal.SIGCONT)
        places = sorted(done.result().first_seq for done in work)
    assert places == list(range(before + 1, before + 13))
    assert 1 <= wal_commits(site) - commits < len(waiting) // 2
    for one in waiting:
        one.close()


def wal_commits(site: TestSite) -> int:
    """Count the frames of the write-ahead log that end a transaction."""
    data = site.paths.store.with_name("school.db-wal").read_bytes()
    step = FRAME_HEADER + int.from_bytes(data[8:12], "big")
    frames = (data[at : at + FRAME_HEADER] for at in range(WAL_HEADER, len(data), step))
    return sum(frame[8:16] == data[16:24] and frame[4:8] != bytes(4) for frame in frames)


@pytest.mark.faults
def test_a_batch_sent_to_a_dying_keeper_reaches_its_successor_once(site: TestSite, client: KeeperClient) -> None:
    assert site.keeper is not None
    sent = batch(site, 1)
    before = client.hello().seq
    site.keeper.send_signal(signal.SIGSTOP)
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(client.submit, sent)
        time.sleep(0.2)
        site.kill_keeper()
        site.start_keeper()
        assert answer.result(20).first_seq == before + 1
    assert client.hello().seq == before + 1


@pytest.mark.parametrize("kind", SyncError.__subclasses__(), ids=lambda kind: kind.code)
def test_a_refusal_keeps_its_kind(kind: type[SyncError]) -> None:
    error = as_error(Refused(kind.code, "act", "thing", True, {"n": 1}))
    assert type(error) is kind and (error.operation, error.subject, error.retry_safe) == ("act", "thing", True)


def test_a_refusal_of_a_newer_keeper_is_a_refusal() -> None:
    assert type(as_error(Refused("SYNC-999", "act", "", False, {}))) is RefusedError
