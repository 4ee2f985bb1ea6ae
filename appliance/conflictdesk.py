"""The conflict desk 競合: records that two people changed without knowing of each other, and settling them.

Invariant: nothing is discarded. Who settles keeps a new change over everything that stood there when they looked;
what came in between is refused by name first, and what comes even later stands beside it as the next conflict.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from appliance.attendance.desk import UnknownCodeError
from appliance.attendance.records import Mark, Reason, natural
from appliance.classification.model import Action
from appliance.conflictreader import ConflictReader, strictest
from appliance.conflicts import RecordWords, read
from appliance.errors import ApplianceError
from appliance.meetings.records import AgendaItem, Answer, DecisionRecord
from appliance.session import Session
from appliance.views import (
    AttendanceCode,
    ChangeLine,
    ConflictView,
    Entry,
    HeldChange,
    MarkValue,
    Saved,
    TextValue,
)
from crypto.importance import Importance
from sync import reading
from sync.conflicts import ConflictCounter, Held, conflicting, held_back
from sync.reader import Row
from sync.sealed import Draft

Choice = int | MarkValue | TextValue
"""The place of the side that is to stand, or another value."""

_encode: Final = msgspec.msgpack.encode
_Things = Sequence[msgspec.Struct | None]


class ConflictChangedError(ApplianceError):
    """The record changed since it was shown. `now` is how it stands, None when it is settled."""

    code = "APP-230"
    now: ConflictView | None = None


class BoardSettlesError(ApplianceError):
    """The board made one of the values of a roster or a calendar: the board settles it."""

    code = "APP-231"


class NoSuchValueError(ApplianceError):
    """A record of this kind takes no value like this."""

    code = "APP-232"


class ConflictDesk:
    """Conflicts and quarantine over one session."""

    def __init__(self, session: Session, codes: Sequence[AttendanceCode]) -> None:
        self._session = session
        self._codes = frozenset(code.code for code in codes)
        self._words = RecordWords(session, codes)
        self._conflicts = ConflictReader(session, self._words)
        self._counter = ConflictCounter(session.store.reader)

    def count(self) -> int:
        """Return how many records are in conflict. Cheap; needs no key."""
        return self._counter.counts()[0]

    def held_count(self) -> int:
        """Return how many changes are in quarantine or were found to be unreadable. Cheap; needs no key."""
        return self._counter.counts()[1] + len(reading.unread(self._session.store))

    def all(self) -> tuple[ConflictView, ...]:
        """Return every record in conflict, newest first."""
        self._session.ask(Action.VIEW, Mark.kind, Mark.importance)
        reader = self._session.store.reader
        wanted: dict[str, list[bytes]] = {}
        for kind, record in conflicting(reader):
            wanted.setdefault(kind, []).append(record)
        found: dict[tuple[str, bytes], list[Row]] = {}
        for kind, records in wanted.items():
            for row in reader.heads(kind, records):
                found.setdefault((kind, row.record), []).append(row)
        every = [sorted(rows, key=lambda row: row.change_id) for rows in found.values() if len(rows) > 1]
        every.sort(key=lambda rows: rows[-1].change_id, reverse=True)
        return tuple(self._conflicts.view(rows) for rows in every)

    def preview(self, conflict: ConflictView, choice: Choice) -> str:
        """Return in words what `settle` would record; raises what `settle` raises, and keeps nothing."""
        payload = self._payload(conflict, choice, self._settleable(conflict, choice))
        if conflict.kind == Mark.kind:
            return "\n".join(self._words.facts(conflict.kind, payload))
        if isinstance(choice, TextValue):
            return choice.text.strip() or "\n".join(self._words.facts(conflict.kind, payload))
        return conflict.sides[choice].value if isinstance(choice, int) else ""

    def settle(self, conflict: ConflictView, choice: Choice) -> Saved:
        """Keep a change over all values that stand there: one of them, or another.

        Raises PolicyDeniedError, BoardSettlesError, UnknownCodeError, NoSuchValueError, and ConflictChangedError
        when the record is no longer as `conflict` shows it.
        """
        rows = self._settleable(conflict, choice)
        payload = self._payload(conflict, choice, rows)
        heads = tuple(row.change_id for row in rows)
        draft = Draft(conflict.kind, conflict.record, strictest(rows), payload, heads)
        saved = self._session.saved(self._session.store.put([draft, *self._beside(conflict.kind, payload)]))
        self._session.roster.refresh()
        return saved

    def history(self, conflict: ConflictView) -> tuple[ChangeLine, ...]:
        """Return every change of a record, newest first: what stands, and what was replaced."""
        self._session.ask(Action.VIEW, Mark.kind, Mark.importance)
        return self._conflicts.history(conflict.kind, conflict.record)

    def held(self) -> tuple[HeldChange, ...]:
        """Return what is in quarantine or was found to be unreadable, newest first, and why."""
        self._session.ask(Action.VIEW, Mark.kind, Mark.importance)
        store = self._session.store
        held = [*held_back(store.reader), *(Held(row, "unreadable") for row in reading.unread(store))]
        held.sort(key=lambda one: one.row.change_id, reverse=True)
        return tuple(self._conflicts.held(one) for one in held)

    def _settleable(self, conflict: ConflictView, choice: Choice) -> list[Row]:
        """Ask everything that must hold before something is kept; return what stands in the record."""
        importance = Importance.II if conflict.kind == Reason.kind else Importance.III
        self._session.ask(Action.EDIT, conflict.kind, importance)
        rows = self._unchanged(conflict)
        self._session.ask(Action.EDIT, conflict.kind, strictest(rows))
        self._session.ask(Action.VIEW, conflict.kind, strictest(rows))  # nobody decides on what they cannot read
        if self._conflicts.for_the_board(rows):
            raise BoardSettlesError(operation="settle conflict", subject=conflict.kind)
        self._check(conflict, choice)
        return rows

    def _unchanged(self, conflict: ConflictView) -> list[Row]:
        """Return what stands in the record; raises ConflictChangedError when it is not what was shown."""
        rows = self._conflicts.heads(conflict.kind, conflict.record)
        if {row.change_id for row in rows} != conflict.heads:
            error = ConflictChangedError(operation="settle conflict", subject=conflict.kind)
            error.now = self._conflicts.view(rows) if len(rows) > 1 else None
            raise error
        return rows

    def _check(self, conflict: ConflictView, choice: Choice) -> None:
        """Refuse a value that a record of this kind cannot have."""
        if isinstance(choice, int):
            fits = 0 <= choice < len(conflict.sides)
        else:
            fits = conflict.entry is (Entry.MARK if isinstance(choice, MarkValue) else Entry.TEXT)
        if not fits:
            raise NoSuchValueError(operation="settle conflict", subject=conflict.kind)
        if isinstance(choice, MarkValue) and choice.code and choice.code not in self._codes:
            raise UnknownCodeError(operation="settle conflict", subject=choice.code, code_name=choice.code)

    def _payload(self, conflict: ConflictView, choice: Choice, rows: Sequence[Row]) -> bytes:
        """Return the bytes to keep; raises NoSuchValueError when they cannot be made of what stands there."""
        payloads = [self._conflicts.open(row) for row in rows]
        things = [read(conflict.kind, payload) if payload else None for payload in payloads]
        made = _made(things[choice] if isinstance(choice, int) else _newest(things), choice, things)
        if made is not None:
            return _encode(made)
        chosen = payloads[choice] if isinstance(choice, int) else None
        if chosen is None:
            raise NoSuchValueError(operation="settle conflict", subject=conflict.kind)
        return chosen

    def _beside(self, kind: str, payload: bytes) -> list[Draft]:
        """Return what must change with a record so that a mark and its reason go on saying the same."""
        match read(kind, payload):
            case Mark(pupil=pupil, on=on, code=""):
                reason = Reason(pupil=pupil, on=on, text="")
                draft = self._draft(Reason.kind, Reason.importance, natural(pupil, on), _encode(reason))
                return [draft] if draft.base else []
            case Reason(pupil=pupil, on=on, text=text):
                record = self._session.store.record_id(Mark.kind, Mark.importance, *natural(pupil, on))
                found = reading.one(self._session.store, Mark, reading.decoder(Mark), record)
                mark = found[0] if found is not None and not found[1].conflict else None
                if mark is not None and mark.code and mark.has_reason is not bool(text):
                    told = _encode(msgspec.structs.replace(mark, has_reason=bool(text)))
                    return [self._draft(Mark.kind, Mark.importance, natural(pupil, on), told)]
        return []

    def _draft(self, kind: str, importance: Importance, key: tuple[str, str], payload: bytes) -> Draft:
        store = self._session.store
        record = store.record_id(kind, Importance.III, *key)
        return Draft(kind, record, importance, payload, store.base_of(kind, [record]).get(record, ()))


def _newest(things: _Things) -> msgspec.Struct | None:
    return next((thing for thing in reversed(things) if thing is not None), None)


def _made(model: msgspec.Struct | None, choice: Choice, things: _Things) -> msgspec.Struct | None:
    """Return what is to stand, None when a value is to be kept byte for byte or cannot be made."""
    match model, choice:
        case Mark() as mark, int() | MarkValue():
            code, at_time = (
                (choice.code, choice.at_time) if isinstance(choice, MarkValue) else (mark.code, mark.at_time)
            )
            reason = any(isinstance(thing, Mark) and thing.has_reason for thing in things)  # a record of its own
            return msgspec.structs.replace(mark, code=code, at_time=at_time, has_reason=bool(code) and reason)
        case ((Reason() | DecisionRecord() | Answer()), TextValue(text=text)):
            return msgspec.structs.replace(model, text=text.strip())
        case AgendaItem(), TextValue(text=text):
            return msgspec.structs.replace(model, body=text.strip())
    return None
