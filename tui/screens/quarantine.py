"""要確認（隔離）: what came in and counts for nothing for now, and why. Read only: the board's rosters decide."""

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import Static

from appliance.views import HeldChange
from tui.actions import HELD
from tui.i18n import _
from tui.screens.base import OfficeScreen
from tui.wrap import fold

_HELP = _("""書いた人にその権限がないか、だれが書いたか確かめられないか、読めないため、使わずに取ってある記入です。
何も消していません。教育委員会が職員の名簿を直すと、自動で使われることがあります。
心当たりがないときは、教育委員会に知らせてください。""")
_MOST = 200


class QuarantineScreen(OfficeScreen):
    """The list, newest first."""

    actions = HELD
    help_text = _HELP
    field_help = {
        "held": _(
            "使わずに取ってある記入の一覧。わけを読みます。心当たりがなければ、教育委員会に知らせてください。"
        ),
    }

    def body(self) -> ComposeResult:
        """Yield title and list."""
        yield Static(_("要確認（隔離）"), id="title", markup=False)
        with VerticalScroll(id="held", can_focus=True):
            yield Static("", id="list", markup=False)

    async def refresh_data(self) -> None:
        """Read the list."""
        held = await self.ask(lambda office: office.conflicts.held())
        if held is None:
            return
        self.query_one("#title", Static).update(_("要確認（隔離）  {count}件").format(count=len(held)))
        lines = [fold(_text(one), self.app.size.width - 5) for one in held[:_MOST]]
        if len(held) > _MOST:
            lines.append(_("ほか {count}件").format(count=len(held) - _MOST))
        self.query_one("#list", Static).update("\n".join(lines) or _("ありません"))

    async def on_mount(self) -> None:
        """Fill, and let the arrows scroll."""
        await super().on_mount()
        self.query_one("#held", VerticalScroll).focus()

    async def on_resize(self) -> None:
        """Fold the lines anew."""
        await self.refresh_data()


def _text(one: HeldChange) -> str:
    who = one.who + (_("（{text}）").format(text=one.role) if one.role else "")
    return f"{one.at:%m/%d %H:%M}  {who}  {one.where}  {one.what}\n  → {one.reason}"
