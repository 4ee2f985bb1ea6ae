"""The lines at the bottom of every screen: the lights 保存済, 送信済, 確認済, and above them what needs somebody.

Invariant: glyph, word and colour always say the same, what is not known is shown as not known, and no number is
ever cut: where the line is too narrow, words and ages give way.
"""

from collections.abc import Iterator

from rich.cells import cell_len
from textual.widgets import Static

from appliance.views import Light
from sync.status import LinkState
from tui.ages import age, span
from tui.i18n import _
from tui.widgets.told import tell

_SKEW_S = 60
_BUSY_S = 0.5
_FACES = {
    LinkState.ONLINE: ("●", _("接続")),
    LinkState.DEGRADED: ("◐", _("不安定")),
    LinkState.OFFLINE: ("○", _("切断")),
    LinkState.UNKNOWN: ("?", _("不明")),
}
_SUPERSEDED = _("⚠ 交代済  この端末は読み取り専用です")


class LightBar(Static):
    """Shows a Light; its class (good, calm, warn, bad) sets the colour."""

    def __init__(self) -> None:
        super().__init__("", id="light", markup=False)
        self._light: tuple[Light, float] | None = None

    def show(self, light: Light, busy_s: float = 0.0) -> None:
        """Show how far the entries have got."""
        self._light = light, busy_s
        self.set_classes(colour(light))
        width = self.app.size.width - 2
        lines = [_fitting(alerts(light), width)] if alerts(light) else []
        tell(self, "\n".join([*lines, lights(light, width, busy_s)]))

    def on_resize(self) -> None:
        """Fit the line anew."""
        if self._light is not None:
            self.show(*self._light)


def colour(light: Light) -> str:
    """Return the class of a light: good only when everything saved is proven to be where it belongs."""
    if light.superseded or light.link is LinkState.OFFLINE:
        return "bad"
    if light.link is not LinkState.ONLINE or skewed(light):
        return "warn"
    proven = not light.waiting and (light.confirmed is None or light.confirmed >= light.saved)
    return "good" if proven else "calm"


def skewed(light: Light) -> bool:
    """Say whether the two clocks differ by so much that somebody should know."""
    return light.clock_skew_s is not None and abs(light.clock_skew_s) >= _SKEW_S


def alerts(light: Light) -> list[str]:
    """Return what needs somebody, the gravest first."""
    found = [_SUPERSEDED] if light.superseded else []
    if light.disclosed_until is not None:
        found.append(_("⚠ 非常時開示中 {until:%H:%M}まで").format(until=light.disclosed_until))
    if light.lease_over:
        found.append(_("⚠ 教育委員会の許可（リース）が切れています: 重要性分類Ⅰ・Ⅱは開けません"))
    if light.conflicts:
        found.append(_("⚠ 競合 {count}件").format(count=light.conflicts))
    if light.quarantined:
        found.append(_("⚠ 要確認（隔離） {count}件").format(count=light.quarantined))
    if skewed(light):
        found.append(_("⚠ 時計のずれ {span}").format(span=span(light.clock_skew_s or 0)))
    return found


def lights(light: Light, width: int, busy_s: float = 0.0) -> str:
    """Return the line of the three lights, as wordy as it fits."""
    *forms, shortest = _forms(light, busy_s)
    return next((form for form in forms if cell_len(form) <= width), shortest)


def sent(light: Light, *, aged: bool = True) -> str:
    """Return 送信済 with what waits and when the store was last read back."""
    if light.link is LinkState.UNKNOWN:
        return f"{_('送信済')} ?"
    parts = [_("待ち{count}").format(count=f"{light.waiting:,}")] if light.waiting else []
    if aged and light.sent_at is not None:
        parts.append(age(light.sent_at))
    return f"{_('送信済')} {light.sent:,}" + _bracketed(_("・").join(parts))


def confirmed(light: Light, *, aged: bool = True) -> str:
    """Return 確認済 with when the education board last countersigned."""
    if light.link is LinkState.UNKNOWN:
        return f"{_('確認済')} ?"
    if light.confirmed is None:
        return f"{_('確認済')} —" + (_bracketed(_("教育委員会なし")) if aged else "")
    at = age(light.confirmed_at) if aged and light.confirmed_at is not None else ""
    return f"{_('確認済')} {light.confirmed:,}" + _bracketed(at)


def _forms(light: Light, busy_s: float) -> Iterator[str]:
    """Yield the line of lights, each form shorter than the one before."""
    glyph, word = ("⋯", _("保存中")) if busy_s > _BUSY_S else _FACES[light.link]
    saved = f"{_('保存済')} {light.saved:,}"
    yield f"{glyph} {word}  {saved}  {sent(light)}  {confirmed(light)}"
    yield f"{glyph} {saved}  {sent(light)}  {confirmed(light)}"
    yield f"{glyph} {saved} {sent(light)} {confirmed(light, aged=False)}"
    yield f"{glyph} {saved} {sent(light, aged=False)} {confirmed(light, aged=False)}"
    yield f"{glyph} {saved} {sent(light, aged=False)} {confirmed(light, aged=False)}".replace(",", "")


def _bracketed(text: str) -> str:
    return _("（{text}）").format(text=text) if text else ""


def _fitting(parts: list[str], width: int) -> str:
    """Return as many parts as fit into a line, the first always."""
    shown = list(parts)
    while len(shown) > 1 and cell_len("  ".join(shown)) > width:
        shown.pop()
    return "  ".join(shown)
