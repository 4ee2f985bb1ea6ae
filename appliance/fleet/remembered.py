"""What the boxes said last, kept so that one that is away is shown with its last word and its age.

Invariant: figures only; a file that does not read is an empty one, and one that cannot be written is no failure.
"""

import contextlib
import hashlib
import os
from pathlib import Path

import msgspec

from appliance.fleet.boxview import Told
from appliance.fleet.gathering import Known
from sync.atomic import atomic_write


def file_of(inventory: Path, environ: dict[str, str] | None = None) -> Path:
    """Return where the last words of an inventory's boxes are kept: in the user's own cache."""
    env = dict(os.environ) if environ is None else environ
    cache = Path(env.get("XDG_CACHE_HOME") or Path(env.get("HOME", "/nonexistent")) / ".cache")
    name = hashlib.sha256(str(inventory.resolve()).encode()).hexdigest()[:16]
    return cache / "kurabako" / f"fleet-{name}.json"


def remembered(file: Path) -> Known:
    """Return what was kept."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=dict[str, tuple[Told, int]])
    except (OSError, UnicodeDecodeError, msgspec.DecodeError):
        return {}


def remember(file: Path, known: Known) -> None:
    """Keep it."""
    with contextlib.suppress(OSError):
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        atomic_write(file, msgspec.json.encode(known), durable=False)
