"""Keeper and sync as processes that do not start each other, as on a box: what one's death means to the other."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sync import healing
from sync.daemon import SiteDaemon
from sync.errors import SecondKeeperError
from sync.keeperlock import note_end
from tests.sync.cloud import wait_until
from tests.sync.serving import Serving, serving_at
from tests.sync.site import TestSite


@pytest.fixture
def serving(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Serving]:
    """A site whose keeper runs by itself beside the daemon."""
    with serving_at(tmp_path, monkeypatch) as serving:
        serving.site.start_keeper()
        serving.running = SiteDaemon(serving.paths, serving.settings(), None)
        serving.running.start()
        yield serving


def test_the_daemon_minds_litestream_only(serving: Serving) -> None:
    serving.office.make()
    serving.settle()
    assert set(serving.daemon.children()) == {"litestream"}
    serving.stop()
    assert serving.site.keeper is not None and serving.site.keeper.poll() is None
    assert serving.site.stop_keeper() == 0 and not serving.paths.running_mark.exists()


def test_a_keeper_that_stops_cleanly_and_starts_again_is_found_and_nothing_is_healed(serving: Serving) -> None:
    serving.office.make()
    serving.settle()
    assert serving.site.stop_keeper() == 0
    assert note_end(serving.paths) is False
    serving.site.start_keeper()
    last = serving.office.make()
    serving.settle()
    assert serving.status.sent >= last and serving.status.replica_resets == 0


@pytest.mark.faults
def test_after_a_killed_keeper_the_replica_is_made_anew_before_another_keeper_is_there(
    serving: Serving, tmp_path: Path
) -> None:
    serving.office.make(5)
    serving.settle()
    serving.site.kill_keeper()
    serving.daemon.tick()
    assert serving.status.replica_resets == 0  # nobody told yet
    assert note_end(serving.paths) is True and healing.cause_of(serving.paths) == healing.UNCLEAN
    wait_until(lambda: serving.status.replica_resets == 1, "reset", serving.daemon.tick)
    serving.site.start_keeper()
    last = serving.office.make(3)
    serving.settle()
    assert serving.status.replica_resets == 1 and not serving.paths.reset_mark.exists()
    report = serving.restored(tmp_path / "back")
    assert report.complete and report.verified.seq >= last


@pytest.mark.faults
def test_where_nobody_tells_the_next_keeper_does(serving: Serving) -> None:
    serving.office.make(5)
    serving.settle()
    serving.site.kill_keeper()
    serving.site.start_keeper()
    serving.until(lambda status: status.replica_resets == 1, "reset")
    serving.settle()


def test_nothing_is_told_of_a_keeper_that_runs(site: TestSite) -> None:
    with pytest.raises(SecondKeeperError):
        note_end(site.paths)
    assert not site.paths.reset_mark.exists() and site.paths.running_mark.exists()


def test_a_kill_while_it_is_told_only_has_it_told_again(site: TestSite, monkeypatch: pytest.MonkeyPatch) -> None:
    site.kill_keeper()

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(Path, "unlink", killed)
        note_end(site.paths)
    assert site.paths.reset_mark.exists() and site.paths.running_mark.exists()
    assert note_end(site.paths) is True
    assert note_end(site.paths) is False and site.paths.reset_mark.exists()
