"""Finding a text in all the years' meetings: the full text, as it stands opened in memory.

Invariant: full-width, half-width and small letters are one; what is searched was opened for this person already.
"""

import unicodedata
from collections.abc import Iterable, Iterator

from appliance.meetings.views import AgendaItemView, Hit, MeetingDetail

_AROUND = 24


def find(meetings: Iterable[MeetingDetail], text: str) -> tuple[Hit, ...]:
    """Return each field of each item that holds all the words of a text."""
    words = _folded(text).split()
    if not words:
        return ()
    return tuple(hit for detail in meetings for hit in _hits(detail, words))


def _hits(detail: MeetingDetail, words: list[str]) -> Iterator[Hit]:
    m = detail.meeting
    if all(word in _folded(m.title) for word in words):
        yield Hit(m.meeting_id, "", m.title, m.starts, "会議", m.title)
    for item in detail.items:
        for where, said in _fields(item):
            if all(word in _folded(said) for word in words):
                excerpt = _excerpt(said, words[0])
                yield Hit(m.meeting_id, item.item_id, m.title, m.starts, f"{item.number}. {where}", excerpt)


def _fields(item: AgendaItemView) -> Iterator[tuple[str, str]]:
    yield "議題", f"{item.title} {item.department} {item.proposer}"
    yield "資料", item.body
    yield "決定", item.decision
    yield "質疑", item.record
    if item.task:
        yield "担当", f"{item.task.text} {item.task.owner}"
    for said in item.said:
        yield ("追記" if said.addendum else "質問"), f"{said.text} {said.answer}"


def _excerpt(text: str, word: str) -> str:
    flat = " ".join(text.split())
    at = max(0, _folded(flat).find(word))  # folding may change lengths: near enough to show the place
    begin = max(0, at - _AROUND)
    end = at + len(word) + _AROUND
    return ("…" if begin else "") + flat[begin:end] + ("…" if end < len(flat) else "")


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()
