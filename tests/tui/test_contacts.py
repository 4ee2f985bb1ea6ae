"""連絡先: a guardian's number within a few keys, for who is cleared, and nothing of it left afterwards."""

import gc
from datetime import date

import pytest
from textual.app import SystemCommand
from textual.widget import Widget
from textual.widgets import Input, OptionList

from appliance import lights
from appliance.contacts import ContactView
from appliance.policy import PolicyDeniedError
from appliance.roster import Guardian
from appliance.views import PupilRow
from tests.school import School
from tests.tui.driving import (
    SIZES,
    Driver,
    Slot,
    at_home,
    in_class,
    office_of,
    pupils,
    said,
    screen_of,
    sees,
    shown,
    until,
)
from tests.tui.test_actions import check_fits
from tests.tui.test_find import hiragana, open_find
from tests.tui.test_hard_looks import cut
from tests.tui.test_key_presses import Hand
from tests.tui.test_lock import words
from tui import palette
from tui.actions import RING
from tui.screens.attendance import AttendanceScreen
from tui.screens.contacts import ContactsScreen
from tui.screens.find import FindScreen
from tui.screens.login import LoginScreen
from tui.screens.problem import ProblemScreen

MOST_KEYS = 5


def large(number: str) -> str:
    """Return a number as the page sets it."""
    return number.translate({ord(sign): ord(sign) + 0xFEE0 for sign in "0123456789-"})


def number_of(school: School, pupil_id: str) -> str:
    """Return the number of a pupil's guardian, large."""
    return large(next(one.phone for one in school.made.guardians if pupil_id in one.guardian_of))


def far(slot: Slot) -> PupilRow:
    """Return a pupil whose 出席番号 takes two digits."""
    return slot.rows[20]


@pytest.mark.parametrize("size", SIZES)
async def test_from_the_book_the_number_is_there_within_five_keys(
    school: School, slot: Slot, size: tuple[int, int]
) -> None:
    pupil = far(slot)
    async with in_class(school, slot, size) as pilot:
        hand = Hand(pilot)
        assert "d 電話" in said(pilot, "#legend")
        await hand.press(*str(pupil.number), "d")
        await screen_of(pilot, ContactsScreen)
        await sees(pilot, number_of(school, pupil.pupil_id))
        assert hand.count <= MOST_KEYS
        check_fits(pilot)
        assert f"{slot.title} {pupil.number}  {pupil.name}（{pupil.kana}）" in shown(pilot)
        assert "▶ 1  保護者" in shown(pilot) and "まずここへ" in shown(pilot)
        await pilot.press("escape")
        await screen_of(pilot, AttendanceScreen)
        assert pupils(pilot).pupil_id == pupil.pupil_id


async def test_from_the_search_f2_shows_it_and_esc_goes_on_searching(school: School, slot: Slot) -> None:
    pupil = far(slot)
    async with at_home(school) as pilot:
        await pilot.press("f3")
        await screen_of(pilot, FindScreen)
        await pilot.press(*hiragana(pupil.kana).replace(" ", ""))
        options = pilot.app.screen.query_one(OptionList)
        await until(pilot, lambda: options.option_count > 0)
        place = [hit.pupil_id for hit in find(pilot)._hits].index(pupil.pupil_id)
        await pilot.press(*["down"] * (place + 1) if place else (), "f2")
        await screen_of(pilot, ContactsScreen)
        await sees(pilot, number_of(school, pupil.pupil_id))
        await pilot.press("escape")
        screen = await screen_of(pilot, FindScreen)
        assert screen.query_one(Input).value and options.option_count > 0


async def test_f2_without_a_hit_opens_nothing(school: School, slot: Slot) -> None:
    async with at_home(school) as pilot:
        await open_find(pilot)
        await pilot.press(*"ぬぬぬ", "f2")
        assert isinstance(pilot.app.screen, FindScreen)


async def test_the_palette_and_the_help_offer_it(school: School, slot: Slot) -> None:
    async with in_class(school, slot) as pilot:
        offered: list[SystemCommand] = list(palette.commands(pilot.app.screen))
        await next(one for one in offered if one.help == RING.explain).callback()
        await screen_of(pilot, ContactsScreen)


async def test_it_is_there_while_the_line_is_down(
    school: School, slot: Slot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lights, "read_status", cut)
    async with in_class(school, slot) as pilot:
        await pilot.press("d")
        await screen_of(pilot, ContactsScreen)
        await sees(pilot, "○ 切断")
        assert number_of(school, slot.rows[0].pupil_id) in shown(pilot)


async def test_who_is_not_cleared_is_refused_and_no_page_opens(school: School, slot: Slot) -> None:
    async with in_class(school, slot, name="shien") as pilot:
        await pilot.press("d")
        problem = await screen_of(pilot, ProblemScreen)
        assert problem.told.code == "APP-298" and "Ⅱ" in problem.told.sentence
        await pilot.press("escape")
        await screen_of(pilot, AttendanceScreen)
        await open_find(pilot)
        await pilot.press(slot.rows[0].kana[0])
        await until(pilot, lambda: bool(find(pilot)._hits))
        await pilot.press("f2")
        assert (await screen_of(pilot, ProblemScreen)).told.code == "APP-298"


async def test_after_the_lock_no_number_is_left(school: School, slot: Slot) -> None:
    async with in_class(school, slot) as pilot:
        await pilot.press("d")
        await screen_of(pilot, ContactsScreen)
        number = number_of(school, slot.rows[0].pupil_id)
        await sees(pilot, number)
        await pilot.press("f8")
        await screen_of(pilot, LoginScreen)
        held = "".join(words(one) for screen in pilot.app.screen_stack for one in screen.walk_children(Widget))
        assert number not in held and number not in shown(pilot)

        def gone() -> bool:
            gc.collect()
            return not [one for one in gc.get_objects() if isinstance(one, ContactView)]

        await until(pilot, gone, "what was shown is still referred to")


async def test_what_may_not_be_seen_any_more_goes(
    school: School, slot: Slot, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with in_class(school, slot) as pilot:
        await pilot.press("d")
        screen = await screen_of(pilot, ContactsScreen)
        await sees(pilot, number_of(school, slot.rows[0].pupil_id))

        def refused(_pupil: str, _on: date) -> ContactView:
            raise PolicyDeniedError(operation="view", subject="", reason="試験")

        office = office_of(pilot).door.office
        assert office is not None
        monkeypatch.setattr(office.contacts, "of_pupil", refused)
        await screen.refresh_data()
        await screen_of(pilot, ProblemScreen)
        assert said_on(screen, "#numbers") == "" and said_on(screen, "#state") == ""


async def test_nobody_was_imported_is_said_with_where_to_get_it(school: School, slot: Slot) -> None:
    async with at_home(school) as pilot:
        await open_page(pilot, ())
        await sees(pilot, "連絡先は、まだ取り込まれていません。")
        assert "校務連携" in shown(pilot)


@pytest.mark.parametrize("size", SIZES)
async def test_long_names_and_many_guardians_fit_and_scroll(school: School, size: tuple[int, int]) -> None:
    name = "ヴィクトリア・エリザベス・アレクサンドラ・フォン・ホーエンツォレルン"
    many = tuple(
        Guardian("続柄の長い養父母", f"{place}{name}", name, (f"090-0000-000{place}", f"0952-00-000{place}"))
        for place in range(1, 7)
    )
    async with at_home(school, size) as pilot:
        await open_page(pilot, (Guardian("母", "番号なし"), *many), ("0952-00-0099", "09000000098"))
        await sees(pilot, large("090-0000-0001"))
        check_fits(pilot)
        assert "電話番号は取り込まれていません" in shown(pilot) and "▶ 2" in shown(pilot)
        await pilot.press("end")
        await sees(pilot, "自宅")
        await sees(pilot, large("0952-00-0099"))
        assert large("090-0000-0098") in shown(pilot), "a mobile number is parted, to be read out"


async def open_page(pilot: Driver, guardians: tuple[Guardian, ...], home: tuple[str, ...] = ()) -> None:
    pupil = ContactView("pupil", date(2026, 10, 6), "1年1組", 1, "試験 一", "シケン イチ", guardians, home)
    await pilot.app.push_screen(ContactsScreen(pupil))
    await screen_of(pilot, ContactsScreen)


def find(pilot: Driver) -> FindScreen:
    screen = pilot.app.screen
    assert isinstance(screen, FindScreen)
    return screen


def said_on(screen: ContactsScreen, selector: str) -> str:
    return words(screen.query_one(selector))
