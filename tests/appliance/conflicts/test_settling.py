"""Conflicts between a box and its hub, each a whole store of its own, merged hand to hand, and settled."""

from datetime import date, time
from typing import Any

import msgspec
import pytest

from appliance.attendance.desk import UnknownCodeError
from appliance.attendance.records import Mark, Reason, natural
from appliance.conflictdesk import BoardSettlesError, ConflictChangedError, NoSuchValueError
from appliance.meetings.records import AgendaItem
from appliance.office import Office
from appliance.policy import PolicyDeniedError
from appliance.roster import User
from appliance.schooldays import DayOff
from appliance.views import Entry, MarkValue, TextValue
from crypto.importance import Importance
from sync.client import KeeperClient
from sync.sealed import Draft
from tests.appliance.conflicts.listed import of_kind, the
from tests.hubside import as_board, both_mark, to_box, to_hub
from tests.school import SCHOOL_DAY, School

OTHER_DAY = date(2026, 11, 25)


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
