"""The faulty store is invisible while healthy, and each of its faults is what a client sees."""

import http.client
import socket
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from crypto.secret import Secret
from sync.embedded import EmbeddedStore
from sync.errors import StoreRefusedError, StoreUnreachableError
from sync.objectstore import ObjectStore
from tests.faults.faultystore import Fault, FaultyStore
from tests.sync.cloud import ACCESS, BUCKET, SECRET

pytestmark = pytest.mark.faults
BODY = bytes(range(256)) * 20


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedStore]:
    embedded = EmbeddedStore(tmp_path_factory.mktemp("faulty") / "cloud", ACCESS, Secret(SECRET.encode()), BUCKET)
    embedded.start()
    yield embedded
    embedded.stop()


@pytest.fixture
def proxy(server: EmbeddedStore) -> Iterator[FaultyStore]:
    made = FaultyStore("127.0.0.1", server.port, seed=7)
    yield made
    made.close()


def through(server: EmbeddedStore, proxy: FaultyStore, timeout_s: float = 5.0) -> ObjectStore:
    return ObjectStore(replace(server.config, endpoint=proxy.endpoint), timeout_s)


def answer(proxy: FaultyStore, verb: str = "GET") -> tuple[http.client.HTTPResponse, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=10)
    connection.request(verb, f"/{BUCKET}/some")
    told = connection.getresponse()
    body = told.read()
    connection.close()
    return told, body


def test_a_healthy_proxy_changes_nothing_and_counts(server: EmbeddedStore, proxy: FaultyStore) -> None:
    store, direct = through(server, proxy), ObjectStore(server.config)
    store.put("seen/one", BODY)
    assert store.get("seen/one") == direct.get("seen/one") == BODY
    assert store.get("seen/none") is None
    assert store.create("seen/two", b"2") and not store.create("seen/two", b"3")
    assert store.sizes("seen") == direct.sizes("seen") == {"seen/one": len(BODY), "seen/two": 1}
    assert proxy.requests == {"PUT": 2, "GET": 4, "LIST": 1} and not proxy.struck


@pytest.mark.parametrize("size", [0, 1, 3_000_000])
def test_bodies_of_any_size_pass(server: EmbeddedStore, proxy: FaultyStore, size: int) -> None:
    store = through(server, proxy, 30)
    store.put(f"sized/{size}", bytes(size))
    assert store.get(f"sized/{size}") == bytes(size)


@pytest.mark.parametrize(
    "fault", [Fault.FORBIDDEN, Fault.TOO_MANY, Fault.BROKEN, Fault.SLOW_DOWN, Fault.NOT_FOUND]
)
def test_a_refusal_has_its_status_and_leaves_the_store_alone(
    server: EmbeddedStore, proxy: FaultyStore, fault: Fault
) -> None:
    proxy.fail(fault)
    told, body = answer(proxy)
    assert told.status == int(fault) and b"<Error><Code>" in body
    assert bool(told.getheader("Retry-After")) is (fault is Fault.TOO_MANY)
    if fault is Fault.SLOW_DOWN:
        assert b"<Code>SlowDown</Code>" in body
    told, body = answer(proxy, "HEAD")
    assert told.status == int(fault) and body == b""
    with pytest.raises((StoreRefusedError, StoreUnreachableError)) as caught:
        through(server, proxy).put(f"refused/{fault}", b"1")
    assert isinstance(caught.value, StoreRefusedError) is (fault is Fault.FORBIDDEN)
    assert ObjectStore(server.config).get(f"refused/{fault}") is None
    proxy.heal()
    through(server, proxy).put(f"refused/{fault}", b"1")
    assert proxy.struck == {fault: 3}


def test_a_wrong_body_is_a_whole_answer(server: EmbeddedStore, proxy: FaultyStore) -> None:
    store = through(server, proxy)
    store.put("wrong/one", BODY)
    proxy.fail(Fault.WRONG_BODY)
    found = [store.get("wrong/one") for _ in range(12)]
    assert all(data is not None and data != BODY for data in found)
    lengths = {len(data or b"") for data in found}
    assert len(BODY) in lengths and min(lengths) < len(BODY), "flipped ones and shortened ones"
    assert ObjectStore(server.config).get("wrong/one") == BODY


def test_a_cut_is_felt_by_both_directions(server: EmbeddedStore, proxy: FaultyStore) -> None:
    store, direct = through(server, proxy), ObjectStore(server.config)
    store.put("cut/one", BODY)
    proxy.fail(Fault.CUT)
    for _ in range(3):
        with pytest.raises(StoreUnreachableError):
            store.get("cut/one")
    for number in range(12):
        with pytest.raises(StoreUnreachableError):
            store.put(f"cut/{number}", BODY)
    kept = sum(direct.get(f"cut/{number}") == BODY for number in range(12))
    assert 0 < kept < 12, "some were kept although nobody said so"


def test_a_listing_is_as_old_as_the_first_one(server: EmbeddedStore, proxy: FaultyStore) -> None:
    store = through(server, proxy)
    store.put("list/one", b"1")
    assert set(store.sizes("list")) == {"list/one"}
    store.put("list/two", b"2")
    proxy.fail(Fault.STALE_LISTING)
    assert set(store.sizes("list")) == {"list/one"} and store.get("list/two") == b"2"
    proxy.heal()
    assert set(store.sizes("list")) == {"list/one", "list/two"}


def test_a_slow_store_takes_its_time_in_both_directions(server: EmbeddedStore, proxy: FaultyStore) -> None:
    store = through(server, proxy)
    proxy.fail(Fault.SLOW)
    began = time.monotonic()
    store.put("slow/one", bytes(1500))
    assert time.monotonic() - began >= 1.4
    assert store.get("slow/one") == bytes(1500)
    assert time.monotonic() - began >= 2.8


def test_a_hung_connection_stays_hung_after_the_healing(server: EmbeddedStore, proxy: FaultyStore) -> None:
    proxy.fail(Fault.HANGING)
    hung = socket.create_connection(("127.0.0.1", proxy.port), 5)
    hung.sendall(f"GET /{BUCKET}/x HTTP/1.1\r\nHost: store\r\n\r\n".encode())
    with pytest.raises(StoreUnreachableError):
        through(server, proxy, 0.5).get("some")
    proxy.heal()
    assert through(server, proxy).get("some") is None
    hung.settimeout(0.3)
    with pytest.raises(TimeoutError):
        hung.recv(1)
    hung.close()


def test_a_script_strikes_request_by_request(server: EmbeddedStore, proxy: FaultyStore) -> None:
    store = through(server, proxy)
    proxy.script([Fault.BROKEN, None, Fault.FORBIDDEN])
    with pytest.raises(StoreUnreachableError):
        store.get("some")
    assert store.get("some") is None
    with pytest.raises(StoreRefusedError):
        store.get("some")
    assert store.get("some") is None


def test_a_seed_gives_the_same_faults_again(server: EmbeddedStore) -> None:
    seen = []
    for _ in range(2):
        proxy = FaultyStore("127.0.0.1", server.port, seed=11)
        proxy.fail(Fault.FORBIDDEN, Fault.BROKEN, share=0.5)
        seen.append([answer(proxy)[0].status for _ in range(12)])
        proxy.close()
    assert seen[0] == seen[1] and len(set(seen[0])) > 1
