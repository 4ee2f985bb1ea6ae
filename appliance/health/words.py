"""What a finding is called, what it says and what to do about it, in staff Japanese and in English.

Invariant: every check and every alarm has a stable code and words in both languages (`words.toml`; a test walks
them); a figure that is missing is shown as a dash.
"""

import tomllib
from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from appliance.health.finding import DENIED, FAILED, LATE, SILENT, Figure, Finding, State
from appliance.messages import Language, catalogue, explain_code, language

STATE_WORDS: Final = {
    "ja": {State.OK: "✓ 正常", State.WARN: "▲ 注意", State.BAD: "✗ 異常", State.NONE: "－ 対象外"},
    "en": {State.OK: "✓ ok", State.WARN: "▲ warn", State.BAD: "✗ bad", State.NONE: "- n/a"},
}
_NOT_KNOWN: Final = {"ja": "？ 不明", "en": "? not known"}
_UNSEEN: Final = frozenset((DENIED, LATE, FAILED, SILENT))
_SPANS: Final = ("minutes", "hours", "days")
_NEXT: Final = (60, 24)
_CODES: Final = ("error", "problem", "codes")


@dataclass(frozen=True, slots=True)
class Told:
    """A finding in words; `todo` is empty when there is nothing to do."""

    code: str
    what: str
    says: str
    todo: str


@cache
def words() -> dict[str, Any]:
    """Return the whole table: `check`, `reason`, `span`, `value` and `alarm`."""
    return tomllib.loads(Path(__file__).with_name("words.toml").read_text("utf-8"))


def code_of(check: str) -> str:
    """Return a check's stable code."""
    return str(words()["check"][check]["code"])


def known_alarm(alarm: str) -> bool:
    """Say whether there are words for an alarm, such as `disk` or `doctor.units`."""
    name, _, check = alarm.partition(".")
    return name in words()["alarm"] and (not check or check in words()["check"])


def state_word(finding: Finding, lang: Language | None = None) -> str:
    """Return how a finding stands; what could not be looked at is not called one that does not apply."""
    chosen = lang or language()
    unseen = finding.state is State.NONE and finding.reason in _UNSEEN
    return _NOT_KNOWN[chosen] if unseen else STATE_WORDS[chosen][finding.state]


def tell(finding: Finding, lang: Language | None = None) -> Told:
    """Put a finding into words."""
    chosen = lang or language()
    entry = words()["check"][finding.check]
    text = entry[chosen]
    if finding.reason:
        error = f" ({finding.figures['error']})" if "error" in finding.figures else ""
        says = f"{words()['reason'][finding.reason][chosen]}{error}"
    else:
        form = text.get("fine", text["says"]) if finding.state is State.OK else text["says"]
        says = filled(form, finding.figures, chosen)
    wanted = finding.state in (State.WARN, State.BAD)
    todo = [text["todo"], *_hints(finding.figures, chosen)] if wanted else []
    return Told(str(entry["code"]), text["what"], says, " ".join(todo))


def filled(template: str, figures: dict[str, Figure], lang: Language) -> str:
    """Put figures into a sentence; a list is joined, an empty one and what is missing are a dash."""
    shown: dict[str, str] = defaultdict(lambda: "—")
    for name, value in figures.items():
        several = value if isinstance(value, tuple | list) else (value,)
        shown[name] = ", ".join(_shown(name, one, lang) for one in several) or "—"
    return template.format_map(shown)


def _shown(name: str, value: Figure, lang: Language) -> str:
    """Return a figure as it is read: a code with its sentence, one of a closed list by its word."""
    if name in _CODES and value in catalogue(lang):
        return f"{explain_code(str(value), lang).sentence} [{value}]"
    if name in _SPANS and isinstance(value, int):
        return _span(name, value, lang)
    told = words()["value"].get(name, {}).get(value)
    return str(value if told is None else told[lang])


def _span(unit: str, count: int, lang: Language) -> str:
    """Return a span of time in a unit that people count in."""
    at = _SPANS.index(unit)
    for longer, size in zip(_SPANS[at + 1 :], _NEXT[at:], strict=True):
        if count < 2 * size:
            break
        unit, count = longer, count // size
    return str(words()["span"][unit][lang]).format(count=count)


def _hints(figures: dict[str, Figure], lang: Language) -> list[str]:
    """Return what the catalogue of errors advises for each of the codes among the figures."""
    codes: list[str] = []
    for value in (figures.get("error"), figures.get("problem"), figures.get("codes")):
        codes += [value] if isinstance(value, str) else list(value) if isinstance(value, tuple | list) else []
    return [explain_code(code, lang).hint for code in dict.fromkeys(codes) if code in catalogue(lang)]
