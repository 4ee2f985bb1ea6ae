import dataclasses
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import obstore
import pytest
from obstore.store import S3Store

from crypto.secret import Secret
from sync.errors import StoreRefusedError, StoreUnreachableError
from sync.objectstore import ObjectStore, StoreConfig
from tests.sync.cloud import Cloud, cloud_at, store_of, wait_until


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with cloud_at(tmp_path_factory.mktemp("store")) as cloud:
        yield cloud


@pytest.fixture
def store(cloud: Cloud) -> ObjectStore:
    return store_of(cloud.direct)


def put(config: StoreConfig, key: str, data: bytes) -> None:
    writer = S3Store(
        config.bucket,
        endpoint=config.endpoint,
        region=config.region,
        access_key_id=config.access_key,
        secret_access_key=config.secret_key.reveal().decode(),
        virtual_hosted_style_request=False,
        client_options={"allow_http": True},
    )
    obstore.put(writer, key, data)


@pytest.mark.parametrize("data", [b"", b"\0\xff", b"x" * 1_000_000], ids=["empty", "binary", "large"])
def test_gets_exactly_what_was_put(cloud: Cloud, store: ObjectStore, data: bytes) -> None:
    put(cloud.direct, f"some/deep/place/{len(data)}", data)
    assert store.get(f"some/deep/place/{len(data)}") == data


def test_an_object_that_is_not_there_is_none(store: ObjectStore) -> None:
    assert store.get("some/nowhere") is None
    assert store.get("0000/nowhere/at/all") is None


def test_a_probe_of_nothing_is_an_answer(store: ObjectStore) -> None:
    store.probe("no/such/prefix")


def test_lists_names_and_sizes_below_a_prefix_only(cloud: Cloud, store: ObjectStore) -> None:
    for number in range(30):
        put(cloud.direct, f"listed/a/{number:02}", b"." * number)
    put(cloud.direct, "listed/b/other", b"other")
    assert store.sizes("listed/a") == {f"listed/a/{number:02}": number for number in range(30)}
    assert store.sizes("listed/nowhere") == {}


def test_lists_more_than_one_page(cloud: Cloud, store: ObjectStore) -> None:
    folder = cloud.bucket / "pages"
    folder.mkdir()
    for number in range(1_201):  # an S3 answer holds 1,000
        (folder / f"{number:04}").write_bytes(b"1")
    wait_until(lambda: len(store.sizes("pages")) == 1_201, "both pages are listed")


@pytest.mark.parametrize("call", ["get", "sizes", "probe"])
def test_a_dead_port_is_unreachable(cloud: Cloud, call: str) -> None:
    store = store_of(dataclasses.replace(cloud.direct, endpoint="http://127.0.0.1:9"))
    with pytest.raises(StoreUnreachableError) as caught:
        getattr(store, call)("anything")
    assert caught.value.retry_safe


def test_a_403_in_an_address_is_no_status() -> None:
    nobody = StoreConfig("http://127.0.0.1:403", "401", "us-east-1", "a", Secret(b"b"))
    for call in (store_of(nobody).get, store_of(nobody).sizes):
        with pytest.raises(StoreUnreachableError):
            call("AccessDenied/403")


@pytest.mark.faults
@pytest.mark.parametrize("fault", ["cut", "hang"])
def test_a_broken_line_is_unreachable_and_mends(cloud: Cloud, fault: str) -> None:
    put(cloud.direct, "line/object", b"here")
    store = store_of(cloud.config, 1.0)
    assert store.get("line/object") == b"here"
    getattr(cloud.line, fault)()
    try:
        for call in (store.get, store.sizes):
            with pytest.raises(StoreUnreachableError):
                call("line/object")
    finally:
        cloud.line.mend()
    assert store.get("line/object") == b"here"


@pytest.mark.parametrize("call", ["get", "sizes", "probe"])
@pytest.mark.parametrize("wrong", [{"secret_key": Secret(b"not-this-one")}, {"access_key": "nobody"}])
def test_a_wrong_key_pair_is_refused(cloud: Cloud, call: str, wrong: dict[str, Secret | str]) -> None:
    store = store_of(dataclasses.replace(cloud.direct, **wrong))  # type: ignore[arg-type]
    with pytest.raises(StoreRefusedError) as caught:
        getattr(store, call)("anything")
    assert "a-secret" not in str(caught.value) and "not-this-one" not in str(caught.value)


def test_listing_a_missing_bucket_is_refused(cloud: Cloud) -> None:
    store = store_of(dataclasses.replace(cloud.direct, bucket="nobodys"))
    with pytest.raises(StoreRefusedError):
        store.sizes("anything")


def test_reading_from_a_missing_bucket_is_refused(cloud: Cloud) -> None:
    store = store_of(dataclasses.replace(cloud.direct, bucket="nobodys"))
    with pytest.raises(StoreRefusedError):
        store.get("anything")


def test_nothing_is_cached(cloud: Cloud, store: ObjectStore) -> None:
    put(cloud.direct, "cache/object", b"first")
    assert store.get("cache/object") == b"first"
    put(cloud.direct, "cache/object", b"then this")
    assert store.get("cache/object") == b"then this"


def test_the_server_listens_on_loopback_only_and_no_file_holds_its_key(cloud: Cloud, tmp_path: Path) -> None:
    assert cloud.direct.endpoint.startswith("http://127.0.0.1:")
    secret = cloud.direct.secret_key.reveal()
    files = [path for path in cloud.root.parent.rglob("*") if path.is_file()]
    assert files
    assert not [path for path in files if secret in path.read_bytes()]


def test_rclone_ignores_the_condition_so_it_is_no_store_for_production(cloud: Cloud, store: ObjectStore) -> None:
    put(cloud.direct, "condition/object", b"first")
    obstore.put(store._store, "condition/object", b"second", mode="create")
    assert store.get("condition/object") == b"second"
    assert not store.create("condition/object", b"third"), "looking first is all that can be done there"


@pytest.mark.faults
def test_a_large_object_may_take_longer_than_the_patience_for_silence() -> None:
    body = b"x" * 300_000
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        taken: list[int] = []

        def take_slowly() -> None:
            line = listener.accept()[0]
            with line:
                while sum(taken) < len(body):
                    taken.append(len(line.recv(10_000)))
                    time.sleep(0.05)
                line.sendall(b'HTTP/1.1 200 OK\r\nETag: "x"\r\nContent-Length: 0\r\n\r\n')

        taking = threading.Thread(target=take_slowly)
        taking.start()
        port = int(listener.getsockname()[1])
        slow = StoreConfig(f"http://127.0.0.1:{port}", "schools", "us-east-1", "a", Secret(b"b"))
        store_of(slow, 0.5).put("large", body)  # about 1.5 s on the way
        taking.join()


WITHOUT_AUTHORITIES = """
import sys
from crypto.secret import Secret
from sync.errors import StoreUnreachableError
from sync.objectstore import ObjectStore, StoreConfig
try:
    ObjectStore(StoreConfig(sys.argv[1], "b", "us-east-1", "a", Secret(b"s"))).get("x")
except StoreUnreachableError as error:
    print(error.code)
"""


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_machine_without_certificate_authorities_gets_those_that_come_with_us(
    tmp_path: Path, scheme: str
) -> None:
    env = {**os.environ, "SSL_CERT_DIR": str(tmp_path)}  # an empty folder, as on a bare Debian
    env.pop("SSL_CERT_FILE", None)
    command = [sys.executable, "-c", WITHOUT_AUTHORITIES, f"{scheme}://127.0.0.1:9"]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.stdout.split() == [StoreUnreachableError.code], done.stderr
