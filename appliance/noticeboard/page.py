"""The page of the noticeboard, from what was released and the day.

Invariant: pure; every text is escaped, nothing is fetched from anywhere, no program runs in the page, and nothing
moves or reloads by itself. The whole page is one answer.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from typing import Final

from markupsafe import Markup

from appliance.noticeboard.pagefiles import policy_of, style_of, template_of
from appliance.noticeboard.records import SECTIONS
from appliance.noticeboard.snapshot import PostedNotice, Snapshot

_PACKAGE: Final = "appliance.noticeboard"
JST: Final = timezone(timedelta(hours=9), "JST")
_WEEKDAYS: Final = "月火水木金土日"
_NOTHING: Final = "いま掲示はありません。"
_UNREADABLE: Final = "いま掲示板を読めません。先生に知らせてください。"


@dataclass(frozen=True, slots=True)
class _Notice:
    title: str
    audience: str
    days: str
    urgent: bool
    paragraphs: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class _Section:
    name: str
    notices: tuple[_Notice, ...]


def page(snapshot: Snapshot | None, today: date) -> bytes:
    """Return the page of a day; None stands for what cannot be read."""
    shown = [one for one in (snapshot.notices if snapshot else ()) if one.first <= today <= one.until]
    updated = datetime.fromtimestamp(snapshot.at_ms / 1000, JST) if snapshot else None
    text = template_of(_PACKAGE).render(
        school=snapshot.school if snapshot else "",
        style=Markup(style_of(_PACKAGE)),  # noqa: S704 - our own file
        today=_day(today),
        updated=f"{_day(updated.date())} {updated:%H:%M}" if updated else "",
        sections=_sections(shown),
        nothing=_NOTHING if snapshot else _UNREADABLE,
    )
    return text.encode()


def policy() -> str:
    """Return the Content-Security-Policy of the page."""
    return policy_of(_PACKAGE)


def _sections(notices: Sequence[PostedNotice]) -> tuple[_Section, ...]:
    """Return the sections that hold something; what is urgent first, then what ends first."""
    found = []
    for name in (*SECTIONS, ""):
        of = [one for one in notices if one.section == name or (not name and one.section not in SECTIONS)]
        of.sort(key=lambda one: (not one.urgent, one.until, one.title))
        if of:
            found.append(_Section(name or SECTIONS[0], tuple(map(_notice, of))))
    return tuple(sorted(found, key=lambda section: not any(one.urgent for one in section.notices)))


def _notice(one: PostedNotice) -> _Notice:
    days = _day(one.first) if one.first == one.until else f"{_day(one.until)}まで"
    paragraphs = [tuple(part.splitlines()) for part in one.body.split("\n\n") if part.strip()]
    return _Notice(one.title, one.audience, days, one.urgent, tuple(paragraphs))


def _day(on: date) -> str:
    return f"{on.month}月{on.day}日（{_WEEKDAYS[on.weekday()]}）"
