"""The attendance desk: what the screens of the 出席簿 ask for and enter.

Invariant: every method asks the policy before it opens or keeps anything and returns plain views; an entry's
`Saved` exists only after the keeper's fsync.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, time

import msgspec

from appliance.attendance.attention import Attention, AttentionReader
from appliance.attendance.book import AttendanceBook, Entry, Former, OpenedMark
from appliance.attendance.closing import ClosingBook, MonthNotReadyError
from appliance.attendance.grid import month_grid
from appliance.attendance.period import period_totals
from appliance.attendance.reasons import ToldReason
from appliance.attendance.records import ClassDay, Mark, MonthClosed, MonthReopened, Reason
from appliance.attendance.schoolsystem import SystemRow
from appliance.classification.model import Action
from appliance.errors import ApplianceError
from appliance.pupilsearch import find_pupils
from appliance.roster import SchoolClass
from appliance.rosterindex import ClassMember
from appliance.schoolcalendar import CalendarBook
from appliance.schooldays import DayStatus, days_between
from appliance.session import Session, local_time
from appliance.views import (
    AttendanceCode,
    ClassView,
    Counting,
    DayView,
    FoundPupil,
    HistoryLine,
    MonthGrid,
    PeriodTotals,
    PupilRow,
    Saved,
    Span,
)
from crypto.importance import Importance


class UnknownClassError(ApplianceError):
    """There is no such class, or the pupil is not in it on that day."""

    code = "APP-222"


class UnknownCodeError(ApplianceError):
    """The attendance code is not one of this school's."""

    code = "APP-223"


class ClosedDayError(ApplianceError):
    """The class has no school on that day."""

    code = "APP-224"


class CorrectionReasonError(ApplianceError):
    """The class has confirmed the day: a change is a correction, and needs to say why; parameter `day`."""

    code = "APP-236"


class _Where(msgspec.Struct):
    on: date
    pupil: str = ""
    class_id: str = ""


class AttendanceDesk:
    """Attendance over one session."""

    def __init__(
        self,
        session: Session,
        codes: Sequence[AttendanceCode],
        calendar: CalendarBook,
        corrections: Sequence[ToldReason] = (),
    ) -> None:
        self._session = session
        self._corrections = tuple(corrections)
        self._codes = {code.code: code for code in codes}
        self._present = next(code.code for code in codes if code.counting is Counting.PRESENT)
        self._book = AttendanceBook(session.store)
        self._calendar = calendar
        self._closing = ClosingBook(session.store)

    def codes(self) -> tuple[AttendanceCode, ...]:
        """Return this school's attendance codes in order."""
        return tuple(self._codes.values())

    def corrections(self) -> tuple[ToldReason, ...]:
        """Return the city's reasons for correcting a day that was confirmed."""
        return self._corrections

    def classes(self, on: date) -> tuple[ClassView, ...]:
        """Return every class with how far its day is."""
        self._session.ask(Action.VIEW, ClassDay.kind, ClassDay.importance)
        classes = self._session.roster.classes()
        members = {c.id: self._session.roster.members(c.id, on) for c in classes}
        marks = self._book.marks([m.user.id for group in members.values() for m in group], on)
        days = self._book.class_days([(c.id, on) for c in classes])
        return tuple(
            ClassView(
                c.id,
                c.title,
                c.grades[0] if c.grades else "",
                len(members[c.id]),
                days[c.id, on][0].confirmed,
                sum(self._is_exception(marks.get(m.user.id)) for m in members[c.id]),
                c.special_needs,
                self._session.roster.teacher(c.id),
            )
            for c in classes
        )

    def day(self, class_id: str, on: date) -> DayView:
        """Return one class's day; raises UnknownClassError."""
        self._session.ask(Action.VIEW, Mark.kind, Mark.importance)
        school_class = self._class(class_id)
        members, guests = self._session.roster.members(class_id, on), self._session.roster.guests(class_id, on)
        marks = self._book.marks([m.user.id for m in (*members, *guests)], on)
        day, confirmed = self._book.class_day(class_id, on)
        homes = self._book.class_days([(m.home, on) for m in guests])
        rows = (
            *(self._row(m, marks.get(m.user.id), day.rest_present) for m in members),
            *(self._row(m, marks.get(m.user.id), homes[m.home, on][0].rest_present) for m in guests),
        )
        status = self._day_status(school_class, on)
        own = {m.user.id for m in members}
        since = [
            o
            for pupil, o in marks.items()
            if pupil in own and confirmed and o.plain.change_id > confirmed.change_id
        ]
        return DayView(
            class_id,
            school_class.title,
            on,
            status.counts_as_school_day and not status.suspended,
            status.reason,
            rows,
            self._session.author_name(confirmed) if confirmed and day.confirmed else "",
            local_time(confirmed.at_ms) if confirmed and day.confirmed else None,
            bool(since) and day.confirmed,
        )

    def row(self, class_id: str, on: date, pupil_id: str) -> PupilRow | None:
        """Return the one line of a class's day that is a pupil's, as `day` would; None for somebody else's."""
        self._session.ask(Action.VIEW, Mark.kind, Mark.importance)
        member = self._session.roster.member(class_id, on, pupil_id)
        if member is None:
            return None
        marks, (day, _) = self._book.marks([pupil_id], on), self._book.class_day(member.home or class_id, on)
        return self._row(member, marks.get(pupil_id), day.rest_present)

    def mark(
        self,
        class_id: str,
        on: date,
        pupil_id: str,
        code: str | None,
        *,
        time: time | None = None,  # noqa: A002 - the word of the screens
        reason: str | None = None,
        why: str = "",
    ) -> Saved:
        """Keep one pupil's mark; `code` None or "" takes it back. `reason` None leaves the reason as it is.

        Once the class has confirmed the day it needs a `why`; raises CorrectionReasonError.
        """
        self._session.ask(Action.EDIT, Mark.kind, Mark.importance)
        if reason is not None:
            self._session.ask(Action.EDIT, Reason.kind, Reason.importance, group=class_id, subject=pupil_id)
        home = self._session.roster.books(class_id, on).get(pupil_id, class_id)  # a guest's day stands at home
        return self._enter(home, [(pupil_id, on, code or "")], why, time, reason)

    def mark_rest_present(self, class_id: str, on: date) -> Saved:
        """全員出席: everyone without a mark is present; marks stay as they are."""
        return self._change_day(class_id, on, rest_present=True)

    def confirm(self, class_id: str, on: date) -> Saved:
        """Confirm a class's day; who has no mark is present."""
        return self._change_day(class_id, on, rest_present=True, confirmed=True)

    def reopen(self, class_id: str, on: date) -> Saved:
        """Take a confirmation back."""
        return self._change_day(class_id, on, confirmed=False)

    def undo(self, saved: Saved) -> Saved:
        """Restore what stood before an entry, as a new entry; raises ChangedSinceError."""
        formers = saved.undo
        if not isinstance(formers, tuple) or not all(isinstance(f, Former) for f in formers):
            raise TypeError("this entry cannot be taken back")
        for former in formers:
            self._session.ask(Action.EDIT, former.kind, former.importance)
        self._closing.check(self._where(former.payload) for former in formers)
        return self._kept(self._book.take_back(formers))

    def history(self, pupil_id: str, on: date) -> tuple[HistoryLine, ...]:
        """Return who entered what when, newest first."""
        self._session.ask(Action.VIEW, Mark.kind, Mark.importance)
        lines = []
        for opened in self._book.history(pupil_id, on):
            code = self._codes.get(opened.mark.code)
            what = code.name if code else opened.mark.code or "取消"
            who = self._session.author_name(opened.plain)
            lines.append(HistoryLine(local_time(opened.plain.at_ms), who, what, why=opened.mark.why))
        assumed = self._codes[self._present].name if lines and lines[-1].why else ""  # 確定 had made it that
        before = [*(line.what for line in lines[1:]), assumed]
        return tuple(replace(line, before=was) for line, was in zip(lines, before, strict=False))

    def reason(self, pupil_id: str, on: date) -> str | None:
        """Return the reason text (importance II); raises PolicyDeniedError, NotClearedError."""
        group = self._session.roster.class_of(pupil_id, on)
        self._session.ask(Action.VIEW, Reason.kind, Reason.importance, group=group, subject=pupil_id)
        return self._book.reason(pupil_id, on)

    def month(self, class_id: str, month: date) -> MonthGrid:
        """Return a class's month day by day, with the totals up to today; raises UnknownClassError."""
        self._session.ask(Action.VIEW, Mark.kind, Mark.importance)
        session = self._session
        where = (self._class(class_id), month, session.today(), session.roster)
        grid = month_grid(*where, self._book, self._calendar, self.codes())
        closed = self._closing.closed(class_id, grid.month)
        if closed is None:
            return grid
        late = self._book.changed_after(closed, ((p.pupil_id, d.on) for p in grid.pupils for d in grid.days))
        at = local_time(closed.at_ms)
        return replace(grid, closed_by=session.author_name(closed), closed_at=at, late=late)

    def totals(self, class_id: str, on: date, span: Span) -> PeriodTotals:
        """Return a class's totals over the month, term or year of a day, up to today; raises UnknownClassError."""
        self._session.ask(Action.VIEW, Mark.kind, Mark.importance)
        session, school_class = self._session, self._class(class_id)
        where = (school_class, span, on, session.today(), session.roster)
        return period_totals(*where, self._book, self._calendar, self.codes())

    def month_totals(self, month: date) -> tuple[tuple[ClassView, PeriodTotals], ...]:
        """Return every class with its totals of a month, up to today."""
        self._session.ask(Action.VIEW, Mark.kind, Mark.importance)
        views = self.classes(month)
        return tuple((view, self.totals(view.class_id, month, Span.MONTH)) for view in views)

    def rows_between(self, first: date, last: date, *, present: bool) -> tuple[SystemRow, ...]:
        """Return every pupil's school days, by day and class; without `present` only what is another entry."""
        self._session.ask(Action.VIEW, Mark.kind, Mark.importance)
        found = []
        for on in days_between(first, last):
            for view in self.classes(on):
                day = self.day(view.class_id, on)
                if day.school_day:
                    found += [self._system_row(view, day, row) for row in day.own if present or self._told(row)]
        return tuple(found)

    def _told(self, row: PupilRow) -> bool:
        return row.code is not None and row.code != self._present

    def _system_row(self, view: ClassView, day: DayView, row: PupilRow) -> SystemRow:
        code = row.code or self._present
        known, school = self._codes.get(code), self._session.site.config.site.name
        symbol, name = (known.symbol, known.name) if known else (code, code)
        who = (row.number, row.name, row.kana, row.pupil_id)
        return SystemRow(
            school, view.grade, view.title, view.teacher, *who, day.on, code, symbol, name, row.at_time
        )

    def attention(self) -> Attention:
        """Return long absences of this school year, and class days up to yesterday that nobody confirmed."""
        self._session.ask(Action.VIEW, Mark.kind, Mark.importance)
        reader = AttentionReader(self._session.roster, self._book, self._calendar, self.codes())
        return reader.read(self._session.today())

    def mark_many(self, class_id: str, cells: Sequence[tuple[str, date, str]], why: str = "") -> Saved:
        """Keep many (pupil, day, code) at once, all or none; an empty code takes a mark back.

        Raises UnknownClassError, UnknownCodeError, ClosedDayError, CorrectionReasonError.
        """
        self._session.ask(Action.EDIT, Mark.kind, Mark.importance)
        return self._enter(class_id, cells, why)

    def close_month(self, class_id: str, month: date) -> Saved:
        """締め: let a class's month stand; raises MonthNotReadyError while a day of it is not confirmed."""
        self._session.ask(Action.EDIT, MonthClosed.kind, MonthClosed.importance)
        grid = self.month(class_id, month)
        left = [day.on.day for day in grid.days if day.open and not day.confirmed]
        if left:
            named, days = f"{month:%Y-%m}", "・".join(map(str, left))
            raise MonthNotReadyError(operation="close month", subject=named, month=named, days=days)
        return self._session.saved(self._closing.close(class_id, month.replace(day=1)))

    def reopen_month(self, class_id: str, month: date, reason: str) -> Saved:
        """Open a closed month again, for a reason that is written down; the principal's alone."""
        self._session.ask(Action.EDIT, MonthReopened.kind, MonthReopened.importance)
        return self._session.saved(self._closing.reopen(class_id, month.replace(day=1), reason.strip()))

    def find_pupils(self, kana: str, on: date) -> tuple[FoundPupil, ...]:
        """Return pupils whose reading or name begins with what was typed: kana of any kind, or Latin letters.

        Those whose family name begins so come first; else by class and number.
        """
        self._session.ask(Action.VIEW, "roster.user", Importance.III)
        return find_pupils(self._session.roster, kana, on)

    def _class(self, class_id: str) -> SchoolClass:
        found = self._session.roster.school_class(class_id)
        if found is None:
            raise UnknownClassError(operation="open class", subject=class_id)
        return found

    def _day_status(self, school_class: SchoolClass, on: date) -> DayStatus:
        return self._calendar.class_status(school_class, self._session.roster, on)

    def _check_open(self, class_id: str, on: date, code: str = "") -> None:
        """Refuse a day without school; while a class is closed, online lessons may still be entered."""
        status = self._day_status(self._class(class_id), on)
        if status.counts_as_school_day and not status.suspended:
            return
        known = self._codes.get(code)
        online = known is not None and known.counting is Counting.ONLINE
        if not status.counts_as_school_day or not online:
            raise ClosedDayError(operation="enter attendance", subject=on.isoformat(), day=on.isoformat())

    def _enter(
        self,
        class_id: str,
        cells: Sequence[tuple[str, date, str]],
        why: str,
        at_time: time | None = None,
        reason: str | None = None,
    ) -> Saved:
        """Keep marks of a class's own pupils; a confirmed day is not corrected without a `why`."""
        for pupil_id, on, code in cells:
            self._check_open(class_id, on, code)
            if self._session.roster.books(class_id, on).get(pupil_id) != class_id:
                raise UnknownClassError(operation="mark", subject=class_id)
            if code and code not in self._codes:
                raise UnknownCodeError(operation="mark", subject=code, code_name=code)
        why = why.strip()
        standing = self._book.look([(class_id, on) for _, on, _ in cells], cells, reason)
        standing.check_months()
        confirmed = None if why else standing.confirmed()
        if confirmed is not None:
            raise CorrectionReasonError(operation="correct attendance", subject=str(confirmed), day=str(confirmed))
        return self._kept(self._book.keep_marks(standing, at_time, why))

    def _change_day(
        self, class_id: str, on: date, *, rest_present: bool | None = None, confirmed: bool | None = None
    ) -> Saved:
        self._session.ask(Action.EDIT, ClassDay.kind, ClassDay.importance)
        self._check_open(class_id, on)
        standing = self._book.look([(class_id, on)])
        standing.check_months()
        day, before = standing.class_day(class_id, on)
        changed = msgspec.structs.replace(
            day,
            rest_present=day.rest_present if rest_present is None else rest_present,
            confirmed=day.confirmed if confirmed is None else confirmed,
        )
        return self._kept(self._book.keep_class_day(standing, changed, before))

    def _where(self, payload: bytes) -> tuple[str, date]:
        """Return of which class and day an entry is."""
        told = msgspec.msgpack.decode(payload, type=_Where)
        return told.class_id or self._session.roster.class_of(told.pupil, told.on), told.on

    def _kept(self, entry: Entry) -> Saved:
        return self._session.saved(entry.put, entry.former)

    def _is_exception(self, opened: OpenedMark | None) -> bool:
        return opened is not None and opened.mark.code != self._present

    def _row(self, member: ClassMember, opened: OpenedMark | None, rest_present: bool) -> PupilRow:
        user = member.user
        row = PupilRow(user.id, member.number, user.name, user.kana, self._present if rest_present else None)
        if member.home:
            row = replace(row, guest=self._class(member.home).title)
        if opened is None:
            return row
        return replace(
            row,
            code=opened.mark.code,
            at_time=opened.mark.at_time,
            has_reason=opened.mark.has_reason,
            entered_by=self._session.author_name(opened.plain),
            entered_at=local_time(opened.plain.at_ms),
            conflict=opened.plain.conflict,
        )
