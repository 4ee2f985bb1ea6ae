import re
from datetime import date
from pathlib import Path

import pytest
from textual.widgets import Input

from sync.client import KeeperClient
from tests.school import PASSPHRASE, School, enrol
from tests.tui.driving import SIZES, Driver, at_login, office_of, said, screen_of, sees, started, type_fast, until
from tui.screens.home import HomeScreen

WRONG = "not-the-passphrase"


def fields(pilot: Driver) -> tuple[str, str]:
    screen = at_login(pilot)
    return screen.query_one("#login-name", Input).value, screen.query_one("#passphrase", Input).value


async def try_to_enter(pilot: Driver, name: str, passphrase: str) -> str:
    """Type both lines anew and return what the screen answers."""
    screen = at_login(pilot)
    screen.query_one("#login-name", Input).value = ""
    screen.query_one("#login-name", Input).focus()
    screen.query_one("#login-note").set_classes("")
    type_fast(pilot, *name, "enter", *passphrase, "enter")
    await until(pilot, lambda: screen.query_one("#login-note").has_class("problem"))
    return said(pilot, "#login-note")


@pytest.mark.parametrize("size", SIZES)
async def test_the_right_passphrase_opens_the_first_screen(
    school: School, today: date, size: tuple[int, int]
) -> None:
    async with started(school, size) as pilot:
        await sees(pilot, school.made.name)
        assert isinstance(pilot.app.focused, Input) and pilot.app.focused.id == "login-name"
        await pilot.press(*"sato", "enter", *PASSPHRASE, "enter")
        await screen_of(pilot, HomeScreen)
        who = office_of(pilot).who
        assert who is not None and who.display_name == "佐藤 葵"


async def test_a_wrong_passphrase_is_told_and_wiped(school: School) -> None:
    async with started(school) as pilot:
        note = await try_to_enter(pilot, "kocho", WRONG)
        assert "合言葉" in note and WRONG not in note
        assert fields(pilot) == ("kocho", "")
        assert office_of(pilot).door.office is None
        type_fast(pilot, *PASSPHRASE, "enter")
        await screen_of(pilot, HomeScreen)


async def test_an_unknown_login_is_told_in_the_same_words(school: School) -> None:
    async with started(school) as pilot:
        wrong = await try_to_enter(pilot, "kocho", WRONG)
        unknown = await try_to_enter(pilot, "nobody-here", WRONG)
        assert unknown.partition("[")[0] == wrong.partition("[")[0]
        assert fields(pilot) == ("nobody-here", "")


async def test_a_burst_puts_nothing_of_the_passphrase_into_the_first_line(school: School) -> None:
    async with started(school) as pilot:
        type_fast(pilot, *"kocho", "enter", *PASSPHRASE)
        await until(pilot, lambda: fields(pilot)[1] == PASSPHRASE)
        assert fields(pilot)[0] == "kocho"


async def test_what_was_typed_before_the_screen_had_the_terminal_counts_as_typed(
    school: School, today: date
) -> None:
    """A terminal hands on newlines until a program takes it over."""
    async with started(school) as pilot:
        type_fast(pilot, *"sato", "ctrl+j", *PASSPHRASE)
        await until(pilot, lambda: fields(pilot) == ("sato", PASSPHRASE))
        type_fast(pilot, "ctrl+j")
        await screen_of(pilot, HomeScreen)


async def test_a_passphrase_typed_with_the_ime_on_works(school: School, today: date) -> None:
    wide = "".join(chr(ord(letter) + 0xFEE0) for letter in PASSPHRASE)
    async with started(school) as pilot:
        type_fast(pilot, *"sato", "enter")
        await until(pilot, lambda: pilot.app.focused is at_login(pilot).query_one("#passphrase"))
        type_fast(pilot, *wide, "enter")
        await screen_of(pilot, HomeScreen)


async def test_the_passphrase_is_never_shown(school: School) -> None:
    async with started(school) as pilot:
        type_fast(pilot, *"kocho", "enter", *WRONG)
        await until(pilot, lambda: fields(pilot)[1] == WRONG)
        await sees(pilot, "•" * len(WRONG))


async def test_after_several_failures_the_seconds_to_wait_are_shown(tmp_path: Path) -> None:
    own = enrol(tmp_path, imported=False)
    try:
        async with started(own) as pilot:
            for _attempt in range(5):
                assert "あと" not in await try_to_enter(pilot, "kocho", WRONG)
            locked = await try_to_enter(pilot, "kocho", PASSPHRASE)
            assert re.search(r"あと(\d+)秒", locked) and "SYNC-007" in locked
            assert office_of(pilot).door.office is None and fields(pilot)[1] == ""
    finally:
        own.close()


@pytest.mark.faults
async def test_without_a_keeper_the_screen_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = enrol(tmp_path, imported=False)
    own.close()
    monkeypatch.setattr("appliance.login.KeeperClient", lambda path, patience_s: KeeperClient(path, 0.2))
    async with started(own) as pilot:
        note = await try_to_enter(pilot, "kocho", PASSPHRASE)
        assert "蔵の番人が応えません" in note and "SYNC-003" in note


async def test_help_opens_and_closes(school: School) -> None:
    async with started(school) as pilot:
        await pilot.press("f1")
        await sees(pilot, "合言葉を続けて間違えると")
        await pilot.press("escape")
        at_login(pilot)


async def test_f10_ends_with_zero(school: School) -> None:
    async with started(school) as pilot:
        await pilot.press("f10")
        await until(pilot, lambda: pilot.app._exit)
    assert pilot.app.return_value == 0
