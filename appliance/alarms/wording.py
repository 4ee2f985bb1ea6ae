"""An alarm as it is read: as JSON for a webhook, as a letter for support.

Invariant: its words come from `words.toml`, its figures from the checks; nothing that somebody typed is in it but
the school's name and code out of the configuration.
"""

from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Any

from appliance.alarms.book import Message
from appliance.alarms.conditions import DOCTOR
from appliance.commands.status import JST, when
from appliance.config import SiteSection
from appliance.health.finding import Finding, State
from appliance.health.words import filled, tell, words
from appliance.messages import language

FORMAT = 1


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
    check = {"disk": "disk", "confirmed": "confirmed", "lease": "lease"}.get(name, "")
    says = filled(words()["check"][check][lang]["says"], message.figures) if check and message.raised else ""
    if name == "verify_failed" and message.raised:
        says = str(message.figures.get("error", ""))
    return Worded(str(entry["code"]), entry[lang]["what"], says, entry[lang]["todo"])


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
    told, letter = worded(message), EmailMessage()
    state = "異常" if message.raised else "解消"
    letter["Subject"] = f"【蔵箱 {state}】{_one_line(site.name)}: {told.what} [{told.code}]"
    letter["From"], letter["To"] = sender, to
    letter["Date"] = format_datetime(datetime.fromtimestamp(message.at_ms / 1000, JST))
    letter["Message-ID"] = f"<{message.id}@kurabako.invalid>"
    letter["Auto-Submitted"] = "auto-generated"
    rows = [
        ("学校", f"{_one_line(site.name)}（{site.school}）"),
        ("箱", f"{site.kind} {site.epoch}  {version}"),
        ("状態", state + (f"（この間に{message.times}回変わりました）" if message.times > 1 else "")),
        ("時刻", when(message.at_ms)),
        ("内容", told.what),
        ("数値", told.says),
        ("すること", told.todo if message.raised else "ありません"),
        ("コード", told.code),
    ]
    letter.set_content("".join(f"{label}: {value}\n" for label, value in rows if value))
    return letter


def _one_line(text: str) -> str:
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())
