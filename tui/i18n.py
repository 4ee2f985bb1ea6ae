"""Words of the screens: Japanese in the code, English in the gettext catalogue beside it.

Invariant: the language is chosen once, when the process starts, by the same rule as the messages'.
"""

import gettext
from datetime import date
from pathlib import Path

from appliance.messages import language

_LOCALE = Path(__file__).with_name("locale")


def _translations() -> gettext.NullTranslations:
    if language() == "ja":
        return gettext.NullTranslations()
    return gettext.translation("kurabako", _LOCALE, ["en"])


_chosen = _translations()


def _(text: str) -> str:
    """Return a text in the language of this process."""
    return _chosen.gettext(text)


WEEKDAYS = "月火水木金土日"


def day_text(on: date) -> str:
    """Return a date such as 11月24日（火）, or 24 Nov (Tue)."""
    if language() == "ja":
        return f"{on.month}月{on.day}日（{WEEKDAYS[on.weekday()]}）"
    return on.strftime("%-d %b (%a)")
