"""`kurabako fleet` as a table: wires the one screen to the boxes. Nothing of any school is in this process."""

from typing import ClassVar

from textual.binding import Binding

from appliance.fleet.gathering import Fleet
from tui.launch import require_terminal
from tui.screens.fleet import FleetScreen
from tui.screens.help import key_name
from tui.toasts import ToastingApp


class FleetApp(ToastingApp):
    """The boxes of one inventory."""

    CSS_PATH = "office.tcss"
    TITLE = "蔵箱"
    ENABLE_COMMAND_PALETTE: ClassVar[bool] = False

    def __init__(self, fleet: Fleet, every_s: int) -> None:
        super().__init__()
        self._fleet = fleet
        self._every_s = every_s

    def on_mount(self) -> None:
        """Open the table."""
        self.theme = "textual-ansi" if self.ansi_color else "textual-dark"
        self.push_screen(FleetScreen(self._fleet, self._every_s))

    def get_key_display(self, binding: Binding) -> str:
        """Return how the footer writes a key."""
        return key_name(binding.key)


def run(fleet: Fleet, every_s: int) -> int:
    """Show the boxes until somebody leaves; return the exit code. Raises NoTerminalError."""
    require_terminal()
    app = FleetApp(fleet, every_s)
    code = app.run()
    return code if code is not None else app.return_code or 0
