"""連絡先: whom to ring for one pupil, in large figures, and nothing else (importance II).

Invariant: the page is opened with what was asked for beforehand, so a refusal shows none; what it shows stands in
it alone and goes with Esc, with the lock and with the end of the lease.
"""

import re
from typing import Final

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import Static

from appliance.contacts import ContactView
from tui.actions import CONTACTS
from tui.i18n import _
from tui.screens.base import OfficeScreen
from tui.wrap import fold

_HELP = _("""保護者の電話番号（重要性分類Ⅱ）を、先にかける順に出します。線が切れていても見られます。
順は、名簿の Excel の保護者1、保護者2 の順で、OneRoster だけにある人はそのあとです。
開いたことは、だれの連絡先をだれが開いたかとして、監査記録に残ります。
番号が古いときは、校務支援システムで直し、名簿をもう一度取り込みます（校長・教頭・事務職員）。""")
_NOBODY = _("""連絡先は、まだ取り込まれていません。

保護者の電話番号が入った名簿（OneRoster か、保護者の列がある Excel）を取り込むと、ここに出ます。
最初の画面の e（校務連携）で、校長・教頭・事務職員が取り込みます。""")
_INDENT: Final = " " * 5
_MOBILE: Final = re.compile(r"^(0[5-9]0)([0-9]{4})([0-9]{4})$")
_WIDE: Final = {ord(sign): ord(sign) + 0xFEE0 for sign in "0123456789+-()"}  # full width: twice as large


class ContactsScreen(OfficeScreen):
    """One pupil's guardians and their numbers."""

    actions = CONTACTS
    help_text = _HELP
    field_help = {"contacts": _("保護者の名前と電話番号。▶ の人から先にかけます。")}
    locked = True

    def __init__(self, contacts: ContactView) -> None:
        super().__init__()
        self._contacts: ContactView | None = contacts
        self._asked = True

    def body(self) -> ComposeResult:
        """Yield title, whose they are, and the numbers."""
        yield Static(_("連絡先（重要性分類Ⅱ）"), id="title", markup=False)
        yield Static("", id="state", markup=False)
        with VerticalScroll(id="contacts", can_focus=True):
            yield Static("", id="numbers", markup=False)

    async def on_mount(self) -> None:
        """Fill, and let the arrows scroll."""
        await super().on_mount()
        self.query_one("#contacts", VerticalScroll).focus()

    async def refresh_data(self) -> None:
        """Show what was asked for, later what stands now; what may not be seen any more goes."""
        before = self._contacts
        if not self._asked and before is not None:
            self._contacts = await self.ask(lambda office: office.contacts.of_pupil(before.pupil_id, before.on))
        self._asked = False
        self._show()

    async def on_resize(self) -> None:
        """Fold the lines anew."""
        if not self.fits():
            self._show()

    def _show(self) -> None:
        width, told = self.app.size.width, self._contacts
        whose = f"{told.class_title} {told.number or ''}  {told.name}（{told.kana}）" if told else ""
        self.query_one("#state", Static).update(fold(whose, width - 2))
        self.query_one("#numbers", Static).update(_numbers(told, width - 6) if told else "")


def _numbers(told: ContactView, width: int) -> Text:
    """Return everybody with their numbers, set large; who is rung first is marked."""
    people = [
        (f"{one.relation or _('保護者')}  {_named(one.name, one.kana)}", one.phones) for one in told.guardians
    ]
    if told.home:
        people.append((_("自宅"), told.home))
    if not people:
        return Text(fold(_NOBODY, width))
    first = next((place for place, (_who, numbers) in enumerate(people) if numbers), None)
    text = Text()
    for place, (who, numbers) in enumerate(people):
        mark = "▶" if place == first else " "
        text.append(f"{mark} {place + 1}  {_indented(who.strip(), width)}\n")
        for number in numbers:
            begin = place == first and number == numbers[0]
            text.append(_INDENT).append(f" {_large(number)} ", "bold reverse" if begin else "bold")
            text.append((_("  まずここへ") if begin else "") + "\n")
        if not numbers:
            text.append(_INDENT + _("電話番号は取り込まれていません") + "\n")
        text.append("\n")
    return text


def _large(number: str) -> str:
    return _MOBILE.sub(r"\1-\2-\3", number).translate(_WIDE)


def _indented(text: str, width: int) -> str:
    return fold(text, width - len(_INDENT)).replace("\n", f"\n{_INDENT}")


def _named(name: str, kana: str) -> str:
    return f"{name}（{kana}）" if kana else name
