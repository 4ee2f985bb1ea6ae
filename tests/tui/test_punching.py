"""The screen at the entrance: a code and Enter, nothing shown of what was typed, ready for the next one."""

from collections.abc import Iterator

import pytest
from textual.widgets import Input

from appliance.board.enrolment import admit_staff
from appliance.hours.records import Shift
from appliance.people import StaffMember
from appliance.proving import NotInOfficeError
from crypto.identity import KdfProfile
from crypto.secret import Secret
from tests.school import PASSPHRASE, SCHOOL_DAY, School, enrol
from tests.tui.driving import SIZES, said, shown, until
from tests.tui.test_actions import check_fits
from tui.punching import PunchApp
from tui.screens.ask import YesNoScreen
from tui.screens.help import HelpScreen


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[School]:
    made = enrol(tmp_path_factory.mktemp("entrance"), imported=False)
    terminal = StaffMember("genkan", "玄関", ("timeclock",), Secret(PASSPHRASE.encode()))
    admit_staff(made.root, made.site, [terminal], KdfProfile.QUICK)
    office = made.office("jimu")
    people = {s.name: s.person for s in office.hours.staff()}
    usual = Shift(person="", since=SCHOOL_DAY.replace(month=4), name="A", begin=480, end=990, rest=45)
    cards = {"佐藤 葵": ("4711", "0114A2B3C4D5E6F7"), "鈴木 航": ("4712",)}
    office.hours.set_shifts(
        [
            Shift(person=people[name], since=usual.since, name="A", begin=480, end=990, rest=45, cards=own_cards)
            for name, own_cards in cards.items()
        ]
    )
    office.logout()
    yield made
    made.close()


@pytest.mark.parametrize("size", SIZES)
async def test_a_code_and_enter_and_the_next_one(own: School, size: tuple[int, int]) -> None:
    app = PunchApp(own.site, "genkan", PASSPHRASE)
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: "保存済" in shown(pilot))
        assert "カードをかざすか" in shown(pilot)
        check_fits(pilot)
        await pilot.press(*"47", "f1")
        assert "カードか番号の欄。" in said(pilot, "#punched") and app.query_one("#card", Input).value == "47"
        check_fits(pilot)
        await pilot.press("backspace", "backspace", "left")
        assert "▶ 出勤 ◀" in said(pilot, "#way")
        await pilot.press(*"4711")
        assert "4711" not in shown(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: "佐藤 葵 さん" in said(pilot, "#punched"))
        assert app.query_one("#card", Input).value == ""
        await pilot.press("right", *"4712", "enter")
        await until(pilot, lambda: "鈴木 航 さん  退勤" in said(pilot, "#punched"))
        check_fits(pilot)
        await pilot.press(*"99", "enter")
        await until(pilot, lambda: "APP-440" in said(pilot, "#punched"))
        check_fits(pilot)
        await pilot.press("f10")
        await until(pilot, lambda: isinstance(app.screen, YesNoScreen))
        await pilot.press("f1")
        await until(pilot, lambda: isinstance(app.screen, HelpScreen))
        await pilot.press("f1")
        await until(pilot, lambda: isinstance(app.screen, YesNoScreen))
        await pilot.press("right", "enter")
        await until(pilot, lambda: app.return_code == 0 or not app.is_running)
    assert app.door.office is None


async def test_a_wrong_passphrase_ends_it_with_the_reason(own: School) -> None:
    app = PunchApp(own.site, "sato", PASSPHRASE)
    async with app.run_test() as pilot:
        await pilot.pause()
        await until(pilot, lambda: app.failure is not None)
    assert isinstance(app.failure, NotInOfficeError)
    app.door.close()
