"""Questions to a version in its slot, asked by running its own Python: what answers is the code that is meant.

Invariant: a child has an empty environment, no input, and no more rights than the keeper, even when root asks: a
version that is only being tried opens no credentials. Root becomes nobody else for that: the service manager
starts a unit as shut as the keeper's.
"""

import os
import subprocess
from pathlib import Path
from typing import Final

import msgspec

from sync.site import SitePaths

_PATIENCE_S: Final = 120.0
_MANAGER_S: Final = 10.0  # what it takes to start and remove a unit at most
_ENVIRONMENT: Final = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}
_UNIT: Final = ("/usr/bin/systemd-run", "--quiet", "--pipe", "--wait", "--collect", "--service-type=exec")
SHUT: Final = (
    "User=kurabako-keeper",
    "Group=kurabako-store",
    "PrivateUsers=yes",
    "NoNewPrivileges=yes",
    "CapabilityBoundingSet=",
    "ProtectSystem=strict",
    "ProtectHome=yes",
    "PrivateTmp=yes",
    "PrivateDevices=yes",
    "PrivateNetwork=yes",
    "PrivateMounts=yes",
    "PrivateIPC=yes",
    "ProtectProc=invisible",
    "ProcSubset=all",  # trusted time asks /proc/sys which start of the machine this is
    "ProtectClock=yes",
    "ProtectControlGroups=yes",
    "ProtectHostname=yes",
    "ProtectKernelLogs=yes",
    "ProtectKernelModules=yes",
    "ProtectKernelTunables=yes",
    "RestrictNamespaces=yes",
    "RestrictRealtime=yes",
    "RestrictSUIDSGID=yes",
    "LockPersonality=yes",
    "MemoryDenyWriteExecute=yes",
    "RemoveIPC=yes",
    "KeyringMode=private",
    "SystemCallArchitectures=native",
    "SystemCallFilter=@system-service",
    "SystemCallFilter=~@privileged @resources @keyring",
    "SystemCallErrorNumber=EPERM",
    "UMask=0077",
    "LimitCORE=0",
    "MemorySwapMax=0",
    "RestrictAddressFamilies=AF_UNIX",
    "IPAddressDeny=any",
    "InaccessiblePaths=-/etc/kurabako/credentials",
)
"""How shut the unit of a child is; `tests/systemd/test_exposure.py` judges it."""


class Answer(msgspec.Struct, frozen=True):
    """What a child says: its version, what is wrong (nothing when all is well), a time in ms since 1970."""

    version: str = ""
    problem: str = ""
    now_ms: int = 0


def ask(slot: Path, module: str, site: Path, patience_s: float = _PATIENCE_S) -> Answer:
    """Run a module of a slot's version on a site; whatever keeps it from answering is the problem."""
    command = [str(slot / "bin" / "python"), "-I", "-m", module, str(site)]
    try:
        done = run_as_keeper(site, command, patience_s)
        return msgspec.json.decode(done.stdout.splitlines()[-1] if done.stdout else done.stdout, type=Answer)
    except subprocess.TimeoutExpired:
        return Answer(problem=f"{module}: no answer")
    except OSError as exc:
        return Answer(problem=f"{module}: {exc.strerror}")
    except (msgspec.DecodeError, UnicodeDecodeError):
        said = done.stderr.decode("utf-8", "replace").strip().splitlines() or ["no answer"]
        return Answer(problem=f"{module}: {said[-1][:200]}")


def say(answer: Answer) -> None:
    """Print an answer: the last thing that a child does."""
    print(msgspec.json.encode(answer).decode(), flush=True)


def run_as_keeper(site: Path, command: list[str], patience_s: float) -> subprocess.CompletedProcess[bytes]:
    """Run a command as whoever writes a site's store; raises OSError, and TimeoutExpired after so long."""
    unit = as_keeper(site, patience_s)
    return subprocess.run(
        [*unit, *command],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=patience_s + _MANAGER_S if unit else patience_s,
        env=_ENVIRONMENT,
        cwd="/",
    )


def as_keeper(site: Path, patience_s: float) -> list[str]:
    """Return the words before a command that root runs as the keeper of a box: none for a site of one's own."""
    if os.geteuid() or not SitePaths(site).store.stat().st_uid:
        return []
    properties = (
        *SHUT,
        f"ReadWritePaths={site}",
        f"InaccessiblePaths=-{site}/blobs -{site}/inbox",
        f"RuntimeMaxSec={patience_s:g}",
        "Description=Kurabako update: a question to a version",
    )
    words = [f"--setenv={name}={value}" for name, value in _ENVIRONMENT.items()]
    return [*_UNIT, *words, *(f"--property={one}" for one in properties), "--"]
