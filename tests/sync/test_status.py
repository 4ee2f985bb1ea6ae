"""A status is an answer only while its daemon renews it."""

import threading
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from sync.clock import boot_id
from sync.site import SitePaths
from sync.status import STALE_S, LinkState, Status, read_status, write_status


def made(boot_s: float | None = None, saved: int = 5, **more: Any) -> Status:
    return Status(
        link=LinkState.ONLINE,
        link_since_ms=1,
        saved=saved,
        sent=3,
        waiting=saved - 3,
        sent_at_ms=None,
        verified_at_ms=7,
        verified_seq=2,
        replica_resets=0,
        litestream_restarts=1,
        warnings=("SYNC-048",),
        at_ms=9,
        boot_s=time.monotonic() if boot_s is None else boot_s,
        **more,
    )


@pytest.fixture
def paths(tmp_path: Path) -> SitePaths:
    (tmp_path / "run").mkdir()
    return SitePaths(tmp_path)


def test_what_was_written_is_read(paths: SitePaths) -> None:
    status = made()
    write_status(paths, status)
    assert read_status(paths) == status
    assert paths.status.stat().st_mode & 0o777 == 0o644
    assert [path.name for path in paths.run.iterdir()] == ["status.json"]


def test_what_the_other_side_said_is_read_too(paths: SitePaths) -> None:
    more = {"confirmed": 4, "confirmed_at_ms": 8, "clock_skew_ms": -61_000, "superseded": True, "quarantined": 2}
    status = made(**more)
    write_status(paths, status)
    assert read_status(paths) == status


def test_one_of_a_daemon_that_knew_no_other_side_claims_nothing_of_it(paths: SitePaths) -> None:
    told = msgspec.json.decode(msgspec.json.encode(made()))
    for name in ("confirmed", "confirmed_at_ms", "clock_skew_ms", "superseded", "quarantined"):
        del told[name]
    paths.status.write_bytes(msgspec.json.encode(told))
    status = read_status(paths)
    assert status is not None and status.saved == 5
    assert (status.confirmed, status.confirmed_at_ms, status.clock_skew_ms) == (None, None, None)
    assert (status.superseded, status.quarantined) == (False, 0)


def test_no_file_is_no_status(paths: SitePaths, tmp_path: Path) -> None:
    assert read_status(paths) is None
    assert read_status(SitePaths(tmp_path / "no site")) is None
    paths.status.mkdir()
    assert read_status(paths) is None


@pytest.mark.parametrize("age_s", [STALE_S + 1, 3600, -1000])
def test_one_that_nobody_renews_is_no_status(paths: SitePaths, age_s: float) -> None:
    """A boot clock ahead of ours is of the machine's life before this one."""
    write_status(paths, made(time.monotonic() - age_s))
    assert read_status(paths) is None


def test_one_of_before_a_power_cut_is_no_status(paths: SitePaths) -> None:
    """A machine that is cut off a minute after its start is up for a minute again soon after the next one."""
    write_status(paths, made())
    told = paths.status.read_bytes()
    assert read_status(paths) is not None and boot_id().encode() in told
    paths.status.write_bytes(told.replace(boot_id().encode(), b"0b2f5f0e-0000-4000-8000-000000000000"))
    assert read_status(paths) is None


@pytest.mark.parametrize("junk", [b"", b"{}", b"null", b"[1]", b"\xff\xfe", b'{"link":"\xff"}', b"[" * 1000])
def test_what_cannot_be_read_is_no_status(paths: SitePaths, junk: bytes) -> None:
    paths.status.write_bytes(junk)
    assert read_status(paths) is None


def test_a_link_state_of_another_version_is_no_status(paths: SitePaths) -> None:
    paths.status.write_bytes(msgspec.json.encode(made()).replace(b"online", b"superb"))
    assert read_status(paths) is None


def test_a_reader_never_sees_half_a_status(paths: SitePaths) -> None:
    write_status(paths, made())
    ended = threading.Event()

    def renew() -> None:
        while not ended.is_set():
            write_status(paths, made(saved=10**12))
            write_status(paths, made(saved=4))

    writer = threading.Thread(target=renew)
    writer.start()
    try:
        seen = [read_status(paths) for _ in range(500)]
    finally:
        ended.set()
        writer.join()
    assert None not in seen
