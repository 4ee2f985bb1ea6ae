"""A machine of a test's own: a folder with the files of a box, and a folder with small programs."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from appliance.config import BoardSection, Config, SiteSection, write_config
from appliance.health.look import Look, look_at
from appliance.health.machine import Machine
from sync.clock import wall_ms
from sync.ids import Origin, Site
from sync.site import SitePaths, create_site
from sync.status import LinkState, Status, write_status

AT = 1_795_000_000_000
CODE = "C199999900001"
HOUR_MS = 3_600_000


def ago(hours: float) -> int:
    return wall_ms() - int(hours * HOUR_MS)


def status(**more: Any) -> Status:
    given: dict[str, Any] = {
        "link": LinkState.ONLINE,
        "link_since_ms": AT,
        "saved": 12,
        "sent": 12,
        "waiting": 0,
        "sent_at_ms": AT,
        "verified_at_ms": None,
        "verified_seq": 10,
        "replica_resets": 0,
        "litestream_restarts": 0,
        "warnings": (),
        "at_ms": AT,
        "boot_s": time.monotonic(),
    }
    return Status(**given | more)


def site_at(folder: Path, **sections: Any) -> SitePaths:
    """Make a site without keeper and daemon."""
    paths = create_site(folder, Origin(CODE, Site.BOX, 1))
    write_config(folder, Config(SiteSection(CODE, "試験校"), BoardSection("00" * 32), **sections))
    (folder / "credentials").mkdir(mode=0o700)
    for name in ("pepper", "site.key", "store.toml"):
        (folder / "credentials" / name).write_bytes(b"\0\xffno TOML, no key")
        (folder / "credentials" / name).chmod(0o600)
    return paths


def machine_at(root: Path, files: Mapping[str, str] = {}, programs: Mapping[str, str] = {}) -> Machine:
    """Make a machine out of files and of programs, each given as a shell script."""
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, "utf-8")
    programs_at = root / "programs"
    programs_at.mkdir(parents=True, exist_ok=True)
    for name, script in programs.items():
        (programs_at / name).write_text(f"#!/bin/sh\n{script}\n", "utf-8")
        (programs_at / name).chmod(0o755)
    return Machine(root, str(programs_at), 60.0)


def box_at(root: Path, files: Mapping[str, str] = {}, programs: Mapping[str, str] = {}) -> Machine:
    """Make a machine that provisioning set up, with systemd."""
    (root / "run/systemd/system").mkdir(parents=True)
    slot = root / "opt/kurabako/a"
    (slot / "bin").mkdir(parents=True)
    (slot / "bin" / "kurabako").write_text("")
    (root / "opt/kurabako/current").symlink_to("a")
    return machine_at(root, files, programs)


def look(paths: SitePaths, machine: Machine | None = None, told: Status | None = None) -> Look:
    """Look at a site; with `told` its daemon says so now."""
    if told is not None:
        write_status(paths, told)
    return look_at(paths.root, machine or Machine(paths.root / "nowhere", "", 60.0))
