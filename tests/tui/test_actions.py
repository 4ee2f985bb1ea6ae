import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from rich.cells import cell_len
from textual.app import App
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import DataTable, Input, OptionList, TextArea
from textual.widgets._footer import FooterKey

from appliance.attendance.codes import load_codes
from tests.school import SCHOOL_DAY, School
from tests.tui.conftest import freeze
from tests.tui.dialogs import kinds
from tests.tui.driving import SIZES, Driver, Slot, at_home, pupils, screen_of, shown, started, until
from tui import actions
from tui.actions import (
    ATTENDANCE,
    ATTENTION,
    AUDIT,
    CLOSURE_LIST,
    CONFLICT,
    CONTACTS,
    DOCUMENT,
    DOCUMENTS,
    EMERGENCY,
    EXCHANGE,
    EXCHANGE_FILE,
    HELD,
    HOME,
    HOURS,
    HOURS_ALL,
    HOURS_REPORT,
    LEDGER,
    LEFT_FILES,
    LOGIN,
    MEETING,
    MEETING_LIST,
    MEETING_SEARCH,
    MINUTES_TEXT,
    MONTH,
    NOTICEBOARD,
    NOTICES,
    PAPER_LIST,
    PERMITS,
    PHONE,
    RECORDER,
    RESERVED_LETTERS,
    SHIFT_LIST,
    SURVEYS,
    TASK_LIST,
    Action,
)
from tui.app import OfficeApp
from tui.screens.ask import TextScreen, YesNoScreen
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
from tui.screens.find import FindScreen
from tui.screens.help import HelpScreen
from tui.screens.home import HomeScreen
from tui.screens.hours import HoursScreen
from tui.screens.hoursall import HoursAllScreen
from tui.screens.hoursreport import HoursReportScreen
from tui.screens.inbox import InboxScreen
from tui.screens.ledger import LedgerScreen
from tui.screens.login import LoginScreen
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

SCREENS: list[tuple[type[Screen[Any]], tuple[Action, ...]]] = [
    (LoginScreen, LOGIN),
    (HomeScreen, HOME),
    (AttendanceScreen, ATTENDANCE),
    (MeetingsScreen, MEETING_LIST),
    (MeetingScreen, MEETING),
    (MinutesScreen, MINUTES_TEXT),
    (TasksScreen, TASK_LIST),
    (MeetingSearchScreen, MEETING_SEARCH),
    (ConflictsScreen, CONFLICT),
    (QuarantineScreen, HELD),
    (EmergencyScreen, EMERGENCY),
    (ContactsScreen, CONTACTS),
    (AuditScreen, AUDIT),
    (LedgerScreen, LEDGER),
    (DocumentsScreen, DOCUMENTS),
    (DocumentScreen, DOCUMENT),
    (PermitsScreen, PERMITS),
    (InboxScreen, LEFT_FILES),
    (PhoneScreen, PHONE),
    (PapersScreen, PAPER_LIST),
    (NoticesScreen, NOTICES),
    (MonthScreen, MONTH),
    (AttentionScreen, ATTENTION),
    (ClosuresScreen, CLOSURE_LIST),
    (NoticeboardScreen, NOTICEBOARD),
    (SurveysScreen, SURVEYS),
    (ExchangeScreen, EXCHANGE),
    (ExchangeFileScreen, EXCHANGE_FILE),
    (HoursScreen, HOURS),
    (HoursAllScreen, HOURS_ALL),
    (HoursReportScreen, HOURS_REPORT),
    (ShiftsScreen, SHIFT_LIST),
    (RecorderScreen, RECORDER),
]
ALL = [action for action in vars(actions).values() if isinstance(action, Action)]
SAFE = {
    *(f"f{number}" for number in range(1, 11)),
    *("enter", "escape", "up", "down", "left", "right", "pageup", "pagedown"),
}
_SCROLLING = (VerticalScroll, DataTable, OptionList, TextArea)


def safe(key: str) -> bool:
    return key in SAFE or (len(key) == 1 and key.isascii() and key.isalpha())


def test_every_screen_of_the_office_is_looked_at() -> None:
    assert {kind for kind, _list in SCREENS[1:]} == set(leaves(OfficeScreen))


def leaves(kind: type[Screen[Any]]) -> Iterator[type[Screen[Any]]]:
    """Yield the screens that are no kind of others."""
    below = kind.__subclasses__()
    yield from (leaf for one in below for leaf in leaves(one)) if below else (kind,)


@pytest.mark.parametrize(("kind", "offered"), SCREENS)
def test_every_action_is_done_by_its_screen(kind: type[Screen[Any]], offered: tuple[Action, ...]) -> None:
    for action in offered:
        done_by = OfficeApp if action.id == "command_palette" else kind
        own = getattr(done_by, f"action_{action.id}", None)
        assert own is not None and own is not getattr(App, f"action_{action.id}", None), action.id
        assert action.explain and action.label


@pytest.mark.parametrize(("kind", "offered"), SCREENS)
def test_a_screen_binds_its_actions_and_no_key_twice(kind: type[Screen[Any]], offered: tuple[Action, ...]) -> None:
    keys = Counter(action.key for action in offered)
    assert max(keys.values()) == 1 and len({action.id for action in offered}) == len(offered)
    bound = {b.key: b.action for b in kind.BINDINGS if isinstance(b, Binding)}
    assert bound == {action.key: action.id for action in offered}


@pytest.mark.parametrize(("kind", "offered"), SCREENS)
def test_help_is_a_button_of_every_screen(kind: type[Screen[Any]], offered: tuple[Action, ...]) -> None:
    assert actions.HELP in offered and actions.HELP.footer, "it lists every action, to be clicked"


@pytest.mark.parametrize("size", SIZES)
async def test_every_action_has_a_button_that_does_it(school: School, today: date, size: tuple[int, int]) -> None:
    async with at_home(school, size) as pilot:
        (button,) = [key for key in pilot.app.screen.query(FooterKey) if key.action == "help"]
        await pilot.click(button)
        screen = await screen_of(pilot, HelpScreen)
        check_fits(pilot)
        listed = screen.query_one(OptionList)
        ids = [listed.get_option_at_index(place).id for place in range(listed.option_count)]
        assert ids == [action.id for action in HOME if action.id not in ("help", "command_palette")]
        listed.highlighted = ids.index("work")
        await until(pilot, lambda: actions.WORK.explain in shown(pilot))
        await until(pilot, lambda: listed.scroll_y == listed.scroll_target_y, "scrolled")
        line = next(n for n, text in enumerate(shown(pilot).split("\n")) if actions.WORK.explain in text)
        await pilot.click(offset=(size[0] // 2, line))
        await screen_of(pilot, HoursScreen)
        await pilot.press("escape", "f1")
        await screen_of(pilot, HelpScreen)
        await pilot.press("escape")
        await screen_of(pilot, HomeScreen)


@pytest.mark.parametrize(("kind", "offered"), SCREENS)
def test_a_footer_has_at_most_six_short_keys(kind: type[Screen[Any]], offered: tuple[Action, ...]) -> None:
    shown_below = [action for action in offered if action.footer]
    assert 1 <= len(shown_below) <= 6
    assert all(cell_len(action.label) <= 8 for action in offered)


def test_an_id_and_its_key_mean_the_same_everywhere() -> None:
    keys = {action.id: action.key for action in ALL}
    assert all(keys[action.id] == action.key for action in ALL)
    assert max(Counter((action.id, action.footer) for action in ALL).values()) == 1
    assert all(safe(action.key) for action in ALL)


def test_to_find_and_to_release_have_a_key_each_that_does_neither_elsewhere() -> None:
    """What leaves the school leaves by one key; who looks for a pupil never meets that key under another name."""
    by_key = {
        key: {action.id for action in ALL if action.key == key} for key in (actions.FIND.key, actions.RELEASE.key)
    }
    assert by_key[actions.FIND.key] == {"find"}
    assert "find" not in by_key[actions.RELEASE.key] and "release" in by_key[actions.RELEASE.key]


@pytest.mark.parametrize("kind", kinds())
def test_every_dialog_can_be_closed_with_escape_and_needs_no_unsafe_key(kind: type[Screen[Any]]) -> None:
    keys = [b.key.split(",") for b in kind.BINDINGS if isinstance(b, Binding)]
    assert any("escape" in group for group in keys)
    assert all(any(safe(key) for key in group) for group in keys)


def test_no_letter_of_a_code_is_a_letter_of_the_screen() -> None:
    letters = [code.key for code in load_codes(None)]
    assert len(set(letters)) == len(letters) and not RESERVED_LETTERS.intersection(letters)
    assert {"r", "x", "u", "h", "d"} == RESERVED_LETTERS


def test_english_labels_are_short_too() -> None:
    script = "from tui import actions as a; print([x.label for x in vars(a).values() if isinstance(x, a.Action)])"
    told = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "KURABAKO_LANG": "en"},
        capture_output=True,
        check=True,
        text=True,
    )
    labels = eval(told.stdout)  # noqa: S307 - a list of words that our own code printed
    assert len(labels) == len(ALL) and all(label.isascii() and len(label) <= 8 for label in labels)


def check_fits(pilot: Driver) -> None:
    """Fail when a part of the open screen, or its last lines, lie outside of the terminal."""
    screen = pilot.app.screen
    for widget in screen.walk_children(Widget):
        scrolled = any(isinstance(above, _SCROLLING) for above in widget.ancestors)
        passing = any(
            "-textual-system" in one.classes for one in widget.ancestors_with_self
        )  # a note that slides in
        if not widget.display or not widget.region or scrolled or passing:
            continue
        assert screen.region.contains_region(widget.region), widget
        above = widget.parent
        assert not isinstance(above, Widget) or above.region.contains_region(widget.region), f"{widget} is cut"
        assert not widget.has_class("-textual-compact") or not isinstance(widget, Input) or widget.size.height == 1
        assert not widget.allow_horizontal_scroll, widget
    for table in screen.query(DataTable):
        assert table.max_scroll_x == 0 and not table.show_horizontal_scrollbar
    for line in shown(pilot).split("\n"):
        assert cell_len(line) <= pilot.app.size.width


def footer_keys(pilot: Driver) -> str:
    return shown(pilot).rstrip().split("\n")[-1]


@pytest.mark.parametrize("size", SIZES)
async def test_every_screen_fits(
    school: School, slot: Slot, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    freeze(monkeypatch, SCHOOL_DAY)
    async with started(school, size) as pilot:
        check_fits(pilot)
        assert "F10 終了" in footer_keys(pilot)
    async with at_home(school, size) as pilot:
        check_fits(pilot)
        assert all(action.label in footer_keys(pilot) for action in HOME if action.footer)
        await pilot.app.push_screen(AttendanceScreen(slot.class_id, slot.on))
        await screen_of(pilot, AttendanceScreen)
        await until(pilot, lambda: pupils(pilot).row_count > 0)
        check_fits(pilot)
        assert all(action.label in footer_keys(pilot) for action in ATTENDANCE if action.footer)
        for key, kind in (("f1", HelpScreen), ("f3", FindScreen), ("f4", YesNoScreen), ("f5", MonthScreen)):
            await pilot.press(key)
            await screen_of(pilot, kind)
            check_fits(pilot)
            await pilot.press("escape")
            await screen_of(pilot, AttendanceScreen)
        await pilot.press("escape", "f5")
        await screen_of(pilot, MeetingsScreen)
        await until(pilot, lambda: pilot.app.screen.query_one(DataTable).row_count > 0)
        check_fits(pilot)
        await pilot.press("enter")
        await screen_of(pilot, MeetingScreen)
        await until(pilot, lambda: pilot.app.screen.query_one(OptionList).option_count > 0)
        check_fits(pilot)
        await pilot.press("f4")
        await screen_of(pilot, TextScreen)
        check_fits(pilot)
