"""A OneRoster export, written again after a change to its rows."""

import csv
import io
import zipfile
from collections.abc import Callable
from pathlib import Path

Rows = list[dict[str, str]]
Change = Callable[[dict[str, Rows]], None]


def export(source: Path, change: Change = lambda parts: None, mode: str = "bulk", only: str = "") -> bytes:
    """Return an export after a change to its rows, in another mode, and with one part only if it is named."""
    with zipfile.ZipFile(source) as archive:
        texts = {name: archive.read(name).decode() for name in archive.namelist()}
    heads = {name: next(csv.reader(io.StringIO(text))) for name, text in texts.items()}
    parts = {name.removesuffix(".csv"): list(csv.DictReader(io.StringIO(text))) for name, text in texts.items()}
    for row in parts["manifest"]:
        if row["value"] == "bulk":
            row["value"] = mode if only in ("", row["propertyName"].removeprefix("file.")) else "absent"
    if only:
        parts = {name: rows for name, rows in parts.items() if name in ("manifest", only)}
    change(parts)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for part, rows in parts.items():
            text = io.StringIO()
            writer = csv.DictWriter(text, heads[f"{part}.csv"])
            writer.writeheader()
            writer.writerows(rows)
            archive.writestr(f"{part}.csv", text.getvalue())
    return out.getvalue()
