"""The one door between the screens and the school: a logged-in person's office.

Invariant: what a screen shows or enters goes through here or through one of the desks, and each asks the policy;
keys live in this object only and die with `logout`. Synchronous; used by one thread at a time.
"""

from collections.abc import Sequence
from datetime import date, timedelta

from appliance.attendance.desk import AttendanceDesk
from appliance.attendance.records import ClassDay
from appliance.meetingdesk import MeetingDesk
from appliance.policy import Action
from appliance.rosterdesk import RosterDesk
from appliance.schoolcalendar import CalendarBook, CalendarDesk
from appliance.session import Session, local_time
from appliance.views import AttendanceCode, HomeView, Light, Who
from sync.status import LinkState, read_status


class Office:
    """One person's session over one school: `attendance`, `calendar`, `meetings` and `roster` are its desks."""

    def __init__(self, session: Session, codes: Sequence[AttendanceCode]) -> None:
        self._session = session
        calendar = CalendarBook(session.store)
        self.calendar = CalendarDesk(session, calendar)
        self.attendance = AttendanceDesk(session, codes, calendar)
        self.meetings = MeetingDesk(session)
        self.roster = RosterDesk(session)

    @property
    def who(self) -> Who:
        """Return the person at the screen."""
        person = self._session.person
        return Who(person.login, self._session.roster.display_name(person.id), person.roles)

    @property
    def school_name(self) -> str:
        """Return the school's name."""
        return self._session.site.config.site.name

    @property
    def lock_after_s(self) -> int:
        """Return the idle seconds after which the screen locks."""
        return self._session.site.config.office.lock_after_s

    def today(self) -> date:
        """Return the day that entries are about unless the person picks another."""
        return self._session.today()

    def changed_since(self, token: int) -> tuple[int, bool]:
        """Return a new token and whether anything was kept since the given one. Cheap."""
        seq = self._session.store.reader.position().seq
        if seq != token:
            self._session.roster.refresh()
        return seq, seq != token

    def light(self) -> Light:
        """Return how far the entries have got; what is not proven is not claimed."""
        saved = self._session.store.reader.position().seq
        told = read_status(self._session.site.paths)
        if told is None:
            return Light(LinkState.UNKNOWN, saved, 0, saved)
        sent = min(told.sent, saved)
        since, sent_at, verified_at = (
            local_time(ms) if ms else None for ms in (told.link_since_ms, told.sent_at_ms, told.verified_at_ms)
        )
        warning = told.warnings[0] if told.warnings else None
        return Light(told.link, saved, sent, saved - sent, since, sent_at, verified_at, warning)

    def home(self) -> HomeView:
        """Return the first screen: today's classes, the meetings of the next seven days, the line."""
        self._session.ask(Action.VIEW, ClassDay.kind, ClassDay.importance)
        today = self.today()
        status = self.calendar.status(today)
        week = [m for m in self.meetings.all() if today <= m.starts.date() <= today + timedelta(days=7)]
        return HomeView(
            today,
            self.school_name,
            status.counts_as_school_day,
            status.reason,
            self.attendance.classes(today),
            tuple(reversed(week)),
            self.light(),
        )

    def logout(self) -> None:
        """Forget every key and close the session."""
        self._session.store.close()
