"""An alarm as it is read: as JSON for a webhook, as a letter for support.

Invariant: its words come from `words.toml`, its figures from the checks; nothing that somebody typed is in it but
the school's name and code out of the configuration.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Any, Final

from appliance.alarms.book import Message
from appliance.alarms.conditions import DOCTOR
from appliance.commands.status import JST, when
from appliance.config import SiteSection
from appliance.health.finding import Figure, Finding, State
from appliance.health.words import filled, tell, words
from appliance.messages import Language, language

FORMAT = 1
_WITH_FIGURES: Final = ("disk", "inodes", "confirmed", "lease", "clock")
_LABELS: Final = {
    "ja": {
        "subject": "【蔵箱 {state}】",
        "raised": "通報",
        "cleared": "解消",
        "times": "（この間に{times}回変わりました）",
        "nothing": "ありません",
        "box": "学校の箱（{epoch}代目、版 {version}）",
        "hub": "教育委員会のハブ（版 {version}）",
        "school": "学校",
        "place": "どこで",
        "state": "種類",
        "at": "時刻",
        "what": "内容",
        "says": "様子",
        "todo": "すること",
        "code": "コード",
    },
    "en": {
        "subject": "[Kurabako {state}] ",
        "raised": "alarm",
        "cleared": "all clear",
        "times": " (changed {times} times meanwhile)",
        "nothing": "nothing",
        "box": "the school's box (life {epoch}, version {version})",
        "hub": "the board's hub (version {version})",
        "school": "School",
        "place": "Where",
        "state": "Kind",
        "at": "Time",
        "what": "What",
        "says": "State",
        "todo": "What to do",
        "code": "Code",
    },
}


@dataclass(frozen=True, slots=True)
class Worded:
    """An alarm in words; `says` are the figures, where there are some."""

    code: str
    what: str
    says: str
    todo: str


def worded(message: Message) -> Worded:
    """Put an alarm into words."""
    lang, (name, _, check) = language(), message.alarm.partition(".")
    entry = words()["alarm"][name]
    if message.alarm.startswith(DOCTOR):
        told = tell(Finding(check, State.BAD, message.figures))
        return Worded(
            str(entry["code"]), f"{entry[lang]['what']}: {told.what}", f"{told.says} [{told.code}]", told.todo
        )
    says = filled(_form(name, message.figures, lang), message.figures, lang) if message.raised else ""
    return Worded(str(entry["code"]), entry[lang]["what"], says, entry[lang]["todo"])


def _form(name: str, figures: Mapping[str, Figure], lang: Language) -> str:
    """Return how an alarm's figures are said: as the check does that they come from."""
    if name == "verify_failed":
        return "{error}"
    check = {"disk": "disk" if "gib" in figures else "inodes"}.get(name, name)
    return str(words()["check"][check][lang]["says"]) if check in _WITH_FIGURES and figures else ""


def as_json(message: Message, site: SiteSection, version: str) -> dict[str, Any]:
    """Return the documented JSON shape."""
    told = worded(message)
    return {
        "format": FORMAT,
        "id": message.id,
        "alarm": message.alarm,
        "code": told.code,
        "state": "raised" if message.raised else "cleared",
        "times": message.times,
        "at_ms": message.at_ms,
        "school": site.school,
        "name": site.name,
        "site": site.kind,
        "epoch": site.epoch,
        "version": version,
        "what": told.what,
        "says": told.says,
        "todo": told.todo if message.raised else "",
    }


def as_letter(message: Message, site: SiteSection, version: str, sender: str, to: str) -> EmailMessage:
    """Return the letter; the same alarm always has the same Message-ID, so that a second copy is known as one."""
    told, letter, label = worded(message), EmailMessage(), _LABELS[language()]
    state = label["raised" if message.raised else "cleared"]
    letter["Subject"] = f"{label['subject'].format(state=state)}{_one_line(site.name)}: {told.what} [{told.code}]"
    letter["From"], letter["To"] = sender, to
    letter["Date"] = format_datetime(datetime.fromtimestamp(message.at_ms / 1000, JST))
    letter["Message-ID"] = f"<{message.id}@kurabako.invalid>"
    letter["Auto-Submitted"] = "auto-generated"
    rows = [
        ("school", f"{_one_line(site.name)} ({site.school})"),
        ("place", label["hub" if site.kind == "hub" else "box"].format(epoch=site.epoch, version=version)),
        ("state", state + (label["times"].format(times=message.times) if message.times > 1 else "")),
        ("at", when(message.at_ms)),
        ("what", told.what),
        ("says", told.says),
        ("todo", told.todo if message.raised else label["nothing"]),
        ("code", told.code),
    ]
    letter.set_content("".join(f"{label[name]}: {value}\n" for name, value in rows if value))
    return letter


def _one_line(text: str) -> str:
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())
