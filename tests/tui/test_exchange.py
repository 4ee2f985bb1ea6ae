"""校務連携 at the keyboard: a file that waits is looked at, agreed to and taken in; what goes out is chosen."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from textual.widgets import Button, DataTable, OptionList

from appliance.exchange.incoming import FEW
from tests.appliance.exchange.test_incoming import renamed, without
from tests.appliance.exchange.townexchange import put
from tests.appliance.exports import export
from tests.school import School, enrol
from tests.tui.driving import SIZES, Driver, at_home, screen_of, sees, shown, until
from tests.tui.test_actions import check_fits
from tui.screens.ask import YesNoScreen
from tui.screens.exchange import ExchangeScreen
from tui.screens.exchangefile import ExchangeFileScreen
from tui.screens.home import HomeScreen
from tui.screens.release import HandedOutScreen, ReleaseScreen


@pytest.fixture(params=SIZES, ids=["80x24", "120x36"], scope="module")
def own(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[School]:
    made = enrol(tmp_path_factory.mktemp("exchange"), seed=34)
    made.folder.joinpath("size").write_text("x".join(map(str, request.param)))
    yield made
    made.close()


def size_of(school: School) -> tuple[int, int]:
    width, height = school.folder.joinpath("size").read_text().split("x")
    return int(width), int(height)


def receipts(own: School) -> list[Path]:
    return sorted((own.site / "released" / "受領書").glob("receipt-*.csv"))


async def answer(pilot: Driver, *, yes: bool) -> None:
    screen = await screen_of(pilot, YesNoScreen)
    check_fits(pilot)
    assert pilot.app.focused is screen.query_one("#no", Button)
    await pilot.press(*(("right", "enter") if yes else ("enter",)))


async def open_first(pilot: Driver) -> None:
    await screen_of(pilot, ExchangeScreen)
    await until(pilot, lambda: pilot.app.screen.query_one(DataTable).row_count > 0, "nothing is listed")
    await pilot.press("home", "enter")
    await screen_of(pilot, ExchangeFileScreen)


async def test_a_waiting_file_is_on_home_and_goes_in_after_a_look(own: School) -> None:
    put(own, "名簿.zip", export(own.zip, renamed))
    before = len(receipts(own))
    async with at_home(own, size_of(own), "jimu") as pilot:
        await sees(pilot, "校務連携 待ち 1件")
        await pilot.press("e")
        await screen_of(pilot, ExchangeScreen)
        await sees(pilot, "⚠ 待ち")
        await sees(pilot, "名簿.zip")
        check_fits(pilot)
        await open_first(pilot)
        await sees(pilot, "まだ何も変えていません")
        await sees(pilot, "学級ごとの人数")
        check_fits(pilot)
        await pilot.press("f4")
        await answer(pilot, yes=False)
        await screen_of(pilot, ExchangeFileScreen)
        assert len(receipts(own)) == before
        await pilot.press("f4")
        await answer(pilot, yes=True)
        await sees(pilot, "取り込みました")
        await sees(pilot, "受領書を置きました")
        assert len(receipts(own)) == before + 1
        await pilot.press("escape")
        await sees(pilot, "● 取込済")
        await pilot.press("escape")
        await screen_of(pilot, HomeScreen)
        await until(pilot, lambda: "校務連携 待ち" not in shown(pilot), "it still waits on home")


async def test_many_leavers_are_asked_about_by_their_number(own: School) -> None:
    put(own, "many.zip", export(own.zip, lambda parts: without(FEW + 1, parts)))
    async with at_home(own, size_of(own), "jimu") as pilot:
        await pilot.press("e")
        await open_first(pilot)
        await sees(pilot, "まだ何も変えていません")
        await pilot.press("f4")
        await answer(pilot, yes=True)
        await until(pilot, lambda: f"{FEW + 1}人が名簿から外れます" in shown(pilot), "nobody asks")
        await answer(pilot, yes=False)
        await screen_of(pilot, ExchangeFileScreen)
        await pilot.press("x")
        await answer(pilot, yes=True)
        await sees(pilot, "取り込みませんでした")
    with own.opened("jimu") as jimu:
        assert jimu.exchange.receipts()[0].receipt.outcome == "refused"


async def test_a_bad_file_gets_its_receipt_and_says_what_to_do(own: School) -> None:
    put(own, "broken.zip", b"PK\x03\x04 torn")
    async with at_home(own, size_of(own), "jimu") as pilot:
        await pilot.press("e")
        await open_first(pilot)
        await sees(pilot, "取り込めません")
        await sees(pilot, "APP-101")
        check_fits(pilot)
        await pilot.press("f4")
        await sees(pilot, "受領書を置きました")
        await pilot.press("escape")
        await screen_of(pilot, ExchangeScreen)
        await pilot.press("home")
        await sees(pilot, "× 断った")
        await pilot.press("f2")
        await screen_of(pilot, HandedOutScreen)
        check_fits(pilot)


async def test_what_goes_out_is_chosen_and_the_same_is_asked_about(own: School) -> None:
    async with at_home(own, size_of(own), "jimu") as pilot:
        await pilot.press("e")
        await screen_of(pilot, ExchangeScreen)
        await pilot.press("f7")
        screen = await screen_of(pilot, ReleaseScreen)
        check_fits(pilot)
        words = [str(option.prompt) for option in screen.query_one(OptionList).options]
        assert len(words) == 10
        place = next(n for n, word in enumerate(words) if "名簿" in word)
        await pilot.press(*["down"] * place, "enter")
        await screen_of(pilot, HandedOutScreen)
        check_fits(pilot)
        await pilot.press("escape")
        await sees(pilot, "→ 書出")
        await pilot.press("f7")
        await screen_of(pilot, ReleaseScreen)
        await pilot.press(*["down"] * place, "enter")
        await answer(pilot, yes=False)
        assert len([*(own.site / "released" / "書出").glob("roster-*.zip")]) == 1
        await pilot.press("f7")
        await screen_of(pilot, ReleaseScreen)
        await pilot.press(*["down"] * place, "enter")
        await answer(pilot, yes=True)
        await screen_of(pilot, HandedOutScreen)
    assert len([*(own.site / "released" / "書出").glob("roster-*.zip")]) == 2


async def test_a_teacher_sees_no_line_on_home_and_takes_nothing_in(own: School) -> None:
    put(own, "wait.zip", export(own.zip, renamed))
    async with at_home(own, size_of(own), "sato") as pilot:
        assert "校務連携 待ち" not in shown(pilot)
        await pilot.press("e")
        await screen_of(pilot, ExchangeScreen)
        await sees(pilot, "⚠ 待ち")
        await pilot.press("home", "enter")
        await sees(pilot, "校長・教頭・事務職員")
