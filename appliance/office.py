"""The one door between the screens and the school: a logged-in person's office.

Invariant: what a screen shows or enters goes through here or through one of the desks, and each asks the policy;
keys live in this object only and die with `logout`. Synchronous; used by one thread at a time.
"""

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

from appliance.attendance.absences import AbsenceChoices, AbsenceDesk
from appliance.attendance.closures import ClosureDesk
from appliance.attendance.desk import AttendanceDesk
from appliance.attendance.noticedesk import NoticeDesk
from appliance.attendance.notices import NoticeForm, load_notice_form
from appliance.attendance.records import ClassDay
from appliance.attendance.schoolsystem import SystemMapping, read_mapping
from appliance.attendance.sheetform import SheetForm, load_sheet_form
from appliance.auditdesk import AuditDesk
from appliance.classification.model import Action, Verdict
from appliance.conflictdesk import ConflictDesk
from appliance.contacts import ContactDesk
from appliance.devices.desk import DeviceDesk
from appliance.documents.book import DocumentBook
from appliance.documents.desk import DocumentDesk
from appliance.documents.door import DocumentDoor
from appliance.documents.filing import FilingDesk
from appliance.documents.reading import read_document
from appliance.emergency.desk import EmergencyDesk
from appliance.exchange.desk import ExchangeDesk
from appliance.exchange.mapping import ExchangeMapping, read_exchange_mapping
from appliance.exchange.outgoing import (
    OUT,
    RECEIPTS,
    Asked,
    ExchangeReleases,
    Mappings,
    Outgoing,
    Sources,
)
from appliance.exchange.records import Receipt
from appliance.hours.desk import HoursDesk
from appliance.hours.settings import HoursSettings, load_hours
from appliance.inbox.told import read_told
from appliance.ledger.desk import LedgerDesk
from appliance.lights import light_of
from appliance.meetings.book import MeetingBook
from appliance.meetings.desk import MeetingDesk
from appliance.meetings.floordesk import FloorDesk
from appliance.meetings.minutesdesk import MinutesDesk
from appliance.meetings.records import AgendaItem
from appliance.noticeboard.desk import NoticeboardDesk
from appliance.permits.desk import PermitDesk
from appliance.permits.gate import Lock, Released, ReleaseGate
from appliance.permits.handing import SHARED, HandedOut, hand_out, place_of, subfolder
from appliance.permits.releases import ReleaseDesk
from appliance.rosterdesk import RosterDesk
from appliance.schoolcalendar import CalendarBook, CalendarDesk
from appliance.session import Session, local_time
from appliance.surveys.desk import SurveyDesk
from appliance.views import HomeView, LeftInInbox, Light, Saved, Who
from crypto.importance import Importance

_LOOKS = "office.look"
_NOTHING = Lock()


class Office:
    """One person's session over one school, with a desk for each area."""

    def __init__(
        self,
        session: Session,
        choices: AbsenceChoices,
        hours: HoursSettings | None = None,
        form: SheetForm | None = None,
        notices: NoticeForm | None = None,
    ) -> None:
        self._session = session
        calendar = CalendarBook(session.store)
        self.calendar = CalendarDesk(session, calendar)
        self.closures = ClosureDesk(session, calendar)
        self.attendance = AttendanceDesk(session, choices.codes, calendar, choices.corrections)
        self.absences = AbsenceDesk(session, calendar, choices)
        self.notices = NoticeDesk(session, self.absences, notices or load_notice_form())
        meetings = MeetingBook(session.store, lambda importance: self._shows(AgendaItem.kind, importance))
        self.meetings = MeetingDesk(session, meetings)
        self.minutes = MinutesDesk(session, meetings)
        self.floor = FloorDesk(session, meetings)
        self.roster = RosterDesk(session)
        self.contacts = ContactDesk(session)
        self.conflicts = ConflictDesk(session, choices.codes)
        self.ledger = LedgerDesk(session)
        self.emergency = EmergencyDesk(session)
        self.documents = DocumentDesk(session)
        door = DocumentDoor(session, DocumentBook(session.store))
        self.exchange = ExchangeDesk(session, self.documents, self.roster, door.listed_title)
        self.filing = FilingDesk(session, read_document)
        self.permits = PermitDesk(session, lambda thing: door.listed_title(thing) or self.meetings.title(thing))
        self.devices = DeviceDesk(session)
        self.hours = HoursDesk(session, hours or load_hours())
        self.noticeboard = NoticeboardDesk(session)
        self.surveys = SurveyDesk(session)
        self.audit = AuditDesk(session, door.title)
        gate = ReleaseGate(session, self.permits)
        read = (self.attendance, self.meetings, self.hours, self.roster, session.site.config.site.name)
        self.outgoing = ExchangeReleases(gate, self.exchange, Sources(*read))
        self.releases = ReleaseDesk(
            gate,
            self.ledger,
            self.audit,
            self.attendance,
            self.documents,
            self.hours,
            self.meetings,
            self.surveys,
            form or load_sheet_form(),
        )

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
    def released_into(self) -> Path:
        """Return the folder into which this site releases."""
        return place_of(self._session.site)

    def hand_out(self, make: Callable[[], Released]) -> HandedOut:
        """Put a released file where this site releases; raises NoPlaceError and what `make` raises."""
        return hand_out(self.released_into, make, SHARED)

    def give_receipt(self, receipt_id: str, name: str = "", folder: Path | None = None) -> HandedOut:
        """Put the receipt of a file called `name` where this site releases, or into a folder."""
        place = folder or subfolder(self.released_into, RECEIPTS)
        return hand_out(place, lambda: self.outgoing.receipt(receipt_id, name), SHARED)

    def send_out(self, asked: Asked, lock: Lock = _NOTHING, folder: Path | None = None) -> HandedOut:
        """Put a file for the school system into 書出 where this site releases, or into a folder.

        Raises NoPlaceError and what `ExchangeReleases.make` raises.
        """
        made: list[Outgoing] = []

        def make() -> Released:
            mappings = Mappings(self.system_mapping(), self.exchange_mapping())
            made.append(self.outgoing.make(asked, mappings, lock))
            return made[-1].released

        handed = hand_out(folder or subfolder(self.released_into, OUT), make, SHARED)
        self.exchange.keep_sent(made[-1].sent)  # after: what never reached the folder goes out the next time
        return handed

    def list_sent(self, first: date, last: date, folder: Path | None = None) -> HandedOut:
        """Put the list of what went out for a time beside it."""
        place = folder or subfolder(self.released_into, OUT)
        return hand_out(place, lambda: self.outgoing.manifest(first, last), SHARED)

    def system_mapping(self) -> SystemMapping:
        """Return how the school system wants its rows; raises MappingFileError."""
        site = self._session.site
        own = site.config.office.mapping
        return read_mapping(site.path / own if own else None)

    def exchange_mapping(self) -> ExchangeMapping:
        """Return how the school system wants totals, meetings and hours; raises MappingFileError."""
        site = self._session.site
        own = site.config.office.exchange
        return read_exchange_mapping(site.path / own if own else None)

    @property
    def lock_after_s(self) -> int:
        """Return the idle seconds after which the screen locks."""
        return self._session.site.config.office.lock_after_s

    def look(self) -> str:
        """Return the look that this person chose on this box, empty for none."""
        client = self._session.store.client
        raw = client.local_get(_LOOKS, self._session.person.login) if client else None
        return raw.decode("ascii", "replace") if raw else ""

    def keep_look(self, name: str) -> str:
        """Remember a look for this person on this box, and return it."""
        if (client := self._session.store.client) is not None:
            client.local_put(_LOOKS, self._session.person.login, name.encode("ascii"))
        return name

    def today(self) -> date:
        """Return the day that entries are about unless the person picks another."""
        return self._session.today()

    def changed_since(self, token: int) -> tuple[int, bool]:
        """Return a new token and whether anything was kept since the given one, here or elsewhere. Cheap."""
        changes = self._session.store.reader.changes()
        if changes != token:
            self._session.refresh()
        return changes, changes != token

    def since_entry(self, token: int, saved: Saved) -> int | None:
        """Return a new token if an entry is all that was kept since the given one, here or elsewhere."""
        changes = self._session.store.reader.changes()
        return changes if changes - token == saved.last_seq - saved.first_seq + 1 else None

    def light(self) -> Light:
        """Return how far the entries have got; what is not proven is not claimed."""
        return light_of(
            self._session,
            conflicts=self.conflicts.count(),
            quarantined=self.conflicts.held_count(),
            disclosed_until=self.emergency.until(),
            devices=self.devices.refused(),
            inbox=sum(read_told(self._session.site.paths).counts.values()),
        )

    def left_in_inbox(self) -> tuple[LeftInInbox, ...]:
        """Return the files of the drop folder that were not taken, newest first."""
        told = read_told(self._session.site.paths)
        return tuple(
            LeftInInbox(local_time(one.since_ms), one.folder, one.size, one.code) for one in told.not_taken
        )

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
            self.permits.counts(),
            self.noticeboard.waiting(),
            self.exchange.count() if self._edits(Receipt.kind, Receipt.importance) else 0,
        )

    def _shows(self, kind: str, importance: Importance) -> bool:
        return self._session.may(Action.VIEW, kind, importance).verdict is Verdict.ALLOW

    def _edits(self, kind: str, importance: Importance) -> bool:
        return self._session.may(Action.EDIT, kind, importance).verdict is Verdict.ALLOW

    def logout(self) -> None:
        """Forget every key and close the session."""
        self._session.store.close()
