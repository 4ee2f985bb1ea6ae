"""The board's signed policy: carried in a school's store, and the one that is in force there.

Invariant: a policy counts only under the board's root signature; the highest version counts, then the latest; one
that lets more people write than the sites accept is refused when it is signed. Without any, the shipped default
is in force. Format: docs/formats.md, "Policy".
"""

from dataclasses import dataclass
from typing import Final

import msgspec

from appliance.classification.decision import Policy
from appliance.classification.rules import PolicyFileError, read_policy
from appliance.policy import shipped, writing_rules
from crypto.errors import ContextMismatchError, CryptoError
from crypto.importance import Importance
from crypto.signedform import SignedForm
from crypto.signing import SigningKey, VerifyKey
from sync.errors import ForgedChangeError, NotClearedError
from sync.sealed import Draft, SealedStore

VERSION: Final = 1
DOMAIN: Final = "kurabako/policy/v1"
KIND: Final = "policy.signed"
IMPORTANCE: Final = Importance.III


class _Body(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    school: str
    version: int
    issued_ms: int
    text: str


_FORM: Final = SignedForm(_Body, VERSION, DOMAIN, "policy")


@dataclass(frozen=True, slots=True)
class SignedPolicy:
    """A policy of the board for one school. `version` only grows; `issued_ms` is ms since 1970."""

    school: str
    version: int
    issued_ms: int
    policy: Policy


def sign_policy(school: str, version: int, issued_ms: int, text: str, root: SigningKey) -> bytes:
    """Sign a policy: version, msgpack body, signature of the board's root. Raises PolicyFileError."""
    _fits_the_sites(Policy(read_policy(text)))
    return _FORM.sign(_Body(school, version, issued_ms, text), root)


def open_policy(blob: bytes, root: VerifyKey, school: str) -> SignedPolicy:
    """Check and read a signed policy.

    Raises UnknownVersionError, MalformedError, BadSignatureError, ContextMismatchError (another school's),
    PolicyFileError.
    """
    body = _FORM.open(blob, root)
    if body.school != school:
        raise ContextMismatchError(operation="open policy", subject="school")
    return SignedPolicy(body.school, body.version, body.issued_ms, Policy(read_policy(body.text)))


def policies(store: SealedStore, root: VerifyKey) -> list[SignedPolicy]:
    """Return every policy of this school that the board signed, the one in force last."""
    found = []
    for row in store.reader.history(KIND, policy_record(store)):
        try:
            found.append(open_policy(store.open_row(row).payload, root, store.keyring.school))
        except (CryptoError, ForgedChangeError, NotClearedError, PolicyFileError):
            continue  # not vouched for, or of a later version of this software: as if it were not there
    return sorted(found, key=lambda signed: (signed.version, signed.issued_ms))


def policy_in_force(store: SealedStore, root: VerifyKey) -> Policy:
    """Return the policy that this school goes by."""
    found = policies(store, root) if store.keyring.cleared(IMPORTANCE) else []
    return found[-1].policy if found else shipped()


def policy_heads(store: SealedStore) -> tuple[bytes, ...]:
    """Return what stands in the record of the school's policy: something else means that it was changed."""
    if not store.keyring.cleared(IMPORTANCE):
        return ()
    record = policy_record(store)
    return store.base_of(KIND, [record]).get(record, ())


def policy_record(store: SealedStore) -> bytes:
    """Return the record that a school's policies stand in."""
    return store.record_id(KIND, IMPORTANCE, store.keyring.school)


def policy_draft(store: SealedStore, signed: bytes) -> Draft:
    """Return the change that brings a signed policy to a school."""
    return Draft(KIND, policy_record(store), IMPORTANCE, signed, policy_heads(store))


def _fits_the_sites(policy: Policy) -> None:
    accepted = writing_rules().editors
    for kind, roles in policy.writers(accepted).items():
        more = sorted(roles - {*accepted.get(kind, accepted.get(kind.partition(".")[0], ()))})
        if more:
            fault = f"{kind}: {more[0]}"
            raise PolicyFileError(operation="sign policy", subject=fault, fault=fault)
