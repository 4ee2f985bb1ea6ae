"""What never leaves the box, and a back-off that no killed process and no moved clock ends."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sync.client import KeeperClient
from sync.errors import LoginLockedError, UnknownLoginError
from sync.localstore import IDENTITY_SPACE, LocalStore, wait_after
from sync.schema import create_local
from tests.sync.site import TestSite

NOW_MS = 1_800_000_000_000
YEAR_MS = 365 * 24 * 3600 * 1000


class Bench:
    """A local store under a clock that stands where it is put."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.now_ms = NOW_MS
        create_local(path)
        self.open()

    def open(self) -> None:
        self.store = LocalStore(self.path, lambda: self.now_ms)

    def reopen(self) -> None:
        self.store.close()
        self.open()

    def wait(self, login: str = "sato") -> int:
        """Begin a login; return the seconds that it is told to wait, 0 when it may try."""
        try:
            assert self.store.login_begin(login) == b"sealed"
        except LoginLockedError as error:
            wait_s = error.params["wait_s"]
            assert isinstance(wait_s, int)
            return wait_s
        return 0


@pytest.fixture
def local(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path / "local.db")
    bench.store.put(IDENTITY_SPACE, "sato", b"sealed")
    yield bench
    bench.store.close()


def test_values_stay_in_their_space(local: Bench) -> None:
    local.store.put("marks", "b", b"1")
    local.store.put("marks", "a", b"")
    local.store.put("other", "c", b"3")
    local.store.put("marks", "b", b"2")
    local.reopen()
    assert local.store.keys("marks") == ("a", "b") and local.store.keys("none") == ()
    assert (local.store.get("marks", "a"), local.store.get("marks", "b")) == (b"", b"2")
    assert local.store.get("marks", "c") is None
    local.store.put("marks", "b", None)
    local.store.put("marks", "never", None)
    assert local.store.get("marks", "b") is None


@settings(deadline=None)
@given(st.integers(0, 10_000))
def test_the_wait_never_shrinks_and_never_passes_a_quarter_of_an_hour(failed: int) -> None:
    assert 0 <= wait_after(failed) <= wait_after(failed + 1) <= 900


def test_waits_double_with_every_failure(local: Bench) -> None:
    assert [local.wait() for _ in range(6)] == [0, 0, 0, 0, 0, 30]
    for expected in (30, 60, 120, 240, 480, 900, 900):
        assert local.wait() == expected
        local.now_ms += expected * 1000 - 1000
        assert local.wait() == 1
        local.now_ms += 1000
        assert local.wait() == 0


def test_asking_while_locked_neither_lengthens_nor_shortens_the_wait(local: Bench) -> None:
    for _ in range(5):
        local.wait()
    for _ in range(10):
        assert local.wait() == 30
    local.now_ms += 30_000
    assert local.wait() == 0


def test_success_forgets_every_failure(local: Bench) -> None:
    for _ in range(5):
        local.wait()
    local.now_ms += 30_000
    assert local.wait() == 0
    local.store.login_done("sato")
    assert [local.wait() for _ in range(5)] == [0] * 5


def test_one_login_does_not_lock_another(local: Bench) -> None:
    local.store.put(IDENTITY_SPACE, "suzuki", b"sealed")
    for _ in range(5):
        local.wait()
    assert (local.wait(), local.wait("suzuki")) == (30, 0)


def test_an_unknown_login_is_named_and_not_counted(local: Bench) -> None:
    for _ in range(10):
        with pytest.raises(UnknownLoginError):
            local.store.login_begin("nobody")
    assert local.store.keys("login") == ()


@pytest.mark.parametrize("moved_ms", [-YEAR_MS, -10 * YEAR_MS])
def test_a_clock_set_back_locks_for_seconds_not_for_years(local: Bench, moved_ms: int) -> None:
    for _ in range(5):
        local.wait()
    local.now_ms += moved_ms
    assert local.wait() == 30
    local.now_ms += 30_000
    assert local.wait() == 0


def test_a_clock_set_back_again_and_again_gives_no_guess_for_nothing(local: Bench) -> None:
    for _ in range(5):
        local.wait()
    for _ in range(20):
        local.now_ms -= 60_000
        assert local.wait() == 30


@pytest.mark.parametrize("nonsense", [b"\xff", b"", b"\x92\x01", b"\x92\xa1x\x01"])
def test_a_damaged_count_does_not_lock_anyone_out(local: Bench, nonsense: bytes) -> None:
    local.store.put("login", "sato", nonsense)
    assert [local.wait() for _ in range(6)] == [0, 0, 0, 0, 0, 30]


@pytest.mark.faults
def test_killing_session_and_keeper_wins_no_free_guess(site: TestSite) -> None:
    client = KeeperClient(site.paths.socket)
    client.local_put(IDENTITY_SPACE, "sato", b"sealed")
    for _ in range(5):
        guess = KeeperClient(site.paths.socket)
        assert guess.login_begin("sato") == b"sealed"
        guess.close()  # and is never heard of again
    site.kill_keeper()
    site.start_keeper()
    with pytest.raises(LoginLockedError) as locked:
        client.login_begin("sato")
    wait_s = locked.value.params["wait_s"]
    assert isinstance(wait_s, int) and 0 < wait_s <= 30 and locked.value.retry_safe
    client.login_done("sato")
    assert client.login_begin("sato") == b"sealed"
    with pytest.raises(UnknownLoginError):
        client.login_begin("nobody")
    client.close()


def test_nonsense_in_the_count_does_not_end_the_keeper(site: TestSite) -> None:
    client = KeeperClient(site.paths.socket)
    client.local_put(IDENTITY_SPACE, "sato", b"sealed")
    client.local_put("login", "sato", b"\xff")
    assert client.login_begin("sato") == b"sealed"
    assert client.local_keys("login") == ("sato",)
    assert site.keeper is not None and site.keeper.poll() is None
    client.close()
