"""An agenda item in words: its line in the list, and all of it to be read."""

from appliance.meetings.views import AgendaItemView, MeetingDetail, PageView, TaskView
from crypto.importance import Importance
from tui.i18n import _

_MOST_NAMES = 12


def item_line(item: AgendaItemView, shown: bool) -> str:
    """Return one line of the list: ▶ is shown to all, ✓ decided, ・ not read yet by oneself, ＋ only proposed."""
    if item.proposed:
        return f"＋{item.title}"
    mark = "▶" if shown else "✓" if item.decision else " " if item.read else "・"
    return f"{mark}{item.number}. {item.title}"


def item_text(item: AgendaItemView) -> str:
    """Return an item to be read."""
    head = item.title if item.proposed else f"{item.number}. {item.title}"
    grave = _("  重要性分類{importance}").format(importance=item.importance.label)
    proposer = _("提案 {proposer}").format(proposer=item.proposer) if item.proposer else ""
    minutes = _("{minutes}分").format(minutes=item.minutes)
    facts = "  ".join(filter(None, (f"【{item.section}】", item.department, proposer, minutes)))
    parts = [head, facts + (grave if item.importance is Importance.II else "")]
    if item.proposed:
        parts.append(_("＋ 提案です。校長・教頭・司会が y で議題に加えます。"))
    parts += ["", item.body] if item.body else []
    parts += ["", _("▼ 資料 {count}件（d で開く）").format(count=len(item.documents))] if item.documents else []
    for said in item.said:
        if not said.addendum:
            parts += ["", _("？ {who}: {text}").format(who=said.who, text=said.text)]
            parts += [_("→ {who}: {text}").format(who=said.answered_by, text=said.answer)] if said.answer else []
    parts += ["", _("▼ 質疑要旨"), item.record] if item.record else []
    if item.decision:
        when = f"{item.decided_at:%m/%d %H:%M}" if item.decided_at else ""
        parts += ["", _("▼ 決定"), item.decision, _("（記入 {who} {at}）").format(who=item.decided_by, at=when)]
    parts += ["", _("▼ 担当"), task_line(item.task)] if item.task else []
    for said in item.said:
        if said.addendum:
            parts += ["", _("▼ 追記（{who} {at}）").format(who=said.who, at=f"{said.at:%m/%d %H:%M}"), said.text]
    parts += ["", _("▼ 自分のメモ（ほかの人には見えません）"), item.note] if item.note else []
    return "\n".join([*parts, "", _readers(item)])


def task_line(task: TaskView) -> str:
    """Return a task in one line."""
    due = f"{task.due:%m/%d}" if task.due else _("期限なし")
    return f"{'✓' if task.done else '□'} {task.text}  {task.owner}  {due}"


def state_line(detail: MeetingDetail) -> str:
    """Return the line under the title."""
    m = detail.meeting
    minutes = sum(item.minutes for item in detail.items if not item.proposed)
    text = _("司会 {chair}  記録 {recorder}  議題 {count}（{minutes}分）  決定 {decided}").format(
        chair=detail.chair or "—",
        recorder=detail.recorder or "—",
        count=m.items,
        minutes=minutes,
        decided=m.decided,
    )
    if detail.hidden:
        text += _("  ⚠開けない議題あり")
    return text


def standing_line(detail: MeetingDetail, page: PageView | None, minutes: str, *, following: bool) -> str:
    """Return the second line: what is shown to all, or whether the principal has confirmed."""
    if page is not None:
        number = next((str(item.number) for item in detail.items if item.item_id == page.item_id), "－")
        told = _("▶ {who} が議題{number}を示しています {minutes}").format(
            who=page.who, number=number, minutes=minutes
        )
        if page.own:
            return _("▶ 議題{number}を全員に示しています {minutes}  l で終わる").format(
                number=number, minutes=minutes
            )
        return told + (_("  追っています") if following else _("  f で追う"))
    confirmed = detail.confirmed
    if confirmed is not None:
        late = _("  ⚠あとから届いた記入があります") if confirmed.changed else ""
        return _("校長確認 {who} {at}").format(who=confirmed.who, at=f"{confirmed.at:%m/%d %H:%M}") + late
    until = detail.proposals_until
    return _("提案の締切 {at}").format(at=f"{until:%m/%d %H:%M}") if until else ""


def _readers(item: AgendaItemView) -> str:
    """Return who has read it, and who has not: names while they fit."""
    text = _("既読 {read}人  未読 {unread}人").format(read=len(item.readers), unread=len(item.unread))
    if not item.unread:
        return text
    names = "・".join(item.unread[:_MOST_NAMES]) + ("…" if len(item.unread) > _MOST_NAMES else "")
    return f"{text}: {names}"
