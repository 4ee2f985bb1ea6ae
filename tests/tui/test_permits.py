"""Permits at the screen: asked for, granted or refused by the principal, returned; home tells what waits."""

import io
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from textual.widgets import DataTable, Input, OptionList

from appliance.documents.intake import Incoming
from appliance.permits.records import TakeOut
from crypto.importance import Importance
from tests.school import School, enrol
from tests.tui.driving import SIZES, SMALL, Driver, at_home, screen_of, sees, shown, until
from tests.tui.test_actions import check_fits
from tui.screens.ask import TextScreen
from tui.screens.choosing import ChooseScreen
from tui.screens.documents import DocumentsScreen
from tui.screens.home import HomeScreen
from tui.screens.permitforms import AnswerScreen, RequestScreen, ReturnScreen
from tui.screens.permits import PermitsScreen


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[School]:
    made = enrol(tmp_path_factory.mktemp("permits"))
    office = made.office("sato")
    office.filing.add(Incoming(io.BytesIO(b"text"), 4, "keikaku.txt", Importance.II, "個別の支援計画"))
    office.logout()
    yield made
    made.close()


@pytest.mark.parametrize("size", SIZES)
async def test_an_empty_list_says_how_to_begin(tmp_path: Path, size: tuple[int, int]) -> None:
    made = enrol(tmp_path, imported=False)
    try:
        async with at_home(made, size) as pilot:
            await pilot.press("p")
            await screen_of(pilot, PermitsScreen)
            await sees(pilot, "持ち出し中 0件  許可待ち 0件")
            await sees(pilot, "まだありません。n で校長に許可を申請します。")
            await pilot.press("escape", "b")
            await screen_of(pilot, DocumentsScreen)
            await sees(pilot, "まだありません。n で加えるか、ファイルを受け箱に置きます。")
            check_fits(pilot)
    finally:
        made.close()


async def ask_for(pilot: Driver, what: str) -> None:
    await pilot.press("p")
    await screen_of(pilot, PermitsScreen)
    await pilot.press("n")
    dialog = await screen_of(pilot, RequestScreen)
    check_fits(pilot)
    for name, text in (("what", what), ("purpose", "引き継ぎ"), ("destination", "県立高校")):
        dialog.query_one(f"#{name}", Input).value = text
    dialog.query_one(OptionList).focus()
    await pilot.press("enter")
    choice = await screen_of(pilot, ChooseScreen)
    check_fits(pilot)
    await until(pilot, lambda: choice.query_one(OptionList).option_count == 1)
    await pilot.press("enter")
    await screen_of(pilot, PermitsScreen)
    await sees(pilot, what)
    await sees(pilot, "「個別の支援計画」")
    await sees(pilot, "・許可待ち")


@pytest.mark.parametrize("size", SIZES)
async def test_a_teacher_asks_and_the_principal_answers(own: School, size: tuple[int, int]) -> None:
    what = f"支援計画{size[0]}"
    async with at_home(own, size) as pilot:
        await ask_for(pilot, what)
        check_fits(pilot)
        await pilot.press("enter")
        await screen_of(pilot, AnswerScreen)
        await pilot.press("enter")
        await sees(pilot, "規則T-15")
        await pilot.press("enter")
        await screen_of(pilot, PermitsScreen)
        await sees(pilot, "・許可待ち")
    async with at_home(own, size, "kocho") as pilot:
        await sees(pilot, "許可待ち 1件")
        await pilot.press("up", "enter")
        await screen_of(pilot, PermitsScreen)
        await until(pilot, lambda: what in shown(pilot))
        await pilot.press("enter")
        await screen_of(pilot, AnswerScreen)
        check_fits(pilot)
        await pilot.press("enter")
        await sees(pilot, "✓ 許可")
        await sees(pilot, "許可番号 2026-")
        await pilot.press("escape")
        await screen_of(pilot, HomeScreen)
        assert "許可待ち" not in shown(pilot)


async def test_a_refusal_takes_a_reason(own: School) -> None:
    async with at_home(own, SMALL) as pilot:
        await ask_for(pilot, "要らない持ち出し")
    async with at_home(own, SMALL, "kocho") as pilot:
        await pilot.press("p")
        await screen_of(pilot, PermitsScreen)
        await sees(pilot, "要らない持ち出し")
        await pilot.press("enter")
        await screen_of(pilot, AnswerScreen)
        await pilot.press("f4")
        dialog = await screen_of(pilot, TextScreen)
        dialog.query_one("#text").focus()
        await pilot.press(*"konai", "f4")
        await screen_of(pilot, PermitsScreen)
        await sees(pilot, "× 不許可")
        await sees(pilot, "不許可の理由 konai")


async def test_what_is_overdue_stands_on_home_until_it_is_back(own: School) -> None:
    office = own.office("sato")
    late = office.today() - timedelta(days=1)
    office.permits.keep_takeout(
        TakeOut(
            number="2026-0001", what="遅れた名簿", graded=2, form="pdf.age", size=1, sha256=bytes(32), due=late
        )
    )
    office.logout()
    async with at_home(own, SMALL) as pilot:
        await sees(pilot, "期限切れの持出 1件")
        await pilot.press("up", "enter")
        screen = await screen_of(pilot, PermitsScreen)
        await sees(pilot, "⚠ 期限切れ")
        table = screen.query_one(DataTable)
        assert "遅れた名簿" in str(table.get_row_at(0)[2]), "what is overdue stands first"
        await pilot.press("r")
        await screen_of(pilot, ReturnScreen)
        check_fits(pilot)
        await pilot.press("enter")
        await screen_of(pilot, PermitsScreen)
        await until(pilot, lambda: "⚠ 期限切れ" not in shown(pilot))
        await pilot.press("escape")
        await screen_of(pilot, HomeScreen)
        await until(pilot, lambda: "期限切れの持出" not in shown(pilot))
