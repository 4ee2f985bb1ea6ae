from datetime import date, datetime

import pytest
from textual.widgets import DataTable, OptionList

from appliance.office import Office
from appliance.session import JST
from appliance.views import Light
from sync.status import LinkState
from tests.school import School
from tests.tui.conftest import freeze
from tests.tui.driving import SIZES, Slot, at_home, log_in, pupils, said, screen_of, sees, shown, started, until
from tui.screens.attendance import AttendanceScreen
from tui.screens.home import HomeScreen
from tui.screens.meeting import MeetingScreen
from tui.screens.meetings import MeetingsScreen

HOLIDAY = date(2026, 11, 23)
AT = datetime(2026, 11, 24, 8, 15, tzinfo=JST)


@pytest.mark.parametrize("size", SIZES)
async def test_every_class_is_listed_with_its_pupils(school: School, today: date, size: tuple[int, int]) -> None:
    office = school.office("sato")
    expected = [(c.title, f"{c.pupils:>4}") for c in office.attendance.classes(today)]
    office.logout()
    async with at_home(school, size) as pilot:
        table = pilot.app.screen.query_one(DataTable)
        rows = [tuple(map(str, table.get_row_at(place)[:2])) for place in range(table.row_count)]
        assert rows == expected and len(rows) == 23
        await sees(pilot, "11月20日（金）  教諭 佐藤 葵")


async def test_classes_that_are_not_confirmed_are_counted(school: School, slot: Slot) -> None:
    async with at_home(school) as pilot:
        office = school.office("suzuki")
        before = sum(not c.confirmed for c in office.attendance.classes(slot.on))
        await sees(pilot, f"未確定 {before}学級")
        office.attendance.mark(slot.class_id, slot.on, slot.rows[0].pupil_id, "sick")
        office.attendance.confirm(slot.class_id, slot.on)
        office.logout()
        await sees(pilot, f"未確定 {before - 1}学級")
        table = pilot.app.screen.query_one(DataTable)
        await until(pilot, lambda: table.get_cell(slot.class_id, "state") == "✓ 済")
        assert table.get_cell(slot.class_id, "marks").strip() == "1"


async def test_a_day_is_never_called_seen_and_approved(school: School, slot: Slot) -> None:
    """済 means confirmed by the class; 確認済 is the third light and says that a machine countersigned."""
    async with at_home(school) as pilot:
        office = school.office("suzuki")
        office.attendance.confirm(slot.class_id, slot.on)
        office.logout()
        await sees(pilot, "✓ 済")
        assert [line for line in shown(pilot).split("\n") if "確認済" in line] == [
            line for line in shown(pilot).split("\n") if line.startswith(" ?")
        ]


async def test_enter_opens_the_class_under_the_cursor(school: School, today: date) -> None:
    office = school.office("sato")
    third = office.attendance.classes(today)[2]
    office.logout()
    async with at_home(school) as pilot:
        await pilot.press("down", "down", "enter")
        await screen_of(pilot, AttendanceScreen)
        await sees(pilot, f"出席簿  {third.title}  11月20日（金）")
        await until(pilot, lambda: pupils(pilot).row_count == third.pupils)
        await pilot.press("escape")
        await screen_of(pilot, HomeScreen)
        assert pilot.app.screen.query_one(DataTable).cursor_row == 2


async def test_f5_opens_the_meetings_and_enter_the_agenda(school: School, today: date) -> None:
    async with at_home(school) as pilot:
        assert "職員会議（11月）" in said(pilot, "#week")
        await pilot.press("f5")
        await screen_of(pilot, MeetingsScreen)
        await until(pilot, lambda: pilot.app.screen.query_one(DataTable).row_count > 0)
        assert "職員会議（11月）" in shown(pilot)
        await pilot.press("enter")
        await screen_of(pilot, MeetingScreen)
        await until(pilot, lambda: pilot.app.screen.query_one(OptionList).option_count > 0)
        await pilot.press("escape", "escape")
        await screen_of(pilot, HomeScreen)


async def test_a_holiday_is_named(school: School, monkeypatch: pytest.MonkeyPatch) -> None:
    freeze(monkeypatch, HOLIDAY)
    async with at_home(school) as pilot:
        await sees(pilot, "休業日: 勤労感謝の日")


async def test_what_nobody_reports_is_not_claimed(school: School, today: date) -> None:
    """No daemon runs in these tests, so nobody knows how far the entries were sent."""
    async with at_home(school) as pilot:
        office = school.office("sato")
        saved = office.light().saved
        office.logout()
        bar = said(pilot, "#light")
        assert bar == f"? 不明  保存済 {saved:,}  送信済 ?  確認済 ?"
        assert "待ち" not in bar and "送信の係が動いていません" in said(pilot, "#link")


LIGHTS = [
    (
        Light(LinkState.ONLINE, 12_345, 12_345, 0, verified_at=AT, confirmed=12_345),
        "good",
        "● 接続  保存済 12,345  送信済 12,345  確認済 12,345",
        "● つながっています保存済 12,345送信済 12,345確認済 12,345復元の検証 11/24 08:15",
    ),
    (
        Light(LinkState.OFFLINE, 1_210, 1_200, 10, since=AT),
        "bad",
        "○ 切断  保存済 1,210  送信済 1,200（待ち10）  確認済 —（教育委員会なし）",
        "○ 切れています 08:15から保存済 1,210送信済 1,200（待ち10）確認済 —（教育委員会なし）復元の検証 まだ",
    ),
    (
        Light(LinkState.DEGRADED, 7, 5, 2, confirmed=4),
        "warn",
        "◐ 不安定  保存済 7  送信済 5（待ち2）  確認済 4",
        "◐ 不安定です保存済 7送信済 5（待ち2）確認済 4復元の検証 まだ",
    ),
]


@pytest.mark.parametrize(("light", "kind", "bar", "side"), LIGHTS)
async def test_glyph_word_and_colour_say_the_same(
    school: School, today: date, monkeypatch: pytest.MonkeyPatch, light: Light, kind: str, bar: str, side: str
) -> None:
    monkeypatch.setattr(Office, "light", lambda _office: light)
    async with at_home(school) as pilot:
        await sees(pilot, bar)
        assert pilot.app.screen.query_one("#light").has_class(kind)
        assert said(pilot, "#link") == side


async def test_somebody_without_classes_of_their_own_sees_the_home_too(school: School, today: date) -> None:
    async with started(school) as pilot:
        await log_in(pilot, "shien")
        await sees(pilot, "支援員 森 遥")
