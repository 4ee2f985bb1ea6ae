"""The people of a new school, from a TOML file that an officer writes.

Invariant: no passphrase stands in it; everybody's first one is made here and handed out on paper.

    [[person]]
    login = "sato"
    name = "佐藤 葵"
    roles = ["teacher"]
"""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path

import msgspec

from appliance.board.passphrases import first_passphrase
from appliance.enrolment.errors import StaffFileError
from appliance.people import ROLE_NAMES, StaffMember
from crypto.secret import Secret


class PersonEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Somebody who works at the school."""

    login: str
    name: str
    roles: tuple[str, ...]


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    person: tuple[PersonEntry, ...]


def read_staff(file: Path) -> list[StaffMember]:
    """Read a file of people and make everybody's first passphrase; raises StaffFileError."""
    try:
        found = msgspec.convert(tomllib.loads(file.read_text("utf-8")), _File)
    except (OSError, ValueError) as exc:  # TOML, UTF-8 and validation errors are ValueErrors
        raise StaffFileError(
            operation="read people", subject=file.name, cause=exc, file=str(file), problem=str(exc)
        ) from exc
    for person in found.person:
        unknown = [role for role in person.roles if role not in ROLE_NAMES]
        if unknown or not person.roles:
            problem = f"{person.login}: {unknown[0] if unknown else '-'} ({', '.join(sorted(ROLE_NAMES))})"
            raise StaffFileError(operation="read people", subject=file.name, file=str(file), problem=problem)
    return [
        StaffMember(person.login, person.name, person.roles, Secret(first_passphrase().encode()))
        for person in found.person
    ]


def write_slips(paper: Path, passphrases: Mapping[str, str]) -> None:
    """Write first passphrases to a file of mode 0600, to be cut up, handed out and removed."""
    paper.parent.mkdir(parents=True, exist_ok=True)
    paper.unlink(missing_ok=True)
    with os.fdopen(os.open(paper, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.writelines(f"{login}\t{words}\n" for login, words in sorted(passphrases.items()))
        file.flush()
        os.fsync(file.fileno())
