"""F1 says first what the cursor is on: on every screen, in every dialog, and nothing that was typed is lost."""

import gettext
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Input, OptionList, Static, TextArea

import tui.i18n
from tests.school import SCHOOL_DAY, School
from tests.tui.conftest import freeze
from tests.tui.dialogs import dialogs, hides_its_end, kinds
from tests.tui.driving import SIZES, SMALL, Driver, at_home, office_of, opened, screen_of, shown, started, until
from tests.tui.test_actions import check_fits, leaves
from tests.tui.test_fleet import fleet_of, line
from tests.tui.test_looks import screens
from tests.tui.test_themes import contrast
from tests.tui.test_words import catalogue
from tui.looks import LOOKS, wear
from tui.screens.ask import KeepTextScreen, TextScreen
from tui.screens.audit import AuditScreen
from tui.screens.base import OfficeScreen
from tui.screens.conflicts import ConflictsScreen
from tui.screens.dialog import Dialog
from tui.screens.document import DocumentScreen
from tui.screens.exchangefile import ExchangeFileScreen
from tui.screens.fieldhelp import keys_of
from tui.screens.fleet import FleetScreen
from tui.screens.help import HelpScreen
from tui.screens.home import HomeScreen
from tui.screens.login import LoginScreen
from tui.screens.meeting import MeetingScreen
from tui.wrap import fold

Explained = LoginScreen | FleetScreen | OfficeScreen | Dialog[Any]
_ENGLISH = gettext.translation("kurabako", tui.i18n._LOCALE, ["en"])
_NARROWEST, _MOST_LINES = 64, 4
_IN_A_STEP = {"told-time", "told-days", "side"}
"""Fields that are there in one step of the work only: they are looked at in tests of their own."""
_WRITING = ("decide", "question", "own_note", "addendum", "propose", "rewrite")
"""The actions of a meeting that open a text."""


def fields(screen: Screen[Any]) -> Iterator[Widget]:
    """Yield all that can have the cursor, once it is shown."""
    for widget in screen.query("*"):
        if widget.can_focus:
            widget.display, widget.disabled = True, False
            yield widget


def typed(screen: Screen[Any]) -> list[str]:
    return [one.value for one in screen.query(Input)] + [one.text for one in screen.query(TextArea)]


def fill_in(screen: Screen[Any]) -> None:
    """Type something into every line."""
    for one in screen.query(Input):
        one.value = "12"
    for text in screen.query(TextArea):
        text.text = "一行目\n二行目"


def bare(text: str) -> str:
    return "".join(text.split())


async def helped(pilot: Driver) -> str:
    """Press F1 and return what it says first, without spaces and line ends."""
    await pilot.press("f1")
    screen = await screen_of(pilot, HelpScreen)
    found = [*screen.query("#field").results(Static)]
    return bare(str(found[0].content)) if found else ""


async def leave(pilot: Driver, screen: Screen[Any]) -> None:
    """Close the help."""
    await pilot.press("escape")
    await until(pilot, lambda: pilot.app.screen is screen)


def check_words(words: str) -> None:
    """Fail unless a sentence says what its thing is, in both languages, and is seen at once."""
    english = _ENGLISH.gettext(words)
    assert words.endswith("。") and english.endswith(".") and english != words
    for text in (words, english):
        lines = fold(f"▶ {text}", _NARROWEST).split("\n")
        assert len(lines) <= _MOST_LINES and all(cell_len(one) <= _NARROWEST + 2 for one in lines), text


async def check(pilot: Driver, screen: Explained) -> set[str]:
    """Press F1 on every field of a screen; return the names that were explained."""
    await helped(pilot)
    check_fits(pilot)
    with pilot.app.batch_update():  # from here on nothing is drawn, which takes longer than all else
        await leave(pilot, screen)
        return await check_fields(pilot, screen)


async def check_fields(pilot: Driver, screen: Explained) -> set[str]:
    fill_in(screen)
    before, names = typed(screen), set[str]()
    for widget in fields(screen):
        screen.set_focus(widget)
        told = await helped(pilot)
        name = next((key for key, said in screen.field_help.items() if told.startswith(bare(f"▶{said}"))), None)
        assert name is not None, f"{type(screen).__name__}: F1 says nothing of {widget!r}"
        names.add(name)
        check_words(screen.field_help[name])
        assert told.removeprefix(bare(f"▶{screen.field_help[name]}")) == bare(keys_of(widget)) != ""
        await leave(pilot, screen)
        assert screen.focused is widget and typed(screen) == before, repr(widget)
    assert len(set(screen.field_help.values())) == len(screen.field_help)
    assert names | _IN_A_STEP >= set(screen.field_help), type(screen).__name__
    return names


def all_screens(school: School) -> list[Callable[[], Screen[Any]]]:
    elsewhere = (AuditScreen, ConflictsScreen, HomeScreen, lambda: DocumentScreen("none"))
    return [*screens(school).values(), *elsewhere, lambda: ExchangeFileScreen("none")]


async def test_every_screen_explains_where_the_cursor_is(school: School, monkeypatch: pytest.MonkeyPatch) -> None:
    freeze(monkeypatch, SCHOOL_DAY)
    seen = set[type[Screen[Any]]]()
    async with at_home(school, SMALL, "kocho") as pilot:
        for make in (*all_screens(school), lambda: FleetScreen(fleet_of([line()]), 3600)):
            screen = await opened(pilot, make)
            await check(pilot, screen)
            seen.add(type(screen))
            pilot.app.pop_screen()
            await pilot.pause()
    assert seen == {*leaves(OfficeScreen), FleetScreen}


async def test_the_login_explains_its_lines_before_anybody_is_there(school: School) -> None:
    async with started(school) as pilot:
        screen = await screen_of(pilot, LoginScreen)
        assert await check(pilot, screen) == {"login-name", "passphrase"}


async def test_every_dialog_explains_where_the_cursor_is(school: School, monkeypatch: pytest.MonkeyPatch) -> None:
    freeze(monkeypatch, SCHOOL_DAY)
    seen = set[type[Screen[Any]]]()
    async with at_home(school, SMALL, "kocho") as pilot:
        door = office_of(pilot).door
        assert door.office is not None
        made = await door.call(lambda office: dialogs(office, door))
        await pilot.app.push_screen(Screen())  # nothing shines through, which is drawn quickly
        for make in made:
            dialog = await opened(pilot, make)
            assert "F1 説明" in shown(pilot) and not hides_its_end(dialog), type(dialog).__name__
            await check(pilot, dialog)
            check_words(dialog.help_text)
            seen.add(type(dialog))
            pilot.app.pop_screen()
            await pilot.pause()
    assert seen == {*kinds()} - {HelpScreen}, "each dialog is made in tests/tui/dialogs.py"


def test_no_dialog_hides_its_keys_in_english(school: School) -> None:
    """In a process of its own: the language is chosen once, when the screens are imported."""
    told = subprocess.run(
        [sys.executable, "-m", "tests.tui.english_dialogs", str(school.site), school.made.name],
        env={**os.environ, "KURABAKO_LANG": "en"},
        cwd=Path(__file__).resolve().parents[2],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert (told.returncode, told.stdout) == (0, ""), told.stderr


async def test_each_text_of_a_meeting_is_explained_in_words_of_its_own(
    school: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    freeze(monkeypatch, SCHOOL_DAY)
    told = set[str]()
    async with at_home(school, SMALL, "kocho") as pilot:
        await pilot.app.push_screen(MeetingScreen(f"demo-{SCHOOL_DAY.isoformat()}"))
        meeting = await screen_of(pilot, MeetingScreen)
        await until(pilot, lambda: meeting.current is not None)
        for action in _WRITING:
            await meeting.run_action(action)
            dialog = await screen_of(pilot, KeepTextScreen)
            (words,) = dialog.field_help.values()
            assert (await helped(pilot)).startswith(bare(f"▶{words}"))
            told.add(words)
            await leave(pilot, dialog)
            await leave(pilot, meeting)
    assert len(told) == len(_WRITING)


def test_every_sentence_with_an_example_is_short() -> None:
    """What a text is for is told by the screen that asks for it: its words are not found in a dialog."""
    told = [words for words in catalogue() if "例 " in words and words.endswith("。")]
    for words in told:
        check_words(words)
    assert len(told) > len(_WRITING)


@pytest.mark.parametrize("size", SIZES)
async def test_the_word_at_the_lower_edge_can_be_clicked_and_what_is_listed_be_done(
    school: School, size: tuple[int, int]
) -> None:
    kept = list[str | None]()
    async with at_home(school, size) as pilot:
        await pilot.app.push_screen(TextScreen("決定", "", told="決まったこと。"), kept.append)
        await pilot.press(*"ab")
        lines = shown(pilot).split("\n")
        row = next(place for place, text in enumerate(lines) if "F1 説明 ─╯" in text)
        await pilot.click(offset=(cell_len(lines[row].split("F1 説明")[0]) + 1, row))
        await screen_of(pilot, HelpScreen)
        check_fits(pilot)
        await pilot.press("enter")
        assert isinstance(pilot.app.screen, HelpScreen), "nothing is done until something was chosen"
        await pilot.press("end", "up")
        assert pilot.app.screen.query_one(OptionList).highlighted == 0
        await pilot.press("enter")
        await until(pilot, lambda: kept == ["ab"], "F4 stands before Esc")
        await screen_of(pilot, HomeScreen)


@pytest.mark.parametrize("look", LOOKS)
async def test_what_the_cursor_is_on_is_legible_in_every_look(school: School, look: str) -> None:
    async with at_home(school) as pilot:
        wear(office_of(pilot), look)
        await helped(pilot)
        field = pilot.app.screen.query_one("#field")
        _base, _colour, ground, words = field.colors
        assert contrast(ground.blend(words, words.a), ground) >= 7
        assert field.region.height <= _MOST_LINES and pilot.app.screen.region.contains_region(field.region)
