"""The fleet's table on both sizes of screen: what it shows, how it is driven, how it looks."""

import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from textual.widgets import DataTable

from appliance.fleet.gathering import Fleet
from appliance.provision.errors import UnreachableError
from tests.appliance.fleet.boxes import GIB, STATUS, Line, boxes
from tests.tui.driving import SIZES, SMALL, Driver, said, sees, shown, until
from tui.fleet import FleetApp
from tui.screens.boxchecks import ChecksScreen
from tui.screens.fleet import FleetScreen

NOW_MS = 1_795_000_900_000
DAY_MS = 86_400_000
NAMES = ("緑ヶ丘小学校", "市立ひばりが丘義務教育学校", "東中学校", "西中学校", "南小学校", "山の上分校")


def line(**told: Any) -> Line:
    return Line({**STATUS, **told})


@pytest.fixture
def lines() -> list[Line]:
    return [
        line(),
        line(link="offline", waiting=128, waiting_age_s=5400, unconfirmed_age_s=5400),
        line(alarms=["disk", "doctor.units", "flood"], disk_free_bytes=2 * GIB, clock_skew_ms=185_000),
        line(lease="live", lease_until_ms=STATUS["at_ms"] + DAY_MS, verified_age_s=3 * 86_400),
        line(superseded=True, running=False, link="unknown", confirmed=None, lease="unleased"),
        Line(away=True),
    ]


@pytest.fixture(autouse=True)
def still(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hold the clock and the colours still."""
    for module in ("appliance.fleet.gathering", "tui.widgets.boxtable", "tui.screens.fleet"):
        monkeypatch.setattr(f"{module}.wall_ms", lambda: NOW_MS)
    for name in ("NO_COLOR", "COLORTERM", "TERM"):
        monkeypatch.delenv(name, raising=False)


def fleet_of(lines: list[Line]) -> Fleet:
    return Fleet(boxes(lines, lambda number: NAMES[(number - 1) % len(NAMES)]))


@asynccontextmanager
async def opened(lines: list[Line], size: tuple[int, int] = SMALL) -> AsyncIterator[Driver]:
    app = FleetApp(fleet_of(lines), 3600)
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: isinstance(pilot.app.screen, FleetScreen))
        yield pilot


async def all_asked(pilot: Driver) -> None:
    screen = pilot.app.screen
    assert isinstance(screen, FleetScreen)
    await until(pilot, lambda: all(view.asked for view in screen._fleet.views))
    await until(pilot, lambda: "…" not in said(pilot, "#title"))


@pytest.mark.parametrize("size", SIZES)
async def test_everything_of_a_box_is_on_one_row(lines: list[Line], size: tuple[int, int]) -> None:
    async with opened(lines, size) as pilot:
        await all_asked(pilot)
        text = shown(pilot)
        rows = [row for row in text.splitlines() if any(name[:4] in row for name in NAMES)]
        assert all(
            all(word in row for word in words)
            for row, words in zip(
                rows,
                (
                    ("✓ 正常", "● 接続", "0.1.0", "2時間", "13日", "33%", "-1秒"),
                    ("▲ 注意", "○ 切断", "128", "1時間"),
                    ("✗ 異常", "3%", "+3分"),
                    ("▲ 注意", "3日", "1日"),
                    ("✗ 異常", "停止", "—"),
                    ("？ 不通", "—"),
                ),
                strict=False,
            )
        ), text
        assert all(len(row.rstrip()) <= size[0] for row in text.splitlines())
        assert "6台" in said(pilot, "#title") and "？ 不通 1" in said(pilot, "#title")


async def test_the_box_under_the_cursor_is_told_in_words(lines: list[Line]) -> None:
    async with opened(lines) as pilot:
        await all_asked(pilot)
        await pilot.press("down", "down")
        await sees(pilot, "ディスクの空きが少ない")
        assert "点検（doctor）で異常（サービス）" in said(pilot, "#box") and "flood" in said(pilot, "#box")
        await pilot.press("down", "down")
        await sees(pilot, "交代済の箱です")
        await pilot.press("down")
        await sees(pilot, "まだ一度も聞けていません")
        assert UnreachableError.code in said(pilot, "#box")


async def test_a_box_that_goes_away_shows_its_last_word_and_its_age(
    lines: list[Line], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(lines) as pilot:
        await all_asked(pilot)
        lines[0].away = True
        for module in ("appliance.fleet.gathering", "tui.widgets.boxtable", "tui.screens.fleet"):
            monkeypatch.setattr(f"{module}.wall_ms", lambda: NOW_MS + 2 * 3_600_000)
        await pilot.press("r")
        await until(pilot, lambda: "？ 不通 2" in said(pilot, "#title"))
        assert "2時間前の様子" in said(pilot, "#box")
        row = next(row for row in shown(pilot).splitlines() if NAMES[0] in row)
        assert "？ 不通" in row and "4時間" in row and "12日" in row, "the figures have grown by the time since"


async def test_the_cursor_stays_where_it_is_when_the_boxes_answer(lines: list[Line]) -> None:
    async with opened(lines) as pilot:
        await all_asked(pilot)
        await pilot.press("down", "down", "down", "r")
        await all_asked(pilot)
        assert pilot.app.screen.query_one(DataTable).cursor_row == 3


async def test_f1_explains_the_table_and_does_what_is_chosen(lines: list[Line]) -> None:
    async with opened(lines) as pilot:
        await all_asked(pilot)
        await pilot.press("f1")
        await sees(pilot, "▶ 受け持ちの箱の一覧。")
        await pilot.press("down", "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, ChecksScreen))


async def test_enter_opens_the_checks_of_the_box(lines: list[Line]) -> None:
    lines[0].checks = [
        {"state": "ok", "what": "線", "says": "online", "todo": ""},
        {"state": "bad", "what": "[b]ディスク", "says": "1%", "todo": "ログを消してください。"},
    ]
    async with opened(lines) as pilot:
        await all_asked(pilot)
        await pilot.press("enter")
        await sees(pilot, "→ ログを消してください。")
        await pilot.press("f1")
        await sees(pilot, "▶ 点検の結果。")
        await pilot.press("escape")
        await sees(pilot, "→ ログを消してください。")
        text = shown(pilot)
        assert text.index("✗ [b]ディスク: 1%") < text.index("✓ 線: online")
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, FleetScreen))
        await pilot.press(*["down"] * 5, "enter")
        await sees(pilot, UnreachableError.code)


async def test_the_screen_is_there_before_any_box_has_answered_and_leaves_at_once() -> None:
    hold = threading.Event()
    async with opened([Line(hold=hold) for _ in range(20)]) as pilot:
        assert "… 確認中 20" in said(pilot, "#title")
        await pilot.press("f1")
        await sees(pilot, "受け持ちの箱の一覧です")
        await pilot.press("escape", "f10")
    hold.set()
    assert pilot.app.return_value == 0


@pytest.fixture
def app(lines: list[Line]) -> Iterator[FleetApp]:
    yield FleetApp(fleet_of(lines), 3600)


@pytest.mark.looks
@pytest.mark.parametrize("size", SIZES, ids=["80x24", "120x36"])
def test_looks(snap_compare: Callable[..., bool], app: FleetApp, size: tuple[int, int]) -> None:
    async def run(pilot: Driver) -> None:
        await all_asked(pilot)
        await pilot.press("down", "down")
        await pilot.pause()

    assert snap_compare(app, terminal_size=size, run_before=run)
