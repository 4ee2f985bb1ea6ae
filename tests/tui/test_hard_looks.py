"""Every screen in hard states: nothing there yet, very long names, 600 pupils, the line down, conflicts waiting.

Nothing may lie outside of the terminal, and what is shown must be whole or visibly cut.
"""

import io
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion
from textual.screen import Screen

from appliance import lights
from appliance.documents.intake import Incoming
from appliance.generator.school import MadeClass, MadePerson, MadeSchool
from appliance.generator.writer import write_school
from appliance.roster import Contact, Guardian
from crypto.importance import Importance
from sync.clock import wall_ms
from sync.site import SitePaths
from sync.status import LinkState, Status
from tests.hubside import both_mark
from tests.school import School, enrol, fill
from tests.tui.conftest import freeze
from tests.tui.driving import LARGE, SIZES, SMALL, at_home, shown
from tests.tui.test_actions import check_fits
from tests.tui.test_looks import settled
from tui.screens.attendance import AttendanceScreen
from tui.screens.attention import AttentionScreen
from tui.screens.audit import AuditScreen
from tui.screens.closures import ClosuresScreen
from tui.screens.conflicts import ConflictsScreen
from tui.screens.contacts import ContactsScreen
from tui.screens.documents import DocumentsScreen
from tui.screens.emergency import EmergencyScreen
from tui.screens.hours import HoursScreen
from tui.screens.hoursall import HoursAllScreen
from tui.screens.hoursreport import HoursReportScreen
from tui.screens.inbox import InboxScreen
from tui.screens.ledger import LedgerScreen
from tui.screens.meeting import MeetingScreen
from tui.screens.meetinglists import MeetingSearchScreen, TasksScreen
from tui.screens.meetings import MeetingsScreen
from tui.screens.month import MonthScreen
from tui.screens.notices import NoticesScreen
from tui.screens.papers import PapersScreen
from tui.screens.permits import PermitsScreen
from tui.screens.phone import PhoneScreen
from tui.screens.quarantine import QuarantineScreen
from tui.screens.recorder import RecorderScreen
from tui.screens.shifts import ShiftsScreen

pytestmark = pytest.mark.looks
DAY = date(2026, 10, 6)
_LONG = "ヴィクトリア・エリザベス・アレクサンドラ"
_ITEM = "令和八年度多良川市立小中学校合同防災訓練における引き渡し手順の見直しと保護者への周知方法について"
Made = dict[str, Callable[[], Screen[Any]]]


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[School]:
    made = enrol(tmp_path_factory.mktemp("empty"), imported=False)
    yield made
    made.close()


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Iterator[School]:
    made = enrol(tmp_path_factory.mktemp("long"), imported=False)
    write_school(lengthened(made.made), made.zip)
    fill(made)
    office = made.office("kocho")
    view = office.attendance.classes(DAY)[0]
    rows = office.attendance.day(view.class_id, DAY).rows
    for place, code in enumerate(code.code for code in office.attendance.codes()):
        office.attendance.mark(view.class_id, DAY, rows[place].pupil_id, code, reason="長い理由" * 40)
    head = f"# {_ITEM}\n日時: 2026-10-08 16:00\n場所: {_LONG}"
    office.meetings.write(f"{head}\n- {_ITEM}（教務部・{_LONG}・10分）\n  {_ITEM * 5}")
    text = _ITEM.encode()
    office.filing.add(Incoming(io.BytesIO(text), len(text), f"{_ITEM}.txt", Importance.II, _ITEM * 3))
    people = tuple(Guardian("養父母", f"{_LONG} {_LONG}", _LONG, (f"090-0000-000{n}",)) for n in range(1, 5))
    plan = office.roster.plan(made.zip)
    office.roster.commit(replace(plan, put=(Contact(id=rows[0].pupil_id, guardians=people),), remove=()))
    office.logout()
    yield made
    made.close()


def lengthened(school: MadeSchool) -> MadeSchool:
    """Give a school names as long as rosters have them."""

    def person(one: MadePerson) -> MadePerson:
        return replace(one, name=replace(one.name, given=_LONG, kana_given=_LONG))

    def a_class(one: MadeClass) -> MadeClass:
        title = f"{one.title}（自閉症・情緒障害・病弱・身体虚弱）"
        return replace(one, title=title, pupils=tuple(map(person, one.pupils)))

    return replace(school, classes=tuple(map(a_class, school.classes)))


def screens(own: School) -> Made:
    """Return name → a way to make the screen, of those that this school can show."""
    office = own.office("kocho")
    classes, meetings = office.attendance.classes(DAY), office.meetings.all()
    items = office.meetings.open(meetings[0].meeting_id).items if meetings else ()
    pupils = office.attendance.day(classes[0].class_id, DAY).rows if classes else ()
    contacts = [office.contacts.of_pupil(pupils[0].pupil_id, DAY)] if pupils else []
    office.logout()
    made: Made = {
        "phone": lambda: PhoneScreen(DAY),
        "notices": NoticesScreen,
        "attention": AttentionScreen,
        "closures": ClosuresScreen,
        "meetings": MeetingsScreen,
        "tasks": TasksScreen,
        "search": MeetingSearchScreen,
        "hours": lambda: HoursScreen(DAY),
        "hours of all": lambda: HoursAllScreen(DAY, DAY.replace(day=1)),
        "report of hours": lambda: HoursReportScreen(2026),
        "shifts": ShiftsScreen,
        "recorder": RecorderScreen,
        "documents": DocumentsScreen,
        "emergency": EmergencyScreen,
        "ledger": LedgerScreen,
        "permits": PermitsScreen,
        "inbox": InboxScreen,
        "quarantine": QuarantineScreen,
        "conflicts": ConflictsScreen,
        "audit": AuditScreen,
    }
    if classes:
        made["attendance"] = lambda: AttendanceScreen(classes[0].class_id, DAY)
        made["month"] = lambda: MonthScreen(classes[0].class_id, DAY)
        made["contacts"] = lambda: ContactsScreen(contacts[0])
    if items:
        made["meeting"] = lambda: MeetingScreen(meetings[0].meeting_id)
        made["papers"] = lambda: PapersScreen(meetings[0].meeting_id, items[0].item_id, items[0].title)
    return made


async def looked_at(own: School, size: tuple[int, int]) -> dict[str, str]:
    """Open every screen, see that it fits, and return what each shows."""
    found = {}
    async with at_home(own, size, "kocho") as pilot:
        check_fits(pilot)
        found["home"] = await settled(pilot)
        for name, make in screens(own).items():
            await pilot.app.push_screen(make())
            found[name] = await settled(pilot)
            check_fits(pilot)
            pilot.app.pop_screen()
            await pilot.pause()
    return found


@pytest.mark.parametrize("size", SIZES, ids=["80x24", "120x36"])
async def test_long_names(
    long: School, snapshot: SnapshotAssertion, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    freeze(monkeypatch, DAY)
    found = await looked_at(long, size)
    for name in ("home", "attendance", "contacts", "month", "meetings", "meeting"):
        assert found[name] == snapshot(name=name), name


async def test_long_names_in_the_telephone(long: School, monkeypatch: pytest.MonkeyPatch) -> None:
    freeze(monkeypatch, DAY)
    async with at_home(long, SMALL, "sato") as pilot:
        await pilot.press("t", "あ")
        await settled(pilot)
        check_fits(pilot)
        await pilot.press("enter")
        await settled(pilot)
        check_fits(pilot)
        assert "ヴィクトリア" in shown(pilot)
        await pilot.press("f3", "あ")
        await settled(pilot)
        check_fits(pilot)


@pytest.mark.parametrize("size", SIZES, ids=["80x24", "120x36"])
async def test_nothing_there_yet(empty: School, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]) -> None:
    freeze(monkeypatch, DAY)
    for name, text in (await looked_at(empty, size)).items():
        assert text.strip(), name


async def test_the_line_is_down(long: School, monkeypatch: pytest.MonkeyPatch) -> None:
    freeze(monkeypatch, DAY)
    monkeypatch.setattr(lights, "read_status", cut)
    for name, text in (await looked_at(long, LARGE)).items():
        assert "○ 切断" in text and "送信済" in text, name


def cut(_paths: SitePaths) -> Status:
    """Return what the daemon says of a line that is cut."""
    return Status(
        link=LinkState.OFFLINE,
        link_since_ms=wall_ms() - 3_600_000,
        saved=0,
        sent=12,
        waiting=0,
        sent_at_ms=wall_ms() - 3_600_000,
        verified_at_ms=None,
        verified_seq=0,
        replica_resets=0,
        litestream_restarts=0,
        warnings=(),
        at_ms=wall_ms(),
        boot_s=0.0,
        confirmed=10,
        confirmed_at_ms=wall_ms() - 3_600_000,
    )


async def test_conflicts_are_waiting(long: School, monkeypatch: pytest.MonkeyPatch) -> None:
    freeze(monkeypatch, DAY)
    both_mark(long, 0, DAY, row=11)
    found = await looked_at(long, SMALL)
    assert "競合 1件" in found["home"] and "競合" in found["attendance"]
    assert "ヴィクトリア" in found["conflicts"]
