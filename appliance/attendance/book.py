"""The attendance book over the sealed store: read a class's day, keep marks, confirm, take back.

Invariant: nothing is overwritten; taking something back is a new change, and it is refused when somebody else
changed the record in between. Who may do it was asked before (`office`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, time
from typing import Final

import msgspec

from appliance.attendance.records import ClassDay, Mark, Reason, natural
from appliance.errors import ApplianceError
from crypto.importance import Importance
from sync.sealed import Draft, Plain, Put, SealedStore

_encode: Final = msgspec.msgpack.encode
_read_mark: Final = msgspec.msgpack.Decoder(Mark).decode


class ChangedSinceError(ApplianceError):
    """Somebody else changed the record after the entry that is to be taken back."""

    code = "APP-220"


@dataclass(frozen=True, slots=True)
class Former:
    """What stood in a record before an entry: `payload` and heads (`before`); what it `made` of it, its id."""

    kind: str
    record: bytes
    importance: Importance
    payload: bytes
    made: bytes
    before: tuple[bytes, ...]
    replaced_by: bytes


@dataclass(frozen=True, slots=True)
class Entry:
    """A kept entry: where the keeper put it and how to take it back."""

    put: Put
    former: tuple[Former, ...]


class OpenedMark(msgspec.Struct, frozen=True, gc=False):
    """A mark with who entered it when."""

    mark: Mark
    plain: Plain


class AttendanceBook:
    """Reads and keeps over one session."""

    def __init__(self, store: SealedStore) -> None:
        self._store = store
        self._restored: dict[bytes, bytes] = {}

    def marks(self, pupils: Sequence[str], on: date) -> dict[str, OpenedMark]:
        """Return the marks of pupils on a day; taken-back ones are left out."""
        return {pupil: opened for (pupil, _), opened in self.marks_of([(pupil, on) for pupil in pupils]).items()}

    def marks_of(self, wanted: Sequence[tuple[str, date]]) -> dict[tuple[str, date], OpenedMark]:
        """Return the marks of many (pupil, date) at once."""
        pair = self._store.keyring.pair(Mark.importance)
        records = [pair.record_id(Mark.kind, *natural(pupil, on)) for pupil, on in wanted]
        found = {}
        for plain in self._store.heads(Mark.kind, records):
            mark = _read_mark(plain.payload)
            if mark.code:
                found[mark.pupil, mark.on] = OpenedMark(mark, plain)
        return found

    def marks_since(self, first: date) -> dict[str, dict[date, str]]:
        """Return pupil → day → code of every mark from a day on."""
        found: dict[str, dict[date, str]] = {}
        for plain in self._store.heads(Mark.kind):
            mark = _read_mark(plain.payload)
            if mark.code and mark.on >= first:
                found.setdefault(mark.pupil, {})[mark.on] = mark.code
        return found

    def mark_days(
        self,
        pupil: str,
        days: Sequence[date],
        code: str,
        at_time: time | None = None,
        reason: str | None = None,
        why: str = "",
    ) -> Entry:
        """Keep the same mark on several days, on all of them or on none.

        `code` empty takes it back with its reason, `reason` None leaves the reason as it is, `why` is that of a
        correction.
        """
        return self._keep(
            [step for on in days for step in self._mark_steps(pupil, on, code, at_time, reason, why)]
        )

    def mark_cells(self, cells: Sequence[tuple[str, date, str]], why: str = "") -> Entry:
        """Keep many (pupil, day, code), all of them or none."""
        return self._keep([step for cell in cells for step in self._mark_steps(*cell, None, None, why)])

    def reason(self, pupil: str, on: date) -> str | None:
        """Return the reason; raises NotClearedError for someone who may not open importance II."""
        self._store.keyring.pair(Reason.importance)
        plain = self._store.head(Reason.kind, self._name(Reason.kind, pupil, on))
        return None if plain is None else msgspec.msgpack.decode(plain.payload, type=Reason).text or None

    def class_day(self, class_id: str, on: date) -> tuple[ClassDay, Plain | None]:
        """Return how far a class's day is."""
        return self.class_days([(class_id, on)])[class_id, on]

    def class_days(
        self, wanted: Sequence[tuple[str, date]]
    ) -> dict[tuple[str, date], tuple[ClassDay, Plain | None]]:
        """Return how far many class days are."""
        found: dict[tuple[str, date], tuple[ClassDay, Plain | None]] = {
            (class_id, on): (ClassDay(class_id=class_id, on=on), None) for class_id, on in wanted
        }
        records = [self._name(ClassDay.kind, class_id, on) for class_id, on in wanted]
        for plain in self._store.heads(ClassDay.kind, records):
            day = msgspec.msgpack.decode(plain.payload, type=ClassDay)
            found[day.class_id, day.on] = (day, plain)
        return found

    def keep_class_day(self, day: ClassDay) -> Entry:
        """Keep the state of a class's day."""
        record = self._name(ClassDay.kind, day.class_id, day.on)
        before = self._store.head(ClassDay.kind, record)
        empty = _encode(ClassDay(class_id=day.class_id, on=day.on))
        return self._keep([_step(ClassDay.kind, record, ClassDay.importance, _encode(day), before, empty)])

    def history(self, pupil: str, on: date) -> list[OpenedMark]:
        """Return every mark of a pupil on a day, newest first, taken-back ones too."""
        record = self._name(Mark.kind, pupil, on)
        return [
            OpenedMark(msgspec.msgpack.decode(plain.payload, type=Mark), plain)
            for plain in self._store.history(Mark.kind, record)
        ]

    def changed_after(self, change: Plain, wanted: Iterable[tuple[str, date]]) -> int:
        """Return how many marks of (pupil, day) are newer than a change; opens none."""
        records = [self._name(Mark.kind, pupil, on) for pupil, on in wanted]
        found = self._store.base_of(Mark.kind, records).values()
        return sum(max(heads) > change.change_id for heads in found)

    def take_back(self, formers: Sequence[Former]) -> Entry:
        """Restore what stood before; raises ChangedSinceError when somebody changed it since."""
        steps = []
        for former in formers:
            heads = self._store.base_of(former.kind, [former.record]).get(former.record, ())
            if tuple(self._stands_for(head) for head in heads) != (former.replaced_by,):
                raise ChangedSinceError(operation="take back", subject=former.kind)
            draft = Draft(former.kind, former.record, former.importance, former.payload, heads)
            steps.append((draft, former.made))
        entry = self._keep(steps)
        for former, kept in zip(formers, entry.former, strict=True):
            if len(former.before) == 1:
                self._restored[kept.replaced_by] = former.before[0]
        return entry

    def _stands_for(self, head: bytes) -> bytes:
        """Return the entry whose state a taking-back restored, so that the entry before can be taken back too."""
        while head in self._restored:
            head = self._restored[head]
        return head

    def _name(self, kind: str, thing: str, on: date) -> bytes:
        """Return a record id under the naming secret of importance III.

        The reason's too: whoever writes one that they may not read can still name it.
        """
        return self._store.record_id(kind, Importance.III, *natural(thing, on))

    def _mark_steps(
        self, pupil: str, on: date, code: str, at_time: time | None, reason: str | None, why: str
    ) -> list["_Step"]:
        record = self._name(Mark.kind, pupil, on)
        before = self._store.head(Mark.kind, record)
        had = before is not None and _read_mark(before.payload).has_reason
        text = "" if not code else reason
        has_reason = had if text is None else bool(text)
        mark = Mark(pupil=pupil, on=on, code=code, at_time=at_time, has_reason=has_reason, why=why)
        cleared = Mark(pupil=pupil, on=on, code="")
        steps = [_step(Mark.kind, record, Mark.importance, _encode(mark), before, _encode(cleared))]
        if text is not None and (text or had):
            steps.append(self._reason_step(pupil, on, text))
        return steps

    def _reason_step(self, pupil: str, on: date, text: str) -> "_Step":
        record = self._name(Reason.kind, pupil, on)
        payload = _encode(Reason(pupil=pupil, on=on, text=text))
        base = self._store.base_of(Reason.kind, [record]).get(record, ())
        former = _encode(Reason(pupil=pupil, on=on, text=""))
        if base and self._store.keyring.cleared(Reason.importance):
            plain = self._store.head(Reason.kind, record)
            former = plain.payload if plain else former
        return Draft(Reason.kind, record, Reason.importance, payload, base), former

    def _keep(self, steps: Sequence["_Step"]) -> Entry:
        drafts = [draft for draft, _ in steps]
        put = self._store.put(drafts)
        formers = tuple(
            Former(draft.kind, draft.record, draft.importance, former, draft.payload, draft.base, name)
            for (draft, former), name in zip(steps, put.names, strict=True)
        )
        return Entry(put, formers)


_Step = tuple[Draft, bytes]
"""A draft and the payload that stood there before, or one that means "nothing"."""


def _step(
    kind: str, record: bytes, importance: Importance, payload: bytes, before: Plain | None, empty: bytes
) -> _Step:
    base = before.heads if before else ()
    return Draft(kind, record, importance, payload, base), before.payload if before else empty
