"""欠席連絡: what a guardian tells by telephone, for today, for days to come, or for several.

Invariant: an absence is kept on every school day of its range in one go, or on none; days without school in
between are passed over. What it replaces stays in the history of its day.
"""

from dataclasses import dataclass
from datetime import date, time, timedelta
from pathlib import Path
from typing import Final

from appliance.attendance.book import AttendanceBook, OpenedMark
from appliance.attendance.codes import load_codes
from appliance.attendance.desk import ClosedDayError, UnknownClassError, UnknownCodeError
from appliance.attendance.influenza import COVID, INFLUENZA, ReturnRule
from appliance.attendance.mourning import MourningRule, load_mourning
from appliance.attendance.reasons import ToldReason, load_reasons
from appliance.attendance.records import Mark, Reason
from appliance.classification.model import Action
from appliance.errors import ApplianceError
from appliance.messages import Language
from appliance.schoolcalendar import CalendarBook
from appliance.schooldays import days_between
from appliance.session import Session, local_time
from appliance.views import AttendanceCode, Saved

MOST_DAYS: Final = 92
_TOLD: Final = "欠席連絡"  # why a day is corrected that had been confirmed before the call
ILLNESSES: Final = (INFLUENZA, COVID)


class AbsenceRangeError(ApplianceError):
    """The range of an absence ends before it begins, or is longer than a term."""

    code = "APP-209"


@dataclass(frozen=True, slots=True)
class AbsenceChoices:
    """What may be told: codes, reasons, illnesses that keep at home, days of mourning, why a day is corrected."""

    codes: tuple[AttendanceCode, ...]
    reasons: tuple[ToldReason, ...]
    illnesses: tuple[ReturnRule, ...]
    mourning: tuple[MourningRule, ...]
    corrections: tuple[ToldReason, ...] = ()


@dataclass(frozen=True, slots=True)
class AbsenceDay:
    """A school day of a range, and what stands there already: code, who entered it, `HH:MM`."""

    on: date
    class_id: str
    code: str = ""
    by: str = ""
    at: str = ""


@dataclass(frozen=True, slots=True)
class Absence:
    """What was told of a pupil, from `first` up to and including `last`."""

    pupil_id: str
    first: date
    last: date
    code: str
    reason: str | None = None
    at_time: time | None = None


def load_choices(path: Path | None = None, lang: Language = "ja") -> AbsenceChoices:
    """Read a school's file of codes, reasons and mourning, or the one that comes with the program."""
    corrections = load_reasons(path, lang, "correction")
    told = load_codes(path, lang), load_reasons(path, lang), ILLNESSES, load_mourning(path, lang)
    return AbsenceChoices(*told, corrections)


class AbsenceDesk:
    """Absences told by telephone, over one session."""

    def __init__(self, session: Session, calendar: CalendarBook, choices: AbsenceChoices) -> None:
        self._session, self._calendar, self._choices = session, calendar, choices
        self._book = AttendanceBook(session.store)

    def choices(self) -> AbsenceChoices:
        """Return what may be told."""
        return self._choices

    def days(self, pupil_id: str, first: date, last: date) -> tuple[AbsenceDay, ...]:
        """Return the school days of a range with what stands there; raises AbsenceRangeError."""
        self._session.ask(Action.VIEW, Mark.kind, Mark.importance)
        found = self._school_days(pupil_id, first, last)
        marks = self._book.marks_of([(pupil_id, on) for on, _ in found])
        return tuple(self._day(on, class_id, marks.get((pupil_id, on))) for on, class_id in found)

    def keep(self, absence: Absence) -> Saved:
        """Keep it on every school day of its range.

        Raises AbsenceRangeError, UnknownCodeError, UnknownClassError (no class has the pupil), ClosedDayError (no
        school on any of these days), PolicyDeniedError.
        """
        self._session.ask(Action.EDIT, Mark.kind, Mark.importance)
        if absence.code not in {code.code for code in self._choices.codes}:
            raise UnknownCodeError(operation="keep absence", subject=absence.code, code_name=absence.code)
        days = self._school_days(absence.pupil_id, absence.first, absence.last)
        if not days:
            first = absence.first.isoformat()
            raise ClosedDayError(operation="keep absence", subject=first, day=first)
        if absence.reason:
            group = days[0][1]
            self._session.ask(Action.EDIT, Reason.kind, Reason.importance, group=group, subject=absence.pupil_id)
        cells = [(absence.pupil_id, on, absence.code) for on, _ in days]
        standing = self._book.look([(class_id, on) for on, class_id in days], cells, absence.reason)
        standing.check_months()
        why = _TOLD if standing.confirmed() is not None else ""
        entry = self._book.keep_marks(standing, absence.at_time, why)
        return self._session.saved(entry.put, entry.former)

    def _school_days(self, pupil_id: str, first: date, last: date) -> list[tuple[date, str]]:
        """Return the days on which the pupil's class has school, with the class."""
        if not 0 <= (last - first).days < MOST_DAYS:
            raise AbsenceRangeError(operation="keep absence", most=MOST_DAYS)
        roster, found, known = self._session.roster, list[tuple[date, str]](), False
        for on in days_between(first, last):
            school_class = roster.school_class(roster.class_of(pupil_id, on))
            if school_class is None:
                continue
            known = True
            status = self._calendar.class_status(school_class, roster, on)
            if status.counts_as_school_day and not status.suspended:
                found.append((on, school_class.id))
        if not known:
            raise UnknownClassError(operation="keep absence", subject="no class")
        return found

    def _day(self, on: date, class_id: str, opened: OpenedMark | None) -> AbsenceDay:
        if opened is None:
            return AbsenceDay(on, class_id)
        plain = opened.plain
        at = f"{local_time(plain.at_ms):%H:%M}"
        return AbsenceDay(on, class_id, opened.mark.code, self._session.author_name(plain), at)


def mourning_until(rule: MourningRule, first: date) -> date:
    """Return the last day of 忌引: calendar days, counted on end from the first."""
    return first + timedelta(days=rule.days - 1)
