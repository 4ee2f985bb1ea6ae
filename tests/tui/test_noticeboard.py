"""掲示板 at the keyboard: written, posted, changed and taken away, and what the board wrote is released."""

from collections.abc import Iterator
from datetime import date

import pytest
from textual.widgets import DataTable, Input, Static, TextArea

from appliance.noticeboard.place import noticeboard_folder
from appliance.noticeboard.snapshot import PostedNotice, read_snapshot
from appliance.site import open_site
from tests.appliance.noticeboard.notices import notice
from tests.hubside import as_board, to_box, to_hub
from tests.school import School, enrol
from tests.tui.conftest import freeze
from tests.tui.driving import SIZES, at_home, said, screen_of, sees, shown, until
from tests.tui.test_actions import check_fits
from tui.screens.ask import YesNoScreen
from tui.screens.home import HomeScreen
from tui.screens.noticeboard import NoticeboardScreen, NoticeForm
from tui.typed import read_period

DAY = date(2026, 10, 6)


@pytest.fixture(params=SIZES, ids=["80x24", "120x36"], scope="module")
def own(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[School]:
    made = enrol(tmp_path_factory.mktemp("notices"), imported=False)
    made.folder.joinpath("size").write_text("x".join(map(str, request.param)))
    yield made
    made.close()


def size_of(school: School) -> tuple[int, int]:
    width, height = school.folder.joinpath("size").read_text().split("x")
    return int(width), int(height)


def on_page(school: School) -> tuple[PostedNotice, ...]:
    found = read_snapshot(noticeboard_folder(open_site(school.site)))
    return found.notices if found else ()


async def test_a_notice_goes_from_the_keyboard_to_the_page_and_away_again(
    own: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    freeze(monkeypatch, DAY)
    async with at_home(own, size_of(own)) as pilot:
        await pilot.press("o")
        screen = await screen_of(pilot, NoticeboardScreen)
        await sees(pilot, "掲示はまだありません")
        check_fits(pilot)
        await pilot.press("n")
        form = await screen_of(pilot, NoticeForm)
        check_fits(pilot)
        await pilot.press("f4")
        await sees(pilot, "題を書いてください")
        form.query_one("#headline", Input).value = "！校外学習"
        form.query_one("#audience", Input).value = "5年"
        form.query_one("#period", Input).value = "10-6"
        form.query_one(TextArea).text = "水筒と雨具\n八時十五分に校庭"
        await pilot.press("f4")
        await until(pilot, lambda: "のように書いて" in str(form.query_one("#wrong", Static).content))
        check_fits(pilot)
        form.query_one("#period", Input).value = "10/6-10/9"
        await pilot.press("f4")
        await screen_of(pilot, NoticeboardScreen)
        await until(pilot, lambda: screen.query_one(DataTable).row_count == 1)
        await sees(pilot, "● 掲示中")
        check_fits(pilot)
        (told,) = on_page(own)
        assert (told.title, told.urgent, told.audience) == ("校外学習", True, "5年")
        assert (told.first, told.until, told.body) == (DAY, date(2026, 10, 9), "水筒と雨具\n八時十五分に校庭")
        await pilot.press("enter")
        form = await screen_of(pilot, NoticeForm)
        assert form.query_one("#headline", Input).value == "！校外学習"
        form.query_one(TextArea).text = "中止します"
        await pilot.press("f4")
        await screen_of(pilot, NoticeboardScreen)
        await until(pilot, lambda: "中止します" in shown(pilot))
        assert [one.body for one in on_page(own)] == ["中止します"]
        await pilot.press("x")
        await screen_of(pilot, YesNoScreen)
        await sees(pilot, "「校外学習」を掲示板から取り下げますか")
        await pilot.press("right", "enter")
        await screen_of(pilot, NoticeboardScreen)
        await sees(pilot, "・ 終了")
        assert on_page(own) == ()


async def test_what_the_board_wrote_is_told_on_home_and_released_by_one_key(
    own: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    freeze(monkeypatch, DAY)
    to_hub(own)
    with as_board(own) as board:
        board.noticeboard.keep(notice("市の水泳大会"))
    to_box(own)
    async with at_home(own, size_of(own), "jimu") as pilot:
        await sees(pilot, "掲示板に未反映 1件")
        check_fits(pilot)
        await pilot.press("up", "up", "enter")
        await screen_of(pilot, NoticeboardScreen)
        await sees(pilot, "⚠ 未反映")
        check_fits(pilot)
        await pilot.press("f4")
        await sees(pilot, "● 掲示中")
        assert [one.title for one in on_page(own)] == ["市の水泳大会"]
        await pilot.press("escape")
        await screen_of(pilot, HomeScreen)
        await until(pilot, lambda: "未反映" not in shown(pilot))


async def test_who_may_not_share_is_told_why(own: School, monkeypatch: pytest.MonkeyPatch) -> None:
    freeze(monkeypatch, DAY)
    async with at_home(own, size_of(own), "shien") as pilot:
        await pilot.press("o", "n")
        form = await screen_of(pilot, NoticeForm)
        form.query_one("#headline", Input).value = "だめ"
        await pilot.press("f4")
        await sees(pilot, "APP-")
        assert "だめ" not in [one.title for one in on_page(own)]
        await pilot.press("escape")
        assert await screen_of(pilot, NoticeForm), "what was typed stays"
        assert said(pilot, "#wrong") == ""


@pytest.mark.parametrize(
    ("typed", "days"),
    [
        ("11/24-12/1", (date(2026, 11, 24), date(2026, 12, 1))),
        ("１１／２４〜２６", (date(2026, 11, 24), date(2026, 11, 26))),
        ("11/24-3/31", (date(2026, 11, 24), date(2027, 3, 31))),
        ("24", (date(2026, 11, 24), date(2026, 11, 24))),
        ("24-3", None),
        ("", None),
        ("11/24-13/1", None),
        ("11/24-x", None),
        ("x", None),
    ],
)
def test_days_as_they_are_typed(typed: str, days: tuple[date, date] | None) -> None:
    assert read_period(typed, date(2026, 11, 20)) == days
