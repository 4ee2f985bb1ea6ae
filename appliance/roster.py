"""The school's roster as records: what an import plans, what is sealed, what the screens read.

Invariant: one struct for each record kind, encoded as msgpack maps, so a later version may add a field and an
older one ignores it. Ids are the exporter's `sourcedId`. Contact details and guardians are importance II and
stand in a record of their own; everything else is III. Source: 1EdTech OneRoster 1.2, Japan profile 1.0.
"""

from datetime import date
from typing import ClassVar, Final

import msgspec

from crypto.importance import Importance


class RosterRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Base of every roster record. `id` is the natural key within its kind."""

    kind: ClassVar[str]
    importance: ClassVar[Importance] = Importance.III
    id: str


class School(RosterRecord, frozen=True, kw_only=True, omit_defaults=True):
    """The school. `code` is the 13-character 学校コード, or empty when the export carries none."""

    kind: ClassVar[str] = "roster.school"
    code: str
    name: str


class Session(RosterRecord, frozen=True, kw_only=True, omit_defaults=True):
    """A school year (or another session)."""

    kind: ClassVar[str] = "roster.session"
    title: str
    starts: date
    ends: date
    year: int | None = None


class SchoolClass(RosterRecord, frozen=True, kw_only=True, omit_defaults=True):
    """A class. Only `homeroom` classes have an attendance book. `grades` are P1–P6, J1–J3 or as exported."""

    kind: ClassVar[str] = "roster.class"
    title: str
    grades: tuple[str, ...] = ()
    homeroom: bool = True
    special_needs: bool = False
    school_id: str = ""
    session_ids: tuple[str, ...] = ()


class User(RosterRecord, frozen=True, kw_only=True, omit_defaults=True):
    """A pupil, teacher, guardian or officer. `roles` are OneRoster role names."""

    kind: ClassVar[str] = "roster.user"
    roles: tuple[str, ...]
    family_name: str
    given_name: str
    kana_family: str = ""
    kana_given: str = ""
    preferred_family: str = ""
    preferred_given: str = ""
    grades: tuple[str, ...] = ()
    home_class: str = ""
    username: str = ""

    @property
    def name(self) -> str:
        """Return the name that lists show: the preferred one where there is one."""
        return f"{self.preferred_family or self.family_name} {self.preferred_given or self.given_name}".strip()

    @property
    def kana(self) -> str:
        """Return the reading."""
        return f"{self.kana_family} {self.kana_given}".strip()


class Guardian(msgspec.Struct, frozen=True, omit_defaults=True):
    """A guardian as a workbook names one in a pupil's row; `relation` is 続柄 as it is written there."""

    relation: str = ""
    name: str = ""
    kana: str = ""
    phones: tuple[str, ...] = ()


class Contact(RosterRecord, frozen=True, kw_only=True, omit_defaults=True):
    """How a person is reached, and whose guardian or child they are (`agents`, user ids). Importance II.

    `home_phone` and `guardians` (of a pupil, whom to ring first standing first) come by a workbook and all else by
    OneRoster: neither import touches what the other brought.
    """

    kind: ClassVar[str] = "roster.contact"
    importance: ClassVar[Importance] = Importance.II
    email: str = ""
    phone: str = ""
    sms: str = ""
    agents: tuple[str, ...] = ()
    home_phone: str = ""
    guardians: tuple[Guardian, ...] = ()


class Enrollment(RosterRecord, frozen=True, kw_only=True, omit_defaults=True):
    """Who belongs to which class, from `begins` up to and including `ends`; `number` is 出席番号."""

    kind: ClassVar[str] = "roster.enrollment"
    class_id: str
    user_id: str
    role: str
    number: int | None = None
    begins: date | None = None
    ends: date | None = None


GUARDIAN_ROLES: Final = frozenset(("guardian", "parent", "relative"))
RECORD_TYPES: dict[str, type[RosterRecord]] = {
    struct.kind: struct for struct in (School, Session, SchoolClass, User, Contact, Enrollment)
}


def encode_record(record: RosterRecord) -> bytes:
    """Return the bytes that are sealed."""
    return msgspec.msgpack.encode(record)


def decode_record(kind: str, payload: bytes) -> RosterRecord:
    """Read the bytes of an opened record of a roster kind."""
    return msgspec.msgpack.decode(payload, type=RECORD_TYPES[kind])
