"""勤務: two keys from home punch in, a forgotten punch waits for a manager, managers see everybody."""

from datetime import date, datetime, timedelta

import pytest
from rich.cells import cell_len
from textual.widgets import DataTable, Input

from appliance.hours.limits import standing
from appliance.hours.settings import load_hours
from appliance.hours.views import TrendPoint
from appliance.session import JST, Session
from tests.school import School
from tests.tui.conftest import freeze
from tests.tui.driving import SIZES, SMALL, Driver, at_home, said, screen_of, sees, shown, until
from tests.tui.test_actions import check_fits
from tui.screens.ask import TextScreen, YesNoScreen
from tui.screens.home import HomeScreen
from tui.screens.hours import HoursScreen
from tui.screens.hoursall import HoursAllScreen
from tui.screens.hoursday import HoursDayScreen
from tui.screens.hourstrend import TrendScreen, bar, scale
from tui.screens.problem import ProblemScreen
from tui.typed import read_minutes, read_spans


async def at_work(pilot: Driver) -> HoursScreen:
    await pilot.press("w")
    screen = await screen_of(pilot, HoursScreen)
    await until(pilot, lambda: screen.query_one(DataTable).row_count >= 28)
    return screen


def row(screen: HoursScreen) -> list[str]:
    """Return the cells of the day under the cursor."""
    table = screen.query_one(DataTable)
    return [str(cell) for cell in table.get_row_at(table.cursor_row)]


async def declare(pilot: Driver, **typed: str) -> None:
    """Open the day under the cursor, type into its lines, keep it."""
    await pilot.press("enter")
    dialog = await screen_of(pilot, HoursDayScreen)
    check_fits(pilot)
    for name, text in typed.items():
        dialog.query_one(f"#{name}", Input).value = text
    await pilot.press("f4")


@pytest.mark.parametrize("size", SIZES)
async def test_two_keys_punch_in(own: School, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    who = ("sato", "suzuki")[SIZES.index(size)]
    morning = datetime.now(JST).replace(hour=7, minute=50)
    clock = [morning]
    monkeypatch.setattr(Session, "now_ms", lambda _session: int(clock[0].timestamp() * 1000))
    async with at_home(own, size, who) as pilot:
        screen = await at_work(pilot)
        check_fits(pilot)
        await pilot.press("i")
        await sees(pilot, "を記録しました")
        await until(pilot, lambda: row(screen)[1] == "7:50- 在校中")
        clock[0] = morning.replace(hour=18, minute=20)
        await pilot.press("o")
        await until(pilot, lambda: row(screen)[1] == "7:50-18:20", shown(pilot))
        assert row(screen)[2].strip() == "10:30"
        assert "上限の範囲です" in said(pilot, "#state") and "推移" in said(pilot, "#trend")
        check_fits(pilot)
        await pilot.press("left")
        await until(pilot, lambda: said(pilot, "#title") != "")
        await pilot.press("escape")
        await screen_of(pilot, HomeScreen)


async def test_a_forgotten_punch_counts_once_a_manager_approved_it(own: School) -> None:
    office = own.office("sato")
    person, name = office._session.person.id.hex(), office.who.display_name
    office.logout()
    async with at_home(own, SMALL, "sato") as pilot:
        screen = await at_work(pilot)
        await declare(pilot, rest="45", self_study="0:30", spans="7:30-19:30")
        await sees(pilot, "正しい時刻か所定と")
        await pilot.press("escape")
        await declare(pilot, rest="x")
        await sees(pilot, "時間は 0:45、")
        await pilot.press("escape")
        await declare(pilot, rest="45", self_study="0:30", spans="7:30-19:30", reason="押し忘れ")
        await until(pilot, lambda: row(screen)[4] == "承認待ち", shown(pilot))
        assert "休憩 0:45" in said(pilot, "#detail") and "押し忘れ" in said(pilot, "#detail")
        await pilot.press("f2")
        await screen_of(pilot, ProblemScreen)
        await sees(pilot, "規則T-")
    async with at_home(own, SMALL, "kocho") as pilot:
        await at_work(pilot)
        await pilot.press("f2")
        everybody = await screen_of(pilot, HoursAllScreen)
        table = everybody.query_one(DataTable)
        await until(pilot, lambda: table.row_count > 2)
        check_fits(pilot)
        place = next(n for n, one in enumerate(everybody._months) if one.person == person)
        assert str(table.get_row_at(place)[6]).strip() == "1" and name in str(table.get_row_at(place)[1])
        table.move_cursor(row=place)
        await pilot.press("enter")
        screen = await screen_of(pilot, HoursScreen)
        await until(pilot, lambda: screen.query_one(DataTable).row_count >= 28 and row(screen)[4] == "承認待ち")
        await pilot.press("i")
        await sees(pilot, "自分の画面でだけ")
        await pilot.press("enter")
        await screen_of(pilot, YesNoScreen)
        await sees(pilot, "7:30-19:30")
        await pilot.press("right", "enter")
        await until(
            pilot, lambda: row(screen)[1] == "7:30-19:30" and row(screen)[2].strip() == "10:45", shown(pilot)
        )


async def test_a_day_moved_by_exchange_counts_once_it_was_approved(
    own: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    """振替: somebody works on a Saturday in place of a Tuesday, so 7:45 of it is no overtime."""
    saturday = date(2026, 10, 3)
    freeze(monkeypatch, date(2026, 10, 20))
    async with at_home(own, SMALL, "suzuki") as pilot:
        screen = await at_work(pilot)
        screen.query_one(DataTable).move_cursor(row=saturday.day - 1)
        await declare(pilot, spans="8:00-17:00", scheduled="7:45", reason="運動会")
        await until(pilot, lambda: "所定 7:45（運動会）" in said(pilot, "#detail"), shown(pilot))
        screen.query_one(DataTable).move_cursor(row=saturday.day + 2)  # the day off in exchange
        await declare(pilot, scheduled="0:00", reason="振替")
        await until(pilot, lambda: "承認待ち: 所定 0:00（振替）" in said(pilot, "#detail"), shown(pilot))
        await declare(pilot, scheduled="4:00", reason="")
        await sees(pilot, "正しい時刻か所定と、直す理由")
        await pilot.press("escape")
    office, other = own.office("kyoto"), own.office("suzuki")
    waiting = [one for one in office.hours.waiting() if one.person == other._session.person.id.hex()]
    for one in waiting:
        office.hours.approve(one.person, one.on, one.correction)
    days = {day.on: day for day in other.hours.own_month(saturday).days}
    assert days[saturday].reckoned.overtime == 75, "9 hours less 7:45"
    assert days[saturday + timedelta(days=3)].scheduled == 0
    office.logout()
    other.logout()


async def test_the_year_stands_beside_the_limits(own: School, monkeypatch: pytest.MonkeyPatch) -> None:
    freeze(monkeypatch, date(2026, 10, 20))
    async with at_home(own, SMALL, "sato") as pilot:
        await at_work(pilot)
        await pilot.press("g")
        await screen_of(pilot, TrendScreen)
        check_fits(pilot)
        assert "2026/10" in said(pilot, "#bars") and "45" in shown(pilot)
        await pilot.press("g")
        await screen_of(pilot, HoursScreen)


def test_bars_are_as_long_as_the_hours() -> None:
    def told(hours: int) -> TrendPoint:
        month = date(2026, 10, 1)
        return TrendPoint(month, True, standing({month: hours * 60}, month, load_hours().limits))

    lines = {hours: bar(told(hours)) for hours in (0, 30, 46, 81, 130)}
    assert {hours: line.count("█") for hours, line in lines.items()} == {0: 0, 30: 15, 46: 23, 81: 40, 130: 49}
    assert lines[30].count("┊") == 2 and lines[46].count("┊") == 1 and lines[81].count("┊") == 0
    assert lines[30].endswith("30:00 ●") and lines[46].endswith("▲") and lines[130].endswith("130:00 ■")
    assert "▶" in lines[130] and len({cell_len(line) for line in lines.values()}) == 1
    places = [scale().index(str(hours)) for hours in (45, 80)]
    assert all(lines[0][place] == "┊" for place in places)
    assert bar(TrendPoint(date(2026, 9, 1), False, told(0).standing)).endswith("・")


async def test_a_refusal_takes_a_reason_and_is_told(own: School) -> None:
    async with at_home(own, SMALL, "suzuki") as pilot:
        screen = await at_work(pilot)
        await declare(pilot, spans="6:00-8:00", reason="朝の当番")
        await until(pilot, lambda: row(screen)[4] == "承認待ち")
    office = own.office("suzuki")
    person = office._session.person.id.hex()
    office.logout()
    async with at_home(own, SMALL, "kyoto") as pilot:
        await pilot.press("w", "f2")
        everybody = await screen_of(pilot, HoursAllScreen)
        table = everybody.query_one(DataTable)
        await until(pilot, lambda: table.row_count > 2)
        table.move_cursor(row=next(n for n, one in enumerate(everybody._months) if one.person == person))
        await pilot.press("enter")
        screen = await screen_of(pilot, HoursScreen)
        await until(pilot, lambda: screen.query_one(DataTable).row_count >= 28 and row(screen)[4] == "承認待ち")
        await pilot.press("f4")
        dialog = await screen_of(pilot, TextScreen)
        dialog.query_one("#text").focus()
        await pilot.press(*"nai", "f4")
        await until(
            pilot, lambda: row(screen)[4] == "不承認" and "不承認: nai" in said(pilot, "#detail"), shown(pilot)
        )


def test_minutes_and_times_as_people_type_them() -> None:
    assert [read_minutes(typed) for typed in ("", "45", "1:30", "１：３０", "0:05")] == [0, 45, 90, 90, 5]
    assert [read_minutes(bad) for bad in ("x", "1:60", "-5", "1:", "1:2:3")] == [None] * 5
    assert read_spans("7:50-12:00 13:00～18:20") == ((470, 720), (780, 1100))
    assert read_spans("") == () and read_spans("22:00-25:00") == ((1320, 1500),)
    assert [read_spans(bad) for bad in ("8-9", "8:00", "8:00-x", "8:00-9:99")] == [None] * 4
