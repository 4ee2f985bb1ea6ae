"""Whose card it is: by the shift that names it, else by a mapping file of card numbers and names.

Invariant: a card is one person's on a day or nobody's; two people of one name get no card by name.
"""

import csv
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from appliance.errors import ApplianceError
from appliance.hours.records import Badge, Holder, Shift
from appliance.hours.timeclock import card_of, cells_of, lines_of
from appliance.text import folded

_HEADING: Final = 1


class MappingFileError(ApplianceError):
    """A line of the mapping file is no card number and name, or gives a card a second name."""

    code = "APP-402"


@dataclass(frozen=True, slots=True)
class Cards:
    """Finds the holder of a card: `shifts` by person, oldest first, and `named` card → person id."""

    shifts: Mapping[str, tuple[Shift, ...]]
    named: Mapping[str, str]

    def holder(self, card: str, on: date) -> str:
        """Return the person id, or an empty string when nobody has it or two people do."""
        known = {person: shift_on(shifts, on) for person, shifts in self.shifts.items()}
        found = [(person, shift) for person, shift in known.items() if shift and card in map(card_of, shift.cards)]
        since = [(person, shift) for person, shift in found if shift.since <= on] or found
        if len(since) == 1:
            return since[0][0]
        return "" if since else self.named.get(card, "")


def badge_of(text: str) -> str:
    """Return a card's id or a short code as readers and people type it: digits and A–F; empty if it is none."""
    bare = unicodedata.normalize("NFKC", text).replace("-", "").replace(":", "").strip().upper()
    return bare.lstrip("0") or "0" if re.fullmatch(r"[0-9A-F]{1,32}", bare) else ""


def badges(shifts: Iterable[Shift], name: Callable[[str], str]) -> dict[str, Badge]:
    """Return card → whose it is from which day on; `name` tells a person's. A card of two people is nobody's."""
    standing = sorted(shifts, key=lambda shift: shift.since)
    people = {shift.person: tuple(s for s in standing if s.person == shift.person) for shift in standing}
    found: dict[str, list[Holder]] = {badge_of(card): [] for shift in standing for card in shift.cards}
    for on in sorted({shift.since for shift in standing}):
        held: dict[str, list[str]] = {}
        for person, own in people.items():
            shift = shift_on(own, on)
            for card in shift.cards if shift is not None and shift.since <= on else ():
                held.setdefault(badge_of(card), []).append(person)
        for card, holders in found.items():
            who = held.get(card, [])
            person = who[0] if len(who) == 1 else ""
            if (holders[-1].person if holders else "") != person:
                holders.append(Holder(on, person, name(person) if person else ""))
    return {card: Badge(holders=tuple(holders)) for card, holders in found.items() if card}


def shift_on(shifts: Iterable[Shift], on: date) -> Shift | None:
    """Return the shift in force on a day; before the first one, the first."""
    first: Shift | None = None
    for shift in shifts:
        if first is None or shift.since <= on:
            first = shift
    return first


def read_mapping(data: bytes) -> dict[str, str]:
    """Return card → name of a mapping file (UTF-8 or cp932, a heading or none); raises MappingFileError."""
    found: dict[str, str] = {}
    for place, (line, text) in enumerate(lines_of(data), 1):
        try:
            fields = cells_of(text)
        except csv.Error as exc:
            raise MappingFileError(operation="read card mapping", cause=exc, line=line) from exc
        card, name = card_of(fields[0]), fields[1] if len(fields) > 1 else ""
        if not card and place == _HEADING:
            continue
        if not card or not name or found.setdefault(card, name) != name:
            raise MappingFileError(operation="read card mapping", line=line)
    return found


def named_cards(mapping: Mapping[str, str], staff: Mapping[str, str]) -> dict[str, str]:
    """Return card → person id by name, spaces and width aside; `staff` is person id → name."""
    people: dict[str, list[str]] = {}
    for person, name in staff.items():
        people.setdefault(bare_name(name), []).append(person)
    known = {card: people.get(bare_name(name), ()) for card, name in mapping.items()}
    return {card: found[0] for card, found in known.items() if len(found) == 1}


def bare_name(name: str) -> str:
    """Return a name to compare: spaces, width and kind of kana aside."""
    return "".join(folded(name).split())
