"""From sound rows to the records of the roster.

Invariant: builds only from rows that passed every rule, so each value is readable; a reference that leads
nowhere is left out of the record rather than stored.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from msgspec.structs import replace

from appliance.oneroster.dialects import JP
from appliance.oneroster.findings import Findings
from appliance.oneroster.people import RoleBook
from appliance.oneroster.scope import Scope
from appliance.oneroster.sifting import Sifted
from appliance.oneroster.survival import Roster
from appliance.oneroster.tables import Row
from appliance.oneroster.values import is_true, read_date, read_number, split_list
from appliance.roster import Contact, Enrollment, RosterRecord, School, SchoolClass, Session, User


@dataclass(frozen=True, slots=True)
class Builder:
    """Builds the records of one import. `alive` are the ids that will exist afterwards, by part."""

    parts: Mapping[str, Sifted]
    scope: Scope
    school_code: str
    alive: Mapping[str, frozenset[str]]
    findings: Findings

    def build(self, existing: Roster) -> Roster:
        """Return the records of all rows, by kind and id, and existing users whose roles the export changes."""
        built: Roster = {
            School.kind: self._schools(),
            Session.kind: {key: _session(key, row) for key, row in self._rows("academicSessions").items()},
            SchoolClass.kind: {key: self._class(key, row) for key, row in self._rows("classes").items()},
            Enrollment.kind: {key: _enrollment(key, row) for key, row in self._rows("enrollments").items()},
        }
        book = RoleBook.read(self.parts, existing.get(User.kind, {}), built[Enrollment.kind])
        users = self._rows("users")
        built[User.kind] = {key: self._user(key, row, book) for key, row in users.items()}
        built[User.kind] |= {
            user.id: user
            for user in book.changed_users()
            if user.id in self.alive["users"] and user.id not in users
        }
        former = existing.get(Contact.kind, {})
        contacts = {key: self._contact(key, row, former.get(key)) for key, row in users.items()}
        built[Contact.kind] = {key: contact for key, contact in contacts.items() if contact != Contact(id=key)}
        return built

    def _rows(self, part: str) -> dict[str, Row]:
        sifted = self.parts.get(part)
        return sifted.rows if sifted is not None else {}

    def _schools(self) -> dict[str, RosterRecord]:
        """Build the asked school's record; a second row with its code stays out."""
        schools: dict[str, RosterRecord] = {}
        for key, row in self._rows("orgs").items():
            if key not in self.scope.school_ids:
                continue
            if schools:
                file = self.parts["orgs"].table.file
                self.findings.quarantine(file, row.line, "identifier", "orgs.identifier.duplicate")
                continue
            schools[key] = School(id=key, code=self.school_code if self.scope.coded else "", name=row["name"])
        return schools

    def _class(self, key: str, row: Row) -> SchoolClass:
        terms = split_list(row["termSourcedIds"])
        return SchoolClass(
            id=key,
            title=row["title"],
            grades=split_list(row["grades"]),
            homeroom=row["classType"].lower() == "homeroom",
            special_needs=is_true(row[JP + "specialNeeds"]),
            school_id=row["schoolSourcedId"],
            session_ids=tuple(term for term in terms if term in self.alive["academicSessions"]),
        )

    def _user(self, key: str, row: Row, book: RoleBook) -> User:
        roles = book.roles(key, row)
        if not roles:
            self.findings.warn(self.parts["users"].table.file, row.line, "role", "users.role.missing")
        home_class = row[JP + "homeClass"]
        return User(
            id=key,
            roles=roles,
            family_name=row["familyName"],
            given_name=row["givenName"],
            kana_family=row[JP + "kanaFamilyName"],
            kana_given=row[JP + "kanaGivenName"],
            preferred_family=row["preferredFamilyName"],
            preferred_given=row["preferredGivenName"],
            grades=split_list(row["grades"]),
            home_class=home_class if home_class in self.alive["classes"] else "",
            username=row["username"],
        )

    def _contact(self, key: str, row: Row, former: RosterRecord | None) -> Contact:
        """Build a contact; what a workbook brought stays."""
        agents = tuple(agent for agent in split_list(row["agentSourcedIds"]) if agent in self.alive["users"])
        kept = former if isinstance(former, Contact) else Contact(id=key)
        return replace(kept, email=row["email"], phone=row["phone"], sms=row["sms"], agents=agents)


def _session(key: str, row: Row) -> Session:
    starts, ends = read_date(row["startDate"]), read_date(row["endDate"])
    if starts is None or ends is None:
        raise AssertionError("the rules let a session without dates pass")
    year = row["schoolYear"]
    return Session(
        id=key,
        title=row["title"],
        starts=starts,
        ends=ends,
        year=int(year) if len(year) == len("2025") and year.isascii() and year.isdigit() else None,
    )


def _enrollment(key: str, row: Row) -> Enrollment:
    return Enrollment(
        id=key,
        class_id=row["classSourcedId"],
        user_id=row["userSourcedId"],
        role=row["role"].lower(),
        number=read_number(row[JP + "shussekiNo"]),
        begins=read_date(row["beginDate"]),
        ends=read_date(row["endDate"]),
    )
