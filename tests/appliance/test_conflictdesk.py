"""Conflicts between a box and its hub, each a whole store of its own, merged hand to hand."""

from collections.abc import Callable, Iterator
from datetime import date, time
from time import monotonic
from typing import Any

import msgspec
import pytest

from appliance.attendance.desk import UnknownCodeError
from appliance.attendance.records import Mark, Reason, natural
from appliance.conflictdesk import BoardSettlesError, ConflictChangedError, ConflictDesk, NoSuchValueError
from appliance.meetings.records import AgendaItem
from appliance.office import Office
from appliance.policy import PolicyDeniedError
from appliance.roster import User
from appliance.schooldays import DayOff
from appliance.session import local_time
from appliance.views import ConflictView, Entry, MarkValue, TextValue
from crypto.importance import Importance
from sync.client import KeeperClient
from sync.sealed import Draft
from sync.status import LinkState, Status, write_status
from tests.hubside import as_board, both_mark, to_box, to_hub
from tests.school import SCHOOL_DAY, School, enrol

OTHER_DAY = date(2026, 11, 25)


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[School]:
    made = enrol(tmp_path_factory.mktemp("conflicts"))
    yield made
    made.close()


@pytest.fixture
def office(own: School) -> Iterator[Office]:
    opened = own.office("suzuki")
    yield opened
    opened.logout()


def of_kind(office: Office, kind: str, whose: str = "") -> ConflictView:
    found = [view for view in office.conflicts.all() if view.kind == kind and whose in view.whose]
    assert len(found) == 1, [(view.what, view.whose) for view in found]
    return found[0]


def the(office: Office, kind: str, pupil: str, on: date = SCHOOL_DAY) -> ConflictView:
    record = office._session.store.record_id(kind, Importance.III, *natural(pupil, on))
    return next(view for view in office.conflicts.all() if (view.kind, view.record) == (kind, record))


def test_a_mark_against_a_correction_shows_who_when_where_and_what(own: School, office: Office) -> None:
    class_id, pupil = both_mark(own, 0, SCHOOL_DAY, 2)
    view = the(office, Mark.kind, pupil)
    row = office.attendance.day(class_id, SCHOOL_DAY).rows[2]
    assert view.what == "出欠" and view.whose == f"1年1組 {row.number} {row.name} 11/24"
    assert [(s.who, s.role, s.where, s.epoch) for s in view.sides] == [
        ("佐藤 葵", "教諭", "学校の端末", 1),
        ("教育委員会", "", "教育委員会", 1),
    ]
    assert [s.value for s in view.sides] == ["遅刻", "欠席（病欠）・理由あり"]
    assert [s.shown for s in view.sides] == [False, True] and row.code == "sick"
    assert view.sides[0].at < view.sides[1].at and view.closed == "" and view.entry is Entry.MARK
    assert row.conflict


def test_settling_puts_one_value_over_all_and_keeps_the_others_in_history(own: School, office: Office) -> None:
    class_id, pupil = both_mark(own, 1, SCHOOL_DAY)
    view, before = the(office, Mark.kind, pupil), office.conflicts.count()
    assert office.conflicts.preview(view, 0) == "遅刻・理由あり"  # the reason is a record of its own and stands
    office.conflicts.settle(view, 0)
    row = office.attendance.day(class_id, SCHOOL_DAY).rows[0]
    assert (row.code, row.conflict, row.has_reason) == ("late", False, True)
    assert office.conflicts.count() == before - 1
    assert view.heads.isdisjoint({s.change_id for v in office.conflicts.all() for s in v.sides})
    lines = office.conflicts.history(view)
    assert [(line.who, line.value, line.stands) for line in lines] == [
        ("鈴木 航", "遅刻・理由あり", True),
        ("教育委員会", "欠席（病欠）・理由あり", False),
        ("佐藤 葵", "遅刻", False),
    ]
    assert [line.where for line in lines] == ["学校の端末", "教育委員会", "学校の端末"]
    to_hub(own)
    with as_board(own) as board:  # what was settled here is settled there
        assert not board.attendance.day(class_id, SCHOOL_DAY).rows[0].conflict
        assert [line.value for line in board.conflicts.history(view)] == [line.value for line in lines]


def test_a_third_value_is_entered_with_the_codes_of_the_book(own: School, office: Office) -> None:
    class_id, pupil = both_mark(own, 2, SCHOOL_DAY)
    view = the(office, Mark.kind, pupil)
    value = MarkValue("late", time(8, 55))
    assert office.conflicts.preview(view, value) == "遅刻 8:55・理由あり"
    with pytest.raises(UnknownCodeError):
        office.conflicts.settle(view, MarkValue("nonsense"))
    with pytest.raises(NoSuchValueError):
        office.conflicts.settle(view, TextValue("遅刻"))
    with pytest.raises(NoSuchValueError):
        office.conflicts.settle(view, 2)
    office.conflicts.settle(view, value)
    row = office.attendance.day(class_id, SCHOOL_DAY).rows[0]
    assert (row.code, row.at_time, row.conflict) == ("late", time(8, 55), False)


def test_taking_the_mark_back_takes_its_reason_with_it(own: School, office: Office) -> None:
    class_id, pupil = both_mark(own, 3, SCHOOL_DAY)
    view = the(office, Mark.kind, pupil)
    assert office.conflicts.preview(view, MarkValue("")) == "（記入なし）"
    office.conflicts.settle(view, MarkValue(""))
    assert office.attendance.day(class_id, SCHOOL_DAY).rows[0].code is None
    assert office.attendance.reason(pupil, SCHOOL_DAY) is None


def both_reasons(own: School, place: int) -> str:
    """Let teacher and board write a reason each, without knowing of each other."""
    to_hub(own)
    office = own.office("sato")
    class_id = office.attendance.classes(SCHOOL_DAY)[place].class_id
    pupil = office.attendance.day(class_id, SCHOOL_DAY).rows[0].pupil_id
    office.attendance.mark(class_id, SCHOOL_DAY, pupil, "sick", reason="頭痛")
    office.logout()
    with as_board(own) as board:
        board.attendance.mark(class_id, SCHOOL_DAY, pupil, "sick", reason="発熱")
    to_box(own)
    return pupil


def test_mark_and_reason_are_two_rows_and_the_reason_is_closed_to_who_may_not_read_it(own: School) -> None:
    pupil = both_reasons(own, 4)
    helper = own.office("shien")  # an assistant: importance III and IV, and no pen
    mark, reason = the(helper, Mark.kind, pupil), the(helper, Reason.kind, pupil)
    assert mark.whose == reason.whose and mark.whose.endswith("11/24")
    assert [s.value for s in reason.sides] == ["（重要性II：開けません）"] * 2
    assert not any(s.readable or s.text for s in reason.sides) and all(s.readable for s in mark.sides)
    assert reason.closed == mark.closed == "この記録を書き換える役割ではありません。"
    for choice in (0, TextValue("作り話")):
        with pytest.raises(PolicyDeniedError):
            helper.conflicts.settle(reason, choice)
    with pytest.raises(PolicyDeniedError):
        helper.conflicts.settle(mark, 0)
    assert {line.value for line in helper.conflicts.history(reason)} == {"（重要性II：開けません）"}
    helper.logout()


def test_a_reason_is_settled_with_a_text_and_the_mark_says_so(own: School, office: Office) -> None:
    pupil = both_reasons(own, 5)
    office.conflicts.settle(the(office, Mark.kind, pupil), 1)
    view = the(office, Reason.kind, pupil)
    assert [s.value for s in view.sides] == [s.text for s in view.sides] == ["頭痛", "発熱"]
    assert view.entry is Entry.TEXT
    office.conflicts.settle(view, TextValue(" 頭痛と発熱 "))
    assert office.attendance.reason(pupil, SCHOOL_DAY) == "頭痛と発熱"
    assert [line.value for line in office.conflicts.history(view)] == ["頭痛と発熱", "発熱", "頭痛"]


def test_an_emptied_reason_is_no_longer_announced_by_the_mark(own: School, office: Office) -> None:
    pupil = both_reasons(own, 6)
    office.conflicts.settle(the(office, Mark.kind, pupil), 1)
    office.conflicts.settle(the(office, Reason.kind, pupil), TextValue(""))
    class_id = office.attendance.classes(SCHOOL_DAY)[6].class_id
    row = office.attendance.day(class_id, SCHOOL_DAY).rows[0]
    assert (row.code, row.has_reason) == ("sick", False)


def test_what_changed_meanwhile_is_refused_by_name_with_the_new_state(own: School, office: Office) -> None:
    class_id, pupil = both_mark(own, 7, SCHOOL_DAY)
    stale = the(office, Mark.kind, pupil)
    other = own.office("sato")
    other.conflicts.settle(the(other, Mark.kind, pupil), 0)
    other.logout()
    for act in (office.conflicts.preview, office.conflicts.settle):
        with pytest.raises(ConflictChangedError) as settled:
            act(stale, 1)
        assert settled.value.code == "APP-230" and settled.value.now is None
    with as_board(own) as board:  # the board does not know yet that it was settled
        board.attendance.mark(class_id, SCHOOL_DAY, pupil, "mourning")
    to_box(own)
    with pytest.raises(ConflictChangedError) as again:
        office.conflicts.settle(stale, 1)
    now = again.value.now
    assert now is not None and now.record == stale.record
    assert [s.value for s in now.sides] == ["遅刻・理由あり", "出席停止・忌引等（忌引）・理由あり"]
    assert office.attendance.day(class_id, SCHOOL_DAY).rows[0].code == "mourning"


def test_what_comes_after_the_last_look_stands_beside_what_was_settled(
    own: School, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    class_id, pupil = both_mark(own, 8, SCHOOL_DAY)
    view = the(office, Mark.kind, pupil)
    submit = KeeperClient.submit

    def late(client: KeeperClient, batch: Any) -> Any:
        monkeypatch.setattr(KeeperClient, "submit", submit)
        with as_board(own) as board:
            board.attendance.mark(class_id, SCHOOL_DAY, pupil, "mourning")
        to_box(own)
        return submit(client, batch)

    monkeypatch.setattr(KeeperClient, "submit", late)
    office.conflicts.settle(view, 0)
    again = the(office, Mark.kind, pupil)
    assert {s.value for s in again.sides} == {"遅刻・理由あり", "出席停止・忌引等（忌引）・理由あり"}


def test_more_than_two_values_are_all_listed_and_settled_at_once(own: School, office: Office) -> None:
    class_id, pupil = both_mark(own, 9, SCHOOL_DAY)
    store = own.office("sato")._session.store
    record = store.record_id(Mark.kind, Importance.III, *natural(pupil, SCHOOL_DAY))
    for code in ("mourning", "present"):  # written over nothing, as by a box that knew of none of it
        payload = msgspec.msgpack.encode(Mark(pupil=pupil, on=SCHOOL_DAY, code=code))
        store.put([Draft(Mark.kind, record, Mark.importance, payload)])
    store.close()
    view = the(office, Mark.kind, pupil)
    assert [s.value for s in view.sides][2:] == ["出席停止・忌引等（忌引）", "出席"] and len(view.sides) == 4
    assert [s.shown for s in view.sides] == [False, False, False, True]
    office.conflicts.settle(view, 2)
    row = office.attendance.day(class_id, SCHOOL_DAY).rows[0]
    assert (row.code, row.conflict) == ("mourning", False)
    assert len(office.conflicts.history(view)) == 5


def test_a_decision_is_settled_and_an_agenda_item_keeps_its_other_fields(own: School, office: Office) -> None:
    to_hub(own)
    meeting = office.meetings.all()[0].meeting_id
    item = office.meetings.open(meeting).items[1]
    office.minutes.decide(meeting, item.item_id, "原案どおり")
    edited = AgendaItem(
        id=item.item_id,
        meeting_id=meeting,
        number=item.number,
        section=item.section,
        department=item.department,
        title=item.title,
        proposer="教務主任",
        minutes=item.minutes,
        body="学校の案",
    )
    store = office._session.store
    record = store.record_id(AgendaItem.kind, Importance.III, item.item_id)
    with as_board(own) as board:
        board.minutes.decide(meeting, item.item_id, "継続審議")
        theirs = msgspec.structs.replace(edited, proposer="指導課", body="教育委員会の案")
        base = board._session.store.base_of(AgendaItem.kind, [record])[record]
        board._session.store.put([_item(record, theirs, base)])
    store.put([_item(record, edited, store.base_of(AgendaItem.kind, [record])[record])])
    to_box(own)
    decision, text = of_kind(office, "meeting.decision"), of_kind(office, "meeting.item")
    assert decision.whose == text.whose and item.title in text.whose and decision.what == "決定"
    values = {s.where: s.value for s in text.sides}
    assert values == {"学校の端末": "提案: 教務主任\n学校の案", "教育委員会": "提案: 指導課\n教育委員会の案"}
    office.conflicts.settle(decision, TextValue("修正して可決"))
    office.conflicts.settle(text, TextValue("折衷案"))
    now = office.meetings.open(meeting).items[1]
    assert (now.decision, now.body, now.title) == ("修正して可決", "折衷案", item.title)


def _item(record: bytes, item: AgendaItem, base: tuple[bytes, ...]) -> Draft:
    return Draft(AgendaItem.kind, record, Importance.III, msgspec.msgpack.encode(item), base)


def test_a_calendar_of_the_board_is_the_boards_to_settle(own: School) -> None:
    to_hub(own)
    head = own.office("kocho")
    year = head.calendar.year(SCHOOL_DAY)
    head.calendar.keep(
        msgspec.structs.replace(year, days_off=(*year.days_off, DayOff(name="開校記念日", on=OTHER_DAY)))
    )
    with as_board(own) as board:
        later = DayOff(name="県民の日", on=date(2026, 12, 1))
        board.calendar.keep(msgspec.structs.replace(year, days_off=(*year.days_off, later)))
    to_box(own)
    view = of_kind(head, "calendar.year")
    assert [s.value for s in view.sides] == ["休業日: 2026-11-25 開校記念日", "休業日: 2026-12-01 県民の日"]
    assert view.closed == "教育委員会が作った記録です。教育委員会が決めます。" and view.entry is Entry.NONE
    with pytest.raises(BoardSettlesError) as refused:
        head.conflicts.settle(view, 0)
    assert refused.value.code == "APP-231"
    to_hub(own)
    with as_board(own) as board:
        same = of_kind(board, "calendar.year")
        assert same.closed == ""
        board.conflicts.settle(same, 1)
    to_box(own)
    assert not [v for v in head.conflicts.all() if v.kind == "calendar.year"]
    head.logout()


def test_a_roster_conflict_without_the_board_is_the_offices_and_a_removal_is_a_value(own: School) -> None:
    clerk = own.office("jimu")
    store, roster = clerk._session.store, clerk._session.roster
    user = next(r for r in roster.records() if isinstance(r, User) and "student" in r.roles)
    record = store.record_id(User.kind, Importance.III, user.id)
    base = store.base_of(User.kind, [record])[record]
    renamed = msgspec.structs.replace(user, family_name="新姓", preferred_family="")
    for payload in (msgspec.msgpack.encode(renamed), b""):
        store.put([Draft(User.kind, record, Importance.III, payload, base)])
    view = of_kind(clerk, User.kind)
    assert view.what == "名簿の人" and view.sides[0].value.startswith("氏名: 新姓") and view.closed == ""
    assert view.sides[1].value == "（削除）"
    teacher = own.office("sato")
    with pytest.raises(PolicyDeniedError):
        teacher.conflicts.settle(view, 0)
    teacher.logout()
    clerk.conflicts.settle(view, 0)
    shown = clerk._session.roster.user(user.id)
    assert shown is not None and shown.family_name == "新姓"
    clerk.logout()


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
    reader.rows = lambda sql: asked.append(sql) or real(sql)  # type: ignore[method-assign,func-returns-value]
    assert office.conflicts.count() == office.conflicts.count()
    assert set(asked) == {"PRAGMA data_version"}
    both_mark(own, 13, SCHOOL_DAY)
    office.conflicts.count()
    assert len(set(asked)) == 3
