"""Two stores of one site compared: what each lacks, and what cannot both be true."""

import contextlib
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from sync.comparison import Difference, compare
from sync.errors import DivergedStoresError
from tests.sync.pair import BOX, HUB, Pair, pair_at
from tests.sync.samecontent import same_content

ALL_THE_SAME = Difference(0, 0)


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    with pair_at(tmp_path) as made:
        made.begin()
        made.until_confirmed(made.box, made.box.mark("pupil"))
        made.settle()
        yield made


def copy_of(pair: Pair) -> Path:
    target = pair.folder / "copy.db"
    for suffix in ("", "-wal"):  # nobody writes just now
        shutil.copy(f"{pair.box.site.paths.store}{suffix}", f"{target}{suffix}")
    return target


def altered(copy: Path, sql: str) -> None:
    with contextlib.closing(sqlite3.connect(copy)) as connection, connection:
        assert connection.execute(sql).rowcount == 1


def test_what_one_has_beyond_the_other_is_counted_by_whoever_made_it(pair: Pair) -> None:
    copy, box, hub = copy_of(pair), pair.box.site.paths.store, pair.hub.site.paths.store
    assert compare(copy, box) == ALL_THE_SAME and same_content(copy, box)
    before = pair.positions(pair.box)
    pair.box.mark("two")
    new = pair.positions(pair.box)[BOX.prefix] - before[BOX.prefix]
    assert new > 0
    assert (compare(copy, box), compare(box, copy)) == (Difference(new, 0), Difference(0, new))
    pair.hub.mark("three", who="suzuki")
    said = pair.positions(pair.hub)[HUB.prefix] - before[HUB.prefix]
    assert said > 0 and compare(hub, box) == Difference(new, said) and not same_content(hub, box)
    pair.settle()
    assert compare(hub, box) == ALL_THE_SAME


def test_one_change_that_is_another_one_is_no_difference_but_a_contradiction(pair: Pair) -> None:
    copy, box = copy_of(pair), pair.box.site.paths.store
    pair.box.mark("one")
    altered(copy, "UPDATE change SET hash = randomblob(32) WHERE id = (SELECT max(id) FROM change)")
    with pytest.raises(DivergedStoresError) as refused:
        compare(copy, box)
    assert refused.value.code == "SYNC-058" and not same_content(copy, box)


def test_other_heads_over_the_same_changes_are_a_contradiction(pair: Pair) -> None:
    copy, box = copy_of(pair), pair.box.site.paths.store
    altered(copy, "DELETE FROM head WHERE kind = 'mark'")
    with pytest.raises(DivergedStoresError) as refused:
        compare(copy, box)
    assert refused.value.code == "SYNC-058" and not same_content(copy, box)
