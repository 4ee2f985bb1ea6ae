"""The one door of the rules: who may do what with which information, and why not.

Invariant: every view, edit, export or release asks here first, and where a key can enforce the same rule the key
does so too (nobody without a wrap can open, whatever this says).
"""

from functools import cache

from appliance.classification.decision import Policy
from appliance.classification.model import APPROVALS, Action, Actor, Asset, Circumstances, Decision, Duty, Verdict
from appliance.classification.rules import DEFAULT_PROFILE, PROFILES, shipped_policy
from appliance.errors import ApplianceError
from sync.authority import Rules


class PolicyDeniedError(ApplianceError):
    """The classification rules do not allow it."""

    code = "APP-013"


class ApprovalNeededError(PolicyDeniedError):
    """The classification rules allow it only after an approval: a permit, a second person, 非常時開示."""

    code = "APP-022"


@cache
def shipped(profile: str = DEFAULT_PROFILE) -> Policy:
    """Return a policy of the wheel, ready to answer; raises UnknownProfileError."""
    return Policy(shipped_policy(profile))


@cache
def writing_rules() -> Rules:
    """Return who may write what at all, as the sites judge merged changes.

    Sites of one school may have different versions of its policy for a while, yet must judge alike: so this is
    what any shipped profile lets someone write. A policy of the board's own may be narrower, never wider.
    """
    editors: dict[str, set[str]] = {}
    named = {kind for profile in PROFILES for kind in shipped(profile).writers()}
    for profile in PROFILES:
        for kind, roles in shipped(profile).writers(named).items():
            editors.setdefault(kind, set()).update(roles)
    return Rules({kind: tuple(sorted(roles)) for kind, roles in sorted(editors.items())})


def require(
    policy: Policy,
    actor: Actor,
    action: Action,
    asset: Asset,
    circumstances: Circumstances,
    met: frozenset[Duty] = frozenset(),
) -> Decision:
    """Ask, and return what is allowed; `met` are the approvals that were given.

    Raises PolicyDeniedError, ApprovalNeededError.
    """
    decision = policy.decide(actor, action, asset, circumstances)
    if decision.verdict is Verdict.DENY:
        raise _refusal(PolicyDeniedError, action, asset, decision)
    if decision.verdict is Verdict.APPROVAL and not decision.duties & APPROVALS <= met:
        raise _refusal(ApprovalNeededError, action, asset, decision)
    return decision


def _refusal(kind: type[PolicyDeniedError], action: Action, asset: Asset, decision: Decision) -> PolicyDeniedError:
    return kind(operation=f"{action} {asset.kind}", subject=asset.importance.label, reason=decision.reason)
