"""What systemd's journal and Litestream's own log say, made safe line by line.

Invariant: of an entry only its time, its unit, its priority and the known words of its message are kept.
"""

import json
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from appliance.commands.status import JST
from appliance.health.logwords import GAP, safe_line
from appliance.health.machine import UNIT, Machine

_LEVELS: Final = ("DEBUG", "INFO", "WARN", "ERROR")
_TIME: Final = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}")
_ASK: Final = ("journalctl", "--no-pager", "--quiet", "--output=json", "--lines=3000", "--since=-7days")
_LAST: Final = 2000


def journal(machine: Machine) -> tuple[str, int]:
    """Return the box's journal of a week, and how many entries had no word that may be told."""
    told = machine.run(*_ASK, "--unit=kurabako-*") if machine.has_systemd else None
    return _joined(_entry(line) for line in (told or "").splitlines())


def litestream_log(file: Path) -> tuple[str, int]:
    """Return the end of Litestream's log, and how many lines had no word that may be told."""
    try:
        lines = file.read_bytes().decode("utf-8", "replace").splitlines()[-_LAST:]
    except OSError:
        return "", 0
    return _joined(_of_litestream(line) for line in lines)


def _joined(lines: Iterator[str]) -> tuple[str, int]:
    found = list(lines)
    return "".join(f"{line}\n" for line in found if line), found.count("")


def _entry(line: str) -> str:
    fields = _fields(line)
    unit = next((str(fields[name]) for name in ("UNIT", "_SYSTEMD_UNIT") if fields.get(name)), "")
    message = safe_line(_text(fields.get("MESSAGE")))
    if not UNIT.fullmatch(unit) or message in ("", GAP):
        return ""
    stamp, priority = str(fields.get("__REALTIME_TIMESTAMP", "")), str(fields.get("PRIORITY", ""))
    at = datetime.fromtimestamp(int(stamp) / 1e6, JST).isoformat(timespec="seconds") if _number(stamp) else "?"
    return f"{at} {unit} <{priority if len(priority) == 1 and _number(priority) else '?'}> {message}"


def _of_litestream(line: str) -> str:
    fields = _fields(line)
    at, level = str(fields.get("time", "")), str(fields.get("level", ""))
    text = f"{_text(fields.get('msg'))} {_text(fields.get('error'))}" if fields else line
    message = safe_line(text)
    if message in ("", GAP):
        return ""
    found = _TIME.match(at)
    return f"{found.group(0) if found else '?'} {level if level in _LEVELS else '?'} {message}"


def _fields(line: str) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _text(value: object) -> str:
    """Return a field as text; the journal writes what is no UTF-8 as a list of bytes."""
    if isinstance(value, list):
        return bytes(one for one in value if isinstance(one, int) and 0 <= one < 256).decode("utf-8", "replace")
    return value if isinstance(value, str) else ""


def _number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 20
