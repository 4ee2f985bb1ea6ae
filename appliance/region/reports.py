"""The board's reports as files: Parquet for analysts, one SQLite file for looking, and a sheet that labels both.

Invariant: what is written is counts with small ones hidden, and figures of machines; every file carries the label
that the policy wants, and the folder is its owner's alone. It takes its place when it is whole.
"""

import importlib.util
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Final

from appliance.board.drills import standings
from appliance.board.folder import BoardFolder
from appliance.board.hubs import board_session, hub_path, open_hub
from appliance.errors import ApplianceError
from appliance.region.counting import LEAST, SchoolCounts, Table, tables_of
from appliance.region.reading import counts_of
from appliance.release.label import Act, Label
from appliance.session import JST
from crypto.errors import KurabakoError
from crypto.identity import Identity
from sync.atomic import atomic_write, sync_folder
from sync.clock import wall_ms
from sync.site import SitePaths
from sync.status import read_status

SQLITE: Final = "region.sqlite"
SHEET: Final = "README.txt"
Say = Callable[[str, KurabakoError | None], None]
_SYNC: Final = (
    *(("school", "TEXT"), ("running", "BOOLEAN"), ("link", "TEXT"), ("saved", "INTEGER"), ("waiting", "INTEGER")),
    *(("confirmed", "INTEGER"), ("quarantined", "INTEGER"), ("warnings", "TEXT")),
    *(("last_drill", "TEXT"), ("drill_passed", "BOOLEAN"), ("last_good_drill", "TEXT")),
)


class ReportTargetError(ApplianceError):
    """The folder for the reports holds something already. Params: `folder`."""

    code = "APP-695"


class DuckdbMissingError(ApplianceError):
    """DuckDB is not installed here."""

    code = "APP-699"


class ReportSchoolsError(ApplianceError):
    """A school could not be counted, and without it the counts would tell what it holds. Params: `schools`."""

    code = "APP-696"


@dataclass(frozen=True, slots=True)
class ReportRequest:
    """Which days, into which folder that is not there, and what for."""

    first: date
    last: date
    target: Path
    purpose: str


def make_reports(board: BoardFolder, root: Identity, wanted: ReportRequest, say: Say) -> tuple[Table, ...]:
    """Count every school that is enrolled, and write the files.

    Always all of them: two reports that differ by one school would tell that school's counts. Raises
    ReportTargetError, ReportSchoolsError.
    """
    if wanted.target.exists():
        folder = str(wanted.target)
        raise ReportTargetError(operation="write reports", subject=folder, folder=folder)
    if importlib.util.find_spec("duckdb") is None:
        raise DuckdbMissingError(operation="write reports", subject="duckdb")
    counts: list[SchoolCounts] = []
    failed = []
    for school in board.schools:
        try:
            with board_session(open_hub(board, school), root) as session:
                counts.append(counts_of(session, wanted.first, wanted.last, wanted.purpose))
            say(school, None)
        except KurabakoError as error:
            failed.append(school)
            say(school, error)
    if failed:
        named = ", ".join(failed)
        raise ReportSchoolsError(operation="count schools", subject=named, schools=named)
    tables = (*tables_of(counts), sync_table(board))
    write_tables(wanted.target, tables, _label(board), wanted.purpose)
    return tables


def sync_table(board: BoardFolder) -> Table:
    """Return how every school's hub and drills stand; figures of machines, no person's."""
    rows = []
    for standing in standings(board):
        status = read_status(SitePaths(hub_path(board, standing.school)))
        last, good = standing.last, standing.last_good
        rows.append(
            (
                standing.school,
                int(status is not None),
                str(status.link) if status else None,
                status.saved if status else None,
                status.waiting if status else None,
                status.confirmed if status else None,
                status.quarantined if status else None,
                " ".join(status.warnings) if status else None,
                _time(last.at_ms if last else None),
                int(last.passed) if last else None,
                _time(good.at_ms if good else None),
            )
        )
    return Table("sync", tuple(name for name, _ in _SYNC), tuple(kind for _, kind in _SYNC), tuple(rows))


def write_tables(target: Path, tables: Sequence[Table], label: str, purpose: str) -> None:
    """Write every table twice, and the sheet; the folder appears when all of it is there."""
    work = target.with_name(f".{target.name}.writing")
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(mode=0o700, parents=True)
    try:
        _parquet(work, tables, label)
        _sqlite(work / SQLITE, tables, label, purpose)
        notes = (
            label,
            f"目的　{purpose}",
            f"人数が{LEAST}に満たない欄は示していません（hidden）。学校・人の名前はありません。",
        )
        atomic_write(work / SHEET, ("\r\n".join(notes) + "\r\n").encode("utf-8-sig"), mode=0o600)
        for file in work.iterdir():
            file.chmod(0o600)
        work.rename(target)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    sync_folder(target.parent)


def _parquet(folder: Path, tables: Sequence[Table], label: str) -> None:
    import duckdb

    with duckdb.connect(":memory:") as connection:
        for table in tables:
            columns = ", ".join(f"{name} {kind}" for name, kind in zip(table.columns, table.types, strict=True))
            connection.execute(f"CREATE TABLE {table.name} ({columns})")
            if table.rows:
                marks = ", ".join("?" for _ in table.columns)
                connection.executemany(f"INSERT INTO {table.name} VALUES ({marks})", list(table.rows))  # noqa: S608
            file = str(folder / f"{table.name}.parquet").replace("'", "''")
            told = label.replace("'", "''")
            how = f"FORMAT parquet, COMPRESSION zstd, KV_METADATA {{label: '{told}'}}"
            connection.execute(f"COPY {table.name} TO '{file}' ({how})")


def _sqlite(file: Path, tables: Sequence[Table], label: str, purpose: str) -> None:
    import sqlite_utils

    database = sqlite_utils.Database(str(file))
    for table in tables:
        kinds = {"TEXT": str, "INTEGER": int, "BOOLEAN": int}
        made = database.table(table.name)
        made.create({n: kinds[kind] for n, kind in zip(table.columns, table.types, strict=True)})
        made.insert_all(dict(zip(table.columns, row, strict=True)) for row in table.rows)
    database.table("about").insert_all([{"what": "label", "text": label}, {"what": "purpose", "text": purpose}])
    database.close()


def _label(board: BoardFolder) -> str:
    now = datetime.fromtimestamp(wall_ms() / 1000, JST)
    return Label(board.name, "Ⅲ", "教育委員会", now, "", Act.EXPORT).line()


def _time(at_ms: int | None) -> str | None:
    return None if at_ms is None else f"{datetime.fromtimestamp(at_ms / 1000, JST):%Y-%m-%d %H:%M:%S}"
