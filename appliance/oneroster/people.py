"""Which roles a person has, pieced together from roles.csv (1.2), the role column (1.1) and enrolments.

Invariant: a role that OneRoster does not know is never given to anybody; the primary role stands first.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Self

import msgspec

from appliance.oneroster.rules import KNOWN_ROLES
from appliance.oneroster.sifting import Sifted
from appliance.oneroster.survival import is_withheld
from appliance.oneroster.tables import Row
from appliance.roster import Enrollment, RosterRecord, User


@dataclass(slots=True)
class RoleBook:
    """The roles of everybody. `former` are those the roster knows, `replaces` tells that roles.csv is whole."""

    listed: dict[str, list[str]] = field(default_factory=dict)
    ended: dict[str, set[str]] = field(default_factory=dict)
    enrolled: dict[str, set[str]] = field(default_factory=dict)
    former: dict[str, User] = field(default_factory=dict)
    replaces: bool = False

    @classmethod
    def read(
        cls,
        parts: Mapping[str, Sifted],
        existing: Mapping[str, RosterRecord],
        enrollments: Mapping[str, RosterRecord],
    ) -> Self:
        """Read the roles of an export; `existing` are users, `enrollments` those of the export."""
        book = cls(former={key: user for key, user in existing.items() if isinstance(user, User)})
        sifted = parts.get("roles")
        if sifted is not None:
            book.replaces = sifted.mode == "bulk" and not is_withheld(sifted)
            for row in sorted(sifted.rows.values(), key=lambda row: row["roleType"].lower() != "primary"):
                book.listed.setdefault(row["userSourcedId"], []).extend(_known(row["role"]))
            for row in sifted.deleted.values():
                book.ended.setdefault(row["userSourcedId"], set()).update(_known(row["role"]))
        for record in enrollments.values():
            if isinstance(record, Enrollment):
                book.enrolled.setdefault(record.user_id, set()).update(_known(record.role))
        return book

    def roles(self, user: str, row: Row | None) -> tuple[str, ...]:
        """Return the roles of a user; `row` is the user's row, whose role column counts in OneRoster 1.1."""
        found = list(self.listed.get(user, ()))
        if row is not None and not found:
            found = _known(row["role"])
        if not self.replaces and user in self.former and not (row is not None and row["role"]):
            ended = self.ended.get(user, set()) - set(found)
            found += [role for role in self.former[user].roles if role not in ended]
        return tuple(dict.fromkeys(found or sorted(self.enrolled.get(user, ()))))

    def changed_users(self) -> Iterator[User]:
        """Yield the users of the roster whose roles alone the export changes."""
        for key in {**self.listed, **self.ended}:
            user = self.former.get(key)
            if user is None:
                continue
            roles = self.roles(key, None)
            if roles != user.roles:
                yield msgspec.structs.replace(user, roles=roles)


def _known(role: str) -> list[str]:
    name = KNOWN_ROLES.get(role.lower())
    return [name] if name is not None else []
