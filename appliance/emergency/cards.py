"""The emergency card of a pupil, and reading many of them from a CSV file.

Invariant: a card is importance I whole; a row of a file is understood or put aside with its line and the reason,
and one file is one batch. Nothing of a card is ever part of an error or a name.
"""

import csv
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final

import msgspec

from appliance.errors import ApplianceError
from appliance.oneroster.encoding import decode
from crypto.importance import Importance

REQUIRED: Final = ("学級", "番号", "氏名")
CONTACTS: Final = (1, 2, 3)
_TEXTS: Final = {"allergies": "アレルギー", "health": "健康上の注意", "medication": "服薬", "notes": "備考"}


class CardFileError(ApplianceError):
    """The file of emergency cards lacks a column, or is no CSV."""

    code = "APP-250"


class CardContact(msgspec.Struct, frozen=True, omit_defaults=True):
    """Whom to call."""

    name: str
    relation: str = ""
    phone: str = ""


class EmergencyCard(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What must be known of a pupil (roster user id) when nobody can be asked."""

    kind: ClassVar[str] = "emergency.card"
    importance: ClassVar[Importance] = Importance.I
    pupil: str
    contacts: tuple[CardContact, ...] = ()
    allergies: str = ""
    health: str = ""
    medication: str = ""
    notes: str = ""


@dataclass(frozen=True, slots=True)
class CardRows:
    """Cards that a file gives, and the lines (from 2) that were put aside, each with its reason."""

    cards: tuple[EmergencyCard, ...]
    aside: tuple[tuple[int, str], ...]


def read_cards(file: Path, pupil_of: Callable[[str, str, str], str | None]) -> CardRows:
    """Read a CSV; `pupil_of` tells the user id for 学級, 番号 and 氏名. Raises CardFileError."""
    try:
        rows = csv.DictReader(io.StringIO(decode(file.read_bytes(), file.name).text, newline=""), strict=True)
        missing = [name for name in REQUIRED if name not in (rows.fieldnames or ())]
        if missing:
            raise CardFileError(operation="read cards", subject=missing[0], column=missing[0])
        cards: dict[str, EmergencyCard] = {}
        aside: list[tuple[int, str]] = []
        for row in rows:
            told = {key: (value or "").strip() for key, value in row.items() if isinstance(key, str)}
            pupil = pupil_of(*(told[name] for name in REQUIRED))
            if pupil is None:
                aside.append((rows.line_num, "名簿にありません"))
            elif pupil in cards:
                aside.append((rows.line_num, "同じ児童生徒が二度あります"))
            else:
                cards[pupil] = _card(pupil, told)
    except (OSError, csv.Error) as exc:
        raise CardFileError(operation="read cards", subject=type(exc).__name__, column="—") from exc
    return CardRows(tuple(cards.values()), tuple(aside))


def _card(pupil: str, told: Mapping[str, str]) -> EmergencyCard:
    contacts = tuple(
        CardContact(name, told.get(f"続柄{n}", ""), told.get(f"電話{n}", ""))
        for n in CONTACTS
        if (name := told.get(f"連絡先{n}", "")) or told.get(f"電話{n}", "")
    )
    texts = {field: told.get(column, "") for field, column in _TEXTS.items()}
    return EmergencyCard(pupil=pupil, contacts=contacts, **texts)
