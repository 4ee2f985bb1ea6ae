"""What a record in conflict is called, whose it is, and what each of its values says.

Invariant: knows words only and opens nothing; bytes that are not what their kind says are named as unreadable and
never stop the list.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from typing import Final, TypeVar

import msgspec

from appliance.attendance.records import ClassDay, Mark, MonthClosed, MonthReopened, Reason, natural
from appliance.classification.model import Action, Verdict
from appliance.conflictwords import word
from appliance.documents.records import DocumentFile
from appliance.hours.records import Approval, Correction, DayRecord, Shift
from appliance.ledger.ledger import LedgerEntry
from appliance.ledger.lines import facts_of
from appliance.meetings.records import AgendaItem, Answer, DecisionRecord, Meeting, Question, Task
from appliance.noticeboard.records import NoticeItem
from appliance.people import Profile
from appliance.roster import RECORD_TYPES, Contact, Enrollment, Guardian, RosterRecord, SchoolClass, User
from appliance.schoolcalendar import ClosureRecord
from appliance.schooldays import Closure, SchoolYear
from appliance.session import JST, Session
from appliance.views import AttendanceCode, Entry, MarkValue
from crypto.importance import Importance
from sync import reading

_TYPES: Final[dict[str, type[msgspec.Struct]]] = {
    **{
        struct.kind: struct for struct in (Mark, Reason, ClassDay, Meeting, AgendaItem, DecisionRecord, SchoolYear)
    },
    **{struct.kind: struct for struct in (MonthClosed, MonthReopened, ClosureRecord)},
    **{struct.kind: struct for struct in (Task, Question, Answer)},
    **{struct.kind: struct for struct in (DayRecord, Shift, Approval)},
    LedgerEntry.kind: LedgerEntry,
    DocumentFile.kind: DocumentFile,
    NoticeItem.kind: NoticeItem,
    Profile.kind: Profile,
    **RECORD_TYPES,
}
_WRITTEN: Final[dict[str, Entry]] = {
    Mark.kind: Entry.MARK,
    Reason.kind: Entry.TEXT,
    AgendaItem.kind: Entry.TEXT,
    DecisionRecord.kind: Entry.TEXT,
    Answer.kind: Entry.TEXT,
}
_R = TypeVar("_R", Meeting, AgendaItem, Question)
_BY_THE_BOARD: Final = ("roster.", "calendar.", "person.")


def read(kind: str, payload: bytes) -> msgspec.Struct | None:
    """Return what a record's bytes say; None for a removed record, an unknown kind and nonsense."""
    struct = _TYPES.get(kind)
    try:
        return None if struct is None else msgspec.msgpack.decode(payload, type=struct)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def entry_of(kind: str) -> Entry:
    """Return with what somebody may write a value of their own."""
    return _WRITTEN.get(kind, Entry.NONE)


def board_settles(kind: str) -> bool:
    """Say whether the board settles this kind where it made one of the values itself."""
    return kind.startswith(_BY_THE_BOARD)


def text_of(thing: msgspec.Struct | None) -> str | None:
    """Return the text that can be edited, None where there is none."""
    match thing:
        case Reason(text=text) | DecisionRecord(text=text) | Answer(text=text):
            return text
        case AgendaItem(body=body):
            return body
    return None


def value_of(facts: Sequence[str], others: Sequence[Sequence[str]]) -> str:
    """Return a value in words: of several facts those that not all the others share, or all of them."""
    own = [fact for fact in facts if not all(fact in other for other in others)]
    return "\n".join(own or facts)


class RecordWords:
    """Names records and values with the roster of one session."""

    def __init__(self, session: Session, codes: Sequence[AttendanceCode]) -> None:
        self._session = session
        self._codes = {code.code: code for code in codes}

    def facts(self, kind: str, payload: bytes) -> list[str]:
        """Return what a value says, one fact in each line."""
        if not payload:
            return [word("removed")]
        match read(kind, payload):
            case Mark() as mark:
                return [self.mark(MarkValue(mark.code, mark.at_time), mark.has_reason)]
            case Reason(text=text) | DecisionRecord(text=text) | Answer(text=text) | Question(text=text):
                return [text or word("no text")]
            case ClassDay() as day:
                state = word("confirmed" if day.confirmed else "open")
                return [state + (word("in brackets", text=word("rest present")) if day.rest_present else "")]
            case Profile(display_name=name):
                return [name]
            case Task() as task:
                state = word("done" if task.done else "to do")
                return [*_labelled(task, "text owner due"), state] if task.text else [word("no text")]
            case AgendaItem() as item:
                return [*_labelled(item, "title section department proposer minutes"), item.body]
            case Meeting() as meeting:
                return _labelled(meeting, "title starts place chair recorder")
            case MonthReopened(reason=text):
                return [text or word("no text")]
            case MonthClosed():
                return [word("month closed")]
            case SchoolYear() as year:
                return _year(year)
            case ClosureRecord(closure=closure, lifted=lifted):
                return [word("lifted")] if lifted else [_closure(closure)]
            case DayRecord(correction=asked) as declared:
                facts = _labelled(declared, "rest self_study off_campus telework taken_home note")
                return [*facts, *_corrected(asked)] or [word("no text")]
            case Shift() as shift:
                return _labelled(shift, "name begin end rest course cards")
            case Approval(granted=granted, answered=answered):
                return [word("granted" if granted else "refused"), *_corrected(answered)]
            case LedgerEntry(entry=entry):
                return facts_of(entry)
            case DocumentFile() as file:
                facts = _labelled(file, "title name size note")
                return facts if file.blob else [word("removed"), *facts]
            case NoticeItem() as notice:
                facts = [*_labelled(notice, "title section audience first until"), notice.body]
                return [word("withdrawn"), *facts] if notice.withdrawn else facts
            case RosterRecord() as record:
                return self._roster(record)
        return [word("damaged")]

    def mark(self, value: MarkValue, has_reason: bool = False) -> str:
        """Return a mark in words, such as 欠席（病欠）8:25."""
        if not value.code:
            return word("taken back")
        code = self._codes.get(value.code)
        if code is None:
            text = value.code
        else:
            counting = word(f"counting.{code.counting}")
            text = code.name if code.name == counting else counting + word("in brackets", text=code.name)
        at_time = f" {value.at_time.hour}:{value.at_time:%M}" if value.at_time else ""
        return text + at_time + (word("with reason") if has_reason else "")

    def whose(self, kind: str, record: bytes, payloads: Iterable[bytes]) -> str:
        """Return which record it is, from the first of its values that can be read."""
        for payload in payloads:
            thing = read(kind, payload)
            if thing is not None:
                return self._whose(thing)
        found = self._named_like(record) if kind == Reason.kind else None
        return self.pupil(*found) if found else word("someone")

    def pupil(self, pupil: str, on: date) -> str:
        """Return class, number and name of a pupil on a day, and the day."""
        roster = self._session.roster
        user = roster.user(pupil)
        name = user.name if user else pupil
        for school_class in roster.classes():
            for member in roster.members(school_class.id, on):
                if member.user.id == pupil:
                    return f"{school_class.title} {member.number or ''} {name} {_day(on)}".replace("  ", " ")
        return f"{name} {_day(on)}"

    def _whose(self, thing: msgspec.Struct) -> str:
        match thing:
            case Mark(pupil=pupil, on=on) | Reason(pupil=pupil, on=on):
                return self.pupil(pupil, on)
            case MonthClosed(class_id=class_id, month=on) | MonthReopened(class_id=class_id, month=on):
                return f"{self._title(class_id)} {on:%Y/%m}"
            case ClassDay(class_id=class_id, on=on):
                return f"{self._title(class_id)} {_day(on)}"
            case Meeting(title=title, starts=starts):
                return f"{title} {starts.astimezone(JST):%m/%d}"
            case AgendaItem(number=number, title=title, meeting_id=meeting):
                return f"{self._meeting(meeting)} {number}. {title}"
            case DecisionRecord(item_id=item) | Task(item_id=item) | Question(item_id=item):
                return self._item(item)
            case Answer(question_id=question):
                return self._question(question)
            case Profile(display_name=name):
                return name
            case SchoolYear(year=year):
                return f"{year}"
            case ClosureRecord(closure=closure):
                return f"{self._title(closure.target)} {_day(closure.first)}".strip()
            case DayRecord(person=person, on=on) | Approval(person=person, on=on) | Shift(person=person, since=on):
                return f"{self._session.roster.display_name(bytes.fromhex(person))} {_day(on)}"
            case LedgerEntry(entry=entry):
                return entry.name
            case User(name=name):
                return name
            case Enrollment(class_id=class_id, user_id=user_id):
                return f"{self._title(class_id)} {self._name(user_id)}"
        shown = getattr(thing, "title", "") or getattr(thing, "name", "") or getattr(thing, "id", "")
        return str(shown)

    def _named_like(self, record: bytes) -> tuple[str, date] | None:
        """Find the pupil and day that a reason is named after, among the marks: for who may not open it."""
        store = self._session.store
        for mark, _ in reading.newest(store, Mark, reading.decoder(Mark)):
            key = natural(mark.pupil, mark.on)
            if store.record_id(Reason.kind, Importance.III, *key) == record:
                return mark.pupil, mark.on
        return None

    def _meeting(self, meeting_id: str) -> str:
        for meeting in self._readable(Meeting):
            if meeting.id == meeting_id:
                return self._whose(meeting)
        return meeting_id

    def _item(self, item_id: str) -> str:
        for item in self._readable(AgendaItem):
            if item.id == item_id:
                return self._whose(item)
        return item_id

    def _question(self, question_id: str) -> str:
        for question in self._readable(Question):
            if question.id == question_id:
                return question.text
        return question_id

    def _readable(self, struct: type[_R]) -> Iterator[_R]:
        """Yield what stands of a kind, without what this person may not open."""
        store = self._session.store
        for row, _ in store.head_rows(struct.kind):
            importance = Importance(row.importance)
            allowed = self._session.may(Action.VIEW, struct.kind, importance).verdict is Verdict.ALLOW
            if allowed and store.keyring.cleared(importance):
                thing = reading.read(store, reading.decoder(struct), row)
                if thing is not None:
                    yield thing

    def _title(self, class_id: str) -> str:
        found = self._session.roster.school_class(class_id)
        return found.title if found else class_id

    def _name(self, user_id: str) -> str:
        found = self._session.roster.user(user_id)
        return found.name if found else user_id

    def _roster(self, record: RosterRecord) -> list[str]:
        match record:
            case User():
                return _labelled(record, "name kana roles grades")
            case SchoolClass():
                return _labelled(record, "title grades")
            case Enrollment():
                whose = f"{word('field.class')}: {self._title(record.class_id)} {self._name(record.user_id)}"
                return [whose, *_labelled(record, "number begins ends")]
            case Contact():
                facts = [_guardian(one) for one in record.guardians]
                return [*_labelled(record, "phone sms email home_phone"), *facts] or [record.id]
        return _labelled(record, "title name starts ends") or [record.id]


def _labelled(thing: msgspec.Struct, fields: str) -> list[str]:
    found = ((name, getattr(thing, name, "")) for name in fields.split())
    return [f"{word(f'field.{name}')}: {_plain(value)}" for name, value in found if value not in ("", (), None)]


def _guardian(one: Guardian) -> str:
    return f"{word('field.guardian')}: {' '.join(filter(None, (one.relation, one.name, one.kana, *one.phones)))}"


def _corrected(asked: Correction | None) -> list[str]:
    """Return a correction in words."""
    if asked is None:
        return []
    times = "・".join(f"{a // 60}:{a % 60:02}–{b // 60}:{b % 60:02}" for a, b in asked.spans or ())
    facts = (("correction", times), ("scheduled", asked.scheduled), ("reason", asked.reason))
    return [f"{word(f'field.{name}')}: {value}" for name, value in facts if value not in ("", None)]


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return f"{value.astimezone(JST):%Y-%m-%d %H:%M}"
    return "・".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _year(year: SchoolYear) -> list[str]:
    lines = [f"{word('field.extra_days')}: {on}" for on in year.extra_days]
    lines += [f"{word('field.closures')}: {_closure(closure)}" for closure in year.closures]
    lines += [f"{word('field.vacations')}: {v.first}–{v.last} {v.name}" for v in year.vacations]
    lines += [f"{word('field.terms')}: {t.name} {t.first}–" for t in year.terms]
    lines += [f"{word('field.days_off')}: {d.on} {d.name}" for d in year.days_off]
    return lines or [word("no text")]


def _closure(closure: Closure) -> str:
    return f"{closure.first}–{closure.last} {closure.reason} {closure.target}".rstrip()


def _day(on: date) -> str:
    return f"{on:%m/%d}"
