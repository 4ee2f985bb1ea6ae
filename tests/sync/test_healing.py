"""The log of healings: begun once, ended by a proof, kept over an end of the daemon."""

from pathlib import Path

from sync import healing
from sync.ids import Origin, Site
from sync.site import SitePaths, create_site
from tests.sync.site import SCHOOL


def site(folder: Path) -> SitePaths:
    return create_site(folder / "site", Origin(SCHOOL, Site.BOX, 1))


def test_a_healing_ends_with_its_cause_and_how_long_it_took(tmp_path: Path) -> None:
    paths = site(tmp_path)
    assert healing.newest_healing(paths) is None and healing.done(paths, 5) is None
    healing.ask_for_healing(paths, healing.OPERATOR)
    assert healing.cause_of(paths) == healing.OPERATOR
    healing.begin(paths, healing.CORRUPT)
    healing.begin(paths, healing.UNCLEAN)  # before the proof: the first cause is the one that counts
    entry = healing.done(paths, 7)
    assert entry is not None and (entry.cause, entry.seq) == (healing.CORRUPT, 7) and entry.seconds >= 0
    assert healing.begun(paths) is None and healing.newest_healing(paths) == entry


def test_the_log_keeps_its_newest_thousand(tmp_path: Path) -> None:
    paths = site(tmp_path)
    for seq in range(1003):
        healing.begin(paths, healing.UNCLEAN)
        healing.done(paths, seq)
    lines = paths.healing_log.read_bytes().splitlines()
    newest = healing.newest_healing(paths)
    assert len(lines) == 1000 and newest is not None and newest.seq == 1002


def test_a_note_that_is_torn_counts_as_none(tmp_path: Path) -> None:
    paths = site(tmp_path)
    paths.healing.write_bytes(b'{"cause": "unc')
    assert healing.begun(paths) is None
    healing.begin(paths, healing.UNCLEAN)
    assert healing.done(paths, 1) is not None
