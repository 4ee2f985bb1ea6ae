"""The text of a meeting: as people write it, as word processors leave it, and what cannot be read."""

from datetime import date, datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.meetings.agendatext import AgendaTextError, ItemText, read_items, read_meeting
from appliance.meetings.views import AgendaItemView, MeetingDetail, MeetingView
from appliance.meetings.writing import TEMPLATES, agenda_text, template_text
from appliance.session import JST
from crypto.importance import Importance

TODAY = date(2026, 11, 24)
WHOLE = """# 職員会議（12月）
日時: 2026-12-02 16:00
場所：職員室
司会: 教頭
記録: 森 遥
欠席: 佐藤・鈴木
提案締切: 11/30

## 報告
- 学力調査の結果（研究部・山田・15分）
  資料は文書にあります。

  二段落目。
- 校長から
## 協議
- 児童の様子（生徒指導部・Ⅱ）
"""


def test_reads_a_whole_meeting() -> None:
    found = read_meeting(WHOLE, TODAY)
    assert (found.title, found.place, found.chair, found.recorder) == (
        "職員会議（12月）",
        "職員室",
        "教頭",
        "森 遥",
    )
    assert found.starts == (datetime(2026, 12, 2, 16, tzinfo=JST),)
    assert found.proposals_until == datetime(2026, 11, 30, 23, 59, tzinfo=JST)
    assert found.absent == ("佐藤", "鈴木")
    body = "資料は文書にあります。\n\n二段落目。"
    assert found.items == (
        ItemText("報告", "学力調査の結果", "研究部", "山田", 15, body),
        ItemText("報告", "校長から"),
        ItemText("協議", "児童の様子", "生徒指導部", importance=Importance.II),
    )


def test_reads_what_was_pasted_from_a_word_processor() -> None:
    text = (
        "【報告事項】\r\n１．来年度の予定（教務部／田中）\r\n　別紙のとおり\r\n(2) 給食費\r\n"
        "２ 協議事項\r\n① 運動会（体育部、１０分）\r\n・校外学習（3年（仮））\r\n"
    )
    found = read_items(text)
    assert [(item.section, item.title) for item in found] == [
        ("報告", "来年度の予定"),
        ("報告", "給食費"),
        ("協議", "運動会"),
        ("協議", "校外学習（3年（仮））"),
    ]
    assert found[0].body == "別紙のとおり" and (found[0].department, found[0].proposer) == ("教務部", "田中")
    assert (found[2].department, found[2].minutes) == ("体育部", 10)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2026-12-02 16:00", "2026-12-02T16:00"),
        ("2026/12/2 9:05", "2026-12-02T09:05"),
        ("2026年12月2日（水）16時", "2026-12-02T16:00"),
        ("１２月２日（水）１６時３０分〜17時", "2026-12-02T16:30"),
        ("12月2日 16時半", "2026-12-02T16:30"),
        ("12/2 16:00-17:00", "2026-12-02T16:00"),
        ("11/24 16:00", "2026-11-24T16:00"),
        ("11/23 16:00", "2027-11-23T16:00"),
        ("4/8 8:20", "2027-04-08T08:20"),
    ],
)
def test_reads_the_times_that_people_write(written: str, meant: str) -> None:
    text = f"会議\n日時: {written}\n"
    assert read_meeting(text, TODAY).starts == (datetime.fromisoformat(f"{meant}+09:00"),)


@pytest.mark.parametrize(
    ("written", "days"),
    [
        ("毎週 3回", ["12-02", "12-09", "12-16"]),
        ("隔週2回", ["12-02", "12-16"]),
        ("毎月 ４回", ["12-02", "01-06", "02-03", "03-03"]),
    ],
)
def test_repeats(written: str, days: list[str]) -> None:
    found = read_meeting(f"会議\n日時: 2026-12-02 16:00\n繰り返し: {written}\n", TODAY)
    assert [f"{starts:%m-%d}" for starts in found.starts] == days


def test_a_fifth_weekday_becomes_the_last_one_and_never_leaves_its_month() -> None:
    found = read_meeting("会議\n日時: 2026-12-30 16:00\n繰り返し: 毎月 12回\n", TODAY)
    assert {starts.weekday() for starts in found.starts} == {2}
    months = [starts.year * 12 + starts.month for starts in found.starts]
    assert all(after - before == 1 for before, after in pairwise(months))


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", 1),
        ("# 会議\n場所: 職員室\n", 1),
        ("# 会議\n日時: 来週\n", 2),
        ("# 会議\n日時: 2026-13-01 16:00\n", 2),
        ("# 会議\n日時: 2026-12-02\n", 2),
        ("# 会議\n日時: 2026-12-02 25:00\n", 2),
        ("# 会議\n日時: 12/2 16:00\n繰り返し: 毎日 3回\n", 3),
        ("# 会議\n日時: 12/2 16:00\n繰り返し: 毎週 99回\n", 3),
        ("# 会議\n日時: 12/2 16:00\n\n## その他\n- 題\n", 4),
        ("# 会議\n日時: 12/2 16:00\n\nはじめに\n- 題\n", 4),
        ("# 会議\n日時: 12/2 16:00\n## 報告\n- 題（Ⅰ）\n", 4),
        ("# 会議\n日時: 12/2 16:00\n## 報告\n- 題（Ⅳ）\n", 4),
    ],
)
def test_what_cannot_be_read_names_its_line(text: str, line: int) -> None:
    with pytest.raises(AgendaTextError) as caught:
        read_meeting(text, TODAY)
    assert caught.value.params["line"] == line


def test_a_list_of_no_items_is_a_fault() -> None:
    with pytest.raises(AgendaTextError):
        read_items("## 報告\n")


@given(st.text(max_size=300))
def test_any_text_is_a_meeting_or_a_fault(text: str) -> None:
    for read in (lambda: read_meeting(text, TODAY), lambda: read_items(text)):
        try:
            read()
        except AgendaTextError as error:
            assert int(str(error.params["line"])) >= 1


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_template_is_a_meeting_at_once(name: str) -> None:
    found = read_meeting(template_text(name, TODAY), TODAY)
    assert found.items and found.starts[0].date() > TODAY


def test_what_is_written_out_reads_back_as_the_same() -> None:
    read = read_meeting(WHOLE, TODAY)
    items = tuple(
        AgendaItemView(
            str(n), n, i.section, i.department, i.title, i.proposer, i.minutes, i.body, importance=i.importance
        )
        for n, i in enumerate(read.items, 1)
    )
    line = MeetingView("x", read.title, read.starts[0], read.place, 3, 0)
    detail = MeetingDetail(
        line, read.chair, read.recorder, items, proposals_until=read.proposals_until, absent=read.absent
    )
    assert read_meeting(agenda_text(detail), TODAY) == read
