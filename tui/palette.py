"""The command palette: only what applies on the screen that is open."""

from collections.abc import Awaitable, Callable, Iterable

from textual.app import SystemCommand
from textual.screen import Screen

from tui.actions import Action
from tui.screens.base import OfficeScreen
from tui.screens.help import key_name


def commands(screen: Screen[object]) -> Iterable[SystemCommand]:
    """Yield the open screen's actions."""
    if not isinstance(screen, OfficeScreen):
        return
    for action in screen.actions:
        if action.id != "command_palette":
            yield SystemCommand(f"{action.label}  {key_name(action.key)}", action.explain, _runner(screen, action))


def _runner(screen: OfficeScreen, action: Action) -> Callable[[], Awaitable[None]]:
    async def run() -> None:
        await screen.run_action(action.id)

    return run
