"""照合: after an outage the parents' app's list is pasted; nothing is entered twice, or over another unasked."""

from datetime import date

import pytest
from textual import events
from textual.widgets import DataTable

from tests.school import School
from tests.tui.driving import SIZES, Slot, at_home, marks, open_class, said, screen_of, sees, shown, until
from tests.tui.test_actions import check_fits
from tui.screens.ask import YesNoScreen
from tui.screens.notices import NoticesScreen
from tui.screens.phone import PhoneScreen
from tui.screens.problem import ProblemScreen


def table_of(slot: Slot) -> str:
    """Return an app's list: one entered already, one not, one otherwise, one of nobody."""
    told = ((0, "欠席", "発熱"), (1, "欠席", "腹痛"), (2, "欠席", "けが"))
    rows = [f"{slot.on:%Y/%m/%d}\t{slot.title}\t{slot.rows[n].name}\t{kind}\t{why}" for n, kind, why in told]
    return "\n".join(
        ["日付\t学級\t氏名\t区分\t理由", *rows, f"{slot.on:%m/%d}\t{slot.title}\t小鳥遊 仮名\t欠席\t"]
    )


def entered(school: School, slot: Slot, on: date) -> list[tuple[str, str]]:
    office = school.office("sato")
    try:
        rows = office.attendance.day(slot.class_id, on).rows[:4]
        return [(row.code or "", office.attendance.reason(row.pupil_id, on) or "") for row in rows]
    finally:
        office.logout()


@pytest.mark.parametrize("size", SIZES)
async def test_messages_of_an_outage_are_reconciled(school: School, slot: Slot, size: tuple[int, int]) -> None:
    office = school.office("suzuki")
    office.attendance.mark(slot.class_id, slot.on, slot.rows[0].pupil_id, "sick", reason="発熱")
    office.attendance.mark(slot.class_id, slot.on, slot.rows[2].pupil_id, "present")
    office.attendance.mark(slot.class_id, slot.on, slot.rows[3].pupil_id, "other_absence")
    office.logout()
    async with at_home(school, size) as pilot:
        await pilot.press("t")
        await screen_of(pilot, PhoneScreen)
        await pilot.press("f4")
        screen = await screen_of(pilot, NoticesScreen)
        await sees(pilot, "貼り付けてください")
        check_fits(pilot)
        pilot.app.post_message(events.Paste("きょうの欠席はありません"))
        problem = await screen_of(pilot, ProblemScreen)
        assert problem.told.code == "APP-235"
        await pilot.press("escape")
        await screen_of(pilot, NoticesScreen)

        pilot.app.post_message(events.Paste(table_of(slot)))
        listed = screen.query_one(DataTable)
        await until(pilot, lambda: listed.row_count >= 5)
        rows = [[str(cell) for cell in listed.get_row_at(n)] for n in range(listed.row_count)]
        words = [row[0] for row in rows if row[2].startswith(slot.title)]  # other classes have theirs of the day
        assert words == ["＋ 未記入", "⚠ 食い違い", "？ 連絡なし", "× 読めない", "✓ 一致"]
        assert "未記入 1" in said(pilot, "#title")
        check_fits(pilot)

        await pilot.press("f4")
        await until(pilot, lambda: "未記入" not in said(pilot, "#title"), shown(pilot))
        await pilot.press("home", "enter")
        await screen_of(pilot, YesNoScreen)
        await sees(pilot, "鈴木 航")
        await pilot.press("enter")
        await screen_of(pilot, NoticesScreen)
        assert entered(school, slot, slot.on)[2] == ("present", ""), "the careful answer changes nothing"
        await pilot.press("enter")
        await screen_of(pilot, YesNoScreen)
        await pilot.press("right", "enter")
        await until(pilot, lambda: "食い違い" not in said(pilot, "#title"), shown(pilot))
        told = [("sick", "発熱"), ("sick", "腹痛"), ("sick", "けが"), ("other_absence", "")]
        assert entered(school, slot, slot.on) == told
        await pilot.press("u")
        await until(pilot, lambda: "食い違い 1" in said(pilot, "#title"))
        await pilot.press("escape", "escape")
        await open_class(pilot, slot)
        await until(pilot, lambda: marks(pilot)[:3] == ["病 病欠", "病 病欠", "出 出席"])
