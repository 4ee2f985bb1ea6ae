"""The working hours desk: punching, one's own month, the managers' view, corrections, the recorder's file.

Invariant: every method asks the policy first. One's own records are asked for as `hours.own`, everybody's as the
record kinds, which the rules leave to managers; a correction changes no figure before a manager answered it.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from os import urandom
from pathlib import Path
from typing import Final

from appliance.classification.model import Action
from appliance.errors import ApplianceError
from appliance.hours.book import HoursBook
from appliance.hours.cards import Cards, badge_of, badges, named_cards, read_mapping
from appliance.hours.forms import HoursFormError, UnknownStaffError, read_whole, require_day, require_shift
from appliance.hours.importing import ClockPlan, plan_clock
from appliance.hours.limits import Standing
from appliance.hours.ofperson import PersonHours, counting
from appliance.hours.reckoning import Way
from appliance.hours.records import Approval, Badge, Correction, DayRecord, Press, Punch, Shift, of_day, of_shift
from appliance.hours.report import ASSET as REPORT
from appliance.hours.report import ASSET_IMPORTANCE, HoursReport, hours_report
from appliance.hours.settings import HoursSettings, Pattern
from appliance.hours.timeclock import read_clock
from appliance.hours.views import StaffEntry, TrendPoint, WaitingCorrection, WorkMonth
from appliance.session import Session, local_time
from appliance.views import Saved
from crypto.importance import Importance

OWN: Final = "hours.own"
CLOCK: Final = "hours.timeclock"
_MACHINES: Final = frozenset(("board", "site", "timeclock"))


class NoCorrectionError(ApplianceError):
    """No such correction waits: it was answered or changed meanwhile, or it is one's own."""

    code = "APP-404"


class HoursDesk:
    """Working hours over one session."""

    def __init__(self, session: Session, settings: HoursSettings) -> None:
        self._session, self._settings = session, settings
        self._book = HoursBook(session.store)

    def patterns(self) -> tuple[Pattern, ...]:
        """Return this school's shift patterns."""
        return self._settings.pattern

    def punch(self, way: Way) -> Saved:
        """Write down that the person at the screen comes or goes now."""
        self._ask(Action.EDIT, Punch.kind)
        now = local_time(self._session.now_ms())
        press = Press(now.hour * 60 + now.minute, way)
        return self._keep([(urandom(16), Punch(person=self._me, on=now.date(), presses=(press,)))])

    def own_month(self, month: date) -> WorkMonth:
        """Return one's own month."""
        self._ask(Action.VIEW, OWN)
        return self._month(self._people(self._me)[self._me], month)

    def own_trend(self, last: date, months: int = 12) -> tuple[TrendPoint, ...]:
        """Return one's own months up to `last`."""
        self._ask(Action.VIEW, OWN)
        return self._people(self._me)[self._me].trend(last.replace(day=1), months)

    def month_of(self, person: str, month: date) -> WorkMonth:
        """Return somebody's month; raises UnknownStaffError."""
        self._ask(Action.VIEW, Punch.kind, person)
        return self._month(self._one(person), month)

    def trend_of(self, person: str, last: date, months: int = 12) -> tuple[TrendPoint, ...]:
        """Return somebody's months up to `last`; raises UnknownStaffError."""
        self._ask(Action.VIEW, Punch.kind, person)
        return self._one(person).trend(last.replace(day=1), months)

    def all_months(self, month: date) -> tuple[WorkMonth, ...]:
        """Return everybody's month, the gravest light first."""
        self._ask(Action.VIEW, Punch.kind)
        months = [self._month(hours, month) for hours in self._people().values()]
        return tuple(sorted(months, key=lambda one: (_gravity(one.standing), one.name)))

    def waiting(self) -> tuple[WaitingCorrection, ...]:
        """Return the corrections that wait for a manager, oldest day first."""
        self._ask(Action.VIEW, DayRecord.kind)
        found = []
        for hours in self._people().values():
            for on in hours.days or ():
                day = hours.day(on, self._session.today())
                if day.waiting is not None:
                    name = self._name(hours.person)
                    found.append(WaitingCorrection(hours.person, name, on, day.spans, day.waiting))
        return tuple(sorted(found, key=lambda one: (one.on, one.name)))

    def declare(
        self,
        on: date,
        *,
        rest: int = 0,
        self_study: int = 0,
        off_campus: int = 0,
        telework: int = 0,
        taken_home: int = 0,
        note: str = "",
        correction: Correction | None = None,
    ) -> Saved:
        """Declare one's own day as a whole, and ask for a correction of it; raises HoursFormError."""
        self._ask(Action.EDIT, DayRecord.kind)
        day = DayRecord(
            person=self._me,
            on=on,
            rest=rest,
            self_study=self_study,
            off_campus=off_campus,
            telework=telework,
            taken_home=taken_home,
            note=note.strip(),
            correction=correction,
        )
        require_day(day, self._session.today())
        return self._keep([(self._book.name(DayRecord.kind, *of_day(day)), day)])

    def approve(self, person: str, on: date, correction: Correction) -> Saved:
        """Let a correction count, as it was shown; raises NoCorrectionError."""
        self._ask(Action.EDIT, Approval.kind, person)
        return self._answer(person, on, correction, granted=True)

    def refuse(self, person: str, on: date, correction: Correction, reason: str) -> Saved:
        """Refuse a correction; what counted before counts on. Raises NoCorrectionError, HoursFormError."""
        self._ask(Action.EDIT, Approval.kind, person)
        if not reason.strip():
            raise HoursFormError(operation="refuse correction", subject=on.isoformat())
        return self._answer(person, on, correction, granted=False, reason=reason.strip())

    def staff(self) -> tuple[StaffEntry, ...]:
        """Return everybody whose hours are kept, with the shift in force, by name."""
        self._ask(Action.VIEW, Shift.kind)
        today, shifts = self._session.today(), self._book.shifts()
        found = []
        for person, roles in self._roles().items():
            own = shifts.get(person, ())
            shift = PersonHours(person, self._settings, shifts=own).shift(today)
            entry = (shift.name if own else "", shift.staff, shift.course, shift.cards)
            found.append(StaffEntry(person, self._name(person), roles, *entry))
        return tuple(sorted(found, key=lambda one: one.name))

    def set_shifts(self, shifts: Sequence[Shift]) -> Saved | None:
        """Keep who works when, all or none; None without any. Raises HoursFormError, UnknownStaffError."""
        self._ask(Action.EDIT, Shift.kind)
        known = self._roles()
        for shift in shifts:
            if shift.person not in known:
                raise UnknownStaffError(operation="set shift", subject=shift.person)
            require_shift(shift)
        if not shifts:
            return None
        kept = [(self._book.name(Shift.kind, *of_shift(shift)), shift) for shift in shifts]
        return self._keep([*kept, *self._badges(shifts)])

    def _badges(self, new: Sequence[Shift]) -> list[tuple[bytes, Badge]]:
        """Return what the terminal at the entrance is told of every card, once these shifts stand."""
        standing = {(s.person, s.since): s for shifts in self._book.shifts().values() for s in shifts}
        gone = {badge_of(card) for shift in standing.values() for card in shift.cards}
        standing |= {(shift.person, shift.since): shift for shift in new}
        told = badges(standing.values(), self._name)
        told |= {card: Badge(holders=()) for card in gone - told.keys()}
        return [(self._book.badge_name(card), badge) for card, badge in sorted(told.items())]

    def plan_import(self, file: Path, mapping: Path | None = None) -> ClockPlan:
        """Say what a recorder's file would bring; keeps nothing. Raises ClockFileError, MappingFileError."""
        self._ask(Action.EDIT, CLOCK)
        return self.plan_rows(read_whole(file), read_whole(mapping) if mapping else b"")

    def plan_rows(self, data: bytes, mapping: bytes = b"") -> ClockPlan:
        """Say what the rows of a recorder's file would bring; keeps nothing. Raises MappingFileError."""
        self._ask(Action.EDIT, CLOCK)
        self._ask(Action.VIEW, Shift.kind)
        named = read_mapping(mapping) if mapping else {}
        staff = {person: self._name(person) for person in self._roles()}
        cards = Cards(self._book.shifts(), named_cards(named, staff))
        read = read_clock(data, self._settings.clock)
        return plan_clock(read, cards, self._session.today(), self._book.name, self._book.kept)

    def commit_import(self, plan: ClockPlan) -> Saved | None:
        """Keep what was planned, whole or not at all; None when all of it stands there already."""
        self._ask(Action.EDIT, CLOCK)
        there = self._book.kept(Punch.kind, [row.record for row in plan.new])
        new = [(row.record, row.punch) for row in plan.new if row.record not in there]
        return self._keep(new) if new else None

    def report(self, year: int) -> HoursReport:
        """Return the mean overtime by course of a 年度 beside the one before; no person's figure."""
        self._session.ask(Action.VIEW, REPORT, ASSET_IMPORTANCE)
        return hours_report(self._people().values(), year, self._settings)

    @property
    def _me(self) -> str:
        return self._session.person.id.hex()

    def _answer(self, person: str, on: date, seen: Correction, *, granted: bool, reason: str = "") -> Saved:
        day = self._one(person).day(on, self._session.today())
        if person == self._me or day.waiting != seen:
            raise NoCorrectionError(operation="answer correction", subject=on.isoformat())
        stands = self._book.approvals().get(person, {}).get(on)
        approval = Approval(
            person=person, on=on, answered=seen, granted=granted, standing=counting(stands), reason=reason
        )
        return self._keep([(self._book.name(Approval.kind, *of_day(approval)), approval)])

    def _people(self, only: str = "") -> Mapping[str, PersonHours]:
        stamps, days = self._book.stamps(only), self._book.days(only)
        approvals, shifts = self._book.approvals(only), self._book.shifts(only)
        people = [only] if only else [*dict.fromkeys((*self._roles(), *stamps, *days))]
        return {
            person: PersonHours(
                person,
                self._settings,
                stamps.get(person, ()),
                days.get(person),
                approvals.get(person),
                shifts.get(person, ()),
            )
            for person in people
        }

    def _one(self, person: str) -> PersonHours:
        found = self._people().get(person)
        if found is None:
            raise UnknownStaffError(operation="open hours", subject=person)
        return found

    def _month(self, hours: PersonHours, month: date) -> WorkMonth:
        return hours.month(month.replace(day=1), self._name(hours.person), self._session.today())

    def _roles(self) -> dict[str, tuple[str, ...]]:
        """Return the roles of everybody in office, by person id."""
        now, people = self._session.now_ms(), self._session.store.keyring.people.people
        return {p.id.hex(): p.roles for p in people if p.valid(now) and not _MACHINES & {*p.roles}}

    def _name(self, person: str) -> str:
        return self._session.roster.display_name(bytes.fromhex(person))

    def _keep(self, things: Sequence[tuple[bytes, Punch | DayRecord | Shift | Approval | Badge]]) -> Saved:
        return self._session.saved(self._book.keep(things))

    def _ask(self, action: Action, kind: str, subject: str = "") -> None:
        self._session.ask(action, kind, Importance.II, subject=subject)


def _gravity(standing: Standing) -> tuple[int, int]:
    return -("green", "yellow", "red").index(standing.signal), -standing.overtime
