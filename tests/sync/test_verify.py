"""Every way of tampering with a store has a name."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from crypto.errors import BadSignatureError
from crypto.identity import Identity
from crypto.importance import Importance
from sync.change import CHAIN_START, chain_hash, digest_parts
from sync.checkpoint import site_person
from sync.client import KeeperClient
from sync.database import open_writer
from sync.errors import (
    BrokenChainError,
    ForgedChangeError,
    HeadsMismatchError,
    MixedEpochsError,
    PeopleMissingError,
    SyncError,
    WrongSchoolError,
    WrongStoreError,
)
from sync.ids import Origin, Site
from sync.reader import Reader
from sync.sealed import Draft
from sync.sitevoice import SiteVoice
from sync.verify import verify_store
from tests.sync.site import SCHOOL, TestSite, found_site

ORIGIN = Origin(SCHOOL, Site.BOX, 1)


@dataclass
class Made:
    site: TestSite
    checkpoint: int


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    """Records, changes of changes, a checkpoint, and a few changes after it."""
    key = Identity.generate(site_person(ORIGIN))
    site = found_site(tmp_path_factory.mktemp("verify") / "site", site_key=key)
    session = site.session("sato")
    write(session_of=session, first=0)
    client, reader = KeeperClient(site.paths.socket), Reader(site.paths.store)
    covered = SiteVoice(reader, client, key.sign).checkpoint().last_seq
    write(session_of=session, first=100)
    reader.close()
    client.close()
    session.close()
    site.stop_keeper()
    yield Made(site, covered)


def write(session_of: Any, first: int) -> None:
    for number in range(first, first + 5):
        record = session_of.record_id("mark", Importance.III, str(number))
        for value in (b"one", b"two", b"three"):
            head = session_of.head("mark", record)
            base = head.heads if head else ()
            session_of.put([Draft("mark", record, Importance.III, value, base)])
    names = [session_of.record_id("bulk", Importance.III, f"{first}-{n}") for n in range(6)]
    session_of.put([Draft("bulk", name, Importance.III, b"x") for name in names])


def verify(path: Path, made: Made, *, full: bool = False, school: str = SCHOOL) -> Any:
    return verify_store(path, made.site.root.sign.verify_key, school, full=full)


@pytest.fixture
def copy(made: Made, tmp_path: Path) -> Path:
    target = tmp_path / "school.db"
    for part in made.site.paths.root.glob("school.db*"):
        shutil.copy(part, tmp_path / part.name)
    return target


def change(path: Path, *statements: str) -> None:
    connection = open_writer(path)
    for statement in statements:
        connection.execute(statement)
    connection.close()


def test_a_whole_store_passes_and_the_checkpoint_covers_its_past(made: Made, copy: Path) -> None:
    told = verify(copy, made)
    assert 0 < told.checkpoint_seq < told.seq
    assert 0 < told.signatures < verify(copy, made, full=True).signatures
    seen: list[tuple[int, int]] = []
    verify_store(copy, made.site.root.sign.verify_key, SCHOOL, progress=lambda *at: seen.append(at))
    assert seen[-1] == (told.seq, told.seq)


LAST_MARK = "(SELECT max(id) FROM change WHERE kind='mark')"
FLIPS = {
    "change_id": "zeroblob(24)",
    "author": "randomblob(16)",
    "kind": "'other'",
    "record": "zeroblob(16)",
    "base": "zeroblob(24)",
    "importance": "2",
    "key_id": "zeroblob(16)",
    "body": "zeroblob(93)",
    "hash": "zeroblob(32)",
}


@pytest.mark.parametrize("column", FLIPS)
def test_every_chained_column_is_guarded(made: Made, copy: Path, column: str) -> None:
    change(copy, f"UPDATE change SET {column}={FLIPS[column]} WHERE id={LAST_MARK}")
    with pytest.raises(BrokenChainError):
        verify(copy, made)


INSIDE = "(SELECT max(id) FROM change WHERE kind='bulk')"
ROSTER = "WHERE kind='people.roster'"
TAMPERING: dict[str, tuple[str, type[SyncError]]] = {
    "gap": (f"DELETE FROM change WHERE id={LAST_MARK}", BrokenChainError),
    "torn tail": ("DELETE FROM change WHERE id=(SELECT max(id) FROM change)", BrokenChainError),
    "signature": (f"UPDATE change SET signature=zeroblob(64) WHERE id={LAST_MARK}", ForgedChangeError),
    "no signature": (f"UPDATE change SET signature=NULL WHERE id={LAST_MARK}", ForgedChangeError),
    "number": (f"UPDATE change SET number=number+1 WHERE id={LAST_MARK}", ForgedChangeError),
    "writer": (f"UPDATE change SET writer=zeroblob(8) WHERE id={LAST_MARK}", ForgedChangeError),
    "size": (f"UPDATE change SET size=0 WHERE id={LAST_MARK}", BrokenChainError),
    "size of a batch": ("UPDATE change SET size=5 WHERE size=6", ForgedChangeError),
    "second signature": (f"UPDATE change SET number=1 WHERE id={INSIDE}", ForgedChangeError),
    "text for bytes": (f"UPDATE change SET body='text' WHERE id={LAST_MARK}", BrokenChainError),
    "bytes for text": (f"UPDATE change SET kind=x'ff' WHERE id={LAST_MARK}", BrokenChainError),
    "no importance": (f"UPDATE change SET importance=300 WHERE id={LAST_MARK}", BrokenChainError),
    "no number": (f"UPDATE change SET number=NULL WHERE id={LAST_MARK}", BrokenChainError),
    "below zero": (f"UPDATE change SET number=-1 WHERE id={LAST_MARK}", BrokenChainError),
    "short author": (f"UPDATE change SET author=x'00' WHERE id={LAST_MARK}", BrokenChainError),
    "no utf-8": (f"UPDATE change SET kind=CAST(x'ff' AS TEXT) WHERE id={LAST_MARK}", WrongStoreError),
    "past of the roster": (f"UPDATE change SET replaced=x'0000010000000fff' {ROSTER}", BrokenChainError),
    "past beyond numbers": (f"UPDATE change SET replaced=x'ffffffffffffffff' {ROSTER}", BrokenChainError),
    "another life": ("UPDATE meta SET value='2' WHERE key='epoch'", MixedEpochsError),
    "history": (f"UPDATE change SET replaced=zeroblob(8) WHERE id={LAST_MARK}", HeadsMismatchError),
    "head gone": ("DELETE FROM head WHERE kind='mark'", HeadsMismatchError),
    "head of another": ("UPDATE head SET id=id-1 WHERE kind='mark'", HeadsMismatchError),
    "head of no row": ("UPDATE head SET id='x' WHERE kind='mark'", HeadsMismatchError),
    "people of no row": ("UPDATE head SET id='x' WHERE kind='people.roster'", SyncError),
    "head invented": ("INSERT INTO head VALUES ('mark', zeroblob(16), zeroblob(24), 1)", HeadsMismatchError),
    "no people": ("DELETE FROM head WHERE kind='people.roster'", PeopleMissingError),
    "no meta": ("DELETE FROM meta", WrongStoreError),
}


@pytest.mark.parametrize("name", TAMPERING)
def test_tampering_is_refused_by_name(made: Made, copy: Path, name: str) -> None:
    statement, expected = TAMPERING[name]
    change(copy, statement)
    with pytest.raises(expected):
        verify(copy, made)


def test_a_forged_old_signature_is_seen_in_full(made: Made, copy: Path) -> None:
    oldest = "(SELECT min(id) FROM change WHERE kind='mark' AND signature NOT NULL)"
    change(copy, f"UPDATE change SET signature=zeroblob(64) WHERE id={oldest}")
    verify(copy, made)  # the chain up to the checkpoint, which the site signed, covers the change itself
    with pytest.raises(ForgedChangeError):
        verify(copy, made, full=True)


def rechain(path: Path) -> None:
    """Recompute the chain, as someone would who can write the file but holds no key."""
    connection = open_writer(path)
    rows = connection.execute(
        "SELECT id, author, change_id, kind, record, base, importance, key_id, body FROM change ORDER BY id"
    ).fetchall()
    chain = CHAIN_START
    for seq, (row_id, *parts) in enumerate(rows, 1):
        chain = chain_hash(chain, seq, digest_parts(*parts))
        connection.execute("UPDATE change SET hash=? WHERE id=?", (chain, row_id))
    connection.close()


def test_rewriting_the_past_with_a_fresh_chain_is_refused(made: Made, copy: Path) -> None:
    change(copy, "UPDATE change SET body=zeroblob(93) WHERE id=(SELECT min(id) FROM change WHERE kind='mark')")
    rechain(copy)
    with pytest.raises((BrokenChainError, ForgedChangeError)):
        verify(copy, made)


def test_rewriting_the_present_with_a_fresh_chain_is_refused(made: Made, copy: Path) -> None:
    change(copy, f"UPDATE change SET body=zeroblob(93) WHERE id={LAST_MARK}")
    rechain(copy)
    with pytest.raises(ForgedChangeError):
        verify(copy, made)


def test_a_change_of_another_life_in_this_ones_log_is_refused_by_name(made: Made, copy: Path) -> None:
    other = Origin(SCHOOL, Site.BOX, 2).tag.hex()
    name = f"substr(change_id, 1, 8) || x'{other}' || substr(change_id, 17)"
    change(copy, f"UPDATE change SET change_id=CAST({name} AS BLOB) WHERE id={LAST_MARK}")
    rechain(copy)
    with pytest.raises(MixedEpochsError):
        verify(copy, made)


def test_what_was_proven_a_moment_ago_vouches_for_its_signatures_and_for_nothing_else(
    made: Made, copy: Path
) -> None:
    root = made.site.root.sign.verify_key
    proven = verify(copy, made)
    assert verify_store(copy, root, SCHOOL, proven=proven).signatures == 0 < proven.signatures
    everything = verify_store(copy, root, SCHOOL, proven=proven, full=True).signatures
    assert everything == verify(copy, made, full=True).signatures, "full is full"
    change(copy, f"UPDATE change SET body=zeroblob(93) WHERE id={LAST_MARK}")
    with pytest.raises(BrokenChainError):
        verify_store(copy, root, SCHOOL, proven=proven)
    rechain(copy)  # another chain than the one that was proven: nothing is vouched for
    with pytest.raises(ForgedChangeError):
        verify_store(copy, root, SCHOOL, proven=proven)


def rehead(path: Path) -> None:
    """Recompute heads and history, which anyone can."""
    connection = open_writer(path)
    heads: dict[tuple[str, bytes, bytes], int] = {}
    for row_id, name, kind, record, base in connection.execute(
        "SELECT id, change_id, kind, record, base FROM change ORDER BY id"
    ).fetchall():
        taken = [heads.pop((kind, record, base[at : at + 24]), None) for at in range(0, len(base), 24)]
        replaced = b"".join(one.to_bytes(8, "big") for one in taken if one)
        connection.execute("UPDATE change SET replaced=? WHERE id=?", (replaced, row_id))
        heads[kind, record, name] = row_id
    connection.execute("DELETE FROM head")
    connection.executemany(
        "INSERT INTO head VALUES (?,?,?,?)", [(*name, row_id) for name, row_id in heads.items()]
    )
    connection.close()


@pytest.mark.parametrize("anew", [False, True], ids=["as they are", "with fresh chain and heads"])
def test_swapped_batches_are_refused(made: Made, copy: Path, anew: bool) -> None:
    """Signatures say nothing of the place: the chain does, and the checkpoint holds the chain."""
    first = "(SELECT min(id) FROM head WHERE kind='mark')"
    change(
        copy,
        f"CREATE TEMP TABLE pair AS SELECT {first} AS a, {first}+1 AS b",
        "UPDATE change SET id=0 WHERE id=(SELECT a FROM pair)",
        "UPDATE change SET id=(SELECT a FROM pair) WHERE id=(SELECT b FROM pair)",
        "UPDATE change SET id=(SELECT b FROM pair) WHERE id=0",
    )
    if anew:
        rehead(copy)
        rechain(copy)
    with pytest.raises(BrokenChainError) as broken:
        verify(copy, made)
    assert (broken.value.subject == "checkpoint") is anew


def test_a_stranger_as_author_is_refused(made: Made, copy: Path) -> None:
    change(copy, f"UPDATE change SET author=randomblob(16) WHERE id={LAST_MARK}")
    rechain(copy)
    with pytest.raises(ForgedChangeError):
        verify(copy, made)


def test_a_checkpoint_that_the_site_did_not_sign_covers_nothing(made: Made, copy: Path) -> None:
    change(copy, "UPDATE change SET signature=zeroblob(64) WHERE kind='site.checkpoint'")
    with pytest.raises(ForgedChangeError):
        verify(copy, made)


def test_another_school_and_another_board_are_refused(made: Made, copy: Path) -> None:
    with pytest.raises(WrongSchoolError):
        verify(copy, made, school="C241200000022")
    with pytest.raises(BadSignatureError):
        verify_store(copy, Identity.generate(bytes(16)).sign.verify_key, SCHOOL)


@pytest.mark.parametrize("content", [b"", b"not a database at all" * 100])
def test_what_is_no_store_is_refused(made: Made, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.db"
    path.write_bytes(content)
    with pytest.raises(WrongStoreError):
        verify(path, made)
