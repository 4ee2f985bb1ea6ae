from datetime import time

import pytest
from textual.widgets import Input

from tests.school import School
from tests.tui.driving import (
    SIZES,
    Driver,
    Slot,
    column,
    in_class,
    marks,
    screen_of,
    sees,
    shown,
    until,
)
from tui.screens.ask import DetailScreen
from tui.screens.attendance import AttendanceScreen
from tui.screens.problem import ProblemScreen
from tui.typed import read_time


async def write_detail(pilot: Driver, reason: str, at_time: str) -> None:
    """Fill the two lines and keep them."""
    await type_detail(pilot, reason, at_time)
    await screen_of(pilot, AttendanceScreen)


async def type_detail(pilot: Driver, reason: str, at_time: str) -> DetailScreen:
    """Fill the two lines and press Enter."""
    await pilot.press("r")
    screen = await screen_of(pilot, DetailScreen)
    screen.query_one("#reason", Input).value = reason
    screen.query_one("#time", Input).value = at_time
    await pilot.press("enter")
    return screen


@pytest.mark.parametrize("size", SIZES)
async def test_reason_and_time_are_kept(school: School, slot: Slot, size: tuple[int, int]) -> None:
    async with in_class(school, slot, size) as pilot:
        await pilot.press("c")
        await until(pilot, lambda: marks(pilot)[0] == "チ 遅刻")
        await write_detail(pilot, "通院のため", "940")
        await until(pilot, lambda: marks(pilot)[0] == "チ 遅刻 09:40")
        assert column(pilot, "note")[0] == "あり" and "通院" not in shown(pilot)
        await pilot.press("r")
        screen = await screen_of(pilot, DetailScreen)
        assert screen.query_one("#reason", Input).value == "通院のため"
        assert screen.query_one("#time", Input).value == "09:40"
        await pilot.press("escape")
        await screen_of(pilot, AttendanceScreen)
        assert marks(pilot)[0] == "チ 遅刻 09:40"


async def test_the_whole_time_is_seen_beside_every_code_that_has_one(school: School, slot: Slot) -> None:
    office = school.office("sato")
    timed = [code for code in office.attendance.codes() if code.wants_time]
    for row, code in zip(slot.rows, timed, strict=False):
        office.attendance.mark(slot.class_id, slot.on, row.pupil_id, code.code, time=time(9, 40))
    office.logout()
    async with in_class(school, slot) as pilot:
        lines = shown(pilot).split("\n")[3:]
        for line, code in zip(lines, timed, strict=False):
            assert f" {code.symbol} " in line and " 09:40 " in line, line


@pytest.mark.parametrize("typed", ["25:00", "9:6x", "abc", "12:60", "-1:30"])
async def test_a_bad_time_is_asked_for_again_and_the_reason_stays(school: School, slot: Slot, typed: str) -> None:
    async with in_class(school, slot) as pilot:
        await pilot.press("c")
        await until(pilot, lambda: marks(pilot)[0] == "チ 遅刻")
        screen = await type_detail(pilot, "寝坊", typed)
        await sees(pilot, "時刻は 9:40 のように書いてください")
        line = screen.query_one("#time", Input)
        assert pilot.app.screen is screen and pilot.app.focused is line
        assert screen.query_one("#reason", Input).value == "寝坊"
        line.value = "9:40"
        await pilot.press("enter")
        await until(pilot, lambda: marks(pilot)[0] == "チ 遅刻 09:40")
        assert column(pilot, "note")[0] == "あり"


async def test_an_emptied_reason_is_gone(school: School, slot: Slot) -> None:
    async with in_class(school, slot) as pilot:
        await pilot.press("b", "up")
        await until(pilot, lambda: marks(pilot)[0] == "病 病欠")
        await write_detail(pilot, "発熱", "")
        await until(pilot, lambda: column(pilot, "note")[0] == "あり")
        await write_detail(pilot, "", "")
        await until(pilot, lambda: column(pilot, "note")[0] == "")
        assert marks(pilot)[0] == "病 病欠"


async def test_letters_typed_as_a_reason_mark_nobody(school: School, slot: Slot) -> None:
    async with in_class(school, slot) as pilot:
        await pilot.press("b", "up")
        await until(pilot, lambda: marks(pilot)[0] == "病 病欠")
        await pilot.press("r")
        screen = await screen_of(pilot, DetailScreen)
        await pilot.press(*"bxu hk", "escape")
        await screen_of(pilot, AttendanceScreen)
        assert not screen.is_attached and [cell for cell in marks(pilot) if cell] == ["病 病欠"]


async def test_a_reason_needs_a_mark_first(school: School, slot: Slot) -> None:
    async with in_class(school, slot) as pilot:
        await pilot.press("b")
        await until(pilot, lambda: marks(pilot)[0] == "病 病欠")
        await pilot.press("r")
        await sees(pilot, "前の人は ↑ で選べます")
        (note,) = pilot.app._notifications  # the cursor has moved on to the next pupil
        assert note.message.startswith(f"{slot.rows[1].name}: ")


async def test_the_history_of_somebody_present_by_the_others_says_so(school: School, slot: Slot) -> None:
    office = school.office("sato")
    office.attendance.mark_rest_present(slot.class_id, slot.on)
    office.logout()
    async with in_class(school, slot) as pilot:
        await pilot.press("h")
        await sees(pilot, "全員出席か確定により出席です")


async def test_without_clearance_a_reason_is_known_to_exist_and_stays_closed(school: School, slot: Slot) -> None:
    office = school.office("sato")
    pupil = slot.rows[0].pupil_id
    office.attendance.mark(slot.class_id, slot.on, pupil, "late", time=time(9, 40), reason="受診のため")
    office.logout()
    async with in_class(school, slot, name="shien") as pilot:
        assert marks(pilot)[0] == "チ 遅刻 09:40" and column(pilot, "note")[0] == "あり"
        await pilot.press("r")
        screen = await screen_of(pilot, DetailScreen)
        await sees(pilot, "前の理由を見る権限がありません")
        assert screen.query_one("#reason", Input).value == "" and "受診" not in shown(pilot)


async def test_without_clearance_a_mark_is_refused_in_words(school: School, slot: Slot) -> None:
    async with in_class(school, slot, name="shien") as pilot:
        await pilot.press("b")
        problem = await screen_of(pilot, ProblemScreen)
        assert problem.told.code == "APP-013"
        assert "この記録を書き換える役割ではありません" in problem.told.sentence
        await pilot.press("escape")
        await screen_of(pilot, AttendanceScreen)
        assert marks(pilot) == [""] * len(slot.rows)


@pytest.mark.parametrize(
    ("typed", "wanted"),
    [
        ("9:40", time(9, 40)),
        ("940", time(9, 40)),
        ("1015", time(10, 15)),
        ("９：４０", time(9, 40)),
        ("9.05", time(9, 5)),
        (" 08:00 ", time(8, 0)),
        ("0:00", time(0, 0)),
        ("", None),
        ("9", None),
        ("24:00", None),
        ("999", None),
        ("9:4:0", None),
        ("昼", None),
    ],
)
def test_times_as_people_type_them(typed: str, wanted: time | None) -> None:
    assert read_time(typed) == wanted
