"""The difference between the roster there is and the roster an export describes.

Invariant: applying `put` and `remove` to the existing roster leaves no enrolment or contact of somebody who is
not in it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from appliance.oneroster.sifting import Sifted
from appliance.oneroster.survival import PART_OF_KIND, Roster, kept_ids
from appliance.roster import Contact, Enrollment, RosterRecord, School, SchoolClass, Session, User

# Schools before classes before people, so that whoever applies a plan in order never refers forward.
_ORDER = (School.kind, Session.kind, SchoolClass.kind, User.kind, Contact.kind, Enrollment.kind)


@dataclass(frozen=True, slots=True)
class Changes:
    """What to write, what to take out, and the roster as it will be."""

    put: tuple[RosterRecord, ...]
    remove: tuple[RosterRecord, ...]
    unchanged: int
    after: Roster


def find_changes(existing: Roster, built: Roster, parts: Mapping[str, Sifted]) -> Changes:
    """Compare what was built with what exists."""
    after: Roster = {}
    for kind in PART_OF_KIND:
        kept = kept_ids(kind, existing, parts)
        after[kind] = {key: record for key, record in existing.get(kind, {}).items() if key in kept}
        after[kind] |= built.get(kind, {})
    rewritten = parts["users"].rows.keys() if "users" in parts else frozenset()
    after[Contact.kind] = {
        key: contact
        for key, contact in existing.get(Contact.kind, {}).items()
        if key in after[User.kind] and key not in rewritten
    } | built[Contact.kind]
    after[Enrollment.kind] = {
        key: record
        for key, record in after[Enrollment.kind].items()
        if isinstance(record, Enrollment)
        and record.class_id in after[SchoolClass.kind]
        and record.user_id in after[User.kind]
    }
    return compare(existing, built, after)


def compare(existing: Roster, built: Roster, after: Roster) -> Changes:
    """Say what turns one roster into the other; `built` are the records of `after` that an export speaks of."""
    put: list[RosterRecord] = []
    remove: list[RosterRecord] = []
    unchanged = 0
    for kind in _ORDER:
        before = existing.get(kind, {})
        for key, record in built[kind].items():
            if before.get(key) == record:
                unchanged += 1
            elif key in after[kind]:
                put.append(record)
    for kind in reversed(_ORDER):
        remove += [record for key, record in existing.get(kind, {}).items() if key not in after[kind]]
    return Changes(tuple(put), tuple(remove), unchanged, after)
