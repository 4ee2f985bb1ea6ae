"""A school of its own whose 取込 these tests fill, and exports to put there."""

import csv
import hashlib
import io
import zipfile
from collections.abc import Callable
from pathlib import Path

from appliance.documents.intake import Read
from appliance.exchange.views import ArrivalView
from appliance.inbox.folders import make_folders
from appliance.inbox.intakebox import InboxWorker
from appliance.inbox.running import open_session
from appliance.office import Office
from appliance.site import open_site
from tests.appliance.inbox.boxing import QUIET, reading, until
from tests.school import School

Rows = list[dict[str, str]]
Change = Callable[[dict[str, Rows]], None]


def put(school: School, name: str, data: bytes) -> None:
    """Put a file into 取込 and let the keyless worker take it, as with nobody logged in."""
    settings = open_site(school.site).daemon_settings()
    make_folders(school.paths.inbox)
    (school.paths.inbox / "取込" / name).write_bytes(data)
    worker = InboxWorker(
        school.paths, lambda: open_session(school.paths, settings.root, settings.key), _reading, QUIET
    )
    try:
        until(lambda: worker.turn() is None, "the worker still waits for something")
    finally:
        worker.close()


def dropped(office: Office, school: School, name: str, data: bytes) -> ArrivalView:
    """Put a file there and return what waits."""
    put(school, name, data)
    digest = hashlib.sha256(data).hexdigest()
    return next(one for one in reversed(office.exchange.waiting()) if one.sha256 == digest)


def export(source: Path, change: Change = lambda parts: None, mode: str = "bulk", only: str = "") -> bytes:
    """Return an export after a change to its rows; as a delta it has just the rows that the change left."""
    with zipfile.ZipFile(source) as archive:
        texts = {name: archive.read(name).decode() for name in archive.namelist()}
    heads = {name: next(csv.reader(io.StringIO(text))) for name, text in texts.items()}
    parts = {name.removesuffix(".csv"): list(csv.DictReader(io.StringIO(text))) for name, text in texts.items()}
    if only:
        for row in parts["manifest"]:
            if row["propertyName"].startswith("file."):
                row["value"] = mode if row["propertyName"] == f"file.{only}" else "absent"
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


def _reading(source: object, length: int, name: str) -> Read:
    return reading(source, length, name)  # type: ignore[arg-type]
