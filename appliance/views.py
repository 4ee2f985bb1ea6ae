"""What the office screens are given to show: plain values, already opened and already permitted.

Invariant: nothing here reaches back into the store; a view may be kept, compared and thrown away freely.
Times are aware datetimes in Asia/Tokyo; dates are school days in Japan; ids are opaque strings.
"""

from dataclasses import dataclass, field, replace
from datetime import date, datetime, time
from enum import StrEnum

from appliance.meetings.views import MeetingView
from sync.status import LinkState


@dataclass(frozen=True, slots=True)
class DevicesRefused:
    """How often USB devices were refused since a manager last looked, and when it last was."""

    count: int
    last: datetime


@dataclass(frozen=True, slots=True)
class LeftInInbox:
    """A file of the drop folder that was not taken: never its name. `folder` is I to IV or empty; `size` bytes."""

    since: datetime
    folder: str
    size: int
    code: str


@dataclass(frozen=True, slots=True)
class Light:
    """How far the entries have got: kept on this box, and read back from the cloud.

    Counts are changes of this site. `waiting` = saved − sent. `sent_at` is when the store was last read back.
    `confirmed` counts what the education board countersigned, `confirmed_at` when it last did; None: there is
    no other side yet. `clock_skew_s` is the board's clock minus this one. `superseded`: a newer box took over
    (交代済), this one only reads. `conflicts` and `quarantined` are records that wait for a person.
    `disclosed_until`: 非常時開示 stands until then. `lease_over`: the board's lease lapsed or was revoked.
    `devices`: USB devices that were refused, for those who are told of it. `inbox`: files of the drop folder that
    were not taken.
    """

    link: LinkState
    saved: int
    sent: int
    waiting: int
    since: datetime | None = None
    sent_at: datetime | None = None
    verified_at: datetime | None = None
    warning: str | None = None
    confirmed: int | None = None
    confirmed_at: datetime | None = None
    clock_skew_s: float | None = None
    superseded: bool = False
    conflicts: int = 0
    quarantined: int = 0
    disclosed_until: datetime | None = None
    lease_over: bool = False
    devices: DevicesRefused | None = None
    inbox: int = 0


@dataclass(frozen=True, slots=True)
class Who:
    """The person at the screen."""

    login: str
    display_name: str
    roles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Saved:
    """Proof that an entry was kept: the keeper's sequence numbers, after fsync. `undo` is opaque."""

    first_seq: int
    last_seq: int
    at: datetime
    undo: object | None = field(default=None, repr=False)


class Counting(StrEnum):
    """How a code counts in the attendance totals (指導要録 出欠の記録)."""

    PRESENT = "present"  # 出席
    ABSENT = "absent"  # 欠席
    SUSPENDED = "suspended"  # 出席停止・忌引等
    ATTENDED_ELSEWHERE = "attended_elsewhere"  # 出席扱い: counted as 出席, reported separately
    LATE = "late"  # 遅刻: 出席, noted
    LEFT_EARLY = "left_early"  # 早退: 出席, noted
    LATE_AND_LEFT = "late_and_left"  # 遅刻かつ早退
    ONLINE = "online"  # オンラインを活用した特例の授業: inside 出席停止・忌引等, reported separately


class Asks(StrEnum):
    """What the last day of an absence follows from: an illness's days at home, a relation's days of mourning."""

    NOTHING = ""
    ILLNESS = "illness"
    MOURNING = "mourning"


@dataclass(frozen=True, slots=True)
class AttendanceCode:
    """One configurable code: `key` is what the teacher presses, `symbol` what the book shows.

    `unexcused`: an absence without 正当な事由 (施行令20条).
    """

    code: str
    name: str
    symbol: str
    key: str
    counting: Counting
    wants_reason: bool = False
    wants_time: bool = False
    asks: Asks = Asks.NOTHING
    unexcused: bool = False


@dataclass(frozen=True, slots=True)
class ClassView:
    """A class in the list: entered = confirmed; exceptions counted so far."""

    class_id: str
    title: str
    grade: str
    pupils: int
    confirmed: bool
    exceptions: int
    special_needs: bool = False
    teacher: str = ""


@dataclass(frozen=True, slots=True)
class PupilRow:
    """One line of the day's book. `code` is None while nothing was entered.

    `guest` is the special-needs class of a pupil whom this class receives 交流: in its book their day stands.
    """

    pupil_id: str
    number: int | None
    name: str
    kana: str
    code: str | None
    at_time: time | None = None
    has_reason: bool = False
    entered_by: str = ""
    entered_at: datetime | None = None
    conflict: bool = False
    guest: str = ""


@dataclass(frozen=True, slots=True)
class DayView:
    """A class on a day. `school_day` is False on holidays and closures, `closed_reason` then says why.

    `rows` are the class's own pupils, then its guests 交流.
    """

    class_id: str
    title: str
    on: date
    school_day: bool
    closed_reason: str
    rows: tuple[PupilRow, ...]
    confirmed_by: str = ""
    confirmed_at: datetime | None = None
    changed_after_confirm: bool = False

    @property
    def own(self) -> tuple[PupilRow, ...]:
        """Return the rows that are in this class's book."""
        return tuple(row for row in self.rows if not row.guest)

    def with_entry(self, entered: PupilRow) -> "DayView":
        """Return a day that is not confirmed as it stands after an entry into one of its rows."""
        return replace(self, rows=tuple(entered if r.pupil_id == entered.pupil_id else r for r in self.rows))


@dataclass(frozen=True, slots=True)
class HistoryLine:
    """Who entered what when, newest first; what stood before, and why it was corrected."""

    at: datetime
    who: str
    what: str
    before: str = ""
    why: str = ""


class Entry(StrEnum):
    """With what somebody writes a value of their own into a record in conflict."""

    MARK = "mark"  # a letter of the attendance book, and a time
    TEXT = "text"
    NONE = "none"  # one of the values that stand there is chosen


@dataclass(frozen=True, slots=True)
class MarkValue:
    """A mark as somebody enters it; an empty `code` means that nothing is entered."""

    code: str
    at_time: time | None = None


@dataclass(frozen=True, slots=True)
class TextValue:
    """A text as somebody writes it."""

    text: str


@dataclass(frozen=True, slots=True)
class ConflictSide:
    """One of the values that stand in a record.

    `where` is the site in words, `epoch` its life; `text` what can be edited (None: no text, or not readable).
    """

    change_id: bytes
    who: str
    role: str
    at: datetime
    where: str
    epoch: int
    value: str
    shown: bool
    readable: bool
    text: str | None = None


@dataclass(frozen=True, slots=True)
class ConflictView:
    """A record that two or more people changed without knowing of each other; sides oldest first.

    `what` and `whose` say in words which record it is. `closed` says why this person cannot settle it, and is
    empty when they can; `entry` is how they may write another value than those that stand there.
    """

    kind: str
    record: bytes
    what: str
    whose: str
    sides: tuple[ConflictSide, ...]
    closed: str
    entry: Entry

    @property
    def heads(self) -> frozenset[bytes]:
        """Return the ids of the changes that stand there."""
        return frozenset(side.change_id for side in self.sides)


@dataclass(frozen=True, slots=True)
class ChangeLine:
    """One change in a record's history; `stands` when nothing replaced it."""

    at: datetime
    who: str
    role: str
    where: str
    value: str
    stands: bool


@dataclass(frozen=True, slots=True)
class HeldChange:
    """A change in quarantine 隔離: kept, counting for nothing, and why."""

    at: datetime
    who: str
    role: str
    where: str
    what: str
    reason: str


@dataclass(frozen=True, slots=True)
class FoundPupil:
    """A hit of the incremental kana search."""

    pupil_id: str
    class_id: str
    class_title: str
    number: int | None
    name: str
    kana: str


@dataclass(frozen=True, slots=True)
class PupilTotals:
    """A pupil's totals of a period; days. See domain rules in appliance.attendance. `remarks` stand in 備考."""

    pupil_id: str
    number: int | None
    name: str
    school_days: int
    suspended: int
    must_attend: int
    absent: int
    present: int
    late: int
    left_early: int
    attended_elsewhere: int
    online: int = 0
    remarks: tuple[str, ...] = ()


class Span(StrEnum):
    """What totals are made over."""

    MONTH = "month"
    TERM = "term"
    YEAR = "year"


@dataclass(frozen=True, slots=True)
class PeriodTotals:
    """A class's totals of a month, term or year, with the days on which the class was not confirmed yet."""

    class_id: str
    title: str
    name: str
    first: date
    rows: tuple[PupilTotals, ...]
    unconfirmed: tuple[date, ...]


@dataclass(frozen=True, slots=True)
class MonthDay:
    """A day of a class's month. `open`: there is school and the class is not closed; else `reason` says why.

    `closure`: the school closed it on short notice; `suspended`: it counts as 停・忌 then, else as no school day.
    """

    on: date
    open: bool
    reason: str
    confirmed: bool
    to_come: bool
    closure: bool = False
    suspended: bool = False


@dataclass(frozen=True, slots=True)
class MonthPupil:
    """A pupil's month: for each day a code (empty: none) and whether the pupil was in the class."""

    pupil_id: str
    number: int | None
    name: str
    codes: tuple[str, ...]
    inside: tuple[bool, ...]
    totals: PupilTotals


@dataclass(frozen=True, slots=True)
class MonthGrid:
    """A class's month, day by day. `late` counts the entries that came in after it was closed."""

    class_id: str
    title: str
    month: date
    days: tuple[MonthDay, ...]
    pupils: tuple[MonthPupil, ...]
    totals: PeriodTotals
    closed_by: str = ""  # 締め
    closed_at: datetime | None = None
    late: int = 0


@dataclass(frozen=True, slots=True)
class PermitCounts:
    """Requests that wait for the principal, things that are out, and those that are overdue."""

    waiting: int
    out: int
    overdue: int


@dataclass(frozen=True, slots=True)
class HomeView:
    """The first screen."""

    today: date
    school_name: str
    school_day: bool
    closed_reason: str
    classes: tuple[ClassView, ...]
    meetings: tuple[MeetingView, ...]
    light: Light
    permits: PermitCounts = PermitCounts(0, 0, 0)
    notices: int = 0  # that are not on the noticeboard as they stand
    exchange: int = 0  # files of the school system that wait for this person
