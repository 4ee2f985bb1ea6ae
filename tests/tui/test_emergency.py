"""The screen of the emergency cards: one card at a time, two managers while the line is cut, nothing left."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from textual.widgets import Input, OptionList, Static

from appliance.emergency.cards import CardContact, EmergencyCard
from tests.school import PASSPHRASE, School, enrol
from tests.tui.driving import SIZES, SMALL, at_home, screen_of, sees, shown, type_fast, until
from tui.screens.emergency import EmergencyScreen, OpeningScreen
from tui.screens.problem import ProblemScreen

ON = date(2026, 12, 15)
SECRET = "落花生でアナフィラキシー"


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[School]:
    made = enrol(tmp_path_factory.mktemp("emergency"))
    office = made.office("kocho")
    office.emergency.open(PASSPHRASE, "kyoto", PASSPHRASE, "試験のため記入", 5)
    row = office.attendance.day(office.attendance.classes(ON)[0].class_id, ON).rows[0]
    contact = CardContact("山田 花子", "母", "090-0000-0001")
    office.emergency.keep([EmergencyCard(pupil=row.pupil_id, contacts=(contact,), allergies=SECRET)])
    office.emergency.close()
    office.logout()
    yield made
    made.close()


def reading(own: School) -> tuple[str, str]:
    """Return reading and name of the pupil with a card."""
    office = own.office("kocho")
    row = office.attendance.day(office.attendance.classes(ON)[0].class_id, ON).rows[0]
    office.logout()
    return row.kana, row.name


@pytest.mark.parametrize("size", SIZES)
async def test_offline_two_managers_open_one_card_after_the_other(own: School, size: tuple[int, int]) -> None:
    kana, name = reading(own)
    async with at_home(own, size, "kocho") as pilot:
        await pilot.press("f2")
        screen = await screen_of(pilot, EmergencyScreen)
        await sees(pilot, "校長と教頭の二人で開きます")
        screen.query_one("#kana", Input).value = kana
        await until(pilot, lambda: screen.query_one("#hits", OptionList).option_count > 0)
        await pilot.press("enter")
        problem = await screen_of(pilot, ProblemScreen)
        assert problem.told.code == "APP-022" and "非常時開示" in problem.told.sentence
        await pilot.press("escape")
        await screen_of(pilot, EmergencyScreen)
        await pilot.press("f4")
        await screen_of(pilot, OpeningScreen)
        purpose = pilot.app.screen.query_one("#purpose", Input)
        purpose.value = "地震で保護者へ引き渡し"
        type_fast(pilot, "enter", "enter", *"kyoto", "enter", *PASSPHRASE, "enter", *PASSPHRASE, "enter")
        await screen_of(pilot, EmergencyScreen)
        await sees(pilot, "⚠ 非常時開示中")
        assert PASSPHRASE not in shown(pilot)
        screen.query_one("#kana", Input).focus()
        await pilot.press("enter")
        await sees(pilot, SECRET[:5])
        assert name in shown(pilot) and "090-0000-0001" in shown(pilot) and "地震" in shown(pilot)
        screen.query_one("#kana", Input).value = ""
        await until(pilot, lambda: SECRET[:5] not in shown(pilot))
        await pilot.press("f4")
        await pilot.press("right", "enter")
        await sees(pilot, "校長と教頭の二人で開きます")
        assert str(screen.query_one("#card", Static).render()) == ""


async def test_a_slip_in_a_passphrase_costs_the_passphrases_only(own: School) -> None:
    async with at_home(own, SMALL, "kocho") as pilot:
        await pilot.press("f2")
        await screen_of(pilot, EmergencyScreen)
        await pilot.press("f4")
        opening = await screen_of(pilot, OpeningScreen)
        for line, text in (("purpose", "地震"), ("for-minutes", "30"), ("second-login", "kyoto")):
            opening.query_one(f"#{line}", Input).value = text
        opening.query_one("#first-passphrase", Input).value = PASSPHRASE
        second = opening.query_one("#second-passphrase", Input)
        second.value = f"{PASSPHRASE}x"
        second.focus()
        await pilot.press("enter")
        await screen_of(pilot, ProblemScreen)
        await pilot.press("enter")
        await screen_of(pilot, EmergencyScreen)
        await pilot.press("f4")
        again = await screen_of(pilot, OpeningScreen)
        typed = {line.id: line.value for line in again.query(Input)}
        assert (typed["purpose"], typed["for-minutes"], typed["second-login"]) == ("地震", "30", "kyoto")
        assert typed["first-passphrase"] == typed["second-passphrase"] == ""
        assert again.focused is again.query_one("#first-passphrase")


async def test_the_banner_is_on_every_screen_and_a_teacher_sees_no_card(own: School, tmp_path: Path) -> None:
    kana, _name = reading(own)
    office = own.office("kocho")
    office.emergency.open(PASSPHRASE, "kyoto", PASSPHRASE, "地震で保護者へ引き渡し", 30)
    async with at_home(own, SMALL, "sato") as pilot:
        await sees(pilot, "⚠ 非常時開示中")
        await pilot.press("f2")
        screen = await screen_of(pilot, EmergencyScreen)
        screen.query_one("#kana", Input).value = kana
        await until(pilot, lambda: screen.query_one("#hits", OptionList).option_count > 0)
        await pilot.press("enter")
        problem = await screen_of(pilot, ProblemScreen)
        assert problem.told.code == "APP-013"
        await pilot.press("escape")
        await pilot.press("f4")
        await screen_of(pilot, ProblemScreen) if isinstance(pilot.app.screen, ProblemScreen) else None
        assert SECRET not in shown(pilot)
    office.emergency.close()
    office.logout()


async def test_what_is_typed_in_a_burst_never_shows_a_passphrase(own: School) -> None:
    async with at_home(own, SMALL, "kocho") as pilot:
        await pilot.press("f2")
        await screen_of(pilot, EmergencyScreen)
        await pilot.press("f4")
        screen = await screen_of(pilot, OpeningScreen)
        type_fast(pilot, *"kaji", "enter", *"30", "enter", *"kyoto", "enter", *"open-sesame", "enter", *"x")
        await until(pilot, lambda: screen.query_one("#second-passphrase", Input).value == "x")
        assert screen.query_one("#first-passphrase", Input).value == "open-sesame"
        assert "sesame" not in shown(pilot)
        assert screen.query_one("#second-login", Input).value == "kyoto"
        await pilot.press("escape")


@pytest.mark.parametrize("size", SIZES)
async def test_every_line_of_the_opening_is_on_the_screen(own: School, size: tuple[int, int]) -> None:
    async with at_home(own, size, "kocho") as pilot:
        await pilot.press("f2")
        await screen_of(pilot, EmergencyScreen)
        await pilot.press("f4")
        screen = await screen_of(pilot, OpeningScreen)
        await sees(pilot, "Enter で次へ、最後の行で開く")
        for line in screen.query(Input):
            assert (
                line.region.height > 0
                and line.region.bottom <= size[1]
                and screen.region.contains_region(line.region)
            )
        await pilot.press("escape")
