"""A roster workbook as C4th and other school systems export it, planned like an import of OneRoster.

Invariant: pure. Only what the workbook speaks of is changed: pupils, their classes and numbers, telephone numbers,
guardians. Who is missing from a class that it lists leaves that class, but for what a refused row might have said;
a workbook without classes lets nobody leave.
"""

from dataclasses import dataclass
from datetime import date
from typing import Final

import msgspec

from appliance.exchange.errors import WorkbookHeadingsError
from appliance.exchange.matching import Matcher, TwinsError, plain, same_guardian
from appliance.exchange.pupilrows import PupilRow, RowReader
from appliance.exchange.sheets import read_sheets
from appliance.oneroster.changes import Changes, compare
from appliance.oneroster.container import Held
from appliance.oneroster.counting import count_classes, totals_of
from appliance.oneroster.findings import Findings
from appliance.oneroster.plan import WORKBOOK, ImportPlan
from appliance.oneroster.survival import PART_OF_KIND, Roster, by_kind
from appliance.roster import Contact, Enrollment, Guardian, RosterRecord, School, SchoolClass, Session, User
from appliance.schooldays import school_year_of

_STUDENT: Final = "student"


@dataclass(frozen=True, slots=True)
class Place:
    """Which school the workbook is for, and the day in Japan."""

    code: str
    name: str
    today: date


def plan_workbook(held: Held, existing: tuple[RosterRecord, ...] | list[RosterRecord], place: Place) -> ImportPlan:
    """Plan the import of a workbook; raises WorkbookUnreadableError, WorkbookHeadingsError, the container's."""
    findings = Findings()
    sheets = read_sheets(held)
    year = school_year_of(place.today)
    readers = [RowReader(sheet, place.code[:2], year, findings) for sheet in sheets]
    if not any(reader.headings for reader in readers):
        told = "・".join(sheet.name for sheet in sheets[:3]) or "—"
        raise WorkbookHeadingsError(operation="read workbook", subject=held.name, file=held.name, sheets=told)
    listing = _Listing(by_kind(existing), place, year, findings)
    for reader in readers:
        for row in reader.read():
            listing.take(row)
    whole = not any(reader.spoilt for reader in readers) and not listing.spoilt
    count = sum(reader.rows for reader in readers)
    changes = listing.changes(whole=whole)
    rows_out = {(found.file, found.line) for found in findings.quarantined}
    return ImportPlan(
        version=WORKBOOK,
        mode="bulk",
        encoding="xlsx",
        put=changes.put,
        remove=changes.remove,
        unchanged=changes.unchanged,
        quarantined=findings.left_out(),
        warnings=findings.folded_warnings(),
        class_counts=count_classes(changes.after),
        totals=totals_of(changes.after, count, len(rows_out), len(findings.warnings)),
    )


class _Listing:
    """Gathers what the rows say into records."""

    def __init__(self, roster: Roster, place: Place, year: int, findings: Findings) -> None:
        self._roster, self._place, self._year, self._findings = roster, place, year, findings
        self._matcher = Matcher(roster, place.code)
        self._built: Roster = {kind: {} for kind in (*PART_OF_KIND, Contact.kind)}
        self._gone: set[str] = set()
        self._rows: set[tuple[str, ...]] = set()
        self._listed: dict[str, set[str]] = {}
        self.spoilt = False

    def take(self, row: PupilRow) -> None:
        """Build the records of a row, or refuse it."""
        school_class = self._class(row)
        same = (row.code, plain(*row.formal), plain(*row.kana), row.grade, plain(row.word))
        if same in self._rows:
            return self._refuse(row, "name", "duplicate")
        self._rows.add(same)
        try:
            known = self._matcher.pupil(row, school_class)
        except TwinsError:
            return self._refuse(row, "name", "twins")
        if known is None and school_class is None:
            return self._refuse(row, "class", "class")
        key = known.id if known else self._matcher.new_id(row)
        if key in self._matcher.taken:
            return self._refuse(row, "code" if row.code else "name", "duplicate")
        self._matcher.taken.add(key)
        self._built[User.kind][key] = _user(known, key, row, school_class)
        if row.phone or row.guardians:
            former = self._roster.get(Contact.kind, {}).get(key)
            self._built[Contact.kind][key] = _contact(
                former if isinstance(former, Contact) else Contact(id=key), row
            )
        if school_class is not None:
            self._listed.setdefault(school_class.id, set()).add(key)
            self._enrol(row, key, school_class)
        return None

    def changes(self, *, whole: bool) -> Changes:
        """Return what becomes of the roster; who is not listed leaves only by a workbook that was read whole."""
        if whole:
            for class_id, members in self._listed.items():
                self._leave(class_id, members)
        after: Roster = {
            kind: {k: r for k, r in self._roster.get(kind, {}).items() if k not in self._gone} | built
            for kind, built in self._built.items()
        }
        return compare(self._roster, self._built, after)

    def _class(self, row: PupilRow) -> SchoolClass | None:
        """Return the class of a row, which may be a new one; None where the row names none."""
        found = self._matcher.class_of(row)
        if found is not None or not row.word or not row.grade:
            return found
        year = int(row.grade[1]) + (6 if row.grade[0] == "J" and self._place.code.startswith("C2") else 0)
        key = self._matcher.derived("class", str(self._year), row.grade, plain(row.word))
        title = f"{year}年{row.word.removesuffix('組')}組"
        made = SchoolClass(
            id=key, title=title, grades=(row.grade,), school_id=self._school(), session_ids=(self._session(),)
        )
        self._built[SchoolClass.kind][key] = made
        return made

    def _school(self) -> str:
        known = next(iter(self._roster.get(School.kind, {})), "")
        if not known:
            known = self._matcher.derived("school")
            school = School(id=known, code=self._place.code, name=self._place.name)
            self._built[School.kind][known] = school
        return known

    def _session(self) -> str:
        day = self._place.today
        for one in self._roster.get(Session.kind, {}).values():
            if isinstance(one, Session) and one.starts <= day <= one.ends:
                return one.id
        key, year = self._matcher.derived("session", str(self._year)), self._year
        days = (date(year, 4, 1), date(year + 1, 3, 31))
        made = Session(id=key, title=f"{year}年度", starts=days[0], ends=days[1], year=year)
        self._built[Session.kind][key] = made
        return key

    def _enrol(self, row: PupilRow, key: str, school_class: SchoolClass) -> None:
        homes = self._matcher.homes(key)
        former = next((one for one in homes if one.class_id == school_class.id), None)
        if former is None:
            self._gone |= {one.id for one in homes if not self._special(one.class_id)}
            own = self._matcher.derived("enrollment", key, school_class.id)
            former = Enrollment(id=own, class_id=school_class.id, user_id=key, role=_STUDENT, begins=row.begins)
        number = row.number if row.number is not None else former.number
        self._built[Enrollment.kind][former.id] = msgspec.structs.replace(former, number=number)

    def _leave(self, class_id: str, members: set[str]) -> None:
        """Let go whoever was in a class and is not listed in it; guests from a special-needs class stay."""
        for one in [*self._roster.get(Enrollment.kind, {}).values()]:
            if not isinstance(one, Enrollment) or one.class_id != class_id or one.role != _STUDENT:
                continue
            homes = self._matcher.homes(one.user_id)
            guest = any(self._special(home.class_id) for home in homes) and not self._special(class_id)
            if one.user_id in members or guest:
                continue
            self._gone.add(one.id)
            if one.user_id not in self._matcher.taken and all(home.id in self._gone for home in homes):
                self._gone.add(one.user_id)  # the contact stands under the same id

    def _special(self, class_id: str) -> bool:
        one = self._roster.get(SchoolClass.kind, {}).get(class_id)
        return isinstance(one, SchoolClass) and one.special_needs

    def _refuse(self, row: PupilRow, field: str, problem: str) -> None:
        self.spoilt = True
        self._findings.quarantine(row.sheet, row.line, row.place.place(field), f"workbook.{field}.{problem}")


def _contact(former: Contact, row: PupilRow) -> Contact:
    """Return a pupil's contact as the row says; an empty cell takes nothing away."""
    told = tuple(_guardian(one, former.guardians) for one in row.guardians)
    others = [one for one in former.guardians if not any(same_guardian(one, new) for new in told)]
    guardians = told if row.all_guardians else (*told, *others)
    guardians = guardians if told else former.guardians
    return msgspec.structs.replace(former, home_phone=row.phone or former.home_phone, guardians=guardians)


def _guardian(told: Guardian, former: tuple[Guardian, ...]) -> Guardian:
    known = next((one for one in former if same_guardian(one, told)), Guardian())
    relation, name, kana = told.relation or known.relation, told.name or known.name, told.kana or known.kana
    return Guardian(relation, name, kana, told.phones or known.phones)


def _user(known: User | None, key: str, row: PupilRow, school_class: SchoolClass | None) -> User:
    """Return a pupil as the row says; what means the same is left as it is spelt in the roster."""
    preferred = row.usual if plain(*row.usual) != plain(*row.formal) else ("", "")
    grades = (row.grade,) if row.grade else ()
    home = school_class.id if school_class is not None else ""
    if known is None:
        return User(
            id=key,
            roles=(_STUDENT,),
            family_name=row.formal[0],
            given_name=row.formal[1],
            kana_family=row.kana[0],
            kana_given=row.kana[1],
            preferred_family=preferred[0],
            preferred_given=preferred[1],
            grades=grades,
            home_class=home,
        )
    made = msgspec.structs.replace(known, grades=grades or known.grades)
    if home and known.home_class not in ("", home):
        made = msgspec.structs.replace(made, home_class=home)
    formal, usual = plain(*row.formal), plain(*row.usual)
    if usual != plain(made.name) or formal not in (usual, plain(made.family_name, made.given_name)):
        family, given = row.formal
        made = msgspec.structs.replace(
            made, family_name=family, given_name=given, preferred_family=preferred[0], preferred_given=preferred[1]
        )
    if any(row.kana) and plain(*row.kana) != plain(made.kana):
        made = msgspec.structs.replace(made, kana_family=row.kana[0], kana_given=row.kana[1])
    return made
