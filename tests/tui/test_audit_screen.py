"""The screen of the audit record: managers see it in words, others a refusal."""

from datetime import date

import pytest
from textual.widgets import DataTable, Input

from appliance.policy import PolicyDeniedError
from tests.school import School
from tests.tui.driving import SIZES, SMALL, at_home, screen_of, sees, shown, until
from tui.screens.audit import AuditScreen
from tui.screens.problem import ProblemScreen

ON = date(2026, 12, 10)


@pytest.mark.parametrize("size", SIZES)
async def test_a_manager_reads_and_narrows_it(school: School, size: tuple[int, int]) -> None:
    helper = school.office("shien")
    row = helper.attendance.day(helper.attendance.classes(ON)[7].class_id, ON).rows[1 + SIZES.index(size)]
    with pytest.raises(PolicyDeniedError):
        helper.attendance.reason(row.pupil_id, ON)
    helper.logout()
    async with at_home(school, size, "kyoto") as pilot:
        await pilot.press("f4")
        screen = await screen_of(pilot, AuditScreen)
        table = screen.query_one(DataTable)
        await until(pilot, lambda: table.row_count > 1)
        everything = table.row_count
        await pilot.press("f4")
        await until(pilot, lambda: 0 < table.row_count < everything)
        screen.query_one("#narrow", Input).value = row.name
        await until(pilot, lambda: table.row_count == 1)
        await sees(pilot, "出欠の理由の閲覧（Ⅱ）")
        assert "森 遥" in shown(pilot) and "拒否" in shown(pilot) and row.name in shown(pilot)
        screen.query_one("#narrow", Input).value = "だれでもない"
        await until(pilot, lambda: table.row_count == 0)
        await sees(pilot, "ありません")


async def test_a_teacher_is_told_why_not(school: School) -> None:
    async with at_home(school, SMALL, "sato") as pilot:
        await pilot.press("f4")
        problem = await screen_of(pilot, ProblemScreen)
        assert problem.told.code == "APP-013" and "校長・教頭と教育委員会" in problem.told.sentence
