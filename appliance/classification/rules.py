"""A policy as data: ordered rules in TOML, read and checked.

Invariant: a policy is either wholly usable or refused by the name of what is wrong in it; an unknown word is an
error, never a rule that matches nothing.
"""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Final

import msgspec

from appliance.classification.model import APPROVALS, Action, Duty, Line, Place, Role, Verdict
from appliance.errors import ApplianceError
from crypto.importance import Importance

PROFILES: Final = ("taku-2018", "mext-2025")
DEFAULT_PROFILE: Final = "taku-2018"
AUDIT_DAYS: Final = 365
LEAST_AUDIT_DAYS: Final = 183  # six months, by the handbook
_LEASE: Final = {"live": True, "lapsed": False}


class PolicyFileError(ApplianceError):
    """A policy is not TOML, or says something that no policy can say."""

    code = "APP-240"


class UnknownProfileError(ApplianceError):
    """No policy of this name is shipped."""

    code = "APP-241"


class When(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Circumstances that a rule is for; what is left out does not matter."""

    line: tuple[Line, ...] = ()
    lease: str | None = None
    break_glass: bool | None = None
    place: tuple[Place, ...] = ()
    own: bool | None = None


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One rule: for whom, what, of which importance and kind, when; and its answer.

    An empty list means all. A kind is named whole ("permit.grant") or by its area ("permit"). `reason` may hold
    `{importance}`; `quote` is the text that it rests on.
    """

    id: str
    verdict: Verdict
    quote: str
    reason: str = ""
    roles: tuple[str, ...] = ()
    actions: tuple[Action, ...] = ()
    importance: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    when: When = When()
    duties: tuple[Duty, ...] = ()


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    profile: str
    version: int
    title: str
    kinds: tuple[str, ...]
    rule: tuple[Rule, ...]
    groups: dict[str, tuple[str, ...]] = {}
    audit_days: int = AUDIT_DAYS


@dataclass(frozen=True, slots=True)
class PolicyText:
    """A checked policy: its rules in order, the first that fits decides, with every group written out."""

    profile: str
    version: int
    title: str
    kinds: tuple[str, ...]
    rules: tuple[Rule, ...]
    source: str
    audit_days: int = AUDIT_DAYS
    """How far back the audit record is shown; nothing of it is ever removed."""


def read_policy(text: str) -> PolicyText:
    """Read a policy; raises PolicyFileError."""
    try:
        told = msgspec.convert(tomllib.loads(text), _File)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as exc:
        raise _fault(str(exc)) from exc
    ids = [rule.id for rule in told.rule]
    if not ids or len(set(ids)) < len(ids):
        raise _fault("no rule, or two rules of one id")
    rules = tuple(_checked(rule, told) for rule in told.rule)
    if told.audit_days < LEAST_AUDIT_DAYS:
        raise _fault(f"audit_days: {told.audit_days}")
    return PolicyText(told.profile, told.version, told.title, told.kinds, rules, text, told.audit_days)


def read_policy_file(file: Path) -> PolicyText:
    """Read a policy from a file; raises PolicyFileError."""
    try:
        return read_policy(file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as exc:
        raise _fault(str(exc)) from exc


def shipped_policy(profile: str = DEFAULT_PROFILE) -> PolicyText:
    """Return a policy of the wheel; raises UnknownProfileError."""
    if profile not in PROFILES:
        raise UnknownProfileError(operation="read policy", subject=profile, profile=profile)
    folder = files("appliance.classification").joinpath("profiles")
    return read_policy(folder.joinpath(f"{profile}.toml").read_text("utf-8"))


def _checked(rule: Rule, told: _File) -> Rule:
    if rule.verdict is not Verdict.ALLOW and not rule.reason:
        raise _fault(f"rule {rule.id}: no reason")
    if rule.verdict is Verdict.APPROVAL and not APPROVALS & {*rule.duties}:
        raise _fault(f"rule {rule.id}: approval by what?")
    roles = tuple(_written_out(rule, told.groups))
    _known(rule, roles, {str(role) for role in Role})
    _known(rule, rule.importance, {importance.name for importance in Importance})
    for kind in rule.kinds:
        _known(rule, (kind.partition(".")[0],), told.kinds)
    if rule.when.lease is not None:
        _known(rule, (rule.when.lease,), _LEASE)
    try:
        rule.reason.format(importance="")
    except (KeyError, IndexError, ValueError) as exc:
        raise _fault(f"rule {rule.id}: braces in the reason") from exc
    return msgspec.structs.replace(rule, roles=roles)


def _written_out(rule: Rule, groups: Mapping[str, tuple[str, ...]]) -> Iterable[str]:
    for name in rule.roles:
        if not name.startswith("@"):
            yield name
        elif name[1:] in groups:
            yield from groups[name[1:]]
        else:
            raise _fault(f"rule {rule.id}: no group {name}")


def _known(rule: Rule, words: Iterable[str], known: Iterable[str]) -> None:
    strange = sorted({*words} - {*known})
    if strange:
        raise _fault(f"rule {rule.id}: {strange[0]}")


def _fault(what: str) -> PolicyFileError:
    return PolicyFileError(operation="read policy", subject=what, fault=what)
