"""The spool of refused devices: udev's helper drops one small file for each, the collector takes them away.

Invariant: a file appears whole or not at all and names nobody; there are never more than `MOST`, so that plugging
in all day fills no disk. What does not read as such a file is removed and counts for nothing.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from appliance.devices.records import Device
from appliance.errors import ApplianceError
from sync.atomic import atomic_write
from sync.clock import wall_ms
from sync.site import SitePaths

MOST: Final = 1_000
_LARGEST: Final = 512


class SpoolFullError(ApplianceError):
    """So many refused devices wait to be written down that no more are taken."""

    code = "APP-311"


class _Note(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    device: Device
    at_ms: int


@dataclass(frozen=True, slots=True)
class Dropped:
    """A file of the spool: the device, and when it was plugged in (ms since 1970)."""

    path: Path
    device: Device
    at_ms: int


def spool_of(paths: SitePaths) -> Path:
    """Return the folder of the spool."""
    return paths.run / "usb"


def drop(paths: SitePaths, device: Device) -> Path:
    """Write down that a device was refused; raises SpoolFullError."""
    folder = spool_of(paths)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if len(os.listdir(folder)) >= MOST:
        raise SpoolFullError(operation="drop device", subject="usb", most=MOST)
    path = folder / f"{device.name}-{os.urandom(8).hex()}.json"
    atomic_write(path, msgspec.json.encode(_Note(device, wall_ms())))
    return path


def dropped(paths: SitePaths) -> list[Dropped]:
    """Return what lies in the spool, oldest first."""
    try:
        names = os.listdir(spool_of(paths))
    except FileNotFoundError:
        return []
    found = (_read(spool_of(paths) / name) for name in names if not name.startswith("."))
    return sorted((one for one in found if one is not None), key=lambda one: (one.at_ms, one.path.name))


def _read(path: Path) -> Dropped | None:
    """Return one file, None where there is none that reads as it should; such a one is removed."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            note = msgspec.json.decode(file.read(_LARGEST), type=_Note)
        return Dropped(path, Device.parse(note.device.name), note.at_ms)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, ApplianceError):  # ValueError: JSON, its shape and UTF-8
        if not path.is_dir():
            path.unlink(missing_ok=True)
        return None
