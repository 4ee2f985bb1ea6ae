"""The roster as the screens need it: classes in order, who is in them on a day, search by kana, staff names.

Invariant: opened from sealed records, kept only in this process's memory, and read again when a roster record
changed. A school has about 1,000 pupils, so searching happens here and no index lies in the store. A pupil stands
in one book: whoever is enrolled in a special-needs class and in another one is a guest of the other (交流学級).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from appliance.conflictwords import word
from appliance.people import BOARD_NAME, Profile
from appliance.roster import (
    GUARDIAN_ROLES,
    RECORD_TYPES,
    Enrollment,
    RosterRecord,
    School,
    SchoolClass,
    User,
    decode_record,
)
from crypto.importance import Importance
from sync import reading
from sync.ids import Origin
from sync.sealed import SealedStore

_III = tuple(kind for kind, struct in RECORD_TYPES.items() if struct.importance is Importance.III)
_MOST_NEWS = 10_000
_GRADES = "P1 P2 P3 P4 P5 P6 J1 J2 J3 H1 H2 H3"
_GRADE_ORDER = {grade: place for place, grade in enumerate(_GRADES.split())}


@dataclass(frozen=True, slots=True)
class ClassMember:
    """A pupil of a class on a day. `home` is the special-needs class of a guest 交流."""

    user: User
    number: int | None
    home: str = ""


class RosterIndex:
    """An opened roster over one session."""

    def __init__(self, store: SealedStore) -> None:
        self._store = store
        self._changes = -1
        self._seqs: dict[Origin, int] = {}
        self._schools: dict[str, School] = {}
        self._classes: dict[str, SchoolClass] = {}
        self._users: dict[str, User] = {}
        self._enrollments: dict[str, list[Enrollment]] = {}
        self._names: dict[bytes, str] = {}
        self._members: dict[tuple[str, date], list[ClassMember]] = {}
        self._books: dict[tuple[str, date], dict[str, str]] = {}
        self._sizes: dict[str, int] = {}
        self.version = (
            object()
        )  # another one whenever the roster was read anew: for whoever remembers what it said
        self._special: dict[str, dict[str, Enrollment]] = {}  # pupil → special-needs class → enrolment
        self.refresh()

    def refresh(self) -> None:
        """Read again if a roster record came in since the last time, from here or from another site."""
        reader = self._store.reader
        changes = reader.changes()
        if changes == self._changes:
            return
        first, self._changes = self._changes < 0, changes
        kinds = set()
        for origin in reader.origins():
            news = [] if first else reader.since(self._seqs.get(origin, 0), _MOST_NEWS, origin)
            first = first or len(news) >= _MOST_NEWS
            kinds |= {row.kind for row in news}
            self._seqs[origin] = news[-1].seq if news and not first else reader.position(origin).seq
        if first or any(kind.startswith(("roster.", "person.")) for kind in kinds):
            self._read()

    def classes(self) -> list[SchoolClass]:
        """Return classes with an attendance book, by grade, special-needs classes after the others."""
        return sorted((c for c in self._classes.values() if c.homeroom), key=_class_order)

    def school_class(self, class_id: str) -> SchoolClass | None:
        """Return a class by its id."""
        return self._classes.get(class_id)

    def user(self, user_id: str) -> User | None:
        """Return a person of the roster by id."""
        return self._users.get(user_id)

    def guardians(self) -> list[User]:
        """Return the people of the roster who look after pupils, by reading."""
        found = (user for user in self._users.values() if GUARDIAN_ROLES.intersection(user.roles))
        return sorted(found, key=lambda user: (user.kana, user.id))

    def members(self, class_id: str, on: date) -> list[ClassMember]:
        """Return a class's own pupils on a day, by 出席番号 and then by reading."""
        return [member for member in self._present(class_id, on) if not member.home]

    def guests(self, class_id: str, on: date) -> list[ClassMember]:
        """Return the pupils of special-needs classes that a class receives on a day."""
        return [member for member in self._present(class_id, on) if member.home]

    def member(self, class_id: str, on: date, pupil_id: str) -> ClassMember | None:
        """Return a pupil of a class on a day, guests too."""
        return next((m for m in self._present(class_id, on) if m.user.id == pupil_id), None)

    def books(self, class_id: str, on: date) -> Mapping[str, str]:
        """Return, for each pupil of a class on a day, guests too, the class in whose book that day stands."""
        known = self._books.get((class_id, on))
        if known is None:
            known = {m.user.id: m.home or class_id for m in self._present(class_id, on)}
            self._books[class_id, on] = known
        return known

    def _present(self, class_id: str, on: date) -> list[ClassMember]:
        known = self._members.get((class_id, on))
        if known is not None:
            return known
        found = []
        for enrollment in self._enrollments.get(class_id, ()):
            user = self._users.get(enrollment.user_id)
            if user is not None and enrollment.role == "student" and _holds(enrollment, on):
                found.append(ClassMember(user, enrollment.number, self._home(enrollment, on)))
        found.sort(key=lambda m: (m.number is None, m.number or 0, m.user.kana, m.user.id))
        self._members[class_id, on] = found
        return found

    def _home(self, enrollment: Enrollment, on: date) -> str:
        """Return the special-needs class of a guest on a day, an empty string for a class's own pupil."""
        if enrollment.class_id in self._special.get(enrollment.user_id, {}):
            return ""
        own = self._special.get(enrollment.user_id, {})
        return next((class_id for class_id, held in own.items() if _holds(held, on)), "")

    def class_of(self, user_id: str, on: date) -> str:
        """Return the id of a pupil's class with an attendance book on a day, or an empty string."""
        for school_class in self.classes():
            if any(member.user.id == user_id for member in self.members(school_class.id, on)):
                return school_class.id
        return ""

    def enrollments(self, class_id: str) -> list[Enrollment]:
        """Return every enrolment of a class, past ones too, without those of its guests."""
        return [one for one in self._enrollments.get(class_id, ()) if not self._is_guest(one)]

    def _is_guest(self, enrollment: Enrollment) -> bool:
        """Say whether an enrolment lies within one of a special-needs class."""
        own = self._special.get(enrollment.user_id, {})
        return enrollment.class_id not in own and any(_overlap(enrollment, held) for held in own.values())

    def teacher(self, class_id: str) -> str:
        """Return the name of a class's teacher, or an empty string."""
        for enrollment in self._enrollments.get(class_id, ()):
            user = self._users.get(enrollment.user_id)
            if enrollment.role == "teacher" and user is not None:
                return user.name
        return ""

    def classes_in_grade(self, grade: str) -> int:
        """Return how many ordinary classes a grade has."""
        known = self._sizes.get(grade)
        if known is None:
            ordinary = (c for c in self._classes.values() if c.homeroom and not c.special_needs)
            known = self._sizes[grade] = sum(grade in c.grades for c in ordinary)
        return known

    def display_name(self, person: bytes) -> str:
        """Return the name of a person who writes: the board's is its office's, a stranger's their id's digits."""
        name = self._names.get(person)
        if name is None:
            found = self._store.keyring.people.person(person)
            roles = found.roles if found is not None else ()
            name = BOARD_NAME if "board" in roles else word("role.site") if "site" in roles else person.hex()[:8]
        return name

    def records(self) -> list[RosterRecord]:
        """Return every roster record that this person can open: what an import compares with."""
        kinds = [kind for kind, s in RECORD_TYPES.items() if self._store.keyring.cleared(s.importance)]
        return [record for kind in kinds for record in self._opened(kind)]

    def _read(self) -> None:
        by_kind = {kind: self._opened(kind) for kind in _III}
        self._schools = {r.id: r for r in by_kind[School.kind] if isinstance(r, School)}
        self._classes = {r.id: r for r in by_kind[SchoolClass.kind] if isinstance(r, SchoolClass)}
        self._users = {r.id: r for r in by_kind[User.kind] if isinstance(r, User)}
        self._enrollments = {}
        for record in by_kind[Enrollment.kind]:
            if isinstance(record, Enrollment):
                self._enrollments.setdefault(record.class_id, []).append(record)
        for remembered in (self._members, self._books, self._sizes):
            remembered.clear()
        self.version = object()
        self._special = {}
        for class_id in (c.id for c in self._classes.values() if c.homeroom and c.special_needs):
            for one in self._enrollments.get(class_id, ()):
                if one.role == "student":
                    self._special.setdefault(one.user_id, {})[class_id] = one
        self._names = {}
        for profile, _ in reading.newest(self._store, Profile, reading.decoder(Profile)):
            self._names[bytes.fromhex(profile.person)] = profile.display_name

    def _opened(self, kind: str) -> list[RosterRecord]:
        def decode(payload: bytes) -> RosterRecord | None:
            return decode_record(kind, payload) if payload else None  # empty: it was taken out

        found = reading.newest(self._store, RECORD_TYPES[kind], decode)
        return [record for record, _ in found if record is not None]


def _class_order(school_class: SchoolClass) -> tuple[bool, int, str]:
    grade = min((_GRADE_ORDER.get(grade, 99) for grade in school_class.grades), default=99)
    return school_class.special_needs, grade, school_class.title


def _overlap(one: Enrollment, other: Enrollment) -> bool:
    begins = max(one.begins or date.min, other.begins or date.min)
    return begins <= min(one.ends or date.max, other.ends or date.max)


def _holds(enrollment: Enrollment, on: date) -> bool:
    return (enrollment.begins is None or enrollment.begins <= on) and (
        enrollment.ends is None or on <= enrollment.ends
    )
