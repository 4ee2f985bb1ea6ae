"""The three lights at the bottom of every screen."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from itertools import product
from pathlib import Path

import pytest
from rich.cells import cell_len

from appliance.messages import explain_code
from appliance.office import Office
from appliance.session import JST
from appliance.views import Light
from sync.client import KeeperClient
from sync.localstore import FENCE
from sync.status import LinkState
from tests.school import School, enrol
from tests.tui.conftest import freeze
from tests.tui.driving import (
    SIZES,
    Slot,
    at_home,
    in_class,
    marks,
    said,
    screen_of,
    sees,
    shown,
    until,
)
from tui.screens.attendance import AttendanceScreen
from tui.screens.problem import ProblemScreen
from tui.widgets.lightbar import LightBar, alerts, colour, lights

NOW = datetime(2026, 11, 24, 8, 30, tzinfo=JST)
FULL = Light(
    LinkState.ONLINE,
    saved=1_234,
    sent=1_200,
    waiting=34,
    sent_at=NOW - timedelta(minutes=3),
    confirmed=1_190,
    confirmed_at=NOW - timedelta(minutes=5),
)
SMALL_WIDTH = 78


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tui.ages.now", lambda: NOW)


def test_the_three_lights_with_counts_and_ages_in_eighty_columns() -> None:
    line = "● 接続  保存済 1,234  送信済 1,200（待ち34・3分前）  確認済 1,190（5分前）"
    assert lights(FULL, SMALL_WIDTH) == line and cell_len(line) <= SMALL_WIDTH


WORDS = [
    (replace(FULL, sent=1_234, waiting=0), "送信済 1,234（3分前）"),
    (replace(FULL, sent_at=None), "送信済 1,200（待ち34）"),
    (replace(FULL, sent_at=NOW + timedelta(hours=2)), "送信済 1,200（待ち34・今）"),
    (replace(FULL, confirmed=None), "確認済 —（教育委員会なし）"),
    (replace(FULL, confirmed=0, confirmed_at=None), "確認済 0"),
    (replace(FULL, confirmed_at=NOW - timedelta(hours=3, minutes=59)), "確認済 1,190（3時間前）"),
    (replace(FULL, confirmed_at=NOW - timedelta(days=4)), "確認済 1,190（4日前）"),
    (replace(FULL, link=LinkState.UNKNOWN), "? 不明  保存済 1,234  送信済 ?  確認済 ?"),
]


@pytest.mark.parametrize(("light", "words"), WORDS)
def test_what_is_known_is_said_and_what_is_not_known_is_a_dash_or_a_question(light: Light, words: str) -> None:
    line = lights(light, SMALL_WIDTH)
    assert words in line and cell_len(line) <= SMALL_WIDTH


def test_no_number_is_cut_however_large() -> None:
    """Words and ages give way instead."""
    for count, link, busy in product((9, 9_999, 999_999, 99_999_999), LinkState, (0.0, 1.0)):
        old = NOW - timedelta(minutes=59)
        light = Light(link, count, count, count, sent_at=old, confirmed=count, confirmed_at=old)
        line = lights(light, SMALL_WIDTH, busy)
        assert cell_len(line) <= SMALL_WIDTH, line
        known = 3 if link is not LinkState.UNKNOWN else 1
        assert line.replace(",", "").count(str(count)) >= known


COLOURS = [
    (replace(FULL, sent=1_234, waiting=0, confirmed=1_234), "good"),
    (replace(FULL, sent=1_234, waiting=0, confirmed=None), "good"),
    (replace(FULL, sent=1_234, waiting=0), "calm"),  # not green before the other side vouched for it
    (FULL, "calm"),
    (replace(FULL, link=LinkState.DEGRADED), "warn"),
    (replace(FULL, clock_skew_s=-61.0), "warn"),
    (replace(FULL, link=LinkState.OFFLINE), "bad"),
    (replace(FULL, superseded=True), "bad"),
    (replace(FULL, link=LinkState.UNKNOWN), "warn"),
]


@pytest.mark.parametrize(("light", "kind"), COLOURS)
def test_green_is_only_what_is_proven(light: Light, kind: str) -> None:
    assert colour(light) == kind


SKEWS = [(59.9, ""), (-59.9, ""), (60.0, "1分"), (-185.0, "3分"), (7_300.0, "2時間"), (-3.2e8, "3703日")]


@pytest.mark.parametrize(("skew", "words"), SKEWS)
def test_a_clock_that_is_off_by_a_minute_is_shown(skew: float, words: str) -> None:
    assert alerts(replace(FULL, clock_skew_s=skew)) == ([f"⚠ 時計のずれ {words}"] if words else [])


@pytest.mark.parametrize("size", SIZES)
async def test_everything_at_once_fits_and_the_gravest_comes_first(
    school: School, today: date, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    light = replace(FULL, superseded=True, conflicts=12, quarantined=3, clock_skew_s=-185.0)
    monkeypatch.setattr(Office, "light", lambda _office: light)
    async with at_home(school, size) as pilot:
        await sees(pilot, "⚠ 交代済  この端末は読み取り専用です  ⚠ 競合 12件")
        above, line, _keys = shown(pilot).split("\n")[-3:]
        assert "保存済 1,234" in line and "確認済 1,190（5分前）" in line
        assert max(cell_len(above), cell_len(line)) <= size[0]
        assert "⚠ 交代済: 読み取り専用" in said(pilot, "#link")
        assert pilot.app.screen.query_one(LightBar).has_class("bad")


async def test_without_anything_to_see_to_there_is_one_line(
    school: School, today: date, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Office, "light", lambda _office: FULL)
    async with at_home(school) as pilot:
        await sees(pilot, "確認済 1,190（5分前）")
        assert pilot.app.screen.query_one(LightBar).size.height == 1


async def test_every_screen_has_the_lights(school: School, slot: Slot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Office, "light", lambda _office: FULL)
    async with in_class(school, slot) as pilot:
        for keys in ((), ("escape", "f5"), ("escape", "f6"), ("escape", "f7")):
            for key in keys:
                await pilot.press(key)
            await sees(pilot, "送信済 1,200（待ち34・3分前）  確認済 1,190（5分前）")


async def test_a_box_that_was_replaced_says_so_when_somebody_enters(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = enrol(tmp_path)
    try:
        on = date(2026, 10, 28)
        freeze(monkeypatch, on)
        client = KeeperClient(old.paths.socket)
        client.local_put(*FENCE, b"1")
        client.close()
        async with at_home(old) as pilot:
            await pilot.press("enter")
            await screen_of(pilot, AttendanceScreen)
            await until(pilot, lambda: len(marks(pilot)) > 0)
            await pilot.press("b")
            problem = await screen_of(pilot, ProblemScreen)
            assert problem.told.code == "SYNC-020"
            assert problem.told.sentence == explain_code("SYNC-020", "ja").sentence
            assert "読み取り専用" in problem.told.sentence
            await pilot.press("escape")
            await screen_of(pilot, AttendanceScreen)
            assert set(marks(pilot)) == {""}
    finally:
        old.close()
