"""Lines of the asset ledger: read, checked, and what follows from them.

Invariant: a line is either wholly usable or refused by the name of what is wrong in it; it never promises less
than its importance demands (who handles it, how it may leave). Source: 教育情報セキュリティポリシーに関する
ガイドラインハンドブック (令和7年3月), 図表10・12.
"""

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from typing import Any, ClassVar, Final

import msgspec

from appliance.errors import ApplianceError
from crypto.importance import Importance

PLACES: Final[Mapping[str, str]] = {
    "box_and_hub": "端末・教育委員会",
    "hub": "教育委員会",
    "locked": "鍵のかかる保管庫",
    "staff_room": "職員室",
    "public": "公開の場所",
}
HANDLERS: Final[Mapping[str, str]] = {
    "specific_staff": "業務に係る特定の教職員",
    "managers": "校長・教頭",
    "office": "校長・教頭・事務職員",
    "staff_in_charge": "業務に係る教職員",
    "all_staff": "教職員全員",
    "board": "教育委員会",
    "anyone": "制限なし",
}
TAKEOUTS: Final[Mapping[str, str]] = {
    "forbidden": "持ち出さない",
    "permit": "校長の個別許可と記録",
    "general_permit": "校長の包括的許可",
    "free": "制限なし",
}
TO_SET: Final = frozenset(("importance", "place", "handlers", "takeout", "retention", "kept_locally"))
_RETENTION: Final = re.compile(r"[1-9][0-9]{0,2}[ym]")
_TYPED: Final = re.compile(r"([1-9][0-9]{0,2})(年|か月|カ月|ヶ月|ヵ月|ケ月)")
_PERIODS: Final[Mapping[str, str]] = {"in_force": "有効な間", "unset": "学校で定める"}
_TOO_WIDE: Final[Mapping[Importance, frozenset[str]]] = {  # what a line of this class may not say
    Importance.I: frozenset(("staff_in_charge", "all_staff", "anyone", "general_permit", "free")),
    Importance.II: frozenset(("all_staff", "anyone", "general_permit", "free")),
    Importance.III: frozenset(("anyone", "free")),
    Importance.IV: frozenset(),
}


class LedgerLineError(ApplianceError):
    """A line of the asset ledger says something that no line can say."""

    code = "APP-260"


class FixedClassError(ApplianceError):
    """The importance of a record of this software stands in its seal; a line of the ledger does not change it."""

    code = "APP-261"


class UnknownAssetError(ApplianceError):
    """The asset ledger has no line of this name or kind."""

    code = "APP-262"


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One asset. `kind` is the record kind that this software keeps it in, empty for a document.

    `retention` is a time ("5y", "6m") or a word; `to_set` names the fields that are a proposal for the school or
    the board to settle.
    """

    name: str
    importance: Importance
    place: str
    handlers: tuple[str, ...]
    takeout: str
    retention: str
    kept_locally: bool
    source: str
    kind: str = ""
    to_set: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """Return what the line is known by: the record kind, or the name of a document."""
        return self.kind or self.name


class LedgerEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the school's own: another asset, or another line for one of the standard ledger."""

    kind: ClassVar[str] = "ledger.entry"
    importance: ClassVar[Importance] = Importance.III
    entry: Entry


class LedgerStandard(msgspec.Struct, frozen=True, kw_only=True):
    """The board's own standard lines for a school; one record, which counts only as the board wrote it."""

    kind: ClassVar[str] = "ledger.standard"
    importance: ClassVar[Importance] = Importance.III
    entries: tuple[Entry, ...]


def read_ledger(text: str) -> tuple[Entry, ...]:
    """Read a ledger; raises LedgerLineError."""
    try:
        lines = tomllib.loads(text)
    except tomllib.TOMLDecodeError as exc:
        raise _fault("—", str(exc)) from exc
    strange = sorted({*lines} - {"asset"})
    assets = lines.get("asset", [])
    if strange or not isinstance(assets, list):
        raise _fault("—", strange[0] if strange else "asset")
    entries = tuple(_entry(asset) for asset in assets)
    for told in ([entry.name for entry in entries], [entry.key for entry in entries]):
        twice = next((one for one in told if told.count(one) > 1), "")
        if twice:
            raise _fault(twice, "twice")
    return entries


def checked(entry: Entry) -> Entry:
    """Return a line that holds together; raises LedgerLineError."""
    for field, words, known in (
        ("place", (entry.place,), PLACES),
        ("handlers", entry.handlers, HANDLERS),
        ("takeout", (entry.takeout,), TAKEOUTS),
        ("to_set", entry.to_set, TO_SET),
    ):
        strange = sorted({*words} - {*known})
        if strange:
            raise _fault(entry.name, f"{field}: {strange[0]}")
    for field, told in (("name", entry.name), ("source", entry.source)):
        if not told.strip() or not told.isprintable():
            raise _fault(entry.name if field != "name" else "—", field)
    if not entry.handlers:
        raise _fault(entry.name, "handlers")
    if entry.retention not in _PERIODS and not _RETENTION.fullmatch(entry.retention):
        raise _fault(entry.name, f"retention: {entry.retention}")
    wide = sorted({entry.takeout, *entry.handlers} & too_wide(entry.importance))
    if wide:
        raise _fault(entry.name, f"{entry.importance.label}: {wide[0]}")
    return entry


@cache
def standard() -> tuple[Entry, ...]:
    """Return the board's standard ledger, as shipped."""
    return read_ledger(files("appliance.ledger").joinpath("standard.toml").read_text("utf-8"))


def importance_of(kind: str) -> Importance:
    """Return the importance of a record kind by the standard ledger; raises UnknownAssetError."""
    found = next((entry for entry in standard() if entry.kind == kind), None)
    if not kind or found is None:
        raise UnknownAssetError(operation="read importance", subject=kind, name=kind)
    return found.importance


def high_water(importances: Iterable[Importance]) -> Importance:
    """Return the class of a medium or store that holds these: the gravest. One that holds nothing is IV."""
    return min(importances, default=Importance.IV)


def period(retention: str) -> str:
    """Return a retention in words: 5年, 6か月, 有効な間."""
    if _RETENTION.fullmatch(retention):
        return retention[:-1] + {"y": "年", "m": "か月"}[retention[-1]]
    return _PERIODS.get(retention, retention)


def read_period(typed: str) -> str:
    """Return the retention that somebody wrote in words, as `period` tells it; empty where it is none."""
    text = unicodedata.normalize("NFKC", typed).replace(" ", "")
    match = _TYPED.fullmatch(text)
    if match:
        return match[1] + ("y" if match[2] == "年" else "m")
    return next((retention for retention, words in _PERIODS.items() if words == text), "")


def too_wide(importance: Importance) -> frozenset[str]:
    """Return the handlers and take-out rules that a line of this importance may not have."""
    return _TOO_WIDE[importance]


def _entry(asset: Any) -> Entry:
    if not isinstance(asset, dict):
        raise _fault("—", "asset")
    name = str(asset.get("name", "—"))
    strange = sorted({*asset} - {*Entry.__struct_fields__})
    if strange:
        raise _fault(name, strange[0])
    if asset.get("importance") not in Importance.__members__:
        raise _fault(name, f"importance: {asset.get('importance', '')}")
    try:
        entry = msgspec.convert({**asset, "importance": Importance[asset["importance"]].value}, Entry)
    except msgspec.ValidationError as exc:
        raise _fault(name, str(exc)) from exc
    return checked(entry)


def _fault(name: str, fault: str) -> LedgerLineError:
    return LedgerLineError(operation="read ledger", subject=name, name=name, fault=fault)
