"""Sentences a person reads for an error code, in staff Japanese and in English.

Invariant: every code raised anywhere has an entry in both catalogues (a test walks the subclasses), and an
error is always explained: an unknown code or a missing parameter falls back to a sentence that still names
the code.
"""

import os
import tomllib
from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final, Literal

from appliance.exits import Exit
from crypto.errors import KurabakoError

Language = Literal["ja", "en"]
# Every command needs it, and `importlib.resources` takes as long to be imported as the half of them.
_FOLDER: Final = Path(__file__).with_name("catalogue")

_FALLBACK: dict[Language, tuple[str, str]] = {
    "ja": (
        "思わぬ問題が起きました。保存済の記録は失われていません。",
        "コードを控えて、ICT支援員に知らせてください。",
    ),
    "en": (
        "Something unexpected happened. Entries shown as saved are not lost.",
        "Note the code and tell ICT support.",
    ),
}


@dataclass(frozen=True, slots=True)
class Explained:
    """An error in words: what happened and whether the data is safe, what to do, the code, the exit code."""

    sentence: str
    hint: str
    code: str
    exit: Exit


def language(environ: dict[str, str] | None = None) -> Language:
    """Return the language of messages: `KURABAKO_LANG`, else `LC_ALL`/`LC_MESSAGES`/`LANG`, else Japanese."""
    env = os.environ if environ is None else environ
    for name in ("KURABAKO_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        value = env.get(name, "")
        if value.startswith("en"):
            return "en"
        if value.startswith("ja"):
            return "ja"
    return "ja"


@cache
def catalogue(lang: Language) -> dict[str, dict[str, str | int]]:
    """Return the catalogue of one language: code → {sentence, hint, exit?}."""
    return tomllib.loads((_FOLDER / f"{lang}.toml").read_text("utf-8"))


def explain(error: BaseException, lang: Language | None = None) -> Explained:
    """Explain any exception; one that carries no code is explained by the fallback as GEN-000."""
    chosen = lang or language()
    if not isinstance(error, KurabakoError):
        sentence, hint = _FALLBACK[chosen]
        return Explained(sentence, hint, f"GEN-000 {type(error).__name__}", Exit.FAILED)
    entry = catalogue(chosen).get(error.code)
    if entry is None:
        sentence, hint = _FALLBACK[chosen]
        return Explained(sentence, hint, error.code, Exit.FAILED)
    exit_code = Exit(int(entry.get("exit", Exit.FAILED)))
    return Explained(_fill(str(entry["sentence"]), error), _fill(str(entry["hint"]), error), error.code, exit_code)


def explain_code(code: str, lang: Language | None = None, **params: str) -> Explained:
    """Explain a code without its error, as warnings in a status carry it; what is not given is shown as a dash."""
    chosen = lang or language()
    entry = catalogue(chosen).get(code)
    if entry is None:
        return Explained(*_FALLBACK[chosen], code, Exit.FAILED)
    blank = defaultdict(lambda: "—", params)
    sentence, hint = (str(entry[part]).format_map(blank) for part in ("sentence", "hint"))
    return Explained(sentence, hint, code, Exit(int(entry.get("exit", Exit.FAILED))))


def _fill(template: str, error: KurabakoError) -> str:
    values = {"operation": error.operation, "subject": error.subject, **error.params}
    try:
        return template.format_map(values)
    except (KeyError, IndexError, ValueError):
        return template
