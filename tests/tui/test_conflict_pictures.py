"""Pictures of the conflict screen and of the lights; clock and counts are held still, as in `test_snapshots`."""

from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta

import pytest

from appliance.office import Office
from appliance.session import JST
from appliance.views import Light
from sync.status import LinkState
from tests.hubside import both_mark
from tests.school import School, enrol
from tests.tui.conftest import freeze
from tests.tui.driving import SIZES, Driver, log_in, screen_of, sees
from tests.tui.test_snapshots import without_blink
from tui.app import OfficeApp
from tui.screens.conflicts import ConflictsScreen

DAY = date(2026, 10, 28)
AT = datetime(2026, 10, 28, 8, 25, tzinfo=JST)
LIGHT = Light(
    LinkState.ONLINE,
    saved=1_234,
    sent=1_200,
    waiting=34,
    since=AT,
    sent_at=AT,
    confirmed=1_190,
    confirmed_at=AT - timedelta(minutes=2),
    clock_skew_s=185.0,
    conflicts=2,
    quarantined=1,
)
Compare = Callable[..., bool]
EVERY_SIZE = pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")


@pytest.fixture(autouse=True)
def still(monkeypatch: pytest.MonkeyPatch) -> None:
    freeze(monkeypatch, DAY)
    monkeypatch.setattr(Office, "light", lambda _office: LIGHT)
    monkeypatch.setattr("tui.ages.now", lambda: AT + timedelta(minutes=3))
    monkeypatch.setattr("appliance.conflictreader.local_time", lambda _at_ms: AT)
    for name in ("NO_COLOR", "COLORTERM", "TERM"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[School]:
    made = enrol(tmp_path_factory.mktemp("pictures"))
    for place in (0, 1):
        both_mark(made, place, DAY)
    yield made
    made.close()


@pytest.fixture
def app(two: School) -> Iterator[OfficeApp]:
    opened = OfficeApp(two.site, two.made.name)
    yield opened
    opened.door.close()


@EVERY_SIZE
def test_conflicts(snap_compare: Compare, app: OfficeApp, size: tuple[int, int]) -> None:
    async def run(pilot: Driver) -> None:
        await log_in(pilot)
        await pilot.press("f6")
        await screen_of(pilot, ConflictsScreen)
        await sees(pilot, "1年2組")
        await pilot.press("down")
        await sees(pilot, "出欠  1年1組")
        await pilot.press("1")
        await sees(pilot, "▶ 1")

    assert snap_compare(app, terminal_size=size, run_before=without_blink(run))


@EVERY_SIZE
def test_home_with_something_to_see_to(snap_compare: Compare, app: OfficeApp, size: tuple[int, int]) -> None:
    async def run(pilot: Driver) -> None:
        await log_in(pilot)
        await sees(pilot, "確認済 1,190（5分前）")

    assert snap_compare(app, terminal_size=size, run_before=without_blink(run))
