"""Looking at a report in a browser: Datasette over its SQLite file, for whoever sits at this machine.

Invariant: it listens on loopback and shows that one file, which it can neither change nor hand out as a whole.
"""

import importlib.util
import sys
from pathlib import Path

from appliance.errors import ApplianceError
from appliance.region.reports import SQLITE


class NoReportError(ApplianceError):
    """There is no report in this folder. Params: `folder`."""

    code = "APP-697"


class DatasetteMissingError(ApplianceError):
    """Datasette is not installed here."""

    code = "APP-698"


def looking_command(folder: Path, port: int) -> list[str]:
    """Return the command that serves a report; raises NoReportError, DatasetteMissingError."""
    file = folder / SQLITE
    if not file.is_file():
        raise NoReportError(operation="look at report", subject=str(folder), folder=str(folder))
    if importlib.util.find_spec("datasette") is None:
        raise DatasetteMissingError(operation="look at report", subject="datasette")
    words = ["serve", "--immutable", str(file.resolve()), "--host", "127.0.0.1", "--port", str(port)]
    closed = {
        "allow_download": "off",
        "allow_csv_stream": "off",
        "sql_time_limit_ms": "2000",
        "max_returned_rows": "5000",
    }
    settings = [word for pair in closed.items() for word in ("--setting", *pair)]
    return [sys.executable, "-m", "datasette", *words, *settings]
