"""Questions to a version in its slot, asked by running its own Python: what answers is the code that is meant.

Invariant: a child runs as whoever owns the school's store, with an empty environment and no input: a version that
is only being tried has no more rights than the keeper, even when root asks.
"""

import os
import pwd
import subprocess
from pathlib import Path
from typing import Any, Final

import msgspec

from sync.site import SitePaths

_PATIENCE_S: Final = 120.0


class Answer(msgspec.Struct, frozen=True):
    """What a child says: its version, what is wrong (nothing when all is well), a time in ms since 1970."""

    version: str = ""
    problem: str = ""
    now_ms: int = 0


def ask(slot: Path, module: str, site: Path, patience_s: float = _PATIENCE_S) -> Answer:
    """Run a module of a slot's version on a site; whatever keeps it from answering is the problem."""
    command = [str(slot / "bin" / "python"), "-I", "-m", module, str(site)]
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=patience_s,
            env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"},
            cwd="/",
            **owner_of(SitePaths(site).store),
        )
        return msgspec.json.decode(done.stdout.splitlines()[-1] if done.stdout else done.stdout, type=Answer)
    except subprocess.TimeoutExpired:
        return Answer(problem=f"{module}: no answer")
    except OSError as exc:
        return Answer(problem=f"{module}: {exc.strerror}")
    except (msgspec.DecodeError, UnicodeDecodeError):
        said = done.stderr.decode("utf-8", "replace").strip().splitlines() or ["-"]
        return Answer(problem=f"{module}: {said[-1][:200]}")


def say(answer: Answer) -> None:
    """Print an answer: the last thing that a child does."""
    print(msgspec.json.encode(answer).decode(), flush=True)


def owner_of(file: Path) -> dict[str, Any]:
    """Return whom to run as, for `subprocess.run`: the owner of a file; as we are where we are not root."""
    if os.geteuid():
        return {}
    found = file.stat()
    if not found.st_uid:
        return {}
    try:
        name = pwd.getpwuid(found.st_uid).pw_name
    except KeyError:  # a user without a name has no further groups
        return {"user": found.st_uid, "group": found.st_gid, "extra_groups": []}
    group = pwd.getpwuid(found.st_uid).pw_gid
    return {"user": found.st_uid, "group": group, "extra_groups": os.getgrouplist(name, group)}
