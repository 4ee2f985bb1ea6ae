"""Formats that clerks bring instead of OneRoster CSV, recognised so that the refusal can name them.

Invariant: only looks at names and the first bytes; whatever it says, nothing is imported.
"""

import json
from collections.abc import Sequence

from appliance.oneroster.container import Piece

REST_JSON = "OneRoster REST (JSON)"
_REST_KEYS = frozenset(
    {"academicSessions", "classes", "courses", "enrollments", "orgs", "schools", "students", "teachers", "users"}
)
_SDS = (b"SIS ID", b"School SIS ID", b"Section SIS ID")
_SNIFF = 4_096


def looks_like(pieces: Sequence[Piece]) -> str:
    """Name the format of the pieces, or return an empty text."""
    names = {piece.name.lower() for piece in pieces}
    if "workbook.xml" in names or any(name.endswith((".xlsx", ".xls")) for name in names):
        return "Excel (.xlsx)"
    for piece in pieces:
        found = _one(piece)
        if found:
            return found
    return ""


def _one(piece: Piece) -> str:
    head = piece.data[:_SNIFF].removeprefix(b"\xef\xbb\xbf").lstrip()
    if head.startswith(b"%PDF"):
        return "PDF"
    if head.startswith((b"<?xml", b"<!DOCTYPE", b"<html")):
        return "XML / HTML"
    if head.startswith((b"{", b"[")) and piece.name.lower().endswith((".json", ".csv", ".txt")):
        return _json(piece.data)
    if head.startswith(_SDS):
        return "Microsoft School Data Sync (SDS) CSV"
    return ""


def _json(data: bytes) -> str:
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return ""
    return REST_JSON if isinstance(value, dict) and _REST_KEYS & value.keys() else "JSON"
