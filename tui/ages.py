"""How long ago something was, in as few cells as a line has."""

from datetime import datetime

from appliance.session import JST
from tui.i18n import _

_MINUTE = 60
_HOUR = 60 * _MINUTE
_DAY = 24 * _HOUR


def now() -> datetime:
    """Return the time that ages are counted from."""
    return datetime.now(JST)


def age(at: datetime) -> str:
    """Return an age such as 3分前; a time ahead of this clock is now."""
    seconds = int((now() - at).total_seconds())
    if seconds < _MINUTE:
        return _("今")
    if seconds < _HOUR:
        return _("{count}分前").format(count=seconds // _MINUTE)
    if seconds < _DAY:
        return _("{count}時間前").format(count=seconds // _HOUR)
    return _("{count}日前").format(count=seconds // _DAY)


def span(seconds: float) -> str:
    """Return a length of time, rounded down, whichever way it points."""
    whole = int(abs(seconds))
    if whole < _HOUR:
        return _("{count}分").format(count=whole // _MINUTE)
    if whole < _DAY:
        return _("{count}時間").format(count=whole // _HOUR)
    return _("{count}日").format(count=whole // _DAY)
