"""Staff: their roles, what each role is cleared for, and the name that screens show.

Invariant: clearance follows from roles here and nowhere else; importance I opens for the principal and the office
only, II for those who look after pupils, III for all staff; the terminal at the entrance opens IV only.
Source: 教育情報セキュリティポリシーに関するガイドライン (令和7年3月), 図表10・12.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, Final

import msgspec

from crypto.importance import Importance
from crypto.secret import Secret

BOARD_NAME: Final = "教育委員会"
ROLE_NAMES: Final[dict[str, str]] = {
    "principal": "校長",
    "vice_principal": "教頭",
    "teacher": "教諭",
    "nurse": "養護教諭",
    "clerk": "事務職員",
    "assistant": "支援員",
    "timeclock": "打刻端末",
}
_CLEARED: Final[dict[str, tuple[Importance, ...]]] = {
    "principal": tuple(Importance),
    "vice_principal": tuple(Importance),
    "clerk": tuple(Importance),
    "nurse": (Importance.II, Importance.III, Importance.IV),
    "teacher": (Importance.II, Importance.III, Importance.IV),
    "assistant": (Importance.III, Importance.IV),
    "timeclock": (Importance.IV,),
}


@dataclass(frozen=True, slots=True)
class StaffMember:
    """Somebody to let in."""

    login: str
    display_name: str
    roles: tuple[str, ...]
    passphrase: Secret


class Profile(msgspec.Struct, frozen=True):
    """The sealed record that gives a person id (hex) a name."""

    kind: ClassVar[str] = "person.profile"
    importance: ClassVar[Importance] = Importance.III
    person: str
    display_name: str


def cleared_importances(roles: Iterable[str]) -> tuple[Importance, ...]:
    """Return what a person with these roles may open."""
    return tuple(sorted({importance for role in roles for importance in _CLEARED.get(role, ())}))
