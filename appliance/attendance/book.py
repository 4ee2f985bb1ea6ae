"""The attendance book over the sealed store: read a class's day, keep marks, confirm, take back.

Invariant: nothing is overwritten; taking something back is a new change, and it is refused when somebody else
changed the record in between. Who may do it was asked before (`office`).
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, time
from functools import lru_cache
from typing import Final

import msgspec

from appliance.attendance.closing import ClosingBook
from appliance.attendance.records import ClassDay, Mark, Reason, natural
from appliance.attendance.standing import ClassOn, DayPlaces, Standing, Target
from appliance.errors import ApplianceError
from crypto.importance import Importance
from sync import reading
from sync.sealed import Draft, Place, Plain, Put, SealedStore

_NAMES: Final = 4096  # three months of a class; a name takes some 250 bytes
_encode: Final = msgspec.msgpack.encode
_read_mark: Final = reading.decoder(Mark)
_read_reason: Final = reading.decoder(Reason)
_read_day: Final = reading.decoder(ClassDay)


class ChangedSinceError(ApplianceError):
    """Somebody else changed the record after the entry that is to be taken back."""

    code = "APP-220"


class Former(msgspec.Struct, frozen=True, gc=False):
    """What stood in a record before an entry: `payload` and heads (`before`); what it `made` of it, its id."""

    kind: str
    record: bytes
    importance: Importance
    payload: bytes
    made: bytes
    before: tuple[bytes, ...]
    replaced_by: bytes


class Entry(msgspec.Struct, frozen=True):
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
        self._closing = ClosingBook(store)
        self._days: dict[ClassOn, DayPlaces] = {}
        self._restored: dict[bytes, bytes] = {}
        # A name never changes, and whoever looked at a class's day enters into it next.
        self._name = lru_cache(_NAMES)(self._make_name)

    def marks(self, pupils: Sequence[str], on: date) -> dict[str, OpenedMark]:
        """Return the marks of pupils on a day; taken-back ones are left out."""
        places = {self._name(Mark.kind, pupil, on): (pupil, on) for pupil in pupils}
        return {pupil: opened for (pupil, _), opened in self._marks_at(places).items()}

    def marks_of(self, wanted: Sequence[tuple[str, date]]) -> dict[tuple[str, date], OpenedMark]:
        """Return the marks of many (pupil, date) at once."""
        pair = self._store.keyring.pair(Mark.importance)
        return self._marks_at({pair.record_id(Mark.kind, *natural(*cell)): cell for cell in wanted})

    def _marks_at(self, places: Mapping[bytes, tuple[str, date]]) -> dict[tuple[str, date], OpenedMark]:
        self._store.keyring.pair(Mark.importance)  # whoever may not open any is refused, also where none stands
        found = {}
        for mark, plain in reading.newest(self._store, Mark, _read_mark, places):
            if mark.code:
                found[places[plain.record]] = OpenedMark(mark, plain)
        return found

    def marks_since(self, first: date) -> dict[str, dict[date, str]]:
        """Return pupil → day → code of every mark from a day on."""
        found: dict[str, dict[date, str]] = {}
        for mark, _ in reading.newest(self._store, Mark, _read_mark):
            if mark.code and mark.on >= first:
                found.setdefault(mark.pupil, {})[mark.on] = mark.code
        return found

    def reasons_since(self, first: date) -> dict[tuple[str, date], str]:
        """Return (pupil, day) → reason from a day on; raises NotClearedError without importance II."""
        self._store.keyring.pair(Reason.importance)
        told = (msgspec.msgpack.decode(plain.payload, type=Reason) for plain in self._store.heads(Reason.kind))
        return {(reason.pupil, reason.on): reason.text for reason in told if reason.text and reason.on >= first}

    def look(
        self, days: Iterable[ClassOn], cells: Iterable[tuple[str, date, str]] = (), reason: str | None = None
    ) -> Standing:
        """Look, in one statement, at all that entering (pupil, day, code) into classes' days depends on.

        `code` empty takes a mark back with its reason, `reason` None leaves the reason as it is.
        """
        known = {day: self._day_places(day) for day in days}
        targets = [self._target(*cell, reason) for cell in cells]
        places = [place for day, month in known.values() for place in (day, *month)]
        for target in targets:
            places.append(target.place)
            if target.reason is not None:
                places.append(target.reason)
        return Standing(self._store, known, targets, self._store.standing(places))

    def keep_marks(self, standing: Standing, at_time: time | None = None, why: str = "") -> Entry:
        """Keep the marks that were looked for, all of them or none; `why` is that of a correction."""
        steps: list[_Step] = []
        for target in standing.targets:
            self._mark_steps(standing, target, at_time, why, steps)
        return self._keep(steps)

    def reason(self, pupil: str, on: date) -> str | None:
        """Return the reason; raises NotClearedError for someone who may not open importance II."""
        self._store.keyring.pair(Reason.importance)
        read = reading.one(self._store, Reason, _read_reason, self._name(Reason.kind, pupil, on))
        return None if read is None else read[0].text or None

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
        places = {self._name(ClassDay.kind, *place): place for place in wanted}
        for day, plain in reading.newest(self._store, ClassDay, _read_day, places):
            found[places[plain.record]] = (day, plain)
        return found

    def keep_class_day(self, standing: Standing, day: ClassDay, before: Plain | None) -> Entry:
        """Keep the state of a class's day in place of what stands there."""
        place = standing.day_place(day.class_id, day.on)
        former = before.payload if before else _encode(ClassDay(class_id=day.class_id, on=day.on))
        draft = Draft(*place, ClassDay.importance, _encode(day), standing.base(place))
        return self._keep([(draft, former)])

    def history(self, pupil: str, on: date) -> list[OpenedMark]:
        """Return every mark of a pupil on a day, newest first, taken-back ones too."""
        record = self._name(Mark.kind, pupil, on)
        return [OpenedMark(mark, plain) for mark, plain in reading.history(self._store, Mark, _read_mark, record)]

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

    def _day_places(self, day: ClassOn) -> DayPlaces:
        """Return where a class's day and its month stand; remembered, since all its pupils' entries ask for it."""
        found = self._days.get(day)
        if found is None:
            found = DayPlaces((ClassDay.kind, self._name(ClassDay.kind, *day)), self._closing.places(*day))
            self._days[day] = found
        return found

    def _make_name(self, kind: str, thing: str, on: date) -> bytes:
        """Return a record id under the naming secret of importance III.

        The reason's too: whoever writes one that they may not read can still name it.
        """
        return self._store.keyring.pair(Importance.III).record_id(kind, *natural(thing, on))

    def _target(self, pupil: str, on: date, code: str, reason: str | None) -> Target:
        place = Mark.kind, self._name(Mark.kind, pupil, on)
        if reason is None and code:
            return Target(pupil, on, code, place)
        text = (reason or "") if code else ""
        return Target(pupil, on, code, place, text, (Reason.kind, self._name(Reason.kind, pupil, on)))

    def _mark_steps(
        self, standing: Standing, target: Target, at_time: time | None, why: str, steps: list["_Step"]
    ) -> None:
        pupil, on, code, place, text, reason = target
        stood = standing.read(place, Mark, _read_mark)
        before, had = (None, False) if stood is None else (stood[1], stood[0].has_reason)
        has_reason = had if reason is None else bool(text)
        mark = Mark(pupil=pupil, on=on, code=code, at_time=at_time, has_reason=has_reason, why=why)
        former = before.payload if before else _encode(Mark(pupil=pupil, on=on, code=""))
        steps.append((Draft(*place, Mark.importance, _encode(mark), standing.base(place)), former))
        if reason is not None and (text or had):
            steps.append(self._reason_step(standing, target, reason))

    def _reason_step(self, standing: Standing, target: Target, place: Place) -> "_Step":
        cleared = self._store.keyring.cleared(Reason.importance)
        stood = standing.read(place, Reason, _read_reason) if cleared else None
        payload = _encode(Reason(pupil=target.pupil, on=target.on, text=target.text))
        former = stood[1].payload if stood else _encode(Reason(pupil=target.pupil, on=target.on, text=""))
        return Draft(*place, Reason.importance, payload, standing.base(place)), former

    def _keep(self, steps: Sequence["_Step"]) -> Entry:
        put = self._store.put([draft for draft, _ in steps])
        formers = [
            Former(draft.kind, draft.record, draft.importance, former, draft.payload, draft.base, name)
            for (draft, former), name in zip(steps, put.names, strict=True)
        ]
        return Entry(put, tuple(formers))


_Step = tuple[Draft, bytes]
"""A draft and the payload that stood there before, or one that means "nothing"."""
