"""A thief with the disk of a box: powered off, every file, with and without a passphrase (T1).

Invariant: a copy that was taken while the lease lived keeps its lease key: the documented limit, shown here as it
is. Without a passphrase it opens nothing; once the lease was over, the right passphrase opens nothing of I and II.
"""

import base64
import contextlib
import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest

from appliance.board.leasing import revoke_lease
from appliance.credentials import PEPPER, read_site_key
from appliance.login import login
from crypto.errors import CryptoError, WrongPassphraseError
from crypto.identity import Identity, open_identity
from crypto.importance import Importance
from crypto.secret import Secret
from sync.client import KeeperClient
from sync.clock import wall_ms
from sync.errors import NotClearedError
from sync.keyring import BoxLease, open_keyring
from sync.leaseguard import LEASE_NOTE, LeaseGuard, LeaseState
from sync.localstore import IDENTITY_SPACE, LEASE_SECRET
from sync.openrecords import LOCKED
from sync.reader import Reader
from sync.trustedtime import CLOCK, Clocks
from tests.adversaries.loot import Loot
from tests.adversaries.scene import CARD, ENCODINGS, PERMIT, PREFIX, PURPOSE, REASON, Scene, copy, hits, needles
from tests.faults.city import office_at
from tests.hubside import to_box
from tests.school import PASSPHRASE, STAFF, School

pytestmark = pytest.mark.faults
DAY = 24 * 3600 * 1000
BACK = -3652 * DAY
ABROAD = frozenset(Importance) - LOCKED


@dataclass
class Disk:
    """A site's folder in somebody's hands, read with nothing but SQLite."""

    folder: Path
    scene: Scene

    def local(self) -> dict[tuple[str, str], bytes]:
        """Return everything of `local.db`."""
        with contextlib.closing(sqlite3.connect(self.folder / "local.db")) as database:
            rows = database.execute("SELECT space, key, value FROM local")
            return {(space, key): bytes(value) for space, key, value in rows}

    def pepper(self) -> Secret:
        return Secret((self.folder / "credentials" / PEPPER).read_bytes())

    def identity(self, name: str = "kocho", passphrase: str = PASSPHRASE) -> Identity:
        return open_identity(self.local()[IDENTITY_SPACE, name], passphrase, self.pepper())

    def secrets(self) -> list[bytes]:
        """Return every value and every credential as raw bytes: whatever could be a key of something."""
        files = [path.read_bytes() for path in (self.folder / "credentials").iterdir()]
        return list(self.local().values()) + files

    def scene_secret(self) -> bytes:
        """Return the lease key that was there while the lease lived."""
        return Disk(self.scene.site, self.scene).local()[LEASE_SECRET]

    def loot(self, *identities: Identity) -> Loot:
        return Loot(self.folder / "school.db", self.scene.board.root, list(identities), [], self.secrets())


def keyless(disk: Disk) -> None:
    """Fail if anything opens without a person's key, or any marker or name stands anywhere."""
    loot = disk.loot()
    assert loot.keys or disk.local().get(LEASE_SECRET) is None
    assert (loot.pairs, loot.batch_keys) == ({}, {})
    assert [loot.opened(importance) for importance in Importance] == [[], [], [], []]
    assert all(loot.sealed(importance) for importance in Importance if importance is not Importance.IV)
    assert hits(disk.folder, disk.scene.wanted) == set()


@pytest.fixture(scope="module")
def living(scene: Scene, tmp_path_factory: pytest.TempPathFactory) -> Disk:
    """The disk as it was pulled out while the lease lived."""
    return Disk(copy(scene.site, tmp_path_factory.mktemp("living") / "site"), scene)


def end_of_lease(school: School, shift_ms: int) -> LeaseState:
    """Let the box look after its lease, at a clock that is off by so much."""
    with (
        contextlib.closing(KeeperClient(school.paths.socket)) as client,
        contextlib.closing(Reader(school.paths.store)) as reader,
    ):
        key, clocks = read_site_key(school.site), Clocks(lambda: wall_ms() + shift_ms)
        return LeaseGuard(reader, client, school.board.root, key, clocks).turn().state


@pytest.fixture(scope="module", params=["lapsed", "revoked"])
def over(scene: Scene, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Disk]:
    """The disk as it was pulled out after the lease had ended: by time, or by the board's word."""
    folder = tmp_path_factory.mktemp("over")
    with scene.running(folder) as school:
        if request.param == "revoked":
            revoke_lease(school.board, school.made.code)
            to_box(school)
            assert end_of_lease(school, 0) is LeaseState.REVOKED
        else:
            assert end_of_lease(school, 15 * DAY) is LeaseState.LAPSED
    yield Disk(folder / "site", scene)


def test_the_search_would_find_every_marker_in_every_encoding(scene: Scene, tmp_path: Path) -> None:
    wanted = needles([PREFIX])
    for number, encoding in enumerate(ENCODINGS):
        raw = f"理由{REASON}".encode(encoding)
        for shape, data in (("", raw), (" hex", raw.hex().encode()), (" HEX", raw.hex().upper().encode())):
            (tmp_path / f"{number}{shape}").write_bytes(b"\x01" + data)
            assert f"{number}{shape}: {PREFIX} {encoding}{shape}" in hits(tmp_path, wanted)
    for shift in range(3):
        (tmp_path / "b64").write_bytes(base64.b64encode(bytes(shift) + REASON.encode()))
        assert f"b64: {PREFIX} utf-8 base64" in hits(tmp_path, wanted)


def test_without_a_passphrase_nothing_opens_though_the_lease_lives(living: Disk) -> None:
    assert living.local()[LEASE_SECRET]
    keyless(living)


@pytest.mark.parametrize("passphrase", ["", "password", PASSPHRASE.upper(), PASSPHRASE + " "])
def test_a_wrong_passphrase_opens_no_identity(living: Disk, passphrase: str) -> None:
    for name, _, _ in STAFF:
        with pytest.raises(CryptoError):
            living.identity(name, passphrase)


@pytest.mark.parametrize("pepper", [b"", bytes(32), b"x" * 32])
def test_the_right_passphrase_without_the_pepper_opens_no_identity(living: Disk, pepper: bytes) -> None:
    """As on a box whose service manager keeps the pepper: it is no file of the disk."""
    for name, _, _ in STAFF:
        with pytest.raises(CryptoError):
            open_identity(living.local()[IDENTITY_SPACE, name], PASSPHRASE, Secret(pepper))
    assert living.identity().person, "else this shows nothing"


def test_the_limit_a_living_disk_with_a_passphrase_and_pepper_opens_what_that_person_may(living: Disk) -> None:
    """docs/threat-model.md: a disk that is taken out while the lease lives, or was copied then, keeps its key."""
    loot = living.loot(living.identity("kocho"))
    assert {key.importance for key in loot.pairs} == frozenset(Importance)
    assert CARD.encode() in loot.text(Importance.I) and REASON.encode() in loot.text(Importance.II)
    audit = loot.text(Importance.II)
    assert PURPOSE.encode() in audit and PERMIT.encode() in audit
    teacher = living.loot(living.identity("sato"))
    assert REASON.encode() in teacher.text(Importance.II) and teacher.opened(Importance.I) == []


def test_after_the_end_nothing_opens_without_a_passphrase(over: Disk) -> None:
    assert over.local().get(LEASE_SECRET) != over.scene_secret()
    keyless(over)


def test_after_the_end_the_lease_key_is_in_no_byte_of_the_disk(over: Disk) -> None:
    before = over.scene_secret()
    parts = {before: "lease key", before[:32]: "lease key", before[-32:]: "lease key"}
    assert hits(over.folder, parts) == set() and hits(over.scene.site, parts)


def test_after_the_end_every_right_passphrase_together_opens_nothing_of_one_and_two(over: Disk) -> None:
    everybody = [over.identity(name) for name, _, _ in STAFF]
    loot = over.loot(*everybody)
    assert {key.importance for key in loot.pairs} == ABROAD
    assert loot.opened(Importance.I) == loot.opened(Importance.II) == []
    assert loot.sealed(Importance.I) and loot.sealed(Importance.II)
    names = loot.text(Importance.III)
    assert all(part.encode() in names for name in over.scene.names for part in name.split()), "III is theirs"
    assert not any(marker.encode() in names for marker in (REASON, CARD, PURPOSE, PERMIT))


def test_after_the_end_a_keyring_opens_nothing_of_one_and_two_whatever_it_is_told(over: Disk) -> None:
    identity, root = over.identity("kocho"), over.scene.board.root
    with contextlib.closing(Reader(over.folder / "school.db")) as reader:
        waiting = [key for key in over.loot().keys]
        leases = [None, BoxLease(reader.origin, None), *(BoxLease(reader.origin, key) for key in waiting)]
        for lease in leases:
            keyring = open_keyring(reader, identity, root, lease)
            assert {importance for importance in Importance if keyring.cleared(importance)} == ABROAD


@pytest.mark.parametrize("trick", ["clock back", "note away", "note for ever", "store of before"])
def test_after_the_end_running_the_stolen_box_brings_nothing_back(
    over: Disk, living: Disk, tmp_path: Path, trick: str
) -> None:
    """The thief runs our own programs over the disk, with the right passphrase, and bends what a file says."""
    folder = tmp_path / "run"
    copy(over.folder, folder / "site")
    with contextlib.closing(sqlite3.connect(folder / "site" / "local.db")) as database, database:
        bend(database, trick)
    if trick == "store of before":
        for path in living.folder.glob("school.db*"):
            shutil.copy2(path, folder / "site" / path.name)
    shutil.copytree(over.scene.off / "board", folder / "board")
    scene = Scene(over.scene.city, folder, [], [], "")
    with scene.running(tmp_path / "again") as school:
        told = end_of_lease(school, BACK)  # "note away" takes it for a box that never had a lease, and opens none
        assert trick in ("note away", "note for ever") or told in (LeaseState.LAPSED, LeaseState.REVOKED)
        with contextlib.closing(login(school.site, "kocho", PASSPHRASE)._session.store) as store:
            assert {i for i in Importance if store.keyring.cleared(i)} == ABROAD
            for kind in ("emergency.card", "attendance.reason", "audit.entry"):
                with pytest.raises(NotClearedError):
                    store.heads(kind)


def bend(database: sqlite3.Connection, trick: str) -> None:
    """Change what `local.db` says."""
    space, key = LEASE_NOTE
    if trick == "note away":
        database.execute("DELETE FROM local WHERE (space, key) IN (VALUES (?,?),(?,?))", (*LEASE_NOTE, *CLOCK))
    elif trick == "clock back":
        database.execute("DELETE FROM local WHERE space = ? AND key = ?", CLOCK)
    elif trick == "note for ever":
        raw = database.execute("SELECT value FROM local WHERE space = ? AND key = ?", (space, key)).fetchone()[0]
        lease, _ = msgspec.msgpack.decode(raw)
        lease.update(until_ms=wall_ms() + 3652 * DAY, revoked=False, serial=99)
        value = msgspec.msgpack.encode([lease, True])
        database.execute("UPDATE local SET value = ? WHERE space = ? AND key = ?", (value, space, key))


def test_the_limit_a_local_db_that_was_copied_while_the_lease_lived_still_opens(
    over: Disk, living: Disk, tmp_path: Path
) -> None:
    """docs/threat-model.md: revoking reaches only a box that runs, and no copy of its disk that was made before.

    It takes the copy of that time, the pepper and a right passphrase together; one of them less opens nothing.
    """
    folder = copy(over.folder, tmp_path / "site")
    for path in folder.glob("local.db*"):
        path.unlink()
    shutil.copy2(living.folder / "local.db", folder / "local.db")
    older = Disk(folder, over.scene)
    assert REASON.encode() in older.loot(older.identity("kocho")).text(Importance.II)
    keyless(older)
    with pytest.raises(WrongPassphraseError):
        older.identity("kocho", "not-that-one")


def test_what_was_entered_is_there_for_whoever_may(scene: Scene, tmp_path: Path) -> None:
    """The other side of it: else a search that finds nothing would prove nothing."""
    with scene.running(tmp_path) as school, office_at(school.site, "kocho") as office:
        loot = office._session.store
        assert sum(REASON.encode() in plain.payload for plain in loot.heads("attendance.reason")) == 3
        assert sum(CARD.encode() in plain.payload for plain in loot.heads("emergency.card")) == 3
