from collections import Counter

import pytest
from textual.widgets import Input, OptionList

from appliance.attendance.desk import AttendanceDesk
from sync.errors import DiskFullError
from tests.school import School
from tests.tui.driving import (
    SIZES,
    Driver,
    Slot,
    at_home,
    in_class,
    office_of,
    pupils,
    screen_of,
    sees,
    type_fast,
    until,
)
from tui.screens.attendance import AttendanceScreen
from tui.screens.find import FindScreen
from tui.screens.home import HomeScreen


def hiragana(kana: str) -> str:
    return "".join(chr(ord(c) - 0x60) if "ァ" <= c <= "ヶ" else c for c in kana)


def the_only_one(school: School, slot: Slot) -> int:
    """Return the place of a pupil of the class, not its first, whose reading nobody else's begins with."""
    office = school.office("sato")
    hits = Counter({row.kana: len(office.attendance.find_pupils(row.kana, slot.on)) for row in slot.rows})
    office.logout()
    return next(place for place, row in enumerate(slot.rows) if place and hits[row.kana] == 1)


async def open_find(pilot: Driver) -> OptionList:
    await pilot.press("f3")
    screen = await screen_of(pilot, FindScreen)
    await until(pilot, lambda: screen.focused is screen.query_one(Input))
    return screen.query_one(OptionList)


def hits(options: OptionList) -> list[str]:
    return [str(option.prompt) for option in options.options if not option.disabled]


def words(options: OptionList) -> list[str]:
    """Return the lines that only say something."""
    return [str(option.prompt) for option in options.options if option.disabled]


@pytest.mark.parametrize("size", SIZES)
async def test_hiragana_finds_and_enter_opens_the_class_at_the_pupil(
    school: School, slot: Slot, size: tuple[int, int]
) -> None:
    place = the_only_one(school, slot)
    pupil = slot.rows[place]
    async with at_home(school, size) as pilot:
        options = await open_find(pilot)
        await pilot.press(*hiragana(pupil.kana).replace(" ", ""))
        await until(pilot, lambda: len(hits(options)) == 1)
        assert hits(options) == [f"{slot.title} {pupil.number}  {pupil.name}（{pupil.kana}）"]
        await pilot.press("enter")
        await screen_of(pilot, AttendanceScreen)
        await sees(pilot, f"出席簿  {slot.title}  ")
        await until(pilot, lambda: pupils(pilot).row_count == len(slot.rows))
        assert pupils(pilot).pupil_id == pupil.pupil_id and pupils(pilot).cursor_row == place
        await pilot.press("escape")
        await screen_of(pilot, HomeScreen)


async def test_a_burst_of_letters_and_enter_opens_what_was_typed(school: School, slot: Slot) -> None:
    pupil = slot.rows[the_only_one(school, slot)]
    async with at_home(school) as pilot:
        await open_find(pilot)
        type_fast(pilot, *hiragana(pupil.kana), "enter")
        await screen_of(pilot, AttendanceScreen)
        await until(pilot, lambda: pupils(pilot).row_count == len(slot.rows))
        assert pupils(pilot).pupil_id == pupil.pupil_id


async def test_each_letter_narrows_the_list(school: School, slot: Slot) -> None:
    kana = slot.rows[0].kana
    async with at_home(school) as pilot:
        options = await open_find(pilot)
        await pilot.press(kana[0])
        await until(pilot, lambda: len(hits(options)) > 1)
        many = len(hits(options))
        await pilot.press(*hiragana(kana[1:]))
        await until(pilot, lambda: 0 < len(hits(options)) < many)
        assert all(kana in hit for hit in hits(options))


async def test_down_and_enter_take_another_hit(school: School, slot: Slot) -> None:
    async with at_home(school) as pilot:
        options = await open_find(pilot)
        await pilot.press(hiragana(slot.rows[0].kana[0]))
        await until(pilot, lambda: len(hits(options)) > 1)
        await pilot.press("down", "down", "down")
        await until(pilot, lambda: bool(options.highlighted))
        chosen = hits(options)[options.highlighted or 0]
        await pilot.press("enter")
        screen = await screen_of(pilot, AttendanceScreen)
        await until(pilot, lambda: pupils(pilot).row_count > 0)
        row = screen._selected()
        assert row is not None and f"  {row.name}（{row.kana}）" in chosen


async def test_nobody_is_found_and_enter_stays(school: School, slot: Slot) -> None:
    async with at_home(school) as pilot:
        options = await open_find(pilot)
        assert words(options) == [], "nothing was typed yet"
        await pilot.press(*"ぬぬぬ", "enter")
        await until(pilot, lambda: words(options) == ["「ぬぬぬ」は見つかりません。打ち直してください。"])
        await pilot.press("down", "enter")
        assert hits(options) == [] and isinstance(pilot.app.screen, FindScreen)
        await pilot.press("shift+tab", "backspace", "backspace", "backspace")
        await until(pilot, lambda: not options.option_count)
        await pilot.press("escape")
        await screen_of(pilot, HomeScreen)


async def test_a_search_that_fails_does_not_say_that_there_is_nobody(
    school: School, slot: Slot, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise DiskFullError(operation="find pupils")

    async with at_home(school) as pilot:
        options = await open_find(pilot)
        monkeypatch.setattr(AttendanceDesk, "find_pupils", fails)
        await pilot.press("ぬ", "enter")
        await until(pilot, lambda: words(options) == ["いま探せません。少し待って、打ち直してください。"])
        assert isinstance(pilot.app.screen, FindScreen)


async def test_letters_typed_there_mark_nobody(school: School, slot: Slot) -> None:
    async with in_class(school, slot) as pilot:
        await open_find(pilot)
        await pilot.press(*"bxt", "escape")
        await screen_of(pilot, AttendanceScreen)
        office = school.office("sato")
        assert all(row.code is None for row in office.attendance.day(slot.class_id, slot.on).rows)
        office.logout()


async def test_a_letter_that_arrives_while_the_office_is_left_ends_nothing(school: School, slot: Slot) -> None:
    async with at_home(school) as pilot:
        options = await open_find(pilot)
        await office_of(pilot).door.leave()
        await pilot.press("あ")
        assert not options.option_count and pilot.app.is_running
