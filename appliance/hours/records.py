"""What is sealed about working hours: importance II, named so that whoever may not read one can still write it.

Invariant: a punch is only ever added, never changed, so two sites overwrite nothing; a correction counts only once
a manager's approval repeats it word for word. Who may have written a record is asked again when it is read, since
the sites judge by area and not by person.
"""

from datetime import date
from hashlib import sha256
from typing import ClassVar

import msgspec

from appliance.hours.reckoning import Span, Staff, Way
from crypto.importance import Importance


class Press(msgspec.Struct, frozen=True, order=True):
    """One press: `minute` from the midnight of the record's day, beyond 1440 after the next one."""

    minute: int
    way: Way


class Punch(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one person pressed: one press of their own, or a row of a time recorder. `person` is their id (hex)."""

    kind: ClassVar[str] = "hours.punch"
    importance: ClassVar[Importance] = Importance.II
    person: str
    on: date
    presses: tuple[Press, ...]
    recorder: bool = False


class Correction(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is to count instead: the presence of the day, or its 所定 (振替, 4時間の割振り変更, 休暇), and why."""

    reason: str
    spans: tuple[tuple[int, int], ...] | None = None
    scheduled: int | None = None

    @property
    def presence(self) -> tuple[Span, ...] | None:
        """Return the presence that is to count, None for as punched."""
        return None if self.spans is None else tuple(Span(begin, end) for begin, end in self.spans)


class DayRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a person declares of a day, in minutes: it counts as it stands, but for the correction.

    `rest` is the break that was really taken, `self_study` 自己研鑽・業務外, `taken_home` 持ち帰り.
    """

    kind: ClassVar[str] = "hours.day"
    importance: ClassVar[Importance] = Importance.II
    person: str
    on: date
    rest: int = 0
    self_study: int = 0
    off_campus: int = 0
    telework: int = 0
    taken_home: int = 0
    note: str = ""
    correction: Correction | None = None


class Shift(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who works when, from `since` on: a pattern's minutes, the calculation, the course, the cards.

    `course` is "lower" (前期課程, grades 1–6), "upper" (後期課程, 7–9) or empty.
    """

    kind: ClassVar[str] = "hours.shift"
    importance: ClassVar[Importance] = Importance.II
    person: str
    since: date
    name: str
    begin: int
    end: int
    rest: int
    staff: Staff = Staff.TEACHING
    course: str = ""
    cards: tuple[str, ...] = ()

    @property
    def scheduled(self) -> int:
        """Return 所定の勤務時間."""
        return self.end - self.begin - self.rest


class Holder(msgspec.Struct, frozen=True, omit_defaults=True):
    """Whose a card is from a day on; nobody's with an empty person. `person` is their id (hex)."""

    since: date
    person: str = ""
    name: str = ""


class Badge(msgspec.Struct, frozen=True, kw_only=True):
    """A card or a short code, told to the terminal at the entrance: whose it is, oldest first.

    Importance IV, since that terminal can open nothing else; the names of staff are public.
    """

    kind: ClassVar[str] = "hours.badge"
    importance: ClassVar[Importance] = Importance.IV
    holders: tuple[Holder, ...]

    def holder(self, on: date) -> Holder | None:
        """Return whose it is on a day, None for nobody's."""
        found = [holder for holder in self.holders if holder.since <= on]
        return found[-1] if found and found[-1].person else None


class Approval(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A manager's answer to a correction; `standing` is what counts from now on, if anything does."""

    kind: ClassVar[str] = "hours.approval"
    importance: ClassVar[Importance] = Importance.II
    person: str
    on: date
    answered: Correction
    granted: bool
    standing: Correction | None = None
    reason: str = ""


def of_day(record: DayRecord | Approval) -> tuple[str, str]:
    """Return the natural key of a day's declaration, or of the answer to it."""
    return record.person, record.on.isoformat()


def of_shift(shift: Shift) -> tuple[str, str]:
    """Return the natural key of a shift."""
    return shift.person, shift.since.isoformat()


def of_row(punch: Punch) -> tuple[str, str, str]:
    """Return the natural key of a recorder's row: by its content, so the same row twice is one record."""
    told = msgspec.msgpack.encode(punch.presses)
    return punch.person, punch.on.isoformat(), sha256(told).hexdigest()
