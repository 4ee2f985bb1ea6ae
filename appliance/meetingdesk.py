"""The meeting desk: what the screens of staff meetings ask for and enter.

Invariant: every method asks the policy before it opens or keeps anything and returns plain views.
"""

from collections.abc import Sequence
from dataclasses import replace

from appliance.meetings import AgendaItem, DecisionRecord, Meeting, MeetingBook, UnknownMeetingError
from appliance.policy import Action
from appliance.session import JST, Session, local_time
from appliance.views import AgendaItemView, MeetingDetail, MeetingView, Saved
from sync.sealed import Plain


class MeetingDesk:
    """Staff meetings over one session."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._book = MeetingBook(session.store)

    def all(self) -> tuple[MeetingView, ...]:
        """Return staff meetings, newest first."""
        self._session.ask(Action.VIEW, Meeting.kind, Meeting.importance)
        items, decisions = self._book.items(), self._book.decisions()
        return tuple(
            _meeting_view(m, items.get(m.id, []), sum(i.id in decisions for i in items.get(m.id, [])))
            for m in self._book.meetings()
        )

    def open(self, meeting_id: str) -> MeetingDetail:
        """Return a meeting with its agenda; raises UnknownMeetingError."""
        self._session.ask(Action.VIEW, AgendaItem.kind, AgendaItem.importance)
        meeting = next((m for m in self._book.meetings() if m.id == meeting_id), None)
        if meeting is None:
            raise UnknownMeetingError(operation="open meeting", subject=meeting_id)
        decisions = self._book.decisions()
        items = self._book.items().get(meeting_id, [])
        views = tuple(self._item_view(item, decisions.get(item.id)) for item in items)
        decided = sum(bool(view.decision) for view in views)
        return MeetingDetail(_meeting_view(meeting, items, decided), meeting.chair, meeting.recorder, views)

    def decide(self, meeting_id: str, item_id: str, text: str) -> Saved:
        """Record what the principal decided on an item; empty text takes it back."""
        self._session.ask(Action.EDIT, DecisionRecord.kind, DecisionRecord.importance)
        return self._session.saved(self._book.decide(meeting_id, item_id, text))

    def add(self, meeting: Meeting, items: Sequence[AgendaItem]) -> Saved:
        """Keep a new meeting with its agenda."""
        self._session.ask(Action.EDIT, Meeting.kind, Meeting.importance)
        return self._session.saved(self._book.add(meeting, items))

    def _item_view(self, item: AgendaItem, decided: tuple[DecisionRecord, Plain] | None) -> AgendaItemView:
        view = AgendaItemView(
            item.id,
            item.number,
            item.section,
            item.department,
            item.title,
            item.proposer,
            item.minutes,
            item.body,
        )
        if decided is None:
            return view
        decision, plain = decided
        name, at = self._session.author_name(plain), local_time(plain.at_ms)
        return replace(view, decision=decision.text, decided_by=name, decided_at=at)


def _meeting_view(meeting: Meeting, items: Sequence[AgendaItem], decided: int) -> MeetingView:
    starts = meeting.starts.astimezone(JST)
    return MeetingView(meeting.id, meeting.title, starts, meeting.place, len(items), decided)
