"""緊急連絡: the emergency card of a pupil (importance I), and 非常時開示 while the line is cut.

Invariant: a card is asked for pupil by pupil, when somebody chose that pupil, and is off the screen with the next
search and when the disclosure ends; passphrases are in their input lines only and are wiped from them at once.
"""

from typing import NamedTuple

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical, VerticalScroll
from textual.widgets import Input, OptionList, Static

from appliance.emergency.cards import EmergencyCard
from appliance.emergency.desk import DisclosureView
from appliance.views import FoundPupil, Light
from sync.status import LinkState
from tui.actions import EMERGENCY
from tui.i18n import _
from tui.screens.ask import YesNoScreen
from tui.screens.base import OfficeScreen
from tui.screens.dialog import Dialog
from tui.widgets.hits import MOST, Hits, pupil_lines
from tui.wrap import fold

_MINUTES = 60
_HELP = _("""緊急連絡先・アレルギー・健康上の注意（重要性分類Ⅰ）を、一人ずつ開きます。
読みのはじめを入れて Enter を押すと、その人のカードが出ます。開くたびに監査記録に残ります。
線が切れている間は、校長と教頭が二人で合言葉を入れて開きます（F4 非常時開示）。
決めた時間が過ぎると自動で閉じます。F4 をもう一度押すと、その場で閉じられます。""")


class Opening(NamedTuple):
    """What two managers typed."""

    purpose: str
    minutes: int
    passphrase: str
    second_login: str
    second_passphrase: str


class EmergencyScreen(OfficeScreen):
    """Search, then one card."""

    actions = EMERGENCY
    help_text = _HELP
    field_help = {
        "kana": _(
            "カードを見たい人の名前。読みのはじめか氏名を打ちます。例 さと。"
            "Enter で、いちばん上の人のカードを開きます。"
        ),
        "hits": _("カードのある人の候補。選んで Enter を押すと、カードを開きます。開いたことは記録に残ります。"),
        "card-box": _("開いた緊急連絡カード。次の人を探すと、画面から消えます。"),
    }
    locked = True

    def __init__(self) -> None:
        super().__init__()
        self._hits: tuple[FoundPupil, ...] = ()
        self._standing: DisclosureView | None = None
        self._refused: Opening | None = None

    def body(self) -> ComposeResult:
        """Yield title, state, the line to search, hits and card."""
        yield Static(_("緊急連絡（重要性分類Ⅰ）"), id="title", markup=False)
        yield Static("", id="state", markup=False)
        yield Input(placeholder=_("読みのはじめ（ひらがな・カタカナ）か氏名"), id="kana")
        yield Hits("hits")
        with VerticalScroll(id="card-box"):
            yield Static("", id="card", markup=False)

    async def on_mount(self) -> None:
        """Fill, and begin to type."""
        await super().on_mount()
        self.query_one("#kana", Input).focus()

    async def refresh_data(self) -> None:
        """Read whether a disclosure stands."""
        seen = await self.ask(lambda office: (office.emergency.disclosure(), office.light()))
        if seen is not None:
            self._standing = seen[0]
            self.show_light(seen[1])

    def show_light(self, light: Light) -> None:
        """Show it at the bottom, and above what it means for the cards."""
        super().show_light(light)
        if light.disclosed_until is None and self._standing is not None:
            self._standing = None
            self.query_one("#card", Static).update("")
        self.query_one("#state", Static).update(fold(_state(self._standing, light), self.app.size.width - 2))

    async def on_input_changed(self, event: Input.Changed) -> None:
        """Search again; the card that was open goes."""
        self.query_one("#card", Static).update("")
        typed = event.value
        hits = await self.ask(lambda office: office.attendance.find_pupils(typed, office.today()), quiet=True)
        self._hits = (hits or ())[:MOST]
        self.query_one(Hits).show(typed, None if hits is None else pupil_lines(self._hits))

    async def on_input_submitted(self) -> None:
        """Open the first hit's card."""
        if self._hits:
            await self._open(self._hits[0])

    async def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Open the chosen hit's card."""
        await self._open(self._hits[int(event.option.id or 0)])

    def action_disclose(self) -> None:
        """Begin a disclosure, or end the one that stands."""
        if self._standing is None:
            self.app.push_screen(OpeningScreen(self._refused), self._begin)
        else:
            self.app.push_screen(YesNoScreen(_("非常時開示を、いま閉じますか。"), _("閉じる")), self._end)

    def action_find(self) -> None:
        """Go to the line to search."""
        self.query_one("#kana", Input).focus()

    async def _open(self, hit: FoundPupil) -> None:
        found = await self.ask(lambda office: (office.emergency.card(hit.pupil_id),))
        if found is not None:
            text = card_text(hit, found[0])
            self.query_one("#card", Static).update(fold(text, self.app.size.width - 6))

    async def _begin(self, told: Opening | None) -> None:
        if told is not None:
            kept = await self.ask(
                lambda office: office.emergency.open(
                    told.passphrase, told.second_login, told.second_passphrase, told.purpose, told.minutes
                )
            )
            self._refused = None if kept is not None else told._replace(passphrase="", second_passphrase="")
            if kept is not None:
                await self.reload()

    async def _end(self, yes: bool | None) -> None:
        if yes:
            self.query_one("#card", Static).update("")
            await self.ask(lambda office: office.emergency.close())
            await self.reload()


class OpeningScreen(Dialog["Opening | None"]):
    """Asks for purpose, time and both managers' passphrases; returns them.

    `refused` is what was typed last, so that a slip in a passphrase costs the passphrases only.
    """

    BINDINGS = [Binding("escape", "cancel", _("やめる"))]
    help_text = _(
        "線が切れている間に、校長と教頭の二人で緊急連絡を開きます（非常時開示）。開いたことは記録に残ります。"
    )
    field_help = {
        "purpose": _("開く目的。記録に残ります。例 地震で保護者へ引き渡し。Enter で次へ進みます。"),
        "for-minutes": _("開いておく時間。480 までの分で書きます。例 60。過ぎると、自動で閉じます。"),
        "second-login": _("もう一人の利用者名。あなたが校長なら教頭、教頭なら校長の利用者名です。例 tanaka。"),
        "first-passphrase": _(
            "あなたの合言葉。入室のときと同じものです。打った文字は見えません。Enter で次へ進みます。"
        ),
        "second-passphrase": _(
            "もう一人の合言葉。本人に打ってもらいます。打った文字は見えません。Enter で開きます。"
        ),
    }
    _LINES = ("purpose", "for-minutes", "second-login", "first-passphrase", "second-passphrase")

    def __init__(self, refused: Opening | None = None) -> None:
        super().__init__()
        self._refused = refused

    def compose(self) -> ComposeResult:
        """Yield the lines."""
        purpose, minutes, _first, login, _second = self._refused or Opening("", _MINUTES, "", "", "")
        with Vertical(classes="dialog wide"):
            yield Static(_("非常時開示: 校長と教頭の二人で開きます"), classes="dialog-title")
            yield Static(_("目的（記録に残ります） 例 地震で保護者へ引き渡し"))
            yield Input(purpose, id="purpose", max_length=200, compact=True)
            yield Static(_("時間（分、480まで）"))
            yield Input(str(minutes), id="for-minutes", max_length=3, type="integer", compact=True)
            yield Static(_("もう一人の利用者名"))
            yield Input(login, id="second-login", max_length=64, compact=True)
            yield Static(_("あなたの合言葉"))
            yield Input(password=True, id="first-passphrase", max_length=256, compact=True)
            yield Static(_("もう一人の合言葉"))
            yield Input(password=True, id="second-passphrase", max_length=256, compact=True)
            yield Static(_("Enter で次へ、最後の行で開く   Esc でやめる"), classes="hint")

    def on_mount(self) -> None:
        """Begin with the purpose, or with the passphrase after a refusal."""
        self._line("first-passphrase" if self._refused else "purpose").focus()

    def to_next_line(self) -> bool:
        """Go to the line below; False on the last one."""
        place = next((n for n, name in enumerate(self._LINES) if self.focused is self._line(name)), None)
        if place is None or place + 1 == len(self._LINES):
            return False
        self.set_focus(self._line(self._LINES[place + 1]))
        return True

    def on_input_submitted(self) -> None:
        """Return what was typed."""
        texts = {name: self._line(name).value for name in self._LINES}
        for name in ("first-passphrase", "second-passphrase"):
            self._line(name).value = ""
        told = texts["for-minutes"]
        minutes = int(told) if told.isdecimal() else 0
        self.dismiss(
            Opening(
                texts["purpose"],
                minutes,
                texts["first-passphrase"],
                texts["second-login"].strip(),
                texts["second-passphrase"],
            )
        )

    def action_cancel(self) -> None:
        """Open nothing."""
        self.dismiss(None)

    def _line(self, name: str) -> Input:
        return self.query_one(f"#{name}", Input)


def card_text(hit: FoundPupil, card: EmergencyCard | None) -> str:
    """Return a card as it is read aloud on the telephone."""
    lines = [f"{hit.class_title} {hit.number or ''}  {hit.name}（{hit.kana}）", ""]
    if card is None:
        return "\n".join([*lines, _("カードはまだありません。")])
    for place, contact in enumerate(card.contacts, 1):
        relation = _("（{text}）").format(text=contact.relation) if contact.relation else ""
        lines.append(f"{_('連絡先')}{place}  {contact.phone}  {contact.name}{relation}")
    for label, text in (
        (_("アレルギー"), card.allergies),
        (_("健康上の注意"), card.health),
        (_("服薬"), card.medication),
        (_("備考"), card.notes),
    ):
        lines.append(f"{label}  {text or _('なし')}")
    return "\n".join(lines)


def _state(standing: DisclosureView | None, light: Light) -> str:
    if standing is not None:
        return _("⚠ 非常時開示中 {until:%H:%M}まで  目的 {purpose}（{first}・{second}）").format(
            until=standing.until, purpose=standing.purpose, first=standing.by[0], second=standing.by[1]
        )
    if light.link in (LinkState.OFFLINE, LinkState.UNKNOWN):
        return _("線が切れている間は、校長と教頭の二人で開きます（F4 非常時開示）。")
    return _("開くたびに、だれが・いつ・だれのカードを開いたかが監査記録に残ります。")
