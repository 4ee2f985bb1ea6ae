"""The watcher over a site with a real keeper: what it writes down, raises, clears and sends."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from appliance.alarms.book import read_book
from appliance.alarms.conditions import PACES, Pace, Steady
from appliance.alarms.section import AlarmsSection
from appliance.config import load_config, write_config
from appliance.health.doctor import CHECKS
from appliance.health.watch import Watcher
from appliance.health.watched import read_watched
from appliance.site import open_site
from sync.keeperchild import KeeperChild
from sync.linecut import LineCut
from sync.peers import listening_pid
from sync.site import SitePaths
from sync.status import write_status
from tests.appliance.alarms.listeners import Posts, wait_until
from tests.appliance.health.machines import machine_at, site_at, status

AT_ONCE = {name: Pace(0, 0) for name in PACES}


@pytest.fixture
def paths(tmp_path: Path) -> Iterator[SitePaths]:
    paths = site_at(tmp_path / "site")
    child = KeeperChild(paths)
    child.start()
    wait_until(lambda: listening_pid(paths.socket), "keeper")
    yield paths
    child.stop(10)


@pytest.fixture
def posts() -> Iterator[Posts]:
    posts = Posts()
    yield posts
    posts.close()


def tell(paths: SitePaths, **alarms: object) -> None:
    config = load_config(paths.root)
    write_config(paths.root, msgspec.structs.replace(config, alarms=AlarmsSection(**alarms)))  # type: ignore[arg-type]


def watcher_of(paths: SitePaths, tmp_path: Path) -> Watcher:
    machine = machine_at(tmp_path / "machine", {"proc/meminfo": "MemTotal: 100 kB\nMemAvailable: 90 kB"})
    return Watcher(open_site(paths.root), machine, Steady(paces=AT_ONCE))


def test_what_was_found_is_written_down_for_others(paths: SitePaths, tmp_path: Path) -> None:
    write_status(paths, status())
    watcher_of(paths, tmp_path).turn()
    watched = read_watched(paths)
    assert watched is not None and (watched.conflicts, watched.quarantined) == (0, 0)
    assert [finding.check for finding in watched.findings] == [check.name for check in CHECKS]
    assert (paths.run / "health.json").stat().st_mode & 0o777 == 0o644


def test_raised_once_cleared_once_and_told_both_times(paths: SitePaths, tmp_path: Path, posts: Posts) -> None:
    tell(paths, webhook=f"http://127.0.0.1:{posts.port}/")
    watcher = watcher_of(paths, tmp_path)
    write_status(paths, status())
    watcher.turn()
    posts.posts.clear()  # what this machine itself is short of
    for superseded in (False, True, True, True, False, False):
        write_status(paths, status(superseded=superseded))
        watcher.turn()
    told = [(post["alarm"], post["state"]) for post in posts.posts if post["alarm"] == "superseded"]
    assert told == [("superseded", "raised"), ("superseded", "cleared")]
    assert "superseded" not in read_book(paths).raised


def test_what_is_muted_is_raised_but_not_sent(paths: SitePaths, tmp_path: Path, posts: Posts) -> None:
    tell(paths, webhook=f"http://127.0.0.1:{posts.port}/", mute=("superseded", "doctor", "disk"))
    watcher = watcher_of(paths, tmp_path)
    write_status(paths, status(superseded=True, warnings=("SYNC-041",)))
    watcher.turn()
    assert {"superseded", "doctor.warnings"} <= set(read_book(paths).raised) and not posts.posts


def test_kept_until_the_line_is_back_and_over_a_restart(paths: SitePaths, tmp_path: Path, posts: Posts) -> None:
    line = LineCut("127.0.0.1", posts.port)
    try:
        line.cut()
        tell(paths, webhook=f"{line.endpoint}/", mute=("disk", "doctor"))
        watcher = watcher_of(paths, tmp_path)
        write_status(paths, status(superseded=True))
        watcher.turn()
        assert len(read_book(paths).messages) == 1 and not posts.posts
        line.mend()
        again = watcher_of(paths, tmp_path)  # a new process knows only what is on the disk
        write_status(paths, status(superseded=True))
        again.turn()
        assert [post["alarm"] for post in posts.posts] == ["superseded"] and not read_book(paths).messages
    finally:
        line.close()


def test_a_full_disk_stops_no_message(
    paths: SitePaths, tmp_path: Path, posts: Posts, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    tell(paths, webhook=f"http://127.0.0.1:{posts.port}/", mute=("disk", "doctor"))
    watcher = watcher_of(paths, tmp_path)
    write_status(paths, status(superseded=True))
    monkeypatch.setattr("appliance.health.watch.write_book", full)
    monkeypatch.setattr("appliance.health.watch.write_watched", full)
    for _ in range(3):
        watcher.turn()
    assert [post["alarm"] for post in posts.posts] == ["superseded"], "told once, though nothing could be written"


def test_the_watcher_takes_up_a_changed_configuration(paths: SitePaths, tmp_path: Path, posts: Posts) -> None:
    watcher = watcher_of(paths, tmp_path)
    write_status(paths, status())
    watcher.turn()
    tell(paths, webhook=f"http://127.0.0.1:{posts.port}/", mute=("disk", "doctor"))
    write_status(paths, status(superseded=True))
    watcher.turn()
    assert [post["alarm"] for post in posts.posts] == ["superseded"]
