"""The line at the bottom of every screen: saved? sent? how many are waiting?

Invariant: glyph, word and colour always say the same, and what is not known is shown as not known.
"""

from textual.widgets import Static

from appliance.views import Light
from sync.status import LinkState
from tui.i18n import _

_FACES = {
    LinkState.ONLINE: ("●", _("接続"), "good"),
    LinkState.DEGRADED: ("◐", _("不安定"), "warn"),
    LinkState.OFFLINE: ("○", _("切断"), "bad"),
    LinkState.UNKNOWN: ("?", _("不明"), "warn"),
}


class LightBar(Static):
    """Shows a Light; its class (good, warn, bad) sets the colour."""

    def show(self, light: Light, busy_s: float = 0.0) -> None:
        """Show how far the entries have got."""
        glyph, word, kind = _FACES[light.link]
        self.set_classes(kind)
        self.update(f"{glyph} {_('線')} {word}  {counts(light)}{_tail(light, busy_s)}")


def counts(light: Light) -> str:
    """Return the counts in words."""
    if light.link is LinkState.UNKNOWN:
        return f"{_('保存済')} {light.saved:,}  {_('送信済')} ?"
    waiting = _("未送信 {count}件").format(count=f"{light.waiting:,}")
    return f"{_('保存済')} {light.saved:,}  {_('送信済')} {light.sent:,}  {waiting}"


def _tail(light: Light, busy_s: float) -> str:
    if busy_s > 0.5:
        return f"  ⋯ {_('保存しています')}"
    if light.verified_at is not None:
        return f"  {_('検証')} {light.verified_at:%m/%d %H:%M}"
    return ""
