"""What the thing under the cursor is for, and which keys work there.

Invariant: its screen says in `field_help` what it is for; the keys are those of its kind, told once, here.
"""

from collections.abc import Mapping
from typing import Final

from textual.containers import ScrollableContainer
from textual.widget import Widget
from textual.widgets import Button, DataTable, Input, OptionList, Select, TextArea

from tui.i18n import _
from tui.widgets.choices import Choices
from tui.widgets.daychoice import DayChoice
from tui.widgets.monthtable import MonthTable
from tui.widgets.pupiltable import PupilTable

FieldHelp = Mapping[str, str]
"""The id or a class of a widget → what it is for, what may be typed, an example."""
_KEYS: Final[
    tuple[tuple[type[Widget], str], ...]
] = (  # the first that fits: a kind stands before what it is made of
    (MonthTable, _("矢印で動きます。番号を打つと、その番号の人に移ります。")),
    (PupilTable, _("↑↓ で動きます。番号を打つと、その番号の人に移ります。")),
    (DayChoice, _("→ ← で終わりの日、↓ ↑ で始まりの日が動きます。")),
    (Choices, _("↑↓ で動き、Enter か空白で選びます。Tab で次の問いに移ります。")),
    (Input, _("← → で直す所へ動きます。Tab で次へ、Shift+Tab で前へ移ります。")),
    (TextArea, _("Enter で行を変え、矢印で動きます。Tab で次へ移ります。")),
    (Select, _("Enter で開き、↑↓ で選び、もう一度 Enter で決めます。Tab で次へ移ります。")),
    (OptionList, _("↑↓ で選びます。Tab で次へ移ります。")),
    (Button, _("Enter で押します。← → で隣のボタンに移ります。")),
    (DataTable, _("↑↓ で選びます。Tab で次へ移ります。")),
    (ScrollableContainer, _("↑↓ と PgUp PgDn で送ります。")),
)


def help_of(widget: Widget | None, field_help: FieldHelp) -> str:
    """Return what the screen says of a widget, or of what it lies in; empty where it says nothing."""
    for one in widget.ancestors_with_self if widget is not None else ():
        for name in (one.id or "", *sorted(one.classes)):
            if name in field_help:
                return field_help[name]
    return ""


def keys_of(widget: Widget | None) -> str:
    """Return the keys of a widget's kind; empty where it has none of its own."""
    for one in widget.ancestors_with_self if widget is not None else ():
        for kind, keys in _KEYS:
            if isinstance(one, kind):
                return keys
    return ""
