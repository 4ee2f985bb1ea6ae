"""A meeting at the screen, by several people at once: made, asked about, followed, written, confirmed."""

import io
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager

import pytest
from textual.widgets import DataTable, Input, OptionList, TextArea

from appliance.documents.intake import Incoming
from appliance.meetings.views import MeetingDetail
from crypto.importance import Importance
from tests.school import SCHOOL_DAY, School, enrol
from tests.tui.conftest import freeze
from tests.tui.driving import SMALL, Driver, at_home, said, screen_of, sees, shown, type_fast, until
from tests.tui.test_actions import check_fits
from tui.screens.ask import KeepTextScreen, YesNoScreen
from tui.screens.choosing import ChooseScreen
from tui.screens.document import DocumentScreen
from tui.screens.meeting import MeetingScreen
from tui.screens.meetingforms import TaskScreen, TemplateScreen, read_due
from tui.screens.meetinglists import MeetingSearchScreen, TasksScreen
from tui.screens.meetings import MeetingsScreen
from tui.screens.minutes import MinutesScreen
from tui.screens.papers import PapersScreen
from tui.screens.problem import ProblemScreen

LONG = "\n".join(f"{number}行目 長い説明" for number in range(1, 80))
TEXT = """# {title}
日時: 2026-12-08 16:00
司会: 教頭
## 報告
- 行事予定（教務部・5分）
  {long}
## 協議
- 運動会（体育部・15分）
- 校外学習（3年・10分）
"""


@pytest.fixture(scope="module")
def school(tmp_path_factory: pytest.TempPathFactory) -> Iterator[School]:
    """A school of this module's own: its meetings would stand above those of other tests."""
    own = enrol(tmp_path_factory.mktemp("meetings"))
    yield own
    own.close()


@pytest.fixture(autouse=True)
def meeting_day(monkeypatch: pytest.MonkeyPatch) -> None:
    freeze(monkeypatch, SCHOOL_DAY)


def made(school: School, title: str) -> MeetingDetail:
    """Keep a meeting of this test's own."""
    office = school.office("kocho")
    office.meetings.write(TEXT.format(title=title, long=LONG.replace("\n", "\n  ")))
    (view,) = (view for view in office.meetings.all() if view.title == title)
    detail = office.meetings.open(view.meeting_id)
    office.logout()
    return detail


@asynccontextmanager
async def seated(school: School, detail: MeetingDetail, name: str) -> AsyncIterator[Driver]:
    """Log in and open the meeting."""
    async with at_home(school, SMALL, name) as pilot:
        await pilot.app.push_screen(MeetingScreen(detail.meeting.meeting_id))
        await screen_of(pilot, MeetingScreen)
        options = pilot.app.screen.query_one("#items", OptionList)
        await until(pilot, lambda: options.option_count == 3 and said(pilot, "#item") != "")
        yield pilot


async def write(pilot: Driver, key: str, text: str) -> None:
    """Press a key that asks for a text, and keep one."""
    await pilot.press(key)
    screen = await screen_of(pilot, KeepTextScreen)
    screen.query_one(TextArea).text = text
    await pilot.press("f4")
    await screen_of(pilot, MeetingScreen)


def at(pilot: Driver, place: int) -> Callable[[], bool]:
    return lambda: pilot.app.screen.query_one("#items", OptionList).highlighted == place


async def test_a_meeting_is_made_from_a_template_and_a_bad_text_stays_on_the_screen(school: School) -> None:
    async with at_home(school, name="kyoto") as pilot:
        await pilot.press("f5")
        await screen_of(pilot, MeetingsScreen)
        table = pilot.app.screen.query_one(DataTable)
        await until(pilot, lambda: table.row_count > 0)
        rows = table.row_count
        await pilot.press("n")
        await screen_of(pilot, TemplateScreen)
        await pilot.press("down", "enter")
        screen = await screen_of(pilot, KeepTextScreen)
        area = screen.query_one(TextArea)
        area.text = area.text.replace("日時: ", "日時: いつか")
        await pilot.press("f4")
        problem = await screen_of(pilot, ProblemScreen)
        assert problem.told.code == "APP-431" and "2 行目" in shown(pilot)
        await pilot.press("escape")
        assert "いつか" in (await screen_of(pilot, KeepTextScreen)).query_one(TextArea).text
        area.text = area.text.replace("いつか", "")
        await pilot.press("f4", "f4")
        await screen_of(pilot, MeetingsScreen)
        await until(pilot, lambda: table.row_count == rows + 4)  # every week, four times, and once for two F4


async def test_followers_go_where_the_chair_is_and_may_look_elsewhere(school: School) -> None:
    detail = made(school, "追う会議")
    async with seated(school, detail, "kyoto") as chair, seated(school, detail, "sato") as other:
        await chair.press("down", "l")
        await until(other, at(other, 1))
        assert "追っています" in said(other, "#standing") and "▶2." in shown(other)
        assert "0:0" in said(other, "#standing") and "/15分" in said(other, "#standing")
        await chair.press("up")
        await until(other, at(other, 0))
        await chair.press("tab", *["pagedown"] * 3)
        reading = chair.app.screen.query_one("#reading")
        await until(chair, lambda: reading.scroll_y > 20)
        theirs = other.app.screen.query_one("#reading")
        await until(other, lambda: abs(theirs.scroll_y - reading.scroll_y) < 2)

        await other.press("end")
        await until(other, lambda: "f で追う" in said(other, "#standing"))
        await chair.press("shift+tab", "down")
        await until(other, lambda: "議題2" in said(other, "#standing"))
        assert at(other, 2)()
        await other.press("f")
        await until(other, at(other, 1))
        await chair.press("l")
        await until(other, lambda: "示しています" not in said(other, "#standing"))


async def test_taking_over_from_who_shows_is_asked(school: School) -> None:
    detail = made(school, "代わる会議")
    async with seated(school, detail, "kyoto") as chair, seated(school, detail, "kocho") as other:
        await chair.press("l")
        await until(other, lambda: "が議題1" in said(other, "#standing"))
        await other.press("end", "l")
        await screen_of(other, YesNoScreen)
        assert "示しています" in shown(other)
        await other.press("right", "enter")
        await until(chair, at(chair, 2))


async def test_two_write_the_minutes_at_once_and_both_see_all(school: School) -> None:
    detail = made(school, "書く会議")
    async with seated(school, detail, "sato") as one, seated(school, detail, "suzuki") as two:
        for pilot in (one, two):
            await pilot.press("f2")
            await screen_of(pilot, MinutesScreen)
        first, second = (pilot.app.screen.query_one(TextArea) for pilot in (one, two))
        type_fast(one, *"abc")
        type_fast(two, *"xyz")
        await until(one, lambda: first.text.count("xyz") == 1 and first.text.count("abc") == 1)
        await until(two, lambda: second.text == first.text)
        type_fast(one, *"def")
        await until(two, lambda: second.text.count("abcdef") == 1, "the cursor left its word")
        await two.press("ctrl+z")
        for pilot in (one, two):
            await pilot.press("escape")
            await screen_of(pilot, MeetingScreen)
        await until(one, lambda: "abcdef" in said(one, "#item") and "xyz" in said(one, "#item"))


async def test_a_text_of_minutes_that_cannot_be_kept_stays_on_the_screen(school: School) -> None:
    detail = made(school, "閉じた会議")
    office = school.office("kocho")
    async with seated(school, detail, "sato") as pilot:
        await pilot.press("f2")
        await screen_of(pilot, MinutesScreen)
        office.minutes.confirm(detail.meeting.meeting_id)
        office.logout()
        type_fast(pilot, *"late")
        await pilot.press("escape")
        problem = await screen_of(pilot, ProblemScreen)
        assert problem.told.code == "APP-430"
        await pilot.press("escape")
        screen = await screen_of(pilot, MinutesScreen)
        await until(pilot, lambda: "まだ保存できていません" in said(pilot, "#state"))
        assert screen.query_one(TextArea).text == "late"
        await pilot.press("escape")
        await screen_of(pilot, YesNoScreen)
        await pilot.press("right", "enter")
        await screen_of(pilot, MeetingScreen)
        assert "late" not in said(pilot, "#item")


async def test_question_answer_reading_note_task_and_decision(school: School) -> None:
    detail = made(school, "問う会議")
    async with seated(school, detail, "sato") as pilot:
        await write(pilot, "q", "雨のときは")
        await until(pilot, lambda: "？佐藤葵:雨のときは" in "".join(said(pilot, "#item").split()))
        await write(pilot, "w", "翌日に")
        await until(pilot, lambda: "→佐藤葵:翌日に" in "".join(said(pilot, "#item").split()))
        await write(pilot, "m", "予算を聞く")
        await sees(pilot, "1. 行事予定")
        before = said(pilot, "#item")
        assert "予算を聞く" in before and "既読0人" in "".join(before.split())
        await pilot.press("r")
        await until(pilot, at(pilot, 1))
        await pilot.press("up")
        await until(pilot, lambda: "既読1人" in "".join(said(pilot, "#item").split()))
        await pilot.press("t")
        form = await screen_of(pilot, TaskScreen)
        form.query_one("#text", Input).value = "表を作る"
        form.query_one("#due", Input).value = "13/40"
        await pilot.press("f4")
        await until(pilot, lambda: "期限が読めません" in shown(pilot))
        form.query_one("#due", Input).value = "12/10"
        await pilot.press("enter")
        await screen_of(pilot, MeetingScreen)
        await until(pilot, lambda: "□表を作る教務部12/10" in "".join(said(pilot, "#item").split()))
        await pilot.press("escape", "f5")
        await screen_of(pilot, MeetingsScreen)
        await pilot.press("t")
        await screen_of(pilot, TasksScreen)
        table = pilot.app.screen.query_one(DataTable)
        await until(pilot, lambda: any("表を作る" in str(table.get_row_at(n)[2]) for n in range(table.row_count)))
        place = next(n for n in range(table.row_count) if "表を作る" in str(table.get_row_at(n)[2]))
        table.move_cursor(row=place)
        await pilot.press("d")
        await until(pilot, lambda: any(str(table.get_row_at(n)[0]) == "✓" for n in range(table.row_count)))


async def test_an_item_is_proposed_taken_moved_and_rewritten(school: School) -> None:
    detail = made(school, "加える会議")
    async with seated(school, detail, "suzuki") as pilot:
        await write(pilot, "n", "## 連絡\n- 落とし物（生活部・3分）")
        await sees(pilot, "＋落とし物")
    async with at_home(school, SMALL, "kyoto") as pilot:
        await pilot.app.push_screen(MeetingScreen(detail.meeting.meeting_id))
        await sees(pilot, "＋落とし物")
        await pilot.press("end", "y")
        await sees(pilot, "・4. 落とし物")
        await pilot.press("k")
        await sees(pilot, "・3. 落とし物")
        await write(pilot, "e", "箱は昇降口")
        await until(pilot, lambda: "箱は昇降口" in said(pilot, "#item"))
        await pilot.press("j")
        await sees(pilot, "・4. 落とし物")


async def test_only_the_principal_confirms_and_then_there_are_addenda(school: School) -> None:
    detail = made(school, "確かめる会議")
    async with seated(school, detail, "kyoto") as pilot:
        await pilot.press("c")
        await screen_of(pilot, YesNoScreen)
        await pilot.press("right", "enter")
        problem = await screen_of(pilot, ProblemScreen)
        assert problem.told.code == "APP-013" and "校長" in shown(pilot)
    async with seated(school, detail, "kocho") as pilot:
        await pilot.press("c")
        await screen_of(pilot, YesNoScreen)
        await pilot.press("right", "enter")
        await until(pilot, lambda: "校長確認" in said(pilot, "#standing"))
        await pilot.press("f4")
        screen = await screen_of(pilot, KeepTextScreen)
        screen.query_one(TextArea).text = "変える"
        await pilot.press("f4")
        await screen_of(pilot, ProblemScreen)
        await pilot.press("escape")
        assert (await screen_of(pilot, KeepTextScreen)).query_one(TextArea).text == "変える"
        await pilot.press("escape")
        await screen_of(pilot, MeetingScreen)
        await write(pilot, "a", "雨天は翌日")
        await until(pilot, lambda: "雨天は翌日" in said(pilot, "#item") and "追記" in said(pilot, "#item"))


async def test_a_document_is_attached_opened_by_another_and_taken_away(school: School) -> None:
    detail = made(school, "資料の会議")
    text = "運動会の配置図（案）".encode()
    office = school.office("kyoto")
    office.filing.add(Incoming(io.BytesIO(text), len(text), "haichi.txt", Importance.III, "運動会の配置図"))
    office.logout()
    async with seated(school, detail, "kyoto") as pilot:
        await pilot.press("d")
        await screen_of(pilot, PapersScreen)
        table = pilot.app.screen.query_one(DataTable)
        await pilot.press("n")
        dialog = await screen_of(pilot, ChooseScreen)
        check_fits(pilot)
        dialog.query_one("#paper", Input).value = "配置"
        await until(pilot, lambda: dialog.query_one(OptionList).option_count == 1)
        await pilot.press("enter")
        await screen_of(pilot, PapersScreen)
        await until(pilot, lambda: table.row_count == 1)
        check_fits(pilot)
    async with seated(school, detail, "sato") as pilot:
        await until(pilot, lambda: "資料1件" in "".join(said(pilot, "#item").split()))
        await pilot.press("d")
        await screen_of(pilot, PapersScreen)
        table = pilot.app.screen.query_one(DataTable)
        await until(pilot, lambda: table.row_count == 1)
        await pilot.press("enter")
        await screen_of(pilot, DocumentScreen)
        await sees(pilot, "運動会の配置図（案）")
        await pilot.press("escape")
        await screen_of(pilot, PapersScreen)
        await pilot.press("x")
        await until(pilot, lambda: table.row_count == 0)
        await pilot.press("escape")
        await screen_of(pilot, MeetingScreen)
        await until(pilot, lambda: "資料1件" not in "".join(said(pilot, "#item").split()))


async def test_search_opens_the_meeting_at_the_item(school: School) -> None:
    detail = made(school, "探す会議")
    async with at_home(school, name="sato") as pilot:
        await pilot.press("f5")
        await screen_of(pilot, MeetingsScreen)
        await pilot.press("s")
        screen = await screen_of(pilot, MeetingSearchScreen)
        screen.query_one(Input).value = "そんなことばはない"
        await pilot.press("enter")
        await sees(pilot, "見つかりません")
        screen.query_one(Input).value = "探す会議"
        await pilot.press("enter")
        await sees(pilot, "1件見つかりました")
        screen.query_one(Input).value = "校外学習　３年"
        screen.query_one(Input).focus()
        await pilot.press("enter")
        hits = screen.query_one(OptionList)
        await until(
            pilot,
            lambda: any("探す会議" in str(hits.get_option_at_index(n).prompt) for n in range(hits.option_count)),
        )
        place = next(n for n in range(hits.option_count) if "探す会議" in str(hits.get_option_at_index(n).prompt))
        hits.highlighted = place
        await pilot.press("enter")
        await screen_of(pilot, MeetingScreen)
        await until(pilot, lambda: "3.校外学習" in "".join(said(pilot, "#item").split()))
    assert detail.items[2].title == "校外学習"


def test_a_day_to_come_is_never_read_as_long_past() -> None:
    assert read_due("12/10", SCHOOL_DAY) == SCHOOL_DAY.replace(month=12, day=10)
    assert read_due("4/8", SCHOOL_DAY) == SCHOOL_DAY.replace(year=2027, month=4, day=8)
    assert read_due("１１/１", SCHOOL_DAY) == SCHOOL_DAY.replace(day=1)
    assert read_due("いつか", SCHOOL_DAY) is None and read_due("", SCHOOL_DAY) is None
