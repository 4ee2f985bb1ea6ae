"""What the list of conflicts holds besides: what is held back, what nobody can read, counts, and who may ask."""

from collections.abc import Callable, Iterator, Sequence
from time import monotonic
from typing import Any

import msgspec
import pytest

from appliance.attendance.records import Mark
from appliance.conflictdesk import ConflictDesk, NoSuchValueError
from appliance.office import Office
from appliance.policy import PolicyDeniedError
from appliance.roster import User
from appliance.session import local_time
from appliance.views import MarkValue
from crypto.importance import Importance
from sync.client import KeeperClient
from sync.sealed import Draft
from sync.status import LinkState, Status, write_status
from tests.hubside import as_board, both_mark, to_box, to_hub
from tests.school import SCHOOL_DAY, School


def test_what_is_held_back_is_listed_with_its_reason(own: School, office: Office) -> None:
    before = office.conflicts.held_count()
    helper = own.office("shien")
    store = helper._session.store
    payload = msgspec.msgpack.encode(Mark(pupil="p", on=SCHOOL_DAY, code="sick"))
    store.put([Draft(Mark.kind, bytes(16), Mark.importance, payload)])  # past the door: an assistant has no pen
    seq = store.reader.position().seq
    client = KeeperClient(own.paths.socket)
    number = store.reader.number_of(store.reader.origin) or 0
    client.judge({number << 40 | seq: "role", number << 40 | (seq - 1): "role"}, ())
    assert office.conflicts.held_count() == before + 1  # the announcement of its key is no entry of its own
    held = office.conflicts.held()[0]
    assert (held.who, held.role, held.where, held.what) == ("森 遥", "支援員", "学校の端末", "出欠")
    assert held.reason == "この記録を書ける役割ではありません"
    for reason, words in (
        ("ended", "任期が終わったあとの記入です"),
        ("unknown", "名簿にない人の記入です"),
        ("signature", "署名が合いません"),
    ):
        client.judge({number << 40 | seq: reason}, ())
        assert office.conflicts.held()[0].reason == words
    client.close()
    helper.logout()


def test_the_light_counts_conflicts_and_what_is_held_back(own: School, office: Office) -> None:
    both_mark(own, 11, SCHOOL_DAY)
    light = office.light()
    assert light.conflicts == office.conflicts.count() == len(office.conflicts.all()) > 0
    assert light.quarantined == office.conflicts.held_count() == len(office.conflicts.held())


def test_the_light_says_what_the_daemon_reports_and_never_more_than_is_saved(own: School, office: Office) -> None:
    saved = office.light().saved
    told = Status(
        link=LinkState.ONLINE,
        link_since_ms=1_000,
        saved=saved,
        sent=saved - 2,
        waiting=2,
        sent_at_ms=2_000,
        verified_at_ms=None,
        verified_seq=0,
        replica_resets=0,
        litestream_restarts=0,
        warnings=(),
        at_ms=3_000,
        boot_s=monotonic(),
        confirmed=saved + 5,
        confirmed_at_ms=4_000,
        clock_skew_ms=-61_500,
        superseded=True,
        quarantined=7,
    )
    write_status(own.paths, told)
    try:
        light = office.light()
    finally:
        own.paths.status.unlink()
    assert (light.sent, light.waiting, light.confirmed) == (saved - 2, 2, saved)
    assert light.sent_at == local_time(2_000) and light.confirmed_at == local_time(4_000)
    assert (light.clock_skew_s, light.superseded) == (-61.5, True)
    assert light.quarantined == office.conflicts.held_count()  # those that a person can look at, not keys


def test_bytes_that_say_nothing_stop_neither_the_list_nor_the_choice(own: School, office: Office) -> None:
    store = office._session.store
    for payload in (b"\xc1 nonsense", msgspec.msgpack.encode({"pupil": 1})):
        store.put([Draft(Mark.kind, b"nonsense--------", Mark.importance, payload)])
    view = next(v for v in office.conflicts.all() if v.record == b"nonsense--------")
    assert [s.value for s in view.sides] == ["（読めません）"] * 2 and view.whose == "（だれの記録かは開けません）"
    with pytest.raises(NoSuchValueError):
        office.conflicts.settle(view, MarkValue("sick"))
    office.conflicts.settle(view, 0)
    assert view.record not in {v.record for v in office.conflicts.all()}


def test_the_policy_is_asked_before_anything_is_opened_or_kept(
    own: School, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    both_mark(own, 12, SCHOOL_DAY)
    view = office.conflicts.all()[0]
    touched: list[str] = []

    def deny(*_asked: object) -> None:
        raise PolicyDeniedError(operation="test", reason="試験")

    monkeypatch.setattr("appliance.session.require", deny)
    for name in ("heads", "history"):
        monkeypatch.setattr(f"sync.reader.Reader.{name}", lambda *_a, name=name: touched.append(name))
    desk = office.conflicts
    calls: list[Callable[[], object]] = [
        desk.all,
        desk.held,
        lambda: desk.history(view),
        lambda: desk.preview(view, 0),
        lambda: desk.settle(view, 0),
    ]
    public = {name for name in vars(ConflictDesk) if not name.startswith("_")}
    assert public == {"all", "held", "history", "preview", "settle", "count", "held_count"}
    for call in calls:
        with pytest.raises(PolicyDeniedError):
            call()
    assert not touched


def test_a_roster_of_the_board_is_seen_without_a_new_login(own: School, office: Office) -> None:
    to_hub(own)
    token, _ = office.changed_since(-1)
    user = office.attendance.find_pupils("さ", SCHOOL_DAY)[0]
    with as_board(own) as board:
        store = board._session.store
        record = store.record_id(User.kind, Importance.III, user.pupil_id)
        known = board._session.roster.user(user.pupil_id)
        assert known is not None
        moved = msgspec.structs.replace(known, preferred_given="改名")
        base = store.base_of(User.kind, [record])[record]
        store.put([Draft(User.kind, record, Importance.III, msgspec.msgpack.encode(moved), base)])
    to_box(own)
    assert office.changed_since(token)[1]
    names = {hit.name for hit in office.attendance.find_pupils("さ", SCHOOL_DAY) if hit.pupil_id == user.pupil_id}
    assert [name for name in names if name.endswith("改名")]


@pytest.mark.parametrize("lang", ["ja", "en"])
def test_every_reason_and_site_has_words(lang: Any) -> None:
    from appliance.conflictwords import _WORDS, word
    from sync import authority
    from sync.ids import Site

    keys = [f"held.{getattr(authority, name)}" for name in ("UNKNOWN", "ENDED", "ROLE", "SIGNATURE")]
    keys += [f"site.{site}" for site in Site]
    assert all(key in _WORDS and word(key, lang) for key in keys)
    assert all(en.isascii() for _ja, en in _WORDS.values())


def test_the_count_is_made_anew_only_when_somebody_wrote(own: School, office: Office) -> None:
    asked: list[str] = []
    reader = office._session.store.reader
    real = reader.rows
    office.conflicts.count()

    def asking(sql: str, values: Sequence[object] = ()) -> Iterator[tuple[Any, ...]]:
        asked.append(sql)
        return real(sql, values)

    reader.rows = asking  # type: ignore[method-assign]
    assert office.conflicts.count() == office.conflicts.count()
    assert set(asked) == {"PRAGMA data_version"}
    both_mark(own, 13, SCHOOL_DAY)
    office.conflicts.count()
    assert len(set(asked)) == 3
