"""Names and titles come from files and from people: whatever looks like markup must be shown, not obeyed."""

from datetime import date, datetime

import pytest
from textual.app import App, ComposeResult
from textual.widgets import DataTable, OptionList

from appliance.meetings.records import AgendaItem, Meeting
from appliance.office import Office
from appliance.session import JST
from appliance.views import ClassView, HomeView, Light
from sync.status import LinkState
from tests.school import School
from tests.tui.driving import at_home, said, screen_of, sees, until
from tui.screens.meeting import MeetingScreen
from tui.screens.meetings import MeetingsScreen
from tui.widgets.pupiltable import PupilTable

ODD = [":smile:", "[/x] 山田", "[red]山田", "[A]山田", "山田[/]", "[協議]", "山田 [", "山田\\"]


class OnlyTable(App[None]):
    def compose(self) -> ComposeResult:
        yield PupilTable()


@pytest.mark.parametrize("name", ODD)
async def test_a_pupils_name_is_shown_as_it_is(name: str) -> None:
    app = OnlyTable()
    async with app.run_test() as pilot:
        table = app.query_one(PupilTable)
        table.add_column("name", width=20)
        for _again in range(2):
            table.show({"p": (name,)})
            await pilot.pause()
            strips = app.screen._compositor.render_strips()
            assert strips[1].text.strip(" │▁▂▃▄▅▆▇█") == name


async def test_a_meetings_title_and_items_are_shown_as_they_are(school: School, today: date) -> None:
    office = school.office("jimu")
    meeting = Meeting(
        id="odd",
        title="[/x] 予算 [A]",
        starts=datetime(2026, 6, 1, 16, 0, tzinfo=JST),
        place="[b]室",
        chair="[/]",
        recorder="教務",
    )
    item = AgendaItem(
        id="odd-1",
        meeting_id="odd",
        number=1,
        section="協議",
        department="[A]部",
        title="[/x] [A]案",
        proposer="教頭",
        minutes=5,
        body="本文 [red]赤[/red] と [/]",
    )
    office.meetings.add(meeting, [item])
    office.logout()
    async with at_home(school) as pilot:
        await pilot.press("f5")
        await screen_of(pilot, MeetingsScreen)
        table = pilot.app.screen.query_one(DataTable)
        await until(pilot, lambda: "odd" in {key.value for key in table.rows})
        await sees(pilot, "[/x] 予算 [A]")
        await sees(pilot, "[b]室")
        table.move_cursor(row=table.get_row_index("odd"))
        await pilot.press("enter")
        await screen_of(pilot, MeetingScreen)
        await until(pilot, lambda: pilot.app.screen.query_one(OptionList).option_count == 1)
        await sees(pilot, " 1. [/x] [A]案")
        assert "本文 [red]赤[/red] と [/]" in said(pilot, "#item")


async def test_what_the_first_screen_names_is_shown_as_it_is(
    school: School, today: date, monkeypatch: pytest.MonkeyPatch
) -> None:
    light = Light(LinkState.UNKNOWN, 0, 0, 0)
    classes = (ClassView("c", "[/x]1年[A]組", "1", 30, False, 0),)
    closed = HomeView(today, "[/]学校", False, "[/x] 台風 [A]", classes, (), light)
    monkeypatch.setattr(Office, "home", lambda _office: closed)
    async with at_home(school) as pilot:
        for text in ("休業日: [/x] 台風 [A]", "[/x]1年[A]組", "[/]学校"):
            await sees(pilot, text)
