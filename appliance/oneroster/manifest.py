"""`manifest.csv`: the version of the export and whether each file is whole (bulk), changes (delta) or absent.

Invariant: a faulty manifest never stops an import; what it fails to say is guessed from the files, and the
guess falls on delta whenever the rows carry a status, because delta removes nothing that is not named.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal, get_args

from appliance.oneroster.dialects import IGNORED_PARTS, PARTS, VERSIONS, Version
from appliance.oneroster.findings import Findings
from appliance.oneroster.sifting import DELETED, Mode
from appliance.oneroster.tables import Table

FileMode = Literal["absent", "bulk", "delta"]
FILE = "manifest.csv"
_PROPERTIES = frozenset({"manifest.version", "oneroster.version", "source.systemName", "source.systemCode"})
_LEGACY = {"1.0": "1.1", "1.1.0": "1.1", "1.2.0": "1.2", "1.2jp": "1.2_JP", "1.2-jp": "1.2_JP"}
_MODES: dict[str, FileMode] = {mode: mode for mode in get_args(FileMode)}


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a manifest says; None and missing keys stand for what it does not say."""

    version: Version | None = None
    modes: dict[str, FileMode] = field(default_factory=dict)


def read_manifest(table: Table, findings: Findings) -> Manifest:
    """Read the manifest, warning about everything in it that the profile does not allow."""
    for column in ("propertyName", "value"):
        if not table.has(column):
            findings.warn(table.file, 1, column, f"manifest.{column}.column")
    version: Version | None = None
    modes: dict[str, FileMode] = {}
    said: set[str] = set()
    for row in table.rows:
        name, value = row["propertyName"], row["value"]
        said.add(name)
        problem, rule = "", name if name in _PROPERTIES else "file" if name.startswith("file.") else "propertyName"
        if name == "oneroster.version":
            version, problem = _version(value)
        elif name == "manifest.version":
            problem = "" if value == "1.0" else "value"
        elif name.startswith("file."):
            problem = _file_mode(name.removeprefix("file."), value, modes)
        elif name not in _PROPERTIES:
            problem = "value"
        if problem:
            findings.warn(table.file, row.line, "value", f"manifest.{rule}.{problem}")
    for name in ("manifest.version", "oneroster.version"):
        if name not in said:
            findings.warn(table.file, 0, name, f"manifest.{name}.missing")
    return Manifest(version, modes)


def guess_mode(tables: Iterable[Table]) -> Mode:
    """Guess the mode of files that no manifest speaks of."""
    rows = [row for table in tables for row in table.rows]
    if any(row["status"].lower() == DELETED for row in rows):
        return "delta"
    return "delta" if rows and all(row["status"] and row["dateLastModified"] for row in rows) else "bulk"


def _version(text: str) -> tuple[Version | None, str]:
    plain = text.strip().lower().removeprefix("v")
    for version in VERSIONS:
        if plain == version.lower():
            return version, "" if text == version else "value"
    legacy = _LEGACY.get(plain)
    return next((version for version in VERSIONS if version == legacy), None), "value"


def _file_mode(name: str, value: str, modes: dict[str, FileMode]) -> str:
    part = next((p for p in (*PARTS, *IGNORED_PARTS) if p.lower() == name.lower()), None)
    mode = _MODES.get(value.lower())
    if part is None or mode is None:
        return "value"
    modes[part] = mode
    return "" if part == name and mode == value else "value"
