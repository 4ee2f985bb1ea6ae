"""受け箱: which files of the drop folder were not taken, and why. Never their names: those stay in the folder."""

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import Static

from appliance.messages import explain_code
from appliance.views import LeftInInbox
from tui.actions import LEFT_FILES
from tui.i18n import _
from tui.screens.base import OfficeScreen
from tui.wrap import fold

_HELP = _("""受け箱（inbox の I・II・III・IV）に置いたファイルは、だれも入室していなくても、封じて記録されます。
ここに出るのは、取り込めずに残っているファイルです。封じられるまでは平文のままです。
ファイル名はどこにも書きません。受け箱を開いて、大きさと時刻で見分けてください。""")
_NAMES = {"": _("表示なし（Ⅱとして扱う）"), "I": "Ⅰ", "II": "Ⅱ", "III": "Ⅲ", "IV": "Ⅳ"}


class InboxScreen(OfficeScreen):
    """The list, newest first."""

    actions = LEFT_FILES
    help_text = _HELP
    field_help = {
        "held": _("受け箱に残っているファイルの一覧。取り込めなかったわけを読みます。"),
    }

    def body(self) -> ComposeResult:
        """Yield title and list."""
        yield Static(_("受け箱"), id="title", markup=False)
        with VerticalScroll(id="held", can_focus=True):
            yield Static("", id="list", markup=False)

    async def refresh_data(self) -> None:
        """Read what was told last."""
        left = await self.ask(lambda office: office.left_in_inbox())
        if left is None:
            return
        self.query_one("#title", Static).update(_("受け箱  残っているファイル {count}件").format(count=len(left)))
        lines = [fold(_text(one), self.app.size.width - 5) for one in left]
        self.query_one("#list", Static).update("\n".join(lines) or _("ありません"))

    async def on_mount(self) -> None:
        """Fill, and let the arrows scroll."""
        await super().on_mount()
        self.query_one("#held", VerticalScroll).focus()

    async def on_resize(self) -> None:
        """Fold the lines anew."""
        await self.refresh_data()


def _text(one: LeftInInbox) -> str:
    told = explain_code(one.code)
    return (
        f"{one.since:%m/%d %H:%M}  {_NAMES.get(one.folder, one.folder)}  {one.size:,} B  [{one.code}]\n"
        f"  {told.sentence}\n  → {told.hint}"
    )
