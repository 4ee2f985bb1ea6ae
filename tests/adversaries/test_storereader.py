"""Somebody who reads every object that was ever stored, and has every public key and roster (T3).

Invariant: nothing opens and no marker shows in raw or restored bytes; what does show is exactly what
docs/threat-model.md lists, column by column.
"""

import contextlib
import zlib
from collections import Counter
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest

from appliance.policy import writing_rules
from crypto.batchkeys import read_batch_header
from crypto.classkeys import naming_commitment, read_wrap, record_id
from crypto.importance import Importance
from crypto.leasewrap import read_escrow, read_lock
from crypto.secret import Secret
from sync.checkpoint import read_checkpoint
from sync.clock import wall_ms
from sync.complete import rebuild
from sync.countersigns import read_countersign
from sync.embedded import EmbeddedStore
from sync.ids import Origin, Site
from sync.objectstore import ObjectStore, StoreConfig
from sync.openrecords import BATCH_KEY, BOARD_LOCK, CHECKPOINT, COUNTERSIGN, ESCROW, LOCKED, SITE_LOCK, WRAP
from sync.reader import Reader
from sync.restore import Restorer, Wanted
from tests.adversaries.loot import Loot
from tests.adversaries.scene import ABSENT, Scene, copy, hits, needles
from tests.faults.city import ACCESS, BUCKET, SECRET
from tests.school import SCHOOL_DAY, STAFF

pytestmark = pytest.mark.faults
DOCS = Path(__file__).parents[2] / "docs" / "threat-model.md"
OPEN = {
    "key.class", "key.wrap", "key.batch", "key.lock", "key.escrow", "people.roster", "people.grant",
    "site.checkpoint", "site.countersign", "site.lease", "site.lease_key", "site.lock", "site.post_key",
}  # fmt: skip
SEALED = {
    "attendance.mark", "attendance.reason", "audit.entry", "emergency.card", "meeting", "meeting.item",
    "meeting.decision", "person.profile", "roster.class", "roster.contact", "roster.enrollment",
    "roster.school", "roster.session", "roster.user",
}  # fmt: skip
TABLES = {"change", "head", "late", "meta", "origin", "quarantine", "_sqlite_migrations"}
REPLICATED = {"_litestream_seq", "_litestream_lock", "sqlite_sequence"}
SHOWN = (
    "table names", "kinds", "numbers", "64 bytes", "times of writing", "importance labels",
    "which change replaces", "ids of authors", "logins", "roles", "public keys", "who has access",
    "leases", "checkpoints",
)  # fmt: skip


@pytest.fixture(scope="module")
def store(scene: Scene, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoreConfig]:
    folder = copy(scene.cloud, tmp_path_factory.mktemp("reader") / "cloud")
    server = EmbeddedStore(folder / "store", ACCESS, Secret(SECRET.encode()), BUCKET)
    server.start()
    yield server.config
    server.stop()


@pytest.fixture(scope="module", params=["box", "hub", "segments"])
def restored(
    scene: Scene, store: StoreConfig, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Path:
    """A database out of LTX files (of the box, of the hub) or out of segments: with the public root key alone."""
    folder, root, code = tmp_path_factory.mktemp("restored") / "db", scene.board.root, scene.city.code
    if request.param == "segments":
        folder.mkdir()
        rebuild(folder / "school.db", Origin(code, Site.BOX, 1), ObjectStore(store), root, writing_rules())
        return folder / "school.db"
    origin = Origin(code, Site(request.param), 1)
    Restorer(store, Wanted(origin, root, segments=False), folder).run()
    return folder / "school.db"


def publics(scene: Scene, restored: Path) -> list[bytes]:
    """Return every key that is public, as bytes that somebody might try as a secret."""
    loot = Loot(restored, scene.board.root)
    found = [public.key.to_bytes() for public in loot.publics] + [public.naming for public in loot.publics]
    found += [key for roster in loot.rosters for p in roster.people for key in (p.seal_key, p.sign_key, p.id)]
    return [*found, scene.board.root.to_bytes()]


def test_no_marker_and_no_name_is_in_any_stored_byte(scene: Scene) -> None:
    staff = needles([shown for _, shown, _ in STAFF])
    kinds = {path.suffix or path.parent.name for path in scene.bucket.rglob("*") if path.is_file()}
    assert kinds == {".ltx", "changes"}
    assert hits(scene.cloud, scene.wanted | staff) == set()


def test_no_marker_and_no_name_is_in_what_is_restored(scene: Scene, restored: Path) -> None:
    assert hits(restored.parent, scene.wanted | needles([shown for _, shown, _ in STAFF])) == set()
    assert hits(restored.parent, {b"attendance.reason": "kind"}), "it was unpacked: kinds are in clear"


def test_nothing_opens_with_what_is_public(scene: Scene, restored: Path) -> None:
    loot = Loot(restored, scene.board.root, [], [], publics(scene, restored))
    assert (loot.pairs, loot.batch_keys) == ({}, {})
    assert [loot.opened(importance) for importance in Importance] == [[], [], [], []]
    assert len(loot.sealed(Importance.I)) == ABSENT and loot.sealed(Importance.II) and loot.sealed(Importance.III)


def test_record_ids_are_not_told_by_guessing_what_they_name(scene: Scene, restored: Path) -> None:
    """Pupil's id and date are guessable; without the naming secret they lead to no record."""
    records = {row.record for row in Loot(restored, scene.board.root).rows if row.key_id}
    guesses = [Secret(key) for key in publics(scene, restored)] + [Secret(b""), Secret(bytes(32))]
    guesses += [Secret(naming_commitment(guess)) for guess in guesses]
    for guess, pupil in product(guesses, scene.pupils):
        assert record_id(guess, "attendance.reason", pupil, SCHOOL_DAY.isoformat()) not in records
        assert record_id(guess, "emergency.card", pupil) not in records


def test_what_shows_is_what_the_threat_model_lists(scene: Scene, restored: Path) -> None:
    text = " ".join(DOCS.read_text("utf-8").split())
    told = text.partition("**The object store's owner**")[2].partition("**An old box")[0]
    assert [word for word in SHOWN if word not in told] == []
    with contextlib.closing(Reader(restored)) as reader:
        tables = {name for (name,) in reader.rows("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    assert tables - REPLICATED == TABLES
    rows = Loot(restored, scene.board.root).rows
    assert {row.kind for row in rows if not row.key_id} <= OPEN
    assert {row.kind for row in rows if row.key_id} == SEALED
    counted = Counter(row.kind for row in rows)
    assert counted["attendance.reason"] == counted["emergency.card"] == ABSENT, "numbers of rows show"
    assert {row.importance for row in rows if row.kind == "emergency.card"} == {Importance.I}
    assert {row.importance for row in rows if row.kind == "audit.entry"} == {Importance.II}
    assert all(0 <= wall_ms() - row.at_ms < 600_000 for row in rows), "times of writing show"


def test_sealed_bytes_show_their_size_in_steps_and_are_as_random_as_random_bytes(
    scene: Scene, restored: Path
) -> None:
    sealed = [row.body for row in Loot(restored, scene.board.root).rows if row.key_id]
    assert {(body[0], (len(body) - 29) % 64) for body in sealed} == {(1, 0)}
    assert len({body[1:13] for body in sealed}) == len(sealed), "no nonce twice"
    noise = b"".join(body[13:] for body in sealed)
    assert len(zlib.compress(noise, 9)) >= len(noise)


def test_who_has_access_shows_by_id_login_and_role_and_nothing_else_of_them(scene: Scene, restored: Path) -> None:
    loot = Loot(restored, scene.board.root)
    people = max(loot.rosters, key=lambda roster: roster.version)
    logins = {person.login: (person.roles, person.importances) for person in people.people}
    assert logins["shien"] == (("assistant",), (3, 4)) and logins["kocho"][0] == ("principal",)
    ids, bodies = {person.id for person in people.people}, {row.kind: row.body for row in loot.rows}
    heads = [read_wrap(row.body) for row in loot.rows if row.kind == WRAP]
    heads += [read_escrow(bodies[ESCROW])]
    assert {head.person for head in heads} <= ids and {head.class_key.importance for head in heads} == {
        *Importance
    }
    locks = [read_lock(row.body) for row in loot.rows if row.kind in (SITE_LOCK, BOARD_LOCK)]
    assert locks and {lock.class_key.importance for lock in locks} == LOCKED
    assert {read_batch_header(row.body).author for row in loot.rows if row.kind == BATCH_KEY} <= ids
    for row in loot.rows:
        if row.kind == CHECKPOINT:
            assert read_checkpoint(row.body).school == scene.city.code
        if row.kind == COUNTERSIGN:
            assert read_countersign(row.body).seq > 0


def test_names_of_objects_tell_school_site_epoch_and_number(scene: Scene) -> None:
    names = {path.relative_to(scene.bucket).parts[:4] for path in scene.bucket.rglob("*") if path.is_file()}
    assert {name[0] for name in names} == {scene.city.code} and {name[1] for name in names} == {"box", "hub"}
    assert {name[2] for name in names} == {"1"} and {name[3] for name in names} == {"db", "changes"}
