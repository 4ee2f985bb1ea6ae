"""勤務表 and 打刻取込: the clerk keeps who works when, and takes the recorder's file in, on the screen."""

import io
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from textual import events
from textual.widgets import DataTable, Input, OptionList

from appliance.documents.intake import Incoming
from crypto.importance import Importance
from tests.appliance.hours.test_timeclock import FULL, REAL, needs_real
from tests.school import SCHOOL_DAY, School, enrol
from tests.tui.conftest import freeze
from tests.tui.driving import SIZES, SMALL, Driver, at_home, said, screen_of, sees, shown, until
from tests.tui.test_actions import check_fits
from tui.screens.ask import YesNoScreen
from tui.screens.choosing import ChooseScreen
from tui.screens.hours import HoursScreen
from tui.screens.problem import ProblemScreen
from tui.screens.recorder import FileForm, RecorderScreen
from tui.screens.shifts import ShiftForm, ShiftsScreen


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[School]:
    made = enrol(tmp_path_factory.mktemp("office"), seed=29, imported=False)
    yield made
    made.close()


@pytest.fixture(autouse=True)
def today(monkeypatch: pytest.MonkeyPatch) -> date:
    freeze(monkeypatch, SCHOOL_DAY)
    return SCHOOL_DAY


async def shifts(pilot: Driver) -> DataTable[object]:
    await pilot.press("w")
    await screen_of(pilot, HoursScreen)
    await pilot.press("s")
    screen = await screen_of(pilot, ShiftsScreen)
    table = screen.query_one(DataTable)
    await until(pilot, lambda: table.row_count == 6)
    return table


def line(table: DataTable[object], name: str) -> list[str]:
    rows = ([str(cell) for cell in table.get_row_at(place)] for place in range(table.row_count))
    return next(row for row in rows if row[0] == name)


@pytest.mark.parametrize("size", SIZES)
async def test_a_shift_is_written_and_a_wrong_pattern_refused(own: School, size: tuple[int, int]) -> None:
    async with at_home(own, size, "jimu") as pilot:
        table = await shifts(pilot)
        check_fits(pilot)
        place = next(n for n in range(6) if str(table.get_row_at(n)[0]) == "鈴木 航")
        table.move_cursor(row=place)
        await pilot.press("enter")
        dialog = await screen_of(pilot, ShiftForm)
        check_fits(pilot)
        typed = {"cell-1": "無い形", "cell-3": "後期", "cell-4": "41 4A"}
        for name, text in typed.items():
            dialog.query_one(f"#{name}", Input).value = text
        await pilot.press("f4")
        await screen_of(pilot, ProblemScreen)
        await sees(pilot, "APP-407")
        await pilot.press("enter", "enter")
        dialog = await screen_of(pilot, ShiftForm)
        for name, text in {**typed, "cell-1": "B"}.items():
            dialog.query_one(f"#{name}", Input).value = text
        await pilot.press("f4")
        await until(pilot, lambda: line(table, "鈴木 航")[1:] == ["B", "教育", "後期", "41 4A"], shown(pilot))


async def test_a_table_of_a_spreadsheet_goes_in_by_a_paste(own: School) -> None:
    rows = ("氏名\tいつから\tパターン\t職種\t課程\tカード番号", "佐藤 葵\t2026/4/1\tA\t教育\t前期\t0001")
    async with at_home(own, SMALL, "jimu") as pilot:
        table = await shifts(pilot)
        pilot.app.post_message(events.Paste("\r\n".join([*rows, "だれでもない\t2026/4/1\tA"])))
        await screen_of(pilot, ProblemScreen)
        await sees(pilot, "APP-407")
        await pilot.press("enter")
        await screen_of(pilot, ShiftsScreen)
        pilot.app.post_message(events.Paste("\r\n".join(rows)))
        await screen_of(pilot, YesNoScreen)
        await sees(pilot, "1行の勤務表（佐藤 葵")
        await pilot.press("right", "enter")
        await until(pilot, lambda: line(table, "佐藤 葵")[1:] == ["A", "教育", "前期", "0001"], shown(pilot))


async def test_a_teacher_is_told_why_not(own: School) -> None:
    async with at_home(own, SMALL, "sato") as pilot:
        await pilot.press("w")
        await screen_of(pilot, HoursScreen)
        await pilot.press("s")
        await screen_of(pilot, ProblemScreen)
        await sees(pilot, "規則")


async def recorder(pilot: Driver) -> RecorderScreen:
    await pilot.press("w")
    await screen_of(pilot, HoursScreen)
    await pilot.press("m")
    return await screen_of(pilot, RecorderScreen)


@pytest.mark.parametrize("size", SIZES)
async def test_a_recorders_file_is_looked_at_and_then_taken_in(
    own: School, size: tuple[int, int], tmp_path: Path
) -> None:
    card = f"005{SIZES.index(size)}"
    file, cards = tmp_path / "dakoku.csv", tmp_path / "cards.csv"
    file.write_bytes(f"2\r\n{FULL.replace('0001', card)}\r\n{FULL.replace('0001', '0099')}\r\n".encode("cp932"))
    cards.write_bytes(f"カード番号,名前\r\n{card},田中 望\r\n".encode("cp932"))
    async with at_home(own, size, "jimu") as pilot:
        await recorder(pilot)
        check_fits(pilot)
        await pilot.press("f4")
        await sees(pilot, "取り込む行がありません")
        await pilot.press("n")
        dialog = await screen_of(pilot, FileForm)
        check_fits(pilot)
        dialog.query_one("#file", Input).value = str(file)
        await pilot.press("enter")
        dialog.query_one("#cards", Input).value = str(cards)
        await pilot.press("enter")
        await until(pilot, lambda: "取り込まない行 1行" in said(pilot, "#plan"), shown(pilot))
        assert "持ち主のわからないカード" in said(pilot, "#plan") and "まだ何も保存していません" in said(
            pilot, "#plan"
        )
        new = "新しい行 1行" in said(pilot, "#plan")
        assert new == (size == SMALL), "the same day of the same person is the same record"
        await pilot.press("f4")
        await sees(pilot, "1行を取り込みました" if new else "取り込む行がありません")


async def test_what_the_drop_folder_sealed_is_taken_in_and_a_missing_file_is_told(own: School) -> None:
    data = f"1\r\n{FULL.replace('0001', '0098')}\r\n".encode()
    office = own.office("jimu")
    office.filing.add(Incoming(io.BytesIO(data), len(data), "dakoku.csv", Importance.II, "打刻 6月"))
    office.logout()
    async with at_home(own, SMALL, "jimu") as pilot:
        await recorder(pilot)
        await pilot.press("d")
        choice = await screen_of(pilot, ChooseScreen)
        await until(pilot, lambda: choice.query_one(OptionList).option_count == 1)
        await pilot.press("enter")
        await until(pilot, lambda: "カード 98" in said(pilot, "#plan"), shown(pilot))
        await pilot.press("n")
        dialog = await screen_of(pilot, FileForm)
        dialog.query_one("#file", Input).value = "nowhere.csv"
        await pilot.press("enter", "enter")
        await screen_of(pilot, ProblemScreen)
        await sees(pilot, "APP-406")


@needs_real
async def test_a_real_file_goes_in_by_a_paste(own: School) -> None:
    async with at_home(own, SMALL, "jimu") as pilot:
        await recorder(pilot)
        pilot.app.post_message(events.Paste(REAL.read_text("cp932", errors="replace")))
        await until(pilot, lambda: "まだ何も保存していません" in said(pilot, "#plan"), shown(pilot))
        assert "カード" in said(pilot, "#plan") and "ほか" in said(pilot, "#plan")
