"""How the screens look: dark, high contrast, light. Glyphs and words say everything; colour only repeats it."""

from typing import Final

from textual.app import App
from textual.theme import Theme

from tui.i18n import _

CONTRAST: Final = Theme(
    name="kurabako-contrast",
    primary="#ffff00",
    secondary="#00ffff",
    accent="#ffff00",
    foreground="#ffffff",
    background="#000000",
    surface="#000000",
    panel="#000000",
    boost="#303030",
    success="#00ff00",
    warning="#ffff00",
    error="#ff8080",
    dark=True,
    variables={
        "text-muted": "#ffffff",
        "block-cursor-background": "#ffff00",
        "block-cursor-foreground": "#000000",
    },
)
LOOKS: Final = {"textual-dark": _("標準"), CONTRAST.name: _("高コントラスト"), "textual-light": _("明るい")}
"""Name of the theme → what it is called, in the order in which they follow each other."""


def wear(app: App[int], name: str) -> None:
    """Show a look; one that is not known is left alone."""
    app.register_theme(CONTRAST)
    if name in LOOKS:
        app.theme = name


def after(name: str) -> str:
    """Return the look that follows another."""
    names = [*LOOKS]
    return names[(names.index(name) + 1) % len(names)] if name in LOOKS else names[0]
