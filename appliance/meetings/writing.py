"""A meeting written out: as the text it can be read from again, as minutes in Markdown and on paper.

Invariant: what `agenda_text` writes `read_meeting` reads back as the same meeting; minutes say everything that
東京都's notice asks of a 会議録: when, where, chair, recorder, absent, what was asked, decided, and who confirmed.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from importlib.resources import files
from typing import Final

from appliance.meetings.agendatext import SECTIONS
from appliance.meetings.views import AgendaItemView, MeetingDetail
from appliance.release.sheet import Align, Column, Sheet
from crypto.importance import Importance

_SEALS: Final = ("校長印", "教頭印", "記録者印")
TEMPLATES: Final = {
    "staff": "職員会議",
    "planning": "企画委員会",
    "grade": "学年会",
    "training": "校内研修",
}


def template_text(name: str, today: date) -> str:
    """Return a template with the next days filled in."""
    day = today + timedelta(weeks=1)
    before = day - timedelta(days=2)
    text = files("appliance.meetings").joinpath("templates", f"{name}.md").read_text("utf-8")
    return text.format(month=day.month, day=f"{day:%Y-%m-%d}", before=f"{before:%Y-%m-%d}")


def agenda_text(detail: MeetingDetail) -> str:
    """Return a meeting as the text that it can be read from."""
    return "\n".join([*_head(detail), *_agenda(detail)]) + "\n"


def minutes_text(detail: MeetingDetail) -> str:
    """Return the minutes 会議録 as Markdown."""
    lines = [*_head(detail)]
    for section in SECTIONS:
        found = [item for item in detail.items if item.section == section and not item.proposed]
        lines += ["", f"## {section}"] if found else []
        for item in found:
            lines += ["", f"### {item.number}. {item.title}{_facts(item)}", "", *minutes_lines(item)]
    return "\n".join([*lines, "", confirmed_line(detail), ""])


def minutes_sheet(detail: MeetingDetail) -> Sheet:
    """Return the minutes as a table to be printed: a row for each item."""
    m = detail.meeting
    columns = (Column("番号", 4, Align.RIGHT), Column("区分", 6), Column("議題", 24), Column("内容", 62))
    rows = tuple(
        (item.number, item.section, f"{item.title}\n{_facts(item)}", "\n".join(minutes_lines(item)))
        for item in detail.items
        if not item.proposed
    )
    title = f"会議録　{m.title}　{m.starts:%Y年%m月%d日 %H:%M}"
    return Sheet(title, columns, rows, (*list(_head(detail))[1:], confirmed_line(detail)), seals=_SEALS)


def minutes_lines(item: AgendaItemView) -> Iterator[str]:
    """Yield what was said and decided on an item, one paragraph a line."""
    if item.body:
        yield item.body
    for said in item.said:
        if not said.addendum:
            yield f"- 事前質問（{said.who}）: {said.text}"
            if said.answer:
                yield f"  - 回答（{said.answered_by}）: {said.answer}"
    if item.record:
        yield f"- 質疑要旨: {item.record}"
    if item.decision:
        yield f"- 決定（校長の決定）: {item.decision}"
    if item.task:
        due = f"・{item.task.due:%Y-%m-%d} まで" if item.task.due else ""
        done = "・済" if item.task.done else ""
        yield f"- 担当: {item.task.owner}{due}{done}: {item.task.text}"
    for said in item.said:
        if said.addendum:
            yield f"- 追記（{said.who} {said.at:%Y-%m-%d %H:%M}）: {said.text}"


def confirmed_line(detail: MeetingDetail) -> str:
    """Return the last line: who confirmed the minutes, or that nobody has."""
    confirmed = detail.confirmed
    if confirmed is None:
        return "校長確認: まだ"
    late = "（確認のあとに届いた記入があります）" if confirmed.changed else ""
    return f"校長確認: {confirmed.who} {confirmed.at:%Y-%m-%d %H:%M}{late}"


def _head(detail: MeetingDetail) -> Iterator[str]:
    m = detail.meeting
    yield f"# {m.title}"
    yield f"日時: {m.starts:%Y-%m-%d %H:%M}"
    for name, text in (("場所", m.place), ("司会", detail.chair), ("記録", detail.recorder)):
        yield f"{name}: {text}"
    if detail.absent:
        yield f"欠席: {'・'.join(detail.absent)}"
    if detail.proposals_until:
        yield f"提案締切: {detail.proposals_until:%Y-%m-%d %H:%M}"


def _agenda(detail: MeetingDetail) -> Iterator[str]:
    section = ""
    for item in detail.items:
        if item.proposed:
            continue
        if item.section != section:
            section = item.section
            yield from ("", f"## {section}")
        yield f"- {item.title}{_facts(item)}"
        yield from (f"  {line}" if line else "" for line in item.body.split("\n") if item.body)


def _facts(item: AgendaItemView) -> str:
    grave = "Ⅱ" if item.importance is Importance.II else ""
    names = (item.department, item.proposer) if item.department or not item.proposer else ("", item.proposer)
    return f"（{'・'.join(filter(None, (*names, f'{item.minutes}分', grave)))}）"
