"""What the rules speak of: who, does what, with which asset, in which circumstances; and what they answer.

Invariant: plain frozen values. Those of a question are Structs, since every entry asks one: they are made, hashed
and compared in C. Source of the classes and duties: 教育情報セキュリティポリシーに関するガイドライン
ハンドブック (令和7年3月), 図表10・12・17.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import msgspec

from crypto.importance import Importance

HOMEROOM: Final = "homeroom:"  # a role that the board signs: the teacher of this class


class Action(StrEnum):
    """What somebody wants to do with an asset."""

    VIEW = "view"
    EDIT = "edit"
    EXPORT = "export"
    PRINT = "print"
    COPY_REMOVABLE = "copy_removable"
    SEND_OUTSIDE = "send_outside"
    SHARE_LEARNERS = "share_learners"
    KEEP_LOCALLY = "keep_locally"
    DESTROY = "destroy"


class Verdict(StrEnum):
    """The answer. APPROVAL: only after what its duties name (a permit, a second person, 非常時開示)."""

    ALLOW = "allow"
    APPROVAL = "approval"
    DENY = "deny"


class Duty(StrEnum):
    """What comes with an answer."""

    AUDIT = "audit"  # written down before it is done
    PERMIT = "permit"  # 校長の許可番号
    WATERMARK = "watermark"  # label, name, time and permit on every page
    SECOND_PERSON = "second_person"
    ENCRYPT = "encrypt"
    BREAK_GLASS = "break_glass"  # 非常時開示


APPROVALS: Final = frozenset((Duty.PERMIT, Duty.SECOND_PERSON, Duty.BREAK_GLASS))
"""What somebody else must give before."""


class Role(StrEnum):
    """Every role that rules may name."""

    PRINCIPAL = "principal"
    VICE_PRINCIPAL = "vice_principal"
    TEACHER = "teacher"
    NURSE = "nurse"
    CLERK = "clerk"
    ASSISTANT = "assistant"
    ICT_SUPPORT = "ict_support"
    BOARD = "board"
    TIMECLOCK = "timeclock"  # the terminal at the entrance: writes punches, reads none
    SITE = "site"  # the box itself, without anybody's keys
    LEARNER = "learner"


class Line(StrEnum):
    """The line to the cloud."""

    ONLINE = "online"
    DEGRADED = "degraded"
    OFFLINE = "offline"


class Place(StrEnum):
    """Where it is done: at the school's box, at the board, or from elsewhere."""

    SCHOOL = "school"
    BOARD = "board"
    AWAY = "away"


class Actor(msgspec.Struct, frozen=True, gc=False):
    """Who asks: roles (of the board's signed roster), and the importances that they hold keys for."""

    roles: tuple[str, ...]
    cleared: tuple[Importance, ...]

    def owns(self, group: str) -> bool:
        """Say whether a class is this person's; what belongs to no class is everybody's own."""
        return not group or HOMEROOM + group in self.roles


class Asset(msgspec.Struct, frozen=True, gc=False):
    """What it is about: a kind such as "attendance.reason", its importance, the class id that it belongs to."""

    kind: str
    importance: Importance
    group: str = ""


class Circumstances(msgspec.Struct, frozen=True, gc=False):
    """How things stand. `lease` says that the board's lease on this box lives."""

    line: Line = Line.ONLINE
    lease: bool = True
    break_glass: bool = False
    place: Place = Place.SCHOOL


@dataclass(frozen=True, slots=True)
class Decision:
    """Answer, reason in staff Japanese that quotes the rule (empty for a plain yes), duties, id of the rule."""

    verdict: Verdict
    reason: str = ""
    duties: frozenset[Duty] = frozenset()
    rule: str = ""
