"""A message that is over before it is shown stops nothing."""

import asyncio
import time
from typing import Any

import pytest
from textual.notifications import Notification, Notify
from textual.widgets._toast import Toast

from tests.school import School
from tests.tui.driving import at_home
from tui.toasts import Toasted, ToastingApp


async def test_a_message_whose_time_ends_as_it_is_shown_goes_and_the_office_goes_on(
    school: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with at_home(school) as pilot:
        app = pilot.app
        late = Toasted("late", timeout=5)
        looked = 0

        def not_yet(message: Toasted) -> bool:
            nonlocal looked
            looked += message is late
            if looked > 1:  # between the last question and the clock that is set by the answer its time ends
                monkeypatch.setattr(message, "raised_at", time.time() - 6)
            return False

        set_timer, timed = Toast.set_timer, list[Notification]()

        def checked(toast: Toast, delay: float, *more: Any, **how: Any) -> Any:
            assert delay > 0, "it would be counted for ever, and this test with it"
            timed.append(toast._notification)
            return set_timer(toast, delay, *more, **how)

        monkeypatch.setattr(Toasted, "has_expired", property(not_yet))
        monkeypatch.setattr(Toast, "set_timer", checked)
        app.post_message(Notify(late))
        async with asyncio.timeout(60):  # it may come and go between two looks
            while late not in timed or any(toast._notification is late for toast in app.screen.query(Toast)):
                await pilot.pause(0.01)
        assert late.time_left > 0
        await pilot.press("down")


async def test_what_an_app_says_is_such_a_message(school: School) -> None:
    async with at_home(school) as pilot:
        assert isinstance(pilot.app, ToastingApp)
        pilot.app.screen.notify("one", timeout=9)
        await pilot.pause()
        told = [(type(message), message.message, message.timeout) for message in pilot.app._notifications]
        assert (Toasted, "one", 9) in told


def test_over_is_over() -> None:
    past = Toasted("past", timeout=5, raised_at=time.time() - 6)
    assert past.has_expired and past.time_left > 0
    assert not Toasted("now").has_expired
