from functools import partial

import pytest
from textual.widgets import DataTable, Static

from appliance.attendance.codes import load_codes
from tests.school import School
from tests.tui.driving import (
    SIZES,
    Driver,
    Slot,
    column,
    in_class,
    marks,
    office_of,
    pupils,
    said,
    screen_of,
    sees,
    shown,
    type_fast,
    until,
)
from tests.tui.test_actions import check_fits
from tui.screens.ask import YesNoScreen
from tui.screens.attendance import AttendanceScreen
from tui.screens.correction import CorrectionScreen
from tui.screens.history import HistoryScreen
from tui.screens.month import MonthScreen
from tui.screens.problem import ProblemScreen
from tui.screens.totals import TotalsScreen
from tui.wrap import cut

CODES = load_codes(None)


def _shows(pilot: Driver, place: int, expected: str) -> bool:
    return marks(pilot)[place] == expected


@pytest.mark.parametrize("size", SIZES)
async def test_every_code_marks_the_row_under_the_cursor_and_moves_on(
    school: School, slot: Slot, size: tuple[int, int]
) -> None:
    async with in_class(school, slot, size) as pilot:
        for place, code in enumerate(CODES):
            assert pupils(pilot).cursor_row == place
            await pilot.press(code.key)
            expected = f"{code.symbol} {cut(code.name, 11 if size == SIZES[0] else 21)}"
            await until(pilot, partial(_shows, pilot, place, expected), code.name)
            if code.wants_time:  # stays, because the time is written next
                assert pupils(pilot).cursor_row == place
                await pilot.press("down")
        assert [cell for cell in marks(pilot)[len(CODES) :] if cell] == []
        assert all(cell.endswith("佐藤 葵") for cell in column(pilot, "who")[: len(CODES)])


async def test_a_burst_of_keys_is_taken_in_order(school: School, slot: Slot) -> None:
    async with in_class(school, slot) as pilot:
        type_fast(pilot, "b", "down", "down", "t")
        await until(pilot, lambda: len([cell for cell in marks(pilot) if cell]) == 2)
        assert marks(pilot)[:4] == ["病 病欠", "", "", "停 出席停止"]
        assert pupils(pilot).cursor_row == 4


async def test_a_long_burst_loses_nothing(school: School, slot: Slot) -> None:
    async with in_class(school, slot) as pilot:
        type_fast(pilot, *(["b"] * 8), "up", "up", "k", "home", "j", "end", "p")
        last = len(slot.rows) - 1
        await until(pilot, lambda: marks(pilot)[last] == "出 出席")
        assert marks(pilot)[:8] == ["事 事故欠", *["病 病欠"] * 5, "忌 忌引", "病 病欠"]


async def test_full_width_letters_count(school: School, slot: Slot) -> None:
    async with in_class(school, slot) as pilot:
        await pilot.press("ｂ", "Ｋ")
        await until(pilot, lambda: marks(pilot)[:2] == ["病 病欠", "忌 忌引"])


async def test_x_takes_a_mark_back(school: School, slot: Slot) -> None:
    async with in_class(school, slot) as pilot:
        await pilot.press("b", "up")
        await until(pilot, lambda: marks(pilot)[0] == "病 病欠")
        await pilot.press("x")
        await until(pilot, lambda: marks(pilot)[0] == "" and column(pilot, "who")[0] == "")
        assert said(pilot, "#state") == f"・ 未確定  記入なし {len(slot.rows)}名"


async def test_a_burst_of_mark_and_x_leaves_nothing(school: School, slot: Slot) -> None:
    async with in_class(school, slot) as pilot:
        type_fast(pilot, "b", "up", "x", "down", "t")
        await until(pilot, lambda: marks(pilot)[1] == "停 出席停止")
        assert marks(pilot)[0] == ""


async def test_x_on_a_blank_row_keeps_nothing(school: School, slot: Slot) -> None:
    async with in_class(school, slot) as pilot:
        await pilot.press("x", "down", "b")
        await until(pilot, lambda: marks(pilot)[1] == "病 病欠")
        assert column(pilot, "who")[0] == ""


async def test_u_takes_entries_back_newest_first(school: School, slot: Slot) -> None:
    async with in_class(school, slot) as pilot:
        await pilot.press("b", "k")
        await until(pilot, lambda: marks(pilot)[:2] == ["病 病欠", "忌 忌引"])
        await pilot.press("u")
        await until(pilot, lambda: marks(pilot)[:2] == ["病 病欠", ""])
        await pilot.press("u")
        await until(pilot, lambda: marks(pilot)[:2] == ["", ""])
        await pilot.press("u")
        await sees(pilot, "元に戻す入力がありません")
        light, keys = shown(pilot).split("\n")[-2:]
        assert "保存済" in light and keys.rstrip().endswith("F3 検索")  # a note leaves the bottom lines readable


async def test_u_twice_takes_both_entries_of_one_pupil_back(school: School, slot: Slot) -> None:
    async with in_class(school, slot) as pilot:
        await pilot.press("b", "up", "k")
        await until(pilot, lambda: marks(pilot)[0] == "忌 忌引")
        await pilot.press("u")
        await until(pilot, lambda: marks(pilot)[0] == "病 病欠")
        await pilot.press("u")
        await until(pilot, lambda: isinstance(pilot.app.screen, ProblemScreen) or marks(pilot)[0] == "")
        assert not isinstance(pilot.app.screen, ProblemScreen)


async def test_undo_does_not_overwrite_somebody_else(school: School, slot: Slot) -> None:
    async with in_class(school, slot) as pilot:
        await pilot.press("b")
        await until(pilot, lambda: marks(pilot)[0] == "病 病欠")
        other = school.office("suzuki")
        other.attendance.mark(slot.class_id, slot.on, slot.rows[0].pupil_id, "mourning")
        other.logout()
        await pilot.press("u")
        await screen_of(pilot, ProblemScreen)
        await pilot.press("escape")
        await until(pilot, lambda: marks(pilot)[0] == "忌 忌引")


async def test_f2_makes_the_rest_present_and_leaves_marks(school: School, slot: Slot) -> None:
    async with in_class(school, slot) as pilot:
        await pilot.press("b", "f2")
        await until(pilot, lambda: "出 出席" in marks(pilot))
        assert marks(pilot) == ["病 病欠", *["出 出席"] * (len(slot.rows) - 1)]
        assert said(pilot, "#state") == "・ 未確定  記入なし 0名"


async def test_f4_asks_names_the_class_and_begins_at_the_careful_answer(school: School, slot: Slot) -> None:
    async with in_class(school, slot) as pilot:
        await pilot.press("b", "f4")
        await screen_of(pilot, YesNoScreen)
        question = said(pilot, ".question")
        assert slot.title in question and f"{len(slot.rows) - 1}名は出席になります" in question
        assert pilot.app.focused is pilot.app.screen.query_one("#no")
        await pilot.press("enter")
        await sees(pilot, "未確定")
        await pilot.press("f4")
        await screen_of(pilot, YesNoScreen)
        await pilot.press("escape")
        await sees(pilot, f"・ 未確定  記入なし {len(slot.rows) - 1}名")


async def test_f4_confirms_and_f4_again_reopens(school: School, slot: Slot) -> None:
    async with in_class(school, slot) as pilot:
        await pilot.press("f4")
        await screen_of(pilot, YesNoScreen)
        await pilot.press("right", "enter")
        await sees(pilot, "✓ 確定 佐藤 葵")
        above = shown(pilot).split("\n")[:-2]  # 確認済 is a word of the lights alone
        assert set(marks(pilot)) == {"出 出席"} and "確認済" not in "\n".join(above)
        await pilot.press("b")
        await screen_of(pilot, CorrectionScreen)
        await pilot.press("1")
        await sees(pilot, "確定のあとに直しがあります")
        await pilot.press("f4")
        await screen_of(pilot, YesNoScreen)
        assert slot.title in said(pilot, ".question") and "解きますか" in said(pilot, ".question")
        await pilot.press("right", "enter")
        await sees(pilot, "・ 未確定")
        assert marks(pilot)[0] == "病 病欠"


async def test_a_confirmed_day_is_corrected_with_a_reason_or_not_at_all(school: School, slot: Slot) -> None:
    office = school.office("sato")
    office.attendance.mark(slot.class_id, slot.on, slot.rows[1].pupil_id, "sick")
    office.attendance.confirm(slot.class_id, slot.on)
    office.logout()
    async with in_class(school, slot) as pilot:
        await until(pilot, lambda: marks(pilot)[1] == "病 病欠")
        await pilot.press("down", "c")
        await screen_of(pilot, CorrectionScreen)
        check_fits(pilot)
        assert slot.rows[1].name in shown(pilot)
        await pilot.press("escape")
        await screen_of(pilot, AttendanceScreen)
        assert marks(pilot)[1] == "病 病欠"
        await pilot.press("c")
        await screen_of(pilot, CorrectionScreen)
        await pilot.press("9", *"late", "enter")
        await until(pilot, lambda: marks(pilot)[1].startswith("チ"))
        await pilot.press("h")
        await screen_of(pilot, HistoryScreen)
        told = [str(line.content) for line in pilot.app.screen.query(Static)][1].split("\n")
        assert told[0].endswith("遅刻 ← 病欠") and told[1].strip() == "訂正の理由: late" and len(told) == 3
        await pilot.press("escape", "u")
        await until(pilot, lambda: marks(pilot)[1] == "病 病欠")


async def test_f4_does_not_ask_when_nobody_is_blank(school: School, slot: Slot) -> None:
    async with in_class(school, slot) as pilot:
        await pilot.press("f2")
        await until(pilot, lambda: "" not in marks(pilot))
        await pilot.press("f4")
        await sees(pilot, "✓ 確定 佐藤 葵")


async def test_h_shows_who_entered_what_newest_first(school: School, slot: Slot) -> None:
    async with in_class(school, slot) as pilot:
        type_fast(pilot, "b", "up", "k", "up", "x", "down", "b", "up", "up")
        await until(pilot, lambda: marks(pilot)[:2] == ["", "病 病欠"])
        await pilot.press("h")
        await screen_of(pilot, HistoryScreen)
        lines = [str(line.content) for line in pilot.app.screen.query(Static)]
        assert slot.rows[0].name in lines[0]
        assert [line.split("  ")[1:] for line in lines[1].split("\n")] == [
            ["佐藤 葵", "取消 ← 忌引"],
            ["佐藤 葵", "忌引 ← 病欠"],
            ["佐藤 葵", "病欠"],
        ]
        await pilot.press("h")
        await until(pilot, lambda: not isinstance(pilot.app.screen, HistoryScreen))


async def test_f5_shows_the_month(school: School, slot: Slot) -> None:
    office = school.office("sato")
    absent = office.attendance.month(slot.class_id, slot.on).totals.rows[0].absent
    office.logout()
    async with in_class(school, slot) as pilot:
        await pilot.press("b", "f2", "f4")
        await sees(pilot, "✓ 確定 佐藤 葵")
        await pilot.press("f5")
        await screen_of(pilot, MonthScreen)
        await pilot.press("f5")
        await screen_of(pilot, TotalsScreen)
        await sees(pilot, f"{slot.title}  2026/10")
        table = pilot.app.screen.query_one(DataTable)
        first = [str(cell).strip() for cell in table.get_row_at(0)]
        assert first[1] == slot.rows[0].name and first[5] == str(absent + 1)
        for name in ("2学期", "2026年度", "2026年度"):
            await pilot.press("right")
            await sees(pilot, f"{slot.title}  {name}")
        await pilot.press("left", "left", "left")
        await sees(pilot, f"{slot.title}  2026/10")
        await pilot.press("f5")
        await until(pilot, lambda: not isinstance(pilot.app.screen, TotalsScreen))
        assert office_of(pilot).door.office is not None
