"""照合: after an outage, the parents' app's absences beside what was taken by telephone or entered in class.

Invariant: comparing keeps nothing; what is taken over goes through the desk of absences, and an entry that says
something else is replaced only when the person chose that row.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from appliance.attendance.absences import Absence, AbsenceDesk
from appliance.attendance.book import AttendanceBook
from appliance.attendance.notices import Candidate, Notice, NoticeForm, Unread, read_notices
from appliance.attendance.records import Mark
from appliance.classification.model import Action
from appliance.session import Session
from appliance.views import Counting, Saved


class Match(StrEnum):
    """How a row stands to the book."""

    NEW = "new"  # nothing was entered for the day
    DIFFERENT = "different"  # something else stands there
    UNTOLD = "untold"  # the book says absent, and nobody told
    UNREAD = "unread"
    CLOSED = "closed"  # no school on the day
    SAME = "same"


@dataclass(frozen=True, slots=True)
class Compared:
    """A row of the app, or an absence that nobody told; `stands` is what the book holds, empty for nothing."""

    match: Match
    words: str
    on: date | None
    code: str = ""
    stands: str = ""
    by: str = ""
    unread: Unread | None = None
    notice: Notice | None = None

    @property
    def gravity(self) -> int:
        """Return its place in the list: what asks for somebody first."""
        return [*Match].index(self.match)


class NoticeDesk:
    """Compares over one session."""

    def __init__(self, session: Session, absences: AbsenceDesk, form: NoticeForm) -> None:
        self._session, self._absences, self._form = session, absences, form
        self._book = AttendanceBook(session.store)

    def compare(self, text: str) -> tuple[Compared, ...]:
        """Return every row of a pasted table beside the book, what asks for somebody first.

        Raises NoticesTableError.
        """
        self._session.ask(Action.VIEW, Mark.kind, Mark.importance)
        notices = read_notices(text, self._form, self._session.today(), self._candidates)
        found = [self._compared(notice) for notice in notices]
        told = {(notice.pupil_id, notice.on) for notice in notices}
        for on in sorted({notice.on for notice in notices if notice.on is not None}):
            found += self._untold(on, [pupil for pupil, day in told if day == on])
        return tuple(sorted(found, key=lambda one: (one.gravity, one.on or date.min, one.words)))

    def take(self, chosen: Sequence[Compared]) -> tuple[Saved, ...]:
        """Keep what rows say, each as one entry; raises what keeping an absence raises."""
        self._session.ask(Action.EDIT, Mark.kind, Mark.importance)
        kept = []
        for one in chosen:
            notice = one.notice
            if notice is not None and notice.on is not None and one.match in (Match.NEW, Match.DIFFERENT):
                reason = notice.reason or None
                absence = Absence(notice.pupil_id, notice.on, notice.on, notice.code, reason, notice.at_time)
                kept.append(self._absences.keep(absence))
        return tuple(kept)

    def _compared(self, notice: Notice) -> Compared:
        if notice.unread is not None or notice.on is None:
            return Compared(Match.UNREAD, notice.told, notice.on, unread=notice.unread, notice=notice)
        days = self._absences.days(notice.pupil_id, notice.on, notice.on)
        words = self._words(notice.pupil_id, notice.on)
        if not days:
            return Compared(Match.CLOSED, words, notice.on, notice.code, notice=notice)
        match = Match.NEW if not days[0].code else Match.SAME if days[0].code == notice.code else Match.DIFFERENT
        return Compared(match, words, notice.on, notice.code, days[0].code, days[0].by, notice=notice)

    def _untold(self, on: date, told: Sequence[str]) -> list[Compared]:
        away = {code.code for code in self._absences.choices().codes if code.counting is Counting.ABSENT}
        marks = self._book.marks([one.pupil_id for one in self._candidates(on) if one.pupil_id not in told], on)
        return [
            Compared(
                Match.UNTOLD,
                self._words(pupil, on),
                on,
                stands=opened.mark.code,
                by=self._session.author_name(opened.plain),
            )
            for pupil, opened in marks.items()
            if opened.mark.code in away
        ]

    def _words(self, pupil_id: str, on: date) -> str:
        roster = self._session.roster
        school_class = roster.school_class(roster.class_of(pupil_id, on))
        user = roster.user(pupil_id)
        return f"{school_class.title if school_class else ''} {user.name if user else ''}".strip()

    def _candidates(self, on: date) -> list[Candidate]:
        roster = self._session.roster
        return [
            Candidate(member.user.id, school_class.title, member.number, member.user.name)
            for school_class in roster.classes()
            for member in roster.members(school_class.id, on)
        ]
