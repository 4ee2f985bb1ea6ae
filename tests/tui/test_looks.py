"""Every screen of the office as text, at both sizes, with entries: what changes in one is seen in a diff.

Times of day and counts of the log differ from run to run and are masked; colours are in the pictures of
test_snapshots.
"""

import asyncio
import re
from collections.abc import Callable, Iterator
from datetime import date, time
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion
from textual.screen import Screen

from appliance.attendance.absences import Absence
from appliance.noticeboard.records import NoticeItem
from appliance.surveys.surveytext import survey_template
from tests.school import SCHOOL_DAY, School, enrol
from tests.tui.conftest import freeze
from tests.tui.driving import SIZES, Driver, at_home, shown, started
from tests.tui.test_actions import check_fits, leaves
from tui.screens.attendance import AttendanceScreen
from tui.screens.attention import AttentionScreen
from tui.screens.audit import AuditScreen
from tui.screens.base import OfficeScreen
from tui.screens.closures import ClosuresScreen
from tui.screens.conflicts import ConflictsScreen
from tui.screens.contacts import ContactsScreen
from tui.screens.document import DocumentScreen
from tui.screens.documents import DocumentsScreen
from tui.screens.emergency import EmergencyScreen
from tui.screens.exchange import ExchangeScreen
from tui.screens.exchangefile import ExchangeFileScreen
from tui.screens.home import HomeScreen
from tui.screens.hours import HoursScreen
from tui.screens.hoursall import HoursAllScreen
from tui.screens.hoursreport import HoursReportScreen
from tui.screens.inbox import InboxScreen
from tui.screens.ledger import LedgerScreen
from tui.screens.meeting import MeetingScreen
from tui.screens.meetinglists import MeetingSearchScreen, TasksScreen
from tui.screens.meetings import MeetingsScreen
from tui.screens.minutes import MinutesScreen
from tui.screens.month import MonthScreen
from tui.screens.noticeboard import NoticeboardScreen
from tui.screens.notices import NoticesScreen
from tui.screens.papers import PapersScreen
from tui.screens.permits import PermitsScreen
from tui.screens.phone import PhoneScreen
from tui.screens.quarantine import QuarantineScreen
from tui.screens.recorder import RecorderScreen
from tui.screens.shifts import ShiftsScreen
from tui.screens.surveys import SurveysScreen

pytestmark = pytest.mark.looks
DAY = date(2026, 10, 6)
MEETING = f"demo-{SCHOOL_DAY.isoformat()}"
ELSEWHERE = (AuditScreen, DocumentScreen, ConflictsScreen, ExchangeFileScreen, HomeScreen)
"""The audit record lists what this very run did; a page, a conflict and a file of the school system are looked at
in tests of their own; home is where every test begins."""
_MASKS = (
    (re.compile(r"\d{1,2}:\d{2}(?= [^\d\s])|(?<=\d )\d{1,2}:\d{2}\b"), "hh:mm"),
    (re.compile(r"保存済 [\d,]+"), "保存済 n"),
    (re.compile(r"(?<=髙橋 誠 )\d{2}/\d{2}(?= )"), "mm/dd"),
    (re.compile(r"（記入 (.*?) \d{2}/\d{2} "), r"（記入 \1 mm/dd "),
)


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[School]:
    made = enrol(tmp_path_factory.mktemp("looks"))
    kocho = made.office("kocho")
    view = kocho.attendance.classes(DAY)[0]
    rows = kocho.attendance.day(view.class_id, DAY).rows
    kocho.attendance.mark(view.class_id, DAY, rows[0].pupil_id, "sick", reason="発熱")
    kocho.attendance.mark(view.class_id, DAY, rows[3].pupil_id, "late", time=time(9, 40))
    kocho.absences.keep(Absence(rows[5].pupil_id, date(2026, 9, 28), DAY, "suspended"))
    second = next(one for one in kocho.closures.targets() if one.name == "1年2組")
    kocho.closures.close(second, date(2026, 9, 29), DAY, "インフルエンザ")
    item = kocho.meetings.open(MEETING).items[1].item_id
    kocho.floor.ask(MEETING, item, "学級閉鎖の基準は")
    kocho.minutes.decide(MEETING, item, "欠席二割を目安に校長が決める。")
    kocho.minutes.assign(MEETING, item, "換気の呼びかけ", "保健部", date(2026, 12, 1))
    kocho.minutes.write_note(item, "児童会にも頼む")
    shared = kocho.minutes.text(item)
    shared.edit("罹患者は先週より減っている。")
    kocho.minutes.write(MEETING, item, shared)
    kocho.noticeboard.keep(
        NoticeItem(
            title="校外学習の持ち物",
            body="水筒・弁当・雨具を持ってきてください。\n集合は八時十五分、校庭です。",
            first=date(2020, 4, 1),
            until=date(2099, 3, 31),
            section="持ち物・提出",
            audience="5年",
            urgent=True,
        )
    )
    kocho.surveys.make(survey_template(date(2099, 3, 31)))
    kocho.logout()
    yield made
    made.close()


def screens(own: School) -> dict[str, Callable[[], Screen[Any]]]:
    """Return name → a way to make the screen."""
    office = own.office("kocho")
    class_id = office.attendance.classes(DAY)[0].class_id
    item = office.meetings.open(MEETING).items[1].item_id
    contacts = office.contacts.of_pupil(office.attendance.day(class_id, DAY).rows[0].pupil_id, DAY)
    office.logout()
    return {
        "attendance": lambda: AttendanceScreen(class_id, DAY),
        "month": lambda: MonthScreen(class_id, DAY),
        "phone": lambda: PhoneScreen(DAY),
        "notices": NoticesScreen,
        "noticeboard": NoticeboardScreen,
        "surveys": SurveysScreen,
        "exchange": ExchangeScreen,
        "attention": AttentionScreen,
        "closures": ClosuresScreen,
        "meetings": MeetingsScreen,
        "meeting": lambda: MeetingScreen(MEETING, item),
        "minutes": lambda: MinutesScreen(MEETING, item, "2. インフルエンザ"),
        "papers": lambda: PapersScreen(MEETING, item, "2. インフルエンザ"),
        "tasks": TasksScreen,
        "search": MeetingSearchScreen,
        "hours": lambda: HoursScreen(DAY),
        "hours of all": lambda: HoursAllScreen(DAY, DAY.replace(day=1)),
        "report of hours": lambda: HoursReportScreen(2026),
        "shifts": ShiftsScreen,
        "recorder": RecorderScreen,
        "documents": DocumentsScreen,
        "emergency": EmergencyScreen,
        "contacts": lambda: ContactsScreen(contacts),
        "ledger": LedgerScreen,
        "permits": PermitsScreen,
        "inbox": InboxScreen,
        "quarantine": QuarantineScreen,
    }


def test_no_screen_is_forgotten(own: School) -> None:
    made = {type(make()) for make in screens(own).values()}
    assert made | set(ELSEWHERE) == set(leaves(OfficeScreen))


@pytest.mark.parametrize("size", SIZES, ids=["80x24", "120x36"])
async def test_every_screen_looks_as_before(
    own: School, snapshot: SnapshotAssertion, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    freeze(monkeypatch, DAY)
    async with started(own, size) as pilot:
        assert await settled(pilot) == snapshot(name="login")
    async with at_home(own, size, "kocho") as pilot:
        assert await settled(pilot) == snapshot(name="home")
        for name, make in screens(own).items():
            await pilot.app.push_screen(make())
            text = await settled(pilot)
            check_fits(pilot)
            assert text == snapshot(name=name), name
            pilot.app.pop_screen()
            await pilot.pause()


async def settled(pilot: Driver) -> str:
    """Return what is shown once it stands still for half a second, masked."""
    last, still = "", 0
    while still < 5:
        await asyncio.sleep(0.1)
        await pilot.pause()
        now = masked(shown(pilot))
        still = still + 1 if now == last else 0
        last = now
    return last


def masked(text: str) -> str:
    for pattern, mask in _MASKS:
        text = pattern.sub(mask, text)
    return text
