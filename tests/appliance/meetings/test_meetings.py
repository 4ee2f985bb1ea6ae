"""A staff meeting from the first proposal to the confirmed minutes, over a real store, by several people."""

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest

from appliance.meetings.desk import ProposalsClosedError
from appliance.meetings.guard import MeetingConfirmedError
from appliance.meetings.views import MeetingDetail
from appliance.office import Office
from appliance.permits.gate import Lock, LockMissingError
from appliance.permits.releases import Form
from appliance.policy import PolicyDeniedError
from crypto.errors import KurabakoError
from crypto.importance import Importance
from tests.school import School, enrol

TEXT = """# 職員会議
日時: {day} 16:00
場所: 職員室
司会: 小林
記録: 佐藤 葵
提案締切: {until}
## 報告
- 予定（教務部・5分）
  行事は別紙。
## 協議
- 児童Ａの支援（生徒指導部・20分・Ⅱ）
- 運動会（体育部・15分）
"""
MILD = (
    TEXT.replace("児童Ａの支援", "校外学習")
    .replace("・Ⅱ", "")
    .replace("# 職員会議", "# 軽い会議")
    .format(day="2027-02-01", until="2027-01-20")
)


@pytest.fixture(scope="module")
def school(tmp_path_factory: pytest.TempPathFactory) -> Iterator[School]:
    made = enrol(tmp_path_factory.mktemp("meetings"))
    yield made
    made.close()


def written(office: Office, days: int = 7, until: int = 3) -> MeetingDetail:
    today = office.today()
    text = TEXT.format(day=today + timedelta(days=days), until=today + timedelta(days=until))
    before = {view.meeting_id for view in office.meetings.all()}
    office.meetings.write(text)
    (new,) = (view for view in office.meetings.all() if view.meeting_id not in before)
    return office.meetings.open(new.meeting_id)


def test_a_meeting_is_written_and_reads_back(school: School) -> None:
    with school.opened("kocho") as kocho:
        detail = written(kocho)
        assert [(i.number, i.section, i.title, i.importance) for i in detail.items] == [
            (1, "報告", "予定", Importance.III),
            (2, "協議", "児童Ａの支援", Importance.II),
            (3, "協議", "運動会", Importance.III),
        ]
        assert (detail.chair, detail.recorder, detail.hidden) == ("小林", "佐藤 葵", False)


def test_who_may_not_see_importance_ii_sees_that_something_is_there_and_not_what(school: School) -> None:
    with school.opened("kocho") as kocho, school.opened("shien") as shien:
        detail = written(kocho)
        grave = detail.items[1]
        kocho.minutes.decide(detail.meeting.meeting_id, grave.item_id, "支援員をつける")
        shared = kocho.minutes.text(grave.item_id)
        shared.edit("保護者と話す")
        kocho.minutes.write(detail.meeting.meeting_id, grave.item_id, shared)
        seen = shien.meetings.open(detail.meeting.meeting_id)
        assert [item.title for item in seen.items] == ["予定", "運動会"]
        assert seen.hidden
        assert "支援" not in str(seen)
        assert shien.meetings.search("支援員") == ()
        for attempt in (
            lambda: shien.floor.mark_read(grave.item_id),
            lambda: shien.minutes.text(grave.item_id),
            lambda: shien.minutes.write_note(grave.item_id, "メモ"),
        ):
            with pytest.raises(KurabakoError):
                attempt()


def test_a_proposal_waits_for_who_makes_the_agenda(school: School) -> None:
    with school.opened("kocho") as kocho, school.opened("suzuki") as suzuki:
        meeting = written(kocho).meeting.meeting_id
        suzuki.meetings.propose(meeting, "## 連絡\n- 落とし物（生活部・2分）")
        proposed = kocho.meetings.open(meeting).items[-1]
        assert (proposed.title, proposed.proposed) == ("落とし物", True)
        assert kocho.meetings.all()[0].items == 3 or kocho.meetings.open(meeting).meeting.items == 3
        kocho.meetings.accept(meeting, proposed.item_id)
        taken = kocho.meetings.open(meeting).items[-1]
        assert (taken.title, taken.proposed, taken.number) == ("落とし物", False, 4)


def test_after_the_day_for_proposals_only_the_makers_of_the_agenda_add(school: School) -> None:
    with school.opened("kocho") as kocho, school.opened("suzuki") as suzuki:
        meeting = written(kocho, until=-1).meeting.meeting_id
        with pytest.raises(ProposalsClosedError):
            suzuki.meetings.propose(meeting, "## 連絡\n- 遅い提案")
        kocho.meetings.propose(meeting, "## 連絡\n- 急ぎの連絡")
        assert kocho.meetings.open(meeting).items[-1].proposed is False


def test_the_order_changes_one_place_at_a_time(school: School) -> None:
    with school.opened("kocho") as kocho:
        detail = written(kocho)
        meeting, last = detail.meeting.meeting_id, detail.items[-1].item_id
        assert kocho.meetings.move(meeting, last, up=False) is None
        kocho.meetings.move(meeting, last, up=True)
        assert [i.title for i in kocho.meetings.open(meeting).items] == ["予定", "運動会", "児童Ａの支援"]
        assert [i.number for i in kocho.meetings.open(meeting).items] == [1, 2, 3]
        assert kocho.meetings.open(meeting).items[2].importance is Importance.II


def test_questions_answers_and_who_has_not_read(school: School) -> None:
    with school.opened("kocho") as kocho, school.opened("suzuki") as suzuki:
        detail = written(kocho)
        meeting, item = detail.meeting.meeting_id, detail.items[2].item_id
        assert detail.meeting.unread == 3 and "鈴木" in "".join(detail.items[2].unread)
        suzuki.floor.ask(meeting, item, "雨のときは？")
        (said,) = kocho.meetings.open(meeting).items[2].said
        assert said.text == "雨のときは？" and said.who.startswith("鈴木")
        kocho.floor.answer(meeting, item, said.question_id, "翌日に延ばす")
        (said,) = suzuki.meetings.open(meeting).items[2].said
        assert said.answer == "翌日に延ばす"
        assert suzuki.floor.mark_read(item) is not None
        assert suzuki.floor.mark_read(item) is None
        seen = suzuki.meetings.open(meeting)
        assert seen.items[2].read and seen.meeting.unread == 2
        assert any(name.startswith("鈴木") for name in kocho.meetings.open(meeting).items[2].readers)
        grave = kocho.meetings.open(meeting).items[1]
        assert not any(name.startswith("森") for name in grave.unread), "who may not open it need not read it"


def test_two_who_write_the_minutes_at_once_lose_nothing(school: School) -> None:
    with school.opened("sato") as sato, school.opened("suzuki") as suzuki, school.opened("kocho") as kocho:
        detail = written(kocho)
        meeting, item = detail.meeting.meeting_id, detail.items[0].item_id
        first, second = sato.minutes.text(item), suzuki.minutes.text(item)
        first.edit("雨天の扱いを確かめた。")
        second.edit("予算は昨年と同じ。")
        sato.minutes.write(meeting, item, first)
        suzuki.minutes.write(meeting, item, second)
        first.edit(str(first) + "係は体育部。")
        sato.minutes.write(meeting, item, first)
        record = kocho.meetings.open(meeting).items[0].record
        for sentence in ("雨天の扱いを確かめた。", "予算は昨年と同じ。", "係は体育部。"):
            assert record.count(sentence) == 1, record
        assert kocho.conflicts.count() == 0


def test_a_note_is_open_to_nobody_else(school: School) -> None:
    with school.opened("sato") as sato, school.opened("kocho") as kocho:
        kocho.meetings.write(MILD)
        (light,) = (view for view in kocho.meetings.all() if view.title == "軽い会議")
        item = kocho.meetings.open(light.meeting_id).items[0].item_id
        sato.minutes.write_note(item, "あとで聞く")
        assert sato.meetings.open(light.meeting_id).items[0].note == "あとで聞く"
        assert "あとで聞く" not in str(kocho.meetings.every())
        assert "あとで聞く" not in sato.releases.minutes(light.meeting_id, Form.MARKDOWN).data.decode()
    with school.opened("sato") as again:
        again.minutes.write_note(item, "聞いた")
        assert again.meetings.open(light.meeting_id).items[0].note == "聞いた"


def test_everybody_who_follows_sees_the_page_of_who_leads(school: School) -> None:
    with school.opened("kyoto") as kyoto, school.opened("suzuki") as suzuki:
        detail = written(kyoto)
        meeting = detail.meeting.meeting_id
        assert suzuki.floor.page(meeting) is None
        kyoto.floor.lead(meeting, detail.items[0].item_id)
        first = suzuki.floor.page(meeting)
        assert first is not None and (first.item_id, first.above, first.own) == (detail.items[0].item_id, 0, False)
        kyoto.floor.lead(meeting, detail.items[0].item_id, 12)
        scrolled = suzuki.floor.page(meeting)
        assert scrolled is not None and (scrolled.above, scrolled.since) == (12, first.since)
        kyoto.floor.lead(meeting, "")
        assert suzuki.floor.page(meeting) is None


def test_after_the_principals_confirmation_there_are_only_addenda(school: School) -> None:
    with school.opened("kocho") as kocho, school.opened("kyoto") as kyoto:
        detail = written(kocho)
        meeting, item = detail.meeting.meeting_id, detail.items[2].item_id
        kyoto.minutes.decide(meeting, item, "10月3日に行う")
        kyoto.minutes.assign(meeting, item, "係の割り振り", "体育部", date(2026, 9, 1))
        with pytest.raises(PolicyDeniedError):
            kyoto.minutes.confirm(meeting)
        kocho.minutes.confirm(meeting)
        confirmed = kyoto.meetings.open(meeting).confirmed
        assert confirmed is not None and confirmed.changed is False
        attempts: tuple[Callable[[], object], ...] = (
            lambda: kyoto.minutes.decide(meeting, item, "変える"),
            lambda: kyoto.minutes.write(meeting, item, kyoto.minutes.text(item)),
            lambda: kyoto.meetings.rewrite(meeting, item, "変える"),
            lambda: kyoto.meetings.move(meeting, item, up=True),
            lambda: kyoto.meetings.propose(meeting, "- 題"),
            lambda: kyoto.floor.ask(meeting, item, "質問"),
        )
        for attempt in attempts:
            with pytest.raises(MeetingConfirmedError):
                attempt()
        kyoto.minutes.add_later(item, "雨天時は10月4日")
        kyoto.minutes.tick(item)
        seen = kyoto.meetings.open(meeting)
        assert seen.items[2].decision == "10月3日に行う"
        assert [said.text for said in seen.items[2].said if said.addendum] == ["雨天時は10月4日"]
        assert seen.items[2].task is not None and seen.items[2].task.done
        assert seen.confirmed is not None and seen.confirmed.changed is False, (
            "addenda and ticks change no minutes"
        )


def test_what_comes_in_after_the_confirmation_is_shown_as_such(
    school: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    with school.opened("kocho") as kocho, school.opened("sato") as sato:
        detail = written(kocho)
        meeting, item = detail.meeting.meeting_id, detail.items[0].item_id
        late = sato.minutes.text(item)
        late.edit("線が切れていた間の記録")
        kocho.minutes.confirm(meeting)
        with monkeypatch.context() as apart:  # as on a site that is cut off and has not heard of it
            apart.setattr(sato.minutes._guard, "still_open", lambda meeting_id: None)
            sato.minutes.write(meeting, item, late)
        confirmed = kocho.meetings.open(meeting).confirmed
        assert confirmed is not None and confirmed.changed is True
        assert kocho.meetings.open(meeting).items[0].record == "線が切れていた間の記録"
        kocho.minutes.confirm(meeting)
        again = kocho.meetings.open(meeting).confirmed
        assert again is not None and again.changed is False


def test_tasks_of_all_meetings_open_ones_first(school: School) -> None:
    with school.opened("kocho") as kocho:
        one, two = written(kocho), written(kocho, days=14)
        kocho.minutes.assign(one.meeting.meeting_id, one.items[0].item_id, "はやい", "教務部", date(2026, 9, 1))
        kocho.minutes.assign(two.meeting.meeting_id, two.items[0].item_id, "おそい", "教務部", date(2027, 1, 1))
        kocho.minutes.assign(two.meeting.meeting_id, two.items[2].item_id, "いつか", "教務部", None)
        kocho.minutes.tick(one.items[0].item_id)
        own = {"はやい", "おそい", "いつか"}
        found = [task.text for task in kocho.meetings.tasks() if task.text in own]
        assert found == ["おそい", "いつか", "はやい"]


def test_search_finds_in_titles_bodies_minutes_decisions_and_answers(school: School) -> None:
    with school.opened("kocho") as kocho:
        detail = written(kocho)
        meeting, item = detail.meeting.meeting_id, detail.items[2].item_id
        kocho.minutes.decide(meeting, item, "ﾌﾟﾛｸﾞﾗﾑは昨年のとおり zebra")
        hits = kocho.meetings.search("プログラム　ＺＥＢＲＡ")
        assert [(hit.meeting_id, hit.item_id, hit.where) for hit in hits] == [(meeting, item, "3. 決定")]
        assert kocho.meetings.search("  ") == ()


def test_minutes_leave_as_paper_and_markdown_in_their_gravest_importance(school: School) -> None:
    with school.opened("kocho") as kocho:
        detail = written(kocho)
        meeting = detail.meeting.meeting_id
        kocho.minutes.decide(meeting, detail.items[2].item_id, "10月3日に行う")
        with pytest.raises(KurabakoError):
            kocho.releases.minutes(meeting, Form.MARKDOWN)  # an item of importance II is in it
        with pytest.raises(LockMissingError):
            kocho.releases.minutes(meeting, Form.PDF)
        locked = kocho.releases.minutes(meeting, Form.PDF, lock=Lock(passphrase="correct horse battery"))
        assert locked.data.startswith(b"age-encryption.org")
        kocho.meetings.write(MILD.replace("# 軽い会議", "# 紙の会議"))
        (light,) = (view for view in kocho.meetings.all() if view.title == "紙の会議")
        assert kocho.releases.minutes(light.meeting_id, Form.PDF).data.startswith(b"%PDF")
        said = kocho.releases.minutes(light.meeting_id, Form.MARKDOWN).data.decode()
        for text in ("# 紙の会議", "場所: 職員室", "### 3. 運動会", "校長確認: まだ", "重要性分類Ⅲ"):
            assert text in said


def test_meetings_go_out_as_ics_and_come_back_as_the_same(school: School, tmp_path: Path) -> None:
    with school.opened("kocho") as kocho:
        detail = written(kocho)
        data = kocho.releases.calendar(Lock()).data
        assert "児童Ａ" not in data.decode() and "運動会" in data.decode()
        before = kocho.meetings.all()
        new, known, left = kocho.meetings.take_ics(data)
        assert (new, known, left) == (0, len(before), 0)
        assert kocho.meetings.all() == before
        other = data.replace(b"@kurabako", b"@outlook.example").replace(detail.meeting.title.encode(), b"PTA")
        new, known, left = kocho.meetings.take_ics(other)
        assert (new, known) == (len(before), 0)
        assert kocho.meetings.take_ics(other) == (0, len(before), 0)
        starts = {view.starts for view in before}
        assert {view.starts for view in kocho.meetings.all()} == starts
