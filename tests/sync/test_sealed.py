import time
from pathlib import Path

import msgspec
import pytest

from crypto.importance import Importance
from sync.client import KeeperClient, as_error
from sync.clock import wall_ms
from sync.database import check_version
from sync.errors import (
    DiskFullError,
    KeeperGoneError,
    LoginLockedError,
    NotClearedError,
    ReadOnlyError,
    SiteExistsError,
    SqliteTooOldError,
    UnknownLoginError,
)
from sync.localstore import LocalStore, wait_after
from sync.openrecords import BATCH_KEY
from sync.protocol import Refused
from sync.reader import Reader
from sync.sealed import Draft, SealedStore
from sync.site import SitePaths, create_site
from sync.status import LinkState, Status, read_status, write_status
from tests.sync.site import TestSite


def record(store: SealedStore, *natural: str) -> bytes:
    return store.record_id("mark", Importance.III, *natural)


def put(store: SealedStore, name: bytes, value: bytes, base: tuple[bytes, ...] = ()) -> None:
    store.put([Draft("mark", name, Importance.III, value, base)])


def test_what_one_puts_another_reads(site: TestSite) -> None:
    writer, reader = site.session("sato"), site.session("suzuki")
    name = record(writer, "pupil", "2026-11-24")
    assert name == record(reader, "pupil", "2026-11-24") != record(reader, "pupil", "2026-11-25")
    put(writer, name, b"first")
    put(writer, name, b"second", writer.base_of("mark", [name])[name])
    plain = reader.head("mark", name)
    assert plain is not None and plain.payload == b"second" and not plain.conflict
    assert plain.author == site.people["sato"].person
    assert [p.payload for p in reader.history("mark", name)] == [b"second", b"first"]
    writer.close()
    reader.close()


def test_two_heads_are_a_conflict_and_neither_is_lost(site: TestSite) -> None:
    one, two = site.session("sato"), site.session("suzuki")
    name = record(one, "pupil")
    put(one, name, b"base")
    base = one.base_of("mark", [name])[name]
    put(one, name, b"of one", base)
    put(two, name, b"of two", base)
    plain = one.head("mark", name)
    assert plain is not None and plain.conflict and len(plain.heads) == 2
    assert plain.change_id == max(plain.heads)
    assert {p.payload for p in one.history("mark", name)} == {b"base", b"of one", b"of two"}
    put(one, name, b"settled", plain.heads)
    settled = two.head("mark", name)
    assert settled is not None and settled.payload == b"settled" and not settled.conflict
    one.close()
    two.close()


def test_a_session_replaces_what_another_made_with_a_clock_ahead(site: TestSite) -> None:
    fast, slow = site.session("sato"), site.session("suzuki")
    fast.clock.observe((wall_ms() + 180_000) << 16)
    name = record(fast, "pupil", "2026-11-24")
    put(fast, name, b"first")
    put(slow, name, b"second", slow.base_of("mark", [name])[name])
    plain = fast.head("mark", name)
    assert plain is not None and plain.payload == b"second" and not plain.conflict
    fast.close()
    slow.close()


def test_who_is_not_cleared_can_add_and_not_read(site: TestSite) -> None:
    cleared, other = site.session("sato"), site.session("suzuki")
    name = record(other, "reason")
    other.put([Draft("reason", name, Importance.II, b"secret")])
    opened = cleared.head("reason", name)
    assert opened is not None and opened.payload == b"secret"
    own = other.head("reason", name)  # this session still holds the batch key that it made
    assert own is not None
    other.close()
    again = site.session("suzuki")
    with pytest.raises(NotClearedError):
        again.head("reason", name)
    with pytest.raises(NotClearedError):
        again.record_id("reason", Importance.II, "x")
    assert again.history("mark", name) == []
    again.close()
    cleared.close()


def test_a_session_announces_one_batch_key_for_each_importance(site: TestSite) -> None:
    store = site.session("sato")
    before = len(store.reader.heads(BATCH_KEY))
    for number in range(5):
        put(store, record(store, str(number)), b"x")
        store.put([Draft("reason", record(store, f"r{number}"), Importance.II, b"y")])
    assert len(store.reader.heads(BATCH_KEY)) == before + 2
    store.close()


def test_after_an_unknown_outcome_the_session_goes_on(site: TestSite) -> None:
    store = site.session("sato")
    put(store, record(store, "before"), b"x")
    site.kill_keeper()
    assert store.client is not None
    store.client._patience_s = 0.3
    with pytest.raises(KeeperGoneError):
        put(store, record(store, "lost"), b"x")
    site.start_keeper()
    store.client._patience_s = 10
    put(store, record(store, "after"), b"y")
    plain = store.head("mark", record(store, "after"))
    assert plain is not None and plain.payload == b"y"
    store.close()


def test_no_plaintext_on_disk(site: TestSite) -> None:
    store = site.session("sato")
    put(store, record(store, "naturalkey-xyzzy"), b"plaintext-xyzzy")
    for path in site.paths.root.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            assert b"xyzzy" not in data, path
    store.close()


def test_close_forgets_the_keys(site: TestSite) -> None:
    store = site.session("sato")
    put(store, record(store, "x"), b"x")
    keyring = store.keyring
    store.close()
    assert not keyring.pairs and not keyring._batch_keys
    with pytest.raises(RuntimeError):
        _ = store.person


def test_a_restored_store_only_reads(site: TestSite) -> None:
    store = site.session("sato")
    put(store, record(store, "x"), b"x")
    reader = Reader(site.paths.store)
    alone = SealedStore(reader, None, site.people["sato"], store.keyring)
    assert [p.payload for p in alone.heads("mark")] == [b"x"]
    with pytest.raises(ReadOnlyError):
        put(alone, record(alone, "y"), b"y")
    reader.close()
    store.close()


def test_login_attempts_are_counted_from_the_beginning(site: TestSite) -> None:

    assert [wait_after(n) for n in (0, 4, 5, 6, 9, 30)] == [0, 0, 30, 60, 480, 900]
    site.stop_keeper()
    now = [1_000_000_000_000]
    local = LocalStore(site.paths.local, lambda: now[0])
    local.put("identity", "sato", b"sealed")
    with pytest.raises(UnknownLoginError):
        local.login_begin("nobody")
    for _ in range(5):
        assert local.login_begin("sato") == b"sealed"
    with pytest.raises(LoginLockedError) as locked:
        local.login_begin("sato")
    assert locked.value.params == {"wait_s": 30}
    local.close()
    local = LocalStore(site.paths.local, lambda: now[0])  # a restart does not help
    now[0] += 29_000
    with pytest.raises(LoginLockedError):
        local.login_begin("sato")
    now[0] += 1_000
    local.login_begin("sato")
    now[0] -= 365 * 24 * 3_600_000  # a clock set back a year locks for minutes, not for a year
    with pytest.raises(LoginLockedError):
        local.login_begin("sato")
    now[0] += 60_000
    local.login_begin("sato")
    local.login_done("sato")
    assert local.login_begin("sato") == b"sealed"
    local.close()


def test_a_site_is_not_made_twice(site: TestSite) -> None:

    origin = Reader(site.paths.store)
    before = site.paths.store.read_bytes()
    with pytest.raises(SiteExistsError):
        create_site(site.paths.root, origin.origin)
    assert site.paths.store.read_bytes() == before
    origin.close()


def test_a_sqlite_with_the_wal_bug_is_refused() -> None:

    check_version((3, 51, 3))
    with pytest.raises(SqliteTooOldError):
        check_version((3, 40, 1))


def test_a_status_that_nobody_renews_is_no_status(tmp_path: Path) -> None:

    paths = SitePaths(tmp_path)
    paths.run.mkdir()
    assert read_status(paths) is None
    status = Status(LinkState.ONLINE, 0, 5, 5, 0, 1, None, 0, 0, 0, (), 1, time.monotonic())
    write_status(paths, status)
    assert read_status(paths) == status
    for boot_s in (time.monotonic() - 11, time.monotonic() + 1000):
        write_status(paths, msgspec.structs.replace(status, boot_s=boot_s))
        assert read_status(paths) is None
    paths.status.write_text("{}")
    assert read_status(paths) is None


def test_errors_of_the_keeper_keep_their_kind_and_figures() -> None:

    error = as_error(Refused("SYNC-004", "keep batch", "x", True, {"a": 1}))
    assert isinstance(error, DiskFullError) and error.retry_safe and error.params == {"a": 1}
    assert KeeperClient.__doc__
