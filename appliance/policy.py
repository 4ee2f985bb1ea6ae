"""The one door of the rules: who may do what with information of which importance, and why not.

Invariant: a pure function of its arguments; every view, edit, export or release asks it first, and where a key can
enforce the same rule the key does so too (nobody without a wrap can open, whatever this says).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from appliance.errors import ApplianceError
from crypto.importance import Importance
from sync.authority import Rules


class PolicyDeniedError(ApplianceError):
    """The classification rules do not allow it."""

    code = "APP-013"


class Action(StrEnum):
    """What somebody wants to do."""

    VIEW = "view"
    EDIT = "edit"
    EXPORT = "export"


class Verdict(StrEnum):
    """The answer."""

    ALLOW = "allow"
    DENY = "deny"


@dataclass(frozen=True, slots=True)
class Subject:
    """Who asks: roles, and the importances that they hold keys for."""

    roles: tuple[str, ...]
    cleared: tuple[Importance, ...]


@dataclass(frozen=True, slots=True)
class Decision:
    """Answer and reason (staff Japanese; empty when allowed)."""

    verdict: Verdict
    reason: str = ""


_STAFF: Final = frozenset(("principal", "vice_principal", "teacher", "nurse", "clerk"))
_EDITORS: Final[dict[str, frozenset[str]]] = {
    "attendance": _STAFF | {"board"},
    "meeting": _STAFF | {"board"},
    "calendar": frozenset(("principal", "vice_principal", "clerk", "board")),
    "roster": frozenset(("clerk", "principal", "vice_principal", "board")),
}
_ALLOW: Final = Decision(Verdict.ALLOW)


def decide(subject: Subject, action: Action, kind: str, importance: Importance) -> Decision:
    """Answer whether `subject` may do `action` with a record of `kind` (such as "attendance.mark")."""
    if action is Action.EXPORT:
        return Decision(Verdict.DENY, f"重要性分類{importance.label}の持ち出しには、校長の許可番号が要ります。")
    if action is Action.VIEW:
        if importance in subject.cleared:
            return _ALLOW
        return Decision(Verdict.DENY, f"重要性分類{importance.label}を見る権限がありません。")
    if _may_edit(subject.roles, kind):
        return _ALLOW
    return Decision(Verdict.DENY, "この記録を書き換える役割ではありません。")


def writing_rules() -> Rules:
    """Return the same rules as the sites judge merged changes by: what the door refuses, no site takes."""
    return Rules({area: tuple(sorted(roles)) for area, roles in _EDITORS.items()})


def _may_edit(roles: Iterable[str], kind: str) -> bool:
    area = kind.partition(".")[0]
    return bool(_EDITORS.get(area, frozenset()).intersection(roles))


def require(subject: Subject, action: Action, kind: str, importance: Importance) -> None:
    """Ask and raise PolicyDeniedError when the answer is no."""
    decision = decide(subject, action, kind, importance)
    if decision.verdict is not Verdict.ALLOW:
        raise PolicyDeniedError(operation=f"{action} {kind}", subject=importance.label, reason=decision.reason)
