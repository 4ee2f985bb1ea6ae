"""The embedded store's fence: a key pair writes below its prefix, reads its library, ends when it is revoked."""

import contextlib
import dataclasses
import gc
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import obstore
import pytest
from obstore.store import S3Store

from crypto.secret import Secret
from sync.embedded import EmbeddedStore
from sync.errors import StoreRefusedError, StoreUnreachableError
from sync.objectstore import ObjectStore, StoreConfig
from sync.storerights import PrefixKey, may, read_request
from tests.sync.cloud import PATH, Office, new_site, replicating, syncs, wait_until

BUCKET = "schools"
OLD, NEW = "C1/box/1", "C1/box/2"


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedStore]:
    folder = tmp_path_factory.mktemp("fenced") / "cloud"
    store = EmbeddedStore(folder, "master", Secret(b"master-secret"), BUCKET, fenced=True)
    store.start()
    yield store
    store.stop()


def store_of(embedded: EmbeddedStore, key: PrefixKey) -> ObjectStore:
    return ObjectStore(embedded.place(key), 20.0)


def raw(config: StoreConfig) -> S3Store:
    return S3Store(
        config.bucket,
        endpoint=config.endpoint,
        region=config.region,
        access_key_id=config.access_key,
        secret_access_key=config.secret_key.reveal().decode(),
        virtual_hosted_style_request=False,
        client_options={"allow_http": True},
        retry_config={"max_retries": 0},
    )


def test_two_epochs_can_never_write_one_path(embedded: EmbeddedStore) -> None:
    old, new = store_of(embedded, embedded.issue(OLD)), store_of(embedded, embedded.issue(NEW))
    old.put(f"{OLD}/seg/1", b"old")
    new.put(f"{NEW}/seg/1", b"new")
    for store, foreign in ((old, NEW), (new, OLD)):
        for key in (f"{foreign}/seg/1", f"{foreign}/seg/2", "C1/box/11/seg/1", "C1/hub/1/seg/1", "C1/box", "C1"):
            for way in (store.put, store.create):
                if way == store.create and key.endswith("seg/1") and key.startswith(foreign):
                    continue  # it stands there: no attempt is made
                with pytest.raises(StoreRefusedError):
                    way(key, b"overwritten")
    assert old.get(f"{NEW}/seg/1") == b"new" and new.get(f"{OLD}/seg/1") == b"old", "all of a school may be read"
    assert ObjectStore(embedded.config).sizes("C1") == {f"{OLD}/seg/1": 3, f"{NEW}/seg/1": 3}


def test_another_school_cannot_even_be_read(embedded: EmbeddedStore) -> None:
    ObjectStore(embedded.config).put("C2/box/1/seg/1", b"theirs")
    store = store_of(embedded, embedded.issue("C1/hub/1"))
    for call in (store.get, store.sizes):
        with pytest.raises(StoreRefusedError):
            call("C2/box/1/seg/1")
    with pytest.raises(StoreRefusedError):
        store.sizes("")
    assert store.sizes("C1/hub") == {}


def test_a_revoked_key_can_do_nothing_at_once_and_over_open_connections(embedded: EmbeddedStore) -> None:
    key = embedded.issue("C3/box/1")
    store = store_of(embedded, key)
    store.put("C3/box/1/seg/1", b"before")
    embedded.revoke(key.access_key)
    with pytest.raises(StoreRefusedError):
        store.put("C3/box/1/seg/1", b"after")
    with pytest.raises(StoreRefusedError):
        store.get("C3/box/1/seg/1")
    assert ObjectStore(embedded.config).get("C3/box/1/seg/1") == b"before"


def test_a_key_with_anothers_secret_is_refused(embedded: EmbeddedStore) -> None:
    one, two = embedded.issue("C4/box/1"), embedded.issue("C4/box/2")
    forged = dataclasses.replace(embedded.place(one), secret_key=two.secret_key)
    with pytest.raises(StoreRefusedError):
        ObjectStore(forged).put("C4/box/1/seg/1", b"x")


def test_deletes_and_copies_stay_below_the_prefix(embedded: EmbeddedStore) -> None:
    master = ObjectStore(embedded.config)
    key = embedded.issue("C5/box/1")
    own = raw(embedded.place(key))
    for name in ("C5/box/1/a", "C5/box/1/b", "C5/box/2/a", "C6/box/1/a"):
        master.put(name, name.encode())
    with pytest.raises(obstore.exceptions.BaseError):
        obstore.delete(own, ["C5/box/1/a", "C5/box/2/a"])
    with pytest.raises(obstore.exceptions.BaseError):
        obstore.delete(own, "C5/box/2/a")
    for source, target in (("C5/box/1/a", "C5/box/2/b"), ("C6/box/1/a", "C5/box/1/stolen")):
        with pytest.raises(obstore.exceptions.BaseError):
            obstore.copy(own, source, target)
    assert master.get("C5/box/1/stolen") is None and len(master.sizes("C5")) == 3
    obstore.delete(own, ["C5/box/1/a", "C5/box/1/b"])
    assert set(master.sizes("C5")) == {"C5/box/2/a"}


def test_large_objects_pass_in_pieces_both_ways(embedded: EmbeddedStore) -> None:
    config = embedded.place(embedded.issue("C7/box/1"))
    body = bytes(range(256)) * 40_000
    obstore.put(raw(config), "C7/box/1/large", body, use_multipart=True, chunk_size=5 * 1024 * 1024)
    assert ObjectStore(config).get("C7/box/1/large") == body
    ObjectStore(config).put("C7/box/1/whole", body)
    assert ObjectStore(config).get("C7/box/1/whole") == body
    with pytest.raises(StoreRefusedError):
        ObjectStore(config).put("C7/box/2/whole", body)


def test_one_connection_carries_refusals_and_answers_in_turn(embedded: EmbeddedStore) -> None:
    store = store_of(embedded, embedded.issue("C8/box/1"))
    for number in range(20):
        store.put(f"C8/box/1/{number}", b"x" * number * 1000)
        with pytest.raises(StoreRefusedError):
            store.put(f"C8/box/2/{number}", b"x" * number * 1000)
        assert store.get(f"C8/box/1/{number}") == b"x" * number * 1000
        assert store.get(f"C8/box/1/none-{number}") is None


def test_many_threads_at_once(embedded: EmbeddedStore) -> None:
    stores = [store_of(embedded, embedded.issue(f"C9/box/{number}")) for number in range(8)]
    wrong: list[int] = []

    def work(mine: int) -> None:
        for turn in range(10):
            stores[mine].put(f"C9/box/{mine}/{turn}", b"%d" % mine * 5000)
            if stores[mine].get(f"C9/box/{mine}/{turn}") != b"%d" % mine * 5000:
                wrong.append(mine)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong and len(ObjectStore(embedded.config).sizes("C9")) == 80


def test_keys_outlive_a_restart_and_new_ones_are_made_when_the_spares_end(tmp_path: Path) -> None:
    first = EmbeddedStore(tmp_path / "cloud", "master", Secret(b"master-secret"), BUCKET, fenced=True)
    first.start()
    keys = [first.issue(f"C1/box/{number}") for number in range(40)]
    for key in (keys[0], keys[39]):
        store_of(first, key).put(f"{key.prefix}/seg", b"x")
    first.revoke(keys[1].access_key)
    first.stop()
    again = EmbeddedStore(
        tmp_path / "cloud", "master", Secret(b"master-secret"), BUCKET, fenced=True, keys=first.keys
    )
    again.start()
    try:
        assert store_of(again, keys[0]).get("C1/box/39/seg") == b"x"
        store_of(again, keys[0]).put("C1/box/0/seg", b"y")
        with pytest.raises(StoreRefusedError):
            store_of(again, keys[1]).put("C1/box/1/seg", b"y")
    finally:
        again.stop()


def test_while_the_server_behind_is_away_the_store_is_unreachable(tmp_path: Path) -> None:
    store = EmbeddedStore(tmp_path / "cloud", "master", Secret(b"master-secret"), BUCKET, fenced=True)
    store.start()
    key = store.issue("C1/box/1")
    try:
        store._stop_server()
        with pytest.raises(StoreUnreachableError):
            store_of(store, key).get("C1/box/1/seg")
        store._start_server()
        assert store_of(store, key).get("C1/box/1/seg") is None
    finally:
        store.stop()


def test_a_server_behind_that_was_killed_comes_back(tmp_path: Path) -> None:
    store = EmbeddedStore(tmp_path / "cloud", "master", Secret(b"master-secret"), BUCKET, fenced=True)
    store.start()
    try:
        assert store._child is not None
        store._child.kill()
        store._child.wait()
        store._start_server()
        assert store_of(store, store.issue("C1/box/1")).get("C1/box/1/seg") is None
    finally:
        store.stop()


def test_litestream_replicates_with_a_key_of_its_own_until_it_is_revoked(
    embedded: EmbeddedStore, tmp_path: Path
) -> None:
    site = new_site(tmp_path / "site")
    key = embedded.issue(PATH.removesuffix("/db"))
    litestream = replicating(site, embedded.place(key))
    office = Office(site)
    try:
        there = len(ObjectStore(embedded.config).sizes(PATH))
        office.make()
        wait_until(lambda: syncs(litestream) and len(store_of(embedded, key).sizes(PATH)) > there, "it was sent")
        embedded.revoke(key.access_key)
        office.make()
        assert not syncs(litestream)
    finally:
        office.close()
        litestream.stop()
        site.close()


def test_nothing_but_the_gate_listens(embedded: EmbeddedStore) -> None:
    with socket.create_connection(("127.0.0.1", embedded.port)) as line:
        line.sendall(b"GET /schools/C1/box/1/seg/1 HTTP/1.1\r\nHost: x\r\n\r\n")
        assert line.recv(100).startswith(b"HTTP/1.1 403")
    assert embedded._behind is not None and embedded._behind.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("fenced", [False, True])
def test_its_port_is_nobody_elses_before_between_and_while_it_runs(tmp_path: Path, fenced: bool) -> None:
    store = EmbeddedStore(tmp_path / "cloud", "a", Secret(b"b"), BUCKET, fenced=fenced)
    for _ in range(2):
        with socket.socket() as other, pytest.raises(OSError, match="in use"):
            other.bind(("127.0.0.1", store.port))
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", store.port))
        store.start()
        socket.create_connection(("127.0.0.1", store.port)).close()
        store.stop()
    at = ("127.0.0.1", store.port)
    del store
    gc.collect()
    with socket.create_server(at) as free:
        assert free.getsockname() == at


def test_a_store_without_a_fence_issues_nothing(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="fence"):
        EmbeddedStore(tmp_path / "cloud", "a", Secret(b"b"), BUCKET).issue("C1/box/1")


KEY = PrefixKey("KEY", Secret(b"s"), "C1/box/1", "C1")
SIGNED = (
    "Authorization: AWS4-HMAC-SHA256 Credential=KEY/20261120/us-east-1/s3/aws4_request, "
    f"SignedHeaders=host, Signature={'0' * 64}"
)


def head(first: str, *more: str, signed: str = SIGNED) -> bytes:
    return "\r\n".join([first, "Host: x", *([signed] if signed else []), *more, "", ""]).encode()


@pytest.mark.parametrize(
    ("first", "right"),
    [
        ("PUT /schools/C1/box/1/seg/1 HTTP/1.1", True),
        ("PUT /schools/C1/box/1/seg%2F1 HTTP/1.1", True),
        ("GET /schools/C1/hub/1/seg/1 HTTP/1.1", True),
        ("HEAD /schools HTTP/1.1", True),
        ("GET /schools?list-type=2&prefix=C1%2Fbox%2F HTTP/1.1", True),
        ("GET /schools/?prefix=C1/ HTTP/1.1", True),
        ("PUT /schools/C1/box/1 HTTP/1.1", False),
        ("PUT /schools/C1/box/12/seg HTTP/1.1", False),
        ("PUT /schools/C1/box/1/../2/seg HTTP/1.1", False),
        ("PUT /schools/C1/box/1/%2e%2e/2/seg HTTP/1.1", False),
        ("PUT /schools/C1/box/1//seg HTTP/1.1", False),
        ("PUT //schools/C1/box/1/seg HTTP/1.1", False),
        ("PUT http://x/schools/C1/box/1/seg HTTP/1.1", False),
        ("PUT /schools/C1/box/1/a%00b HTTP/1.1", False),
        ("PUT /schools/C1/box/1/%ff HTTP/1.1", False),
        ("PUT /other/C1/box/1/seg HTTP/1.1", False),
        ("PUT /schools HTTP/1.1", False),
        ("DELETE /schools HTTP/1.1", False),
        ("DELETE /schools/C1/hub/1/seg HTTP/1.1", False),
        ("POST /schools/C1/box/2/seg?uploads HTTP/1.1", False),
        ("PATCH /schools/C1/box/1/seg HTTP/1.1", False),
        ("GET / HTTP/1.1", False),
        ("GET /schools HTTP/1.1", False),
        ("GET /schools?prefix=C10/ HTTP/1.1", False),
        ("GET /schools?prefix= HTTP/1.1", False),
        ("GET /schools?prefix=C2/&prefix=C1/ HTTP/1.1", False),
        ("GET /schools/C1/x?X-Amz-Credential=OTHER HTTP/1.1", False),
        ("PUT /schools/C1/box/1/seg HTTP/1.0", False),
        ("PUT  /schools/C1/box/1/seg HTTP/1.1", False),
    ],
)
def test_what_a_key_may_do(first: str, right: bool) -> None:
    request = read_request(head(first))
    assert (request is not None and may(KEY, BUCKET, request)) is right


@pytest.mark.parametrize(
    "more",
    [
        ("Content-Length: 5", "Transfer-Encoding: chunked"),
        ("Content-Length: 5", "Content-Length: 6"),
        ("Content-Length: +5",),
        ("Transfer-Encoding: identity",),
        ("Transfer-Encoding : chunked",),
        (" folded: yes",),
        (SIGNED.replace("KEY", "OTHER"),),
        ("X: a\nPUT /schools/C1/box/2/seg HTTP/1.1",),
        ("x-amz-copy-source: /schools/C2/box/1/seg",),
        ("x-amz-copy-source: /schools/C1/../C2/box/1/seg",),
    ],
)
def test_what_could_be_read_in_two_ways_or_takes_from_elsewhere_is_refused(more: tuple[str, ...]) -> None:
    request = read_request(head("PUT /schools/C1/box/1/seg HTTP/1.1", *more))
    assert request is None or not may(KEY, BUCKET, request)


@pytest.mark.parametrize(
    "signed",
    [
        "",
        "Authorization: AWS KEY:signature",
        SIGNED + ", Credential=OTHER/x",
        SIGNED.replace("KEY", "KEY, Credential=B"),
    ],
)
def test_another_kind_of_signature_is_refused(signed: str) -> None:
    assert read_request(head("GET /schools/C1/x HTTP/1.1", signed=signed)) is None


@pytest.mark.parametrize(
    ("body", "right"),
    [
        ("<Delete><Object><Key>C1/box/1/a</Key></Object></Delete>", True),
        ('<?xml version="1.0"?><Delete xmlns="http://s3/"><Object><Key>C1/box/1/a</Key></Object></Delete>', True),
        ("<Delete></Delete>", False),
        ("<Delete><Object><Key>C1/box/1/a</Key></Object><Object><Key>C1/box/2/a</Key></Object></Delete>", False),
        ("<Delete><Object><Key>C1/box/1/a</Key></Object><Object><x:Key>C1/hub</x:Key></Object></Delete>", False),
        ("<Delete><Object><Key>C1/box/1/a</Key></Object><Object><Key >C1/hub</Key></Object></Delete>", False),
        ("<Delete><Object><Key>C1/box/1/&#46;&#46;/2</Key></Object></Delete>", False),
        ("<Delete><Object><Key>C1/box/1/<![CDATA[x]]></Key></Object></Delete>", False),
        ("<Delete><Object><Key>C1/box/1/<!-- -->a</Key></Object></Delete>", False),
        ("<Delete><Object><Key>C1/box/1/../2/a</Key></Object></Delete>", False),
    ],
)
def test_lists_of_what_to_delete_are_judged_key_by_key(body: str, right: bool) -> None:
    request = read_request(head("POST /schools?delete HTTP/1.1"))
    assert request is not None and request.deletes_many
    assert may(KEY, BUCKET, request, body.encode()) is right


@pytest.mark.parametrize(
    "body",
    [
        b"0x5\r\nabcde\r\n0\r\n\r\n",
        b"5;a=b\r\nabcde\r\n0\r\n\r\n",
        b"0\r\na: b\n\nPUT /schools/C9/box/2/smuggled HTTP/1.1\r\n\r\n",
        b"-1\r\n\r\n",
    ],
)
def test_no_second_request_hides_in_chunks(embedded: EmbeddedStore, body: bytes) -> None:
    key = embedded.issue("C1/box/1")
    with socket.create_connection(("127.0.0.1", embedded.port), 30) as line, contextlib.suppress(ConnectionError):
        signed = SIGNED.replace("KEY", key.access_key)
        line.sendall(head("PUT /schools/C1/box/1/x HTTP/1.1", "Transfer-Encoding: chunked", signed=signed) + body)
        answers = b""
        while data := line.recv(65536):
            answers += data
        assert answers.count(b"HTTP/1.1 ") <= 1
