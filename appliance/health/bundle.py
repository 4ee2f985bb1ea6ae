"""The support bundle: what a box's figures and logs say, in one file that anybody may see.

Invariant: a whitelist by construction. Nothing is copied: every part is written anew from typed figures, from
closed lists of words, or from `logwords`; what is not known does not get in. A test types markers on the screens,
puts them into logs and file names, and looks for them in every part.
"""

import gzip
import io
import json
import platform
import re
import tarfile
import time
from collections.abc import Mapping
from contextlib import suppress
from importlib.metadata import distributions
from pathlib import Path
from typing import Any, Final

import msgspec

from appliance.alarms.book import Book, read_book
from appliance.commands import doctor, status
from appliance.health import journal
from appliance.health.doctor import examined
from appliance.health.logwords import safe_line
from appliance.health.look import Look
from appliance.health.metrics import Figures, exposition
from appliance.health.sitechecks import CAUSES
from appliance.inbox.told import FILE as INBOX_FILE
from appliance.inbox.told import Told, folder_of
from appliance.ownversion import own_version
from sync.database import sqlite_version
from sync.healing import Healing

FORMAT: Final = 1
_UNIT_FIELDS: Final = ("LoadState", "ActiveState", "SubState", "Result", "NRestarts")
_RELEASE: Final = re.compile(r"\A\d{1,2}\.\d{1,2}")
Json = Mapping[str, Any]


def bundle(look: Look) -> bytes:
    """Return a gzip-compressed tar of all parts; `manifest.json` names them."""
    parts = {name: part for name, part in _parts(look).items() if part}
    manifest = {
        "format": FORMAT,
        "version": own_version(),
        "school": look.config.site.school if look.config is not None else None,
        "at_ms": look.now_ms,
        "parts": {name: len(part) for name, part in parts.items()},
    }
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, part in {"manifest.json": _json(manifest), **parts}.items():
            info = tarfile.TarInfo(f"kurabako-support/{name}")
            info.size, info.mode, info.mtime = len(part), 0o600, int(time.time())
            tar.addfile(info, io.BytesIO(part))
    return gzip.compress(packed.getvalue(), mtime=0)


def _parts(look: Look) -> dict[str, bytes]:
    findings = examined(look)
    kept, told = _book(look)
    logs = {
        "journal.log": journal.journal(look.machine),
        "litestream.log": journal.litestream_log(look.paths.run / "litestream.log"),
    }
    withheld = {name: count for name, (_, count) in logs.items()}
    return {
        "doctor.json": _json(doctor.shape(look, findings)),
        "status.json": _json(status.shape(look, status.known_counts(look))),
        "metrics.txt": exposition(Figures(look, tuple(findings), kept, 0)),
        "healing.jsonl": _healing(look.paths.healing_log),
        "alarms.json": _json(told),
        "inbox.json": _inbox(folder_of(look.paths) / INBOX_FILE),
        "settings.json": _json(_settings(look)),
        "sizes.json": _json(_sizes(look)),
        "versions.json": _json(_versions(look)),
        "units.json": _json(_units(look)),
        "withheld.json": _json(withheld),
        **{name: text.encode() for name, (text, _) in logs.items()},
    }


def _json(value: Json) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=1).encode() + b"\n"


def _book(look: Look) -> tuple[Book, Json]:
    try:
        book = read_book(look.paths)
    except PermissionError:
        return Book(), {}
    waiting = [
        {"alarm": one.alarm, "raised": one.raised, "at_ms": one.at_ms, "times": one.times, "due": len(one.due)}
        for one in book.messages
    ]
    return book, {"raised": book.raised, "waiting": waiting}


def _healing(log: Path) -> bytes:
    out = []
    with suppress(OSError):
        for line in log.read_bytes().splitlines():
            with suppress(msgspec.DecodeError, UnicodeDecodeError):
                one = msgspec.json.decode(line, type=Healing)
                out.append(msgspec.json.encode(one) if one.cause in CAUSES else b'{"cause":"?"}')
    return b"".join(line + b"\n" for line in out)


def _inbox(file: Path) -> bytes:
    try:
        told = msgspec.json.decode(file.read_bytes(), type=Told)
    except (OSError, UnicodeDecodeError, msgspec.DecodeError):
        return b""
    counts = {name: getattr(told, name) for name in ("taken", "again", "removed", "waiting", "left", "polling")}
    stuck = [{"folder": _one_of(one.folder, "I II III IV"), "bytes": one.size} for one in told.not_taken]
    return _json({**counts, "at_ms": told.at_ms, "stuck": stuck})


def _one_of(word: str, words: str) -> str:
    return word if word in words.split() else ""


def _settings(look: Look) -> Json:
    """Return what is configured, without any address or text."""
    if look.config is None:
        return {"problem": look.problem.code if look.problem is not None else None}
    config, alarms = look.config, look.config.alarms
    limits = (
        "disk_free_percent",
        "confirmed_h",
        "verified_h",
        "lease_days",
        "clock_s",
        "smtp_security",
        "smtp_port",
    )
    return {
        "store": {"kind": config.store.kind, "embedded": config.store.embedded},
        "replication": msgspec.to_builtins(config.replication),
        "alarms": {"channels": alarms.channels, **{name: getattr(alarms, name) for name in limits}},
    }


def _sizes(look: Look) -> Json:
    files = (look.paths.store, look.paths.store.with_name("school.db-wal"), look.paths.local)
    sizes: dict[str, int] = {}
    for file in files:
        with suppress(OSError):
            sizes[file.name] = file.stat().st_size
    with suppress(OSError):
        blobs = [entry.stat().st_size for entry in look.paths.blobs.rglob("*") if entry.is_file()]
        sizes |= {"blobs": len(blobs), "blob_bytes": sum(blobs)}
    return sizes


def _versions(look: Look) -> Json:
    packages = {one.metadata["Name"]: one.version for one in distributions() if one.metadata["Name"]}
    return {
        "python": platform.python_version(),
        "sqlite": ".".join(map(str, sqlite_version())),
        "machine": platform.machine(),
        "kernel": platform.release(),
        "debian": "".join(_RELEASE.findall(look.machine.text("etc/debian_version") or "")[:1]),
        "packages": dict(sorted(packages.items())),
    }


def _units(look: Look) -> Json:
    return {
        name: {field: safe_line(fields.get(field, "")) for field in _UNIT_FIELDS}
        for name, fields in look.machine.units().items()
    }
