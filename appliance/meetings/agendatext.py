"""A meeting and its agenda as a text that people write and paste: Markdown, or what a word processor left of it.

Invariant: what is read is a whole meeting or a fault that names the line; nothing is guessed away. Headings name
the sections, and a line of a list is an item: 「- 題（分掌・提案者・10分・Ⅱ）」. Pasted lists begin with 1. (1) ①
・ ● as often as with a hyphen, and no Markdown reader knows those as lists; so lines are read here.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from typing import Final

from appliance.errors import ApplianceError
from appliance.messages import language
from appliance.session import JST
from crypto.importance import Importance

SECTIONS: Final = ("報告", "協議", "連絡")
_MOST_REPEATS: Final = 52
_HEADING: Final = re.compile(r"^(#{1,6})\s*(.+?)\s*#*$")
_HEAD: Final = re.compile(r"^([^:：\s]{2,4})\s*[:：]\s*(.*)$")
_ITEM: Final = re.compile(r"^(?:[-*+・●○◆■]\s*|\d{1,2}\s*[.．、)）]\s*|[(（]\d{1,2}[)）]\s*|[①-⑳]\s*)(?=\S)(.+)$")
_FACTS: Final = re.compile(r"^(.*?)\s*[(（]([^()（）]*)[)）]$")
_MINUTES: Final = re.compile(r"^(\d{1,3})分$")
_DAY: Final = re.compile(r"^(?:(\d{4})[-/.年])?\s*(\d{1,2})[-/.月](\d{1,2})日?\s*(?:\([^)]*\))?\s*(.*)$")
_TIME: Final = re.compile(r"^(\d{1,2})(?::(\d{2})|時(?:(\d{1,2})分)?|時(半))?$")
_UNTIL: Final = re.compile(r"[-~〜–―]|から")
_REPEAT: Final = re.compile(r"^(毎週|隔週|毎月)\s*(\d{1,2})回$")
_GRAVE: Final = {"I": Importance.I, "II": Importance.II, "III": Importance.III, "IV": Importance.IV}
_SPLIT: Final = re.compile(r"[・、,，/／]")


class AgendaTextError(ApplianceError):
    """The text of a meeting cannot be read; parameters `line` (1 is the first) and `fault`."""

    code = "APP-431"


_FAULTS: Final = {
    "title": ("題がありません", "there is no title"),
    "starts": ("日時がありません", "there is no time"),
    "items": ("議題がありません", "there is no item"),
    "section": ("区分は報告・協議・連絡のどれかです", "a section is 報告, 協議 or 連絡"),
    "stray": ("議題の前に文があります", "there is a text before the first item"),
    "importance": ("重要性分類はⅡかⅢです", "the importance is Ⅱ or Ⅲ"),
    "day": ("日時の形が違います", "this is no day and time"),
    "encoding": ("文字コードが UTF-8 でも Shift_JIS でもありません", "neither UTF-8 nor Shift_JIS"),
    "repeat": ("繰り返しは 毎週・隔週・毎月 と回数です", "repeat is 毎週, 隔週 or 毎月 and a count"),
}


@dataclass(frozen=True, slots=True)
class ItemText:
    """An item as it is written."""

    section: str
    title: str
    department: str = ""
    proposer: str = ""
    minutes: int = 10
    body: str = ""
    importance: Importance = Importance.III


@dataclass(frozen=True, slots=True)
class MeetingText:
    """A meeting as it is written; `starts` holds each time of a recurring one."""

    title: str
    starts: tuple[datetime, ...]
    place: str = ""
    chair: str = ""
    recorder: str = ""
    proposals_until: datetime | None = None
    absent: tuple[str, ...] = ()
    items: tuple[ItemText, ...] = ()


def read_meeting(text: str, today: date) -> MeetingText:
    """Read a whole meeting; a day without a year is the next one from `today` on. Raises AgendaTextError."""
    lines = _lines(text)
    title, heads, first = "", dict[str, tuple[int, str]](), len(lines)
    for place, line in enumerate(lines):
        heading, head = _HEADING.match(line), _HEAD.match(line)
        if heading and len(heading[1]) == 1 and not title:
            title = heading[2]
        elif head and head[1] in _HEADS and (title or not heading):
            heads[_HEADS[head[1]]] = (place + 1, head[2])
        elif line and title:
            first = place
            break
        elif line:
            title = line
    if not title:
        raise _fault(1, "title")
    if "starts" not in heads:
        raise _fault(1, "starts")
    starts = _moment(*heads["starts"], today)
    until = _moment(*heads["until"], starts.date(), after=False) if heads.get("until", (0, ""))[1] else None
    absent = tuple(filter(None, _SPLIT.split(heads.get("absent", (0, ""))[1])))
    said = {name: heads[name][1] for name in ("place", "chair", "recorder") if name in heads}
    whole = MeetingText(
        title, _repeated(starts, *heads.get("repeat", (0, ""))), proposals_until=until, absent=absent
    )
    return replace(whole, **said, items=tuple(_items(lines, first)))  # type: ignore[arg-type]  # texts only


def read_items(text: str) -> tuple[ItemText, ...]:
    """Read items alone; raises AgendaTextError, also when there are none."""
    found = tuple(_items(_lines(text), 0))
    if not found:
        raise _fault(1, "items")
    return found


def decoded(data: bytes) -> str:
    """Return the text of a file in UTF-8 or cp932, as Windows writes both; raises AgendaTextError."""
    for encoding in ("utf-8-sig", "cp932"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise _fault(1, "encoding")


def _fault(line: int, name: str) -> AgendaTextError:
    told = _FAULTS[name][language() == "en"]
    return AgendaTextError(operation="read meeting", subject=name, line=line, fault=told)


_HEADS: Final = {
    "日時": "starts",
    "場所": "place",
    "司会": "chair",
    "記録": "recorder",
    "欠席": "absent",
    "提案締切": "until",
    "繰り返し": "repeat",
}


@dataclass
class _Open:
    item: ItemText
    body: list[str] = field(default_factory=list)

    def closed(self) -> ItemText:
        return replace(self.item, body="\n".join(self.body).strip())


def _lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n")]


def _items(lines: Sequence[str], first: int) -> Iterator[ItemText]:
    section, now = SECTIONS[0], None
    for place, line in enumerate(lines[first:], first + 1):
        heading, item = _HEADING.match(line), _ITEM.match(line)
        named = _section(heading[2] if heading else line)
        if named or heading:
            if now:
                yield now.closed()
            if not named:
                raise _fault(place, "section")
            section, now = named, None
        elif item:
            if now:
                yield now.closed()
            now = _Open(_item(section, item[1], place))
        elif now is not None:
            now.body.append(line[2:] if line.startswith("  ") else line.removeprefix("　"))
        elif line:
            raise _fault(place, "stray")
    if now:
        yield now.closed()


def _section(line: str) -> str:
    """Return which section a line names, bare or in brackets or numbered, as in 【協議事項】."""
    bare = re.sub(r"^[\d.．、\s]+|[\[\]【】〔〕<>＜＞:：\s]|事項$", "", line.replace("事項", ""))
    return bare if bare in SECTIONS else ""


def _item(section: str, line: str, place: int) -> ItemText:
    found = _FACTS.match(line)
    title, facts = (found[1], _SPLIT.split(found[2])) if found and found[1] else (line, [])
    names, minutes, importance = [], 10, Importance.III
    for fact in (unicodedata.normalize("NFKC", one).strip() for one in facts):
        if took := _MINUTES.match(fact):
            minutes = int(took[1])
        elif fact in _GRAVE:
            importance = _GRAVE[fact]
        elif fact:
            names.append(fact)
    if len(names) > 2:  # brackets that belong to the title
        return ItemText(section, line)
    if importance not in (Importance.II, Importance.III):
        raise _fault(place, "importance")
    department, proposer = [*names, "", ""][:2]
    return ItemText(section, title, department, proposer, minutes, "", importance)


def _moment(line: int, text: str, today: date, *, after: bool = True) -> datetime:
    """Read a day and a time of Japan; a day alone is its last minute."""
    found = _DAY.match(unicodedata.normalize("NFKC", text).strip())
    clock = _TIME.match(_UNTIL.split(found[4])[0].strip()) if found and found[4] else None
    if not found or (found[4] and not clock) or (after and not clock):
        raise _fault(line, "day")
    try:
        on = date(int(found[1] or today.year), int(found[2]), int(found[3]))
        if not found[1] and (on < today if after else on > today):
            on = on.replace(year=on.year + (1 if after else -1))
        at = time(int(clock[1]), int(clock[2] or clock[3] or (30 if clock[4] else 0))) if clock else time(23, 59)
    except ValueError:
        raise _fault(line, "day") from None
    return datetime.combine(on, at, JST)


def _repeated(first: datetime, line: int, text: str) -> tuple[datetime, ...]:
    if not text:
        return (first,)
    found = _REPEAT.match(unicodedata.normalize("NFKC", text).strip())
    count = int(found[2]) if found else 0
    if not found or not 1 <= count <= _MOST_REPEATS:
        raise _fault(line, "repeat")
    if found[1] == "毎月":
        return tuple(_months_on(first, months) for months in range(count))
    weeks = 1 if found[1] == "毎週" else 2
    return tuple(first + timedelta(weeks=weeks * n) for n in range(count))


def _months_on(first: datetime, months: int) -> datetime:
    """Return the same weekday of a later month: the second Wednesday stays the second; a fifth one the last."""
    year, month = divmod(first.year * 12 + first.month - 1 + months, 12)
    begin = first.replace(year=year, month=month + 1, day=1)
    on = begin + timedelta(days=(first.weekday() - begin.weekday()) % 7, weeks=(first.day - 1) // 7)
    return on if on.month == begin.month else on - timedelta(weeks=1)
