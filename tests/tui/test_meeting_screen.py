from functools import partial

import pytest
from textual.widgets import DataTable, OptionList, TextArea

from appliance.demo.agenda import demo_agenda
from tests.school import SCHOOL_DAY, School
from tests.tui.conftest import freeze
from tests.tui.driving import SIZES, SMALL, Driver, at_home, said, screen_of, sees, shown, type_fast, until
from tui.screens.ask import TextScreen
from tui.screens.meeting import MeetingScreen
from tui.screens.meetings import MeetingsScreen
from tui.screens.problem import ProblemScreen

MEETING, ITEMS = demo_agenda(SCHOOL_DAY)


@pytest.fixture(autouse=True)
def meeting_day(monkeypatch: pytest.MonkeyPatch) -> None:
    freeze(monkeypatch, SCHOOL_DAY)


async def open_meeting(pilot: Driver) -> OptionList:
    """Open the demo meeting and return its list of items."""
    await pilot.app.push_screen(MeetingScreen(MEETING.id))
    await screen_of(pilot, MeetingScreen)
    options = pilot.app.screen.query_one("#items", OptionList)
    await until(pilot, lambda: options.option_count == len(ITEMS) and said(pilot, "#item") != "")
    return options


async def decide(pilot: Driver, text: str) -> None:
    """Write the decision on the item under the cursor."""
    await pilot.press("f4")
    screen = await screen_of(pilot, TextScreen)
    screen.query_one(TextArea).text = text
    await pilot.press("f4")
    await screen_of(pilot, MeetingScreen)


def line(options: OptionList, place: int) -> str:
    return str(options.get_option_at_index(place).prompt)


@pytest.mark.parametrize("size", SIZES)
async def test_the_list_names_date_place_and_counts(school: School, size: tuple[int, int]) -> None:
    async with at_home(school, size) as pilot:
        await pilot.press("f5")
        await screen_of(pilot, MeetingsScreen)
        table = pilot.app.screen.query_one(DataTable)
        await until(pilot, lambda: table.row_count > 0)
        row = [str(cell).strip() for cell in table.get_row(MEETING.id)]
        assert row[:4] == ["11/24 16:00", MEETING.title, MEETING.place, str(len(ITEMS))]
        await pilot.press("enter")
        await screen_of(pilot, MeetingScreen)
        await sees(pilot, f"{MEETING.title}  11/24 16:00  {MEETING.place}")


def _highlights(options: OptionList, place: int) -> bool:
    return options.highlighted == place


@pytest.mark.parametrize("size", SIZES)
async def test_every_item_can_be_read_to_the_end(school: School, size: tuple[int, int]) -> None:
    async with at_home(school, size) as pilot:
        options = await open_meeting(pilot)
        assert f"議題 {len(ITEMS)}" in said(pilot, "#state") and MEETING.chair in said(pilot, "#state")
        for place, item in enumerate(ITEMS):
            if place:
                await pilot.press("down")
            await until(pilot, partial(_highlights, options, place))
            text = "".join(said(pilot, "#item").split())
            assert "".join(item.body.split()) in text and "".join(item.title.split()) in text
            assert line(options, place)[1:].startswith(f"{item.number}. ")


async def test_the_end_of_a_long_item_comes_into_view(school: School) -> None:
    async with at_home(school, SMALL) as pilot:
        await open_meeting(pilot)
        last = ITEMS[0].body.rstrip()[-4:]
        await pilot.press("tab")
        for _step in range(20):
            await pilot.press("pagedown")
        await sees(pilot, last)


def decided(pilot: Driver) -> int:
    return int(said(pilot, "#state").rpartition("決定")[2])


async def test_a_decision_is_kept_shown_and_taken_back(school: School) -> None:
    async with at_home(school, name="kocho") as pilot:
        options = await open_meeting(pilot)
        before = decided(pilot)  # the school is shared: another test may have decided something else
        await pilot.press("down")
        await decide(pilot, "原案のとおりとする。\n周知は12月1日までに行う。")
        await until(pilot, lambda: line(options, 1).startswith("✓2."))
        assert options.highlighted == 1
        text = said(pilot, "#item")
        assert "▼ 決定原案のとおりとする。周知は12月1日までに行う。" in text and "髙橋 誠" in text
        assert decided(pilot) == before + 1
        await decide(pilot, "")
        await until(pilot, lambda: line(options, 1).startswith("・2."))
        assert "決定" not in said(pilot, "#item").rpartition(ITEMS[1].body[-3:])[2]
        assert decided(pilot) == before


async def test_escape_keeps_no_decision(school: School) -> None:
    async with at_home(school, name="kocho") as pilot:
        options = await open_meeting(pilot)
        await pilot.press("f4")
        await screen_of(pilot, TextScreen)
        type_fast(pilot, *"abc", "escape")
        await screen_of(pilot, MeetingScreen)
        assert line(options, 0).startswith("・1.")


async def test_what_somebody_else_decides_appears_without_a_key(school: School) -> None:
    async with at_home(school) as pilot:
        options = await open_meeting(pilot)
        other = school.office("kocho")
        other.minutes.decide(MEETING.id, ITEMS[2].id, "継続して協議する。")
        await until(pilot, lambda: line(options, 2).startswith("✓3."))
        other.minutes.decide(MEETING.id, ITEMS[2].id, "")
        other.logout()
        await until(pilot, lambda: line(options, 2).startswith("・3."))


async def test_somebody_without_the_role_is_refused_in_words(school: School) -> None:
    async with at_home(school, name="shien") as pilot:
        options = await open_meeting(pilot)
        await pilot.press("f4")
        screen = await screen_of(pilot, TextScreen)
        screen.query_one(TextArea).text = "書けないはず"
        await pilot.press("f4")
        problem = await screen_of(pilot, ProblemScreen)
        assert problem.told.code == "APP-013"
        await pilot.press("escape")
        await screen_of(pilot, TextScreen)  # what was written is still there
        await pilot.press("escape")
        await screen_of(pilot, MeetingScreen)
        assert line(options, 0).startswith("・1.") and "書けないはず" not in shown(pilot)
