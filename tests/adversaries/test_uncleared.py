"""People without clearance (T5): a 支援員 cleared for III, and ICT support with root's shell on a box nobody uses.

Invariant: neither opens anything of I and II with all that they have, and what the policy refused them is in the
audit record."""

import contextlib
import itertools
from collections.abc import Callable
from pathlib import Path

import pytest

from appliance.credentials import read_pepper
from appliance.office import Office
from appliance.policy import PolicyDeniedError
from crypto.errors import CryptoError, KurabakoError
from crypto.identity import open_identity
from crypto.importance import Importance
from sync.client import KeeperClient
from sync.errors import (
    ForgedChangeError,
    LoginLockedError,
    NotClearedError,
    SyncError,
)
from sync.localstore import IDENTITY_SPACE
from sync.openrecords import (
    LOCKED,
)
from sync.reader import Row
from tests.adversaries.forging import identity_of, site_secrets
from tests.adversaries.loot import Loot
from tests.adversaries.scene import CARD, PERMIT, PREFIX, PURPOSE, REASON, Scene, keep_cards
from tests.school import PASSPHRASE, SCHOOL_DAY, School

pytestmark = pytest.mark.faults
SECRETS = (REASON, CARD, PURPOSE, PERMIT)
HARD = ("emergency.card", "attendance.reason", "audit.entry")


def denied(act: Callable[[], object]) -> str:
    """Return the code that something is refused with; fails when it is not refused."""
    with pytest.raises((PolicyDeniedError, NotClearedError)) as refused:
        act()
    return refused.value.code


def test_every_desk_refuses_and_the_audit_record_tells_of_it(
    scene: Scene, school: School, shien: Office, tmp_path: Path
) -> None:
    pupil, class_id = scene.pupils[0], scene.class_id
    meeting = shien.meetings.all()[0].meeting_id
    item = shien.meetings.open(meeting).items[0].item_id
    seen = [shien.attendance.day(class_id, SCHOOL_DAY), shien.attendance.history(pupil, SCHOOL_DAY)]
    seen += [shien.meetings.open(meeting), shien.conflicts.all(), shien.home(), shien.light()]
    asked: list[Callable[[], object]] = [
        lambda: shien.attendance.reason(pupil, SCHOOL_DAY),
        lambda: shien.emergency.card(pupil),
        lambda: shien.audit.lines(),
        lambda: shien.audit.lines(on=SCHOOL_DAY, refused_only=True),
        lambda: shien.emergency.open(PASSPHRASE, "kyoto", PASSPHRASE, "様子を見たい", 60),
        lambda: shien.emergency.close(),
        lambda: keep_cards(tmp_path / "cards.csv", shien, "1年1組", [("1", scene.names[0])]),
        lambda: shien.attendance.mark(class_id, SCHOOL_DAY, pupil, "sick", reason="書換"),
        lambda: shien.attendance.mark(class_id, SCHOOL_DAY, pupil, ""),
        lambda: shien.minutes.decide(meeting, item, "否決"),
        lambda: shien.roster.commit(shien.roster.plan(school.zip)),
    ]
    assert {denied(act) for act in asked} <= {PolicyDeniedError.code, NotClearedError.code}
    assert not any(marker in str(view) for marker in SECRETS for view in seen)
    kocho = school.office("kocho")
    refused = [line for line in kocho.audit.lines(refused_only=True) if line.who == "森 遥"]
    assert {line.verdict for line in refused} == {"拒否"}
    graded = {(line.what.partition("の")[0], line.importance) for line in refused}
    kocho.logout()
    assert graded == {("出欠", "Ⅱ"), ("監査記録", "Ⅱ"), ("緊急連絡カード", "Ⅰ")}


def test_every_reader_of_the_store_refuses(school: School, shien: Office) -> None:
    store = shien._session.store
    for kind in HARD:
        rows = store.reader.heads(kind)
        assert rows and {row.importance for row in rows} <= LOCKED
        asked: list[Callable[[Row], object]] = [
            lambda row: store.open_row(row),
            lambda row: store.head(row.kind, row.record),
            lambda row: store.heads(row.kind, [row.record]),
            lambda row: store.history(row.kind, row.record),
            lambda row: store.record_id(row.kind, Importance(row.importance), "p", "2026-11-24"),
            lambda row: store.keyring.pair(Importance(row.importance)),
            lambda row: store.open_row(row._replace(importance=Importance.III)),
            lambda row: store.keyring.batch_key(store.reader, row.key_id, Importance.III, row.author),
        ]
        for row, ask in itertools.product(rows, asked):
            with pytest.raises((NotClearedError, ForgedChangeError)):
                ask(row)
        with pytest.raises(NotClearedError):
            store.heads(kind)


@pytest.mark.parametrize(
    ("name", "opens"),
    [
        ("shien", {Importance.III, Importance.IV}),
        ("sato", {Importance.II, Importance.III, Importance.IV}),
    ],
)
def test_every_key_on_every_byte_opens_what_the_wraps_allow_and_no_more(
    scene: Scene, school: School, name: str, opens: set[Importance]
) -> None:
    """A teacher shows the same of importance I, and that the search would have found II."""
    identity = identity_of(school, name)
    loot = Loot(school.paths.store, school.board.root, [identity], [], site_secrets(school))
    assert {key.importance for key in loot.pairs} == opens
    for importance in LOCKED:
        assert bool(loot.opened(importance)) is (importance in opens)
        assert any(row.importance == importance for row in loot.sealed(importance))
    text = b"\n".join(loot.text(importance) for importance in Importance)
    assert all(part.encode() in text for part in scene.names[0].split())
    assert (REASON.encode() in text) is (Importance.II in opens) and CARD.encode() not in text


def test_root_on_a_box_that_nobody_uses_opens_nothing_at_all(school: School) -> None:
    loot = Loot(school.paths.store, school.board.root, [], [], site_secrets(school))
    assert loot.keys, "the lease key is among them"
    assert (loot.pairs, loot.batch_keys) == ({}, {})
    assert not any(loot.opened(importance) for importance in Importance)
    assert not any(PREFIX.encode() in secret for secret in site_secrets(school))


def test_passphrases_are_not_guessed_through_the_keeper(school: School) -> None:
    pepper = read_pepper(school.site)
    with contextlib.closing(KeeperClient(school.paths.socket)) as client, pytest.raises(LoginLockedError):
        for guess in range(20):
            with contextlib.suppress(CryptoError):
                open_identity(client.login_begin("kocho"), f"guess-{guess}", pepper)
    with contextlib.closing(KeeperClient(school.paths.socket)) as client:
        mine = client.local_get(IDENTITY_SPACE, "shien")
        client.local_put(
            IDENTITY_SPACE, "kocho", mine
        )  # with root's hand: my identity under the principal's login
        client.login_done("kocho")
    office = school.office("kocho")
    assert office.who.login == "shien" and denied(lambda: office.emergency.card("x"))
    office.logout()


def test_nothing_that_is_refused_says_what_it_was_about(school: School, shien: Office, scene: Scene) -> None:
    store = shien._session.store
    for kind in HARD:
        try:
            store.heads(kind)
        except (SyncError, KurabakoError) as error:
            told = f"{error} {error.params} {error.operation} {error.subject}"
            assert not any(word in told for word in (*SECRETS, *scene.names))
