"""The status page, from what was gathered and the time.

Invariant: pure; every text is escaped, nothing is fetched from anywhere, no program runs in the page, and nothing
moves or reloads by itself. State is glyph, word and colour; the map says nothing that the table does not.
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib.resources import files
from math import ceil, sqrt
from typing import Final

from markupsafe import Markup

from appliance.health.words import known_alarm
from appliance.health.words import words as alarm_words
from appliance.messages import Language, explain_code
from appliance.noticeboard.pagefiles import policy_of, style_of, template_of
from appliance.session import JST
from appliance.statuspage.gathering import Health, SchoolView

_PACKAGE: Final = "appliance.statuspage"
GLYPHS: Final = {Health.BAD: "✕", Health.WARN: "▲", Health.OK: "●"}
SHAPES: Final = {  # told apart without their colours: a cross, a triangle, a dot
    Health.BAD: "M-9-6L-6-9L0-3L6-9L9-6L3 0L9 6L6 9L0 3L-6 9L-9 6L-3 0Z",
    Health.WARN: "M0-9L9 8L-9 8Z",
    Health.OK: "M-7 0a7 7 0 1 0 14 0a7 7 0 1 0-14 0Z",
}
PATHS: Final[dict[Language, str]] = {"ja": "/", "en": "/en"}
_NAMES: Final[dict[Language, str]] = {"ja": "日本語", "en": "English"}
_STEP: Final = 24
_WIDTH: Final = 600
_MINUTE_MS: Final = 60_000


@dataclass(frozen=True, slots=True)
class _Row:
    name: str
    code: str
    state: str
    glyph: str
    word: str
    notes: tuple[str, ...]
    codes: tuple[str, ...]
    hub: str
    heard: str
    waiting: int
    conflicts: str
    drill: str
    drill_day: str
    lease: str


@dataclass(frozen=True, slots=True)
class _Dot:
    name: str
    state: str
    shape: str
    x: int
    y: int


def page(board: str, schools: Sequence[SchoolView], now_ms: int, lang: Language) -> bytes:
    """Return the page in a language."""
    words = _words()[lang]
    other: Language = "en" if lang == "ja" else "ja"
    dots, width, height = _map(schools)
    text = template_of(_PACKAGE).render(
        lang=lang,
        w=words,
        board=board,
        style=Markup(style_of(_PACKAGE)),  # noqa: S704 - our own file
        at=f"{_time(now_ms):%Y-%m-%d %H:%M}",
        here=PATHS[lang],
        other=PATHS[other],
        other_lang=other,
        other_name=_NAMES[other],
        sums=[
            {
                "state": str(health),
                "glyph": GLYPHS[health],
                "word": words[str(health)],
                "count": sum(view.health is health for view in schools),
            }
            for health in Health
        ],
        rows=[_row(view, words, now_ms, lang) for view in schools],
        dots=dots,
        width=width,
        height=height,
    )
    return text.encode()


def policy() -> str:
    """Return the Content-Security-Policy of the page."""
    return policy_of(_PACKAGE)


def _row(view: SchoolView, words: Mapping[str, str], now_ms: int, lang: Language) -> _Row:
    stored = view.stored
    lease, drill, day = words["none"], words["none"], ""
    if stored.lease_revoked:
        lease = words["revoked"]
    elif stored.lease_until_ms is not None:
        lease = f"{_time(stored.lease_until_ms):%Y-%m-%d}"
    if view.drilled_ms is not None:
        drill = words["passed" if view.drill_passed else "failed"]
        day = f"{_time(view.drilled_ms):%Y-%m-%d}"
    return _Row(
        view.name or view.school,
        view.school,
        str(view.health),
        GLYPHS[view.health],
        words[str(view.health)],
        tuple(words[note] for note in view.notes),
        tuple(_told(code, lang) for code in view.codes),
        words["running" if view.running and view.online else "away" if view.running else "still"],
        words["none"] if stored.heard_ms is None else _ago(now_ms - stored.heard_ms, words),
        view.waiting,
        f"{stored.conflicts} / {stored.held}",
        drill,
        day,
        lease,
    )


def _told(code: str, lang: Language) -> str:
    """Return an error code or an alarm of a box in words."""
    if known_alarm(code):
        return f"{alarm_words()['alarm'][code.partition('.')[0]][lang]['what']} [{code}]"
    return f"{explain_code(code, lang).sentence} [{code}]"


def _ago(age_ms: int, words: Mapping[str, str]) -> str:
    minutes = max(0, age_ms) // _MINUTE_MS
    if minutes < 1:
        return words["now"]
    for name, size in (("days", 1440), ("hours", 60)):
        if minutes >= 2 * size:
            return _counted(minutes // size, words[name])
    return _counted(minutes, words["minutes"])


def _counted(count: int, word: str) -> str:
    return f"{count}{' ' if word.isascii() else ''}{word}"


def _map(schools: Sequence[SchoolView]) -> tuple[list[_Dot], int, int]:
    """Return dots where the schools are, or in rows by their codes where nobody said it."""
    known = [(view, view.at) for view in schools if view.at is not None]
    if not known:
        across = max(1, ceil(sqrt(len(schools) * 4)))
        found = [
            _dot(view, _STEP * (place % across) + _STEP // 2, _STEP * (place // across) + _STEP // 2)
            for place, view in enumerate(sorted(schools, key=lambda view: view.school))
        ]
        return found, _STEP * across, _STEP * max(1, ceil(len(schools) / across))
    lons, lats = [at[0] for _, at in known], [at[1] for _, at in known]
    wide, high = max(lons) - min(lons) or 0.01, max(lats) - min(lats) or 0.01
    height = max(_STEP * 4, min(_WIDTH, round(_WIDTH * high / (wide * 0.82))))  # of a degree of longitude at 35° N
    room = (_WIDTH - _STEP, height - _STEP)
    found = [
        _dot(
            view,
            round(_STEP / 2 + room[0] * (at[0] - min(lons)) / wide),
            round(_STEP / 2 + room[1] * (max(lats) - at[1]) / high),
        )
        for view, at in reversed(known)  # the gravest on top
    ]
    return found, _WIDTH, height


def _dot(view: SchoolView, x: int, y: int) -> _Dot:
    return _Dot(view.name or view.school, str(view.health), SHAPES[view.health], x, y)


def _time(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, JST)


@cache
def _words() -> dict[str, dict[str, str]]:
    return tomllib.loads(files(_PACKAGE).joinpath("words.toml").read_text("utf-8"))
