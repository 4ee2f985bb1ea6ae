from collections.abc import Iterator
from datetime import date, time, timedelta

import pytest

from appliance.attendance.absences import Absence
from appliance.attendance.book import ChangedSinceError
from appliance.attendance.desk import (
    ClosedDayError,
    CorrectionReasonError,
    UnknownClassError,
    UnknownCodeError,
)
from appliance.office import Office
from appliance.policy import PolicyDeniedError
from appliance.views import ClassView
from sync.status import write_status
from tests.appliance.health.machines import status
from tests.school import SCHOOL_DAY, School


@pytest.fixture
def office(school: School) -> Iterator[Office]:
    opened = school.office("sato")
    yield opened
    opened.logout()


def a_class(office: Office, place: int) -> ClassView:
    return office.attendance.classes(SCHOOL_DAY)[place]


def test_classes_are_in_the_order_of_grades_with_special_needs_last(office: Office) -> None:
    classes = office.attendance.classes(SCHOOL_DAY)
    ordinary = [c.title for c in classes if not c.special_needs]
    assert ordinary == sorted(ordinary) and len(ordinary) == 21
    assert [c.special_needs for c in classes][-2:] == [True, True]
    assert sum(c.pupils for c in classes) > 550


def test_a_mark_is_there_for_somebody_else_at_once(school: School, office: Office) -> None:
    view = a_class(office, 0)
    pupil = office.attendance.day(view.class_id, SCHOOL_DAY).rows[0]
    saved = office.attendance.mark(view.class_id, SCHOOL_DAY, pupil.pupil_id, "sick", reason="発熱 38度")
    assert saved.last_seq >= saved.first_seq > 0
    other = school.office("suzuki")
    row = other.attendance.day(view.class_id, SCHOOL_DAY).rows[0]
    assert (row.code, row.entered_by, row.has_reason) == ("sick", "佐藤 葵", True)
    assert other.attendance.reason(pupil.pupil_id, SCHOOL_DAY) == "発熱 38度"
    other.logout()


def test_the_reason_is_closed_to_somebody_without_clearance(school: School, office: Office) -> None:
    view = a_class(office, 1)
    pupil = office.attendance.day(view.class_id, SCHOOL_DAY).rows[0].pupil_id
    office.attendance.mark(view.class_id, SCHOOL_DAY, pupil, "sick", reason="受診")
    helper = school.office("shien")
    assert helper.attendance.day(view.class_id, SCHOOL_DAY).rows[0].has_reason
    with pytest.raises(PolicyDeniedError):
        helper.attendance.reason(pupil, SCHOOL_DAY)
    with pytest.raises(PolicyDeniedError):
        helper.attendance.mark(view.class_id, SCHOOL_DAY, pupil, "late")
    helper.logout()


def test_undo_restores_what_stood_before_and_keeps_the_history(office: Office) -> None:
    view = a_class(office, 2)
    pupil = office.attendance.day(view.class_id, SCHOOL_DAY).rows[3].pupil_id
    office.attendance.mark(view.class_id, SCHOOL_DAY, pupil, "late", time=time(9, 10))
    second = office.attendance.mark(view.class_id, SCHOOL_DAY, pupil, "sick", reason="腹痛")
    office.attendance.undo(second)
    row = office.attendance.day(view.class_id, SCHOOL_DAY).rows[3]
    assert (row.code, row.at_time) == ("late", time(9, 10))
    assert office.attendance.reason(pupil, SCHOOL_DAY) is None
    assert [line.what for line in office.attendance.history(pupil, SCHOOL_DAY)] == ["遅刻", "病欠", "遅刻"]


def test_two_entries_are_undone_one_after_the_other(office: Office) -> None:
    view = a_class(office, 11)
    pupil = office.attendance.day(view.class_id, SCHOOL_DAY).rows[0].pupil_id
    first = office.attendance.mark(view.class_id, SCHOOL_DAY, pupil, "sick")
    second = office.attendance.mark(view.class_id, SCHOOL_DAY, pupil, "late")
    office.attendance.undo(second)
    assert office.attendance.day(view.class_id, SCHOOL_DAY).rows[0].code == "sick"
    office.attendance.undo(first)
    assert office.attendance.day(view.class_id, SCHOOL_DAY).rows[0].code is None
    with pytest.raises(ChangedSinceError):
        office.attendance.undo(first)


def test_undo_is_refused_when_somebody_else_changed_it_since(school: School, office: Office) -> None:
    view = a_class(office, 3)
    pupil = office.attendance.day(view.class_id, SCHOOL_DAY).rows[0].pupil_id
    mine = office.attendance.mark(view.class_id, SCHOOL_DAY, pupil, "sick")
    other = school.office("suzuki")
    other.attendance.mark(view.class_id, SCHOOL_DAY, pupil, "late")
    other.logout()
    with pytest.raises(ChangedSinceError):
        office.attendance.undo(mine)
    assert office.attendance.day(view.class_id, SCHOOL_DAY).rows[0].code == "late"


def test_clearing_a_mark_takes_its_reason_with_it(office: Office) -> None:
    view = a_class(office, 4)
    pupil = office.attendance.day(view.class_id, SCHOOL_DAY).rows[0].pupil_id
    office.attendance.mark(view.class_id, SCHOOL_DAY, pupil, "sick", reason="頭痛")
    office.attendance.mark(view.class_id, SCHOOL_DAY, pupil, None)
    row = office.attendance.day(view.class_id, SCHOOL_DAY).rows[0]
    assert row.code is None and not row.has_reason and row.entered_at is None
    assert office.attendance.reason(pupil, SCHOOL_DAY) is None


def test_everyone_present_leaves_marks_alone_and_confirm_closes_the_day(office: Office) -> None:
    view = a_class(office, 5)
    rows = office.attendance.day(view.class_id, SCHOOL_DAY).rows
    office.attendance.mark(view.class_id, SCHOOL_DAY, rows[1].pupil_id, "sick")
    office.attendance.mark_rest_present(view.class_id, SCHOOL_DAY)
    day = office.attendance.day(view.class_id, SCHOOL_DAY)
    assert day.rows[1].code == "sick" and day.rows[0].code == "present" and day.confirmed_at is None
    office.attendance.confirm(view.class_id, SCHOOL_DAY)
    day = office.attendance.day(view.class_id, SCHOOL_DAY)
    assert day.confirmed_by == "佐藤 葵" and not day.changed_after_confirm
    assert a_class(office, 5).confirmed and a_class(office, 5).exceptions == 1
    for why in ("", "  "):
        with pytest.raises(CorrectionReasonError):
            office.attendance.mark(view.class_id, SCHOOL_DAY, rows[1].pupil_id, "late", why=why)
    with pytest.raises(CorrectionReasonError):
        office.attendance.mark_many(view.class_id, [(rows[1].pupil_id, SCHOOL_DAY, "late")])
    assert not office.attendance.day(view.class_id, SCHOOL_DAY).changed_after_confirm
    office.attendance.mark(view.class_id, SCHOOL_DAY, rows[1].pupil_id, "late", why="あとから登校した")
    assert office.attendance.day(view.class_id, SCHOOL_DAY).changed_after_confirm
    newest, oldest = office.attendance.history(rows[1].pupil_id, SCHOOL_DAY)
    assert (newest.what, newest.before, newest.why, newest.who) == ("遅刻", "病欠", "あとから登校した", "佐藤 葵")
    assert (oldest.what, oldest.before, oldest.why) == ("病欠", "", "") and newest.at >= oldest.at
    office.absences.keep(Absence(rows[3].pupil_id, SCHOOL_DAY, SCHOOL_DAY, "sick"))
    (called,) = office.attendance.history(rows[3].pupil_id, SCHOOL_DAY)
    assert (called.what, called.before, called.why) == ("病欠", "出席", "欠席連絡")
    office.attendance.reopen(view.class_id, SCHOOL_DAY)
    day = office.attendance.day(view.class_id, SCHOOL_DAY)
    assert day.confirmed_at is None and day.rows[0].code == "present"


def test_what_cannot_be_entered_is_refused(office: Office) -> None:
    view, other = a_class(office, 6), a_class(office, 7)
    pupil = office.attendance.day(view.class_id, SCHOOL_DAY).rows[0].pupil_id
    with pytest.raises(UnknownCodeError):
        office.attendance.mark(view.class_id, SCHOOL_DAY, pupil, "nonsense")
    with pytest.raises(UnknownClassError):
        office.attendance.mark(other.class_id, SCHOOL_DAY, pupil, "sick")
    with pytest.raises(UnknownClassError):
        office.attendance.day("no such class", SCHOOL_DAY)
    for closed in (date(2026, 11, 22), date(2026, 11, 23), date(2026, 8, 3)):
        with pytest.raises(ClosedDayError):
            office.attendance.mark(view.class_id, closed, pupil, "sick")


def test_search_finds_by_reading_in_any_kana(office: Office) -> None:
    pupil = next(c for c in office.attendance.find_pupils("さ", SCHOOL_DAY))
    family = pupil.kana.split()[0]
    hiragana = "".join(chr(ord(c) - 0x60) if "ァ" <= c <= "ヶ" else c for c in family)
    for typed in (family, hiragana, family[:1], pupil.name[:2]):
        assert pupil in office.attendance.find_pupils(typed, SCHOOL_DAY)
    assert office.attendance.find_pupils("", SCHOOL_DAY) == ()
    assert office.attendance.find_pupils("んん", SCHOOL_DAY) == ()


def test_totals_follow_from_marks_and_calendar(office: Office) -> None:
    view = a_class(office, 8)
    pupil = office.attendance.day(view.class_id, SCHOOL_DAY).rows[0].pupil_id
    for day, code in ((9, "sick"), (10, "sick"), (11, "suspended"), (12, "late"), (13, "attended_elsewhere")):
        office.attendance.mark(view.class_id, date(2026, 11, day), pupil, code)
    row = next(
        r for r in office.attendance.month(view.class_id, date(2026, 11, 1)).totals.rows if r.pupil_id == pupil
    )
    assert (row.absent, row.suspended, row.late, row.attended_elsewhere) == (2, 1, 1, 1)
    assert row.must_attend == row.school_days - 1 and row.present == row.must_attend - 2


def test_a_meeting_reads_in_order_and_takes_a_decision(office: Office) -> None:
    meeting = office.meetings.all()[0]
    detail = office.meetings.open(meeting.meeting_id)
    assert [item.number for item in detail.items] == [1, 2, 3, 4, 5]
    office.minutes.decide(meeting.meeting_id, detail.items[2].item_id, " 原案どおり ")
    item = office.meetings.open(meeting.meeting_id).items[2]
    assert (item.decision, item.decided_by) == ("原案どおり", "佐藤 葵")
    office.minutes.decide(meeting.meeting_id, item.item_id, "")
    assert office.meetings.open(meeting.meeting_id).items[2].decision == ""


def test_light_claims_nothing_without_the_daemon(office: Office) -> None:
    light = office.light()
    assert light.link == "unknown" and light.sent == 0 and light.waiting == light.saved > 0


def test_light_claims_nothing_that_was_written_before_a_power_cut(office: Office) -> None:
    paths, saved = office._session.site.paths, office.light().saved
    try:
        write_status(paths, status(saved=saved, sent=saved))
        assert (office.light().link, office.light().sent) == ("online", saved)
        write_status(paths, status(saved=saved, sent=saved, boot_id="another life of the machine"))
        assert (office.light().link, office.light().sent) == ("unknown", 0)
    finally:
        paths.status.unlink()


def test_home_and_changed_since(school: School, office: Office) -> None:
    token, _ = office.changed_since(-1)
    assert office.changed_since(token) == (token, False)
    other = school.office("suzuki")
    view = a_class(office, 9)
    pupil = other.attendance.day(view.class_id, SCHOOL_DAY).rows[0].pupil_id
    other.attendance.mark(view.class_id, SCHOOL_DAY + timedelta(days=1), pupil, "late")
    other.logout()
    assert office.changed_since(token)[1]
    assert office.home().school_name == school.made.name


def test_no_plaintext_reaches_the_disk(school: School, office: Office) -> None:
    view = a_class(office, 10)
    row = office.attendance.day(view.class_id, SCHOOL_DAY).rows[0]
    office.attendance.mark(view.class_id, SCHOOL_DAY, row.pupil_id, "sick", reason="とくべつな理由xyzzy")
    words = [row.name.split()[0], row.kana.split()[0], "とくべつな理由", "xyzzy", row.pupil_id, "佐藤"]
    for path in school.site.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            assert not [word for word in words if word.encode() in data], path
