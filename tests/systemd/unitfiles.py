"""The plain files of `systemd/`, and reading a unit file as the service manager does: keys may come many times."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

import appliance

SYSTEMD: Final = next(
    folder / "systemd"
    for folder in (Path(appliance.__file__).parents[1], Path(__file__).parents[2])
    if (folder / "systemd").is_dir()
)
SERVICES: Final = tuple(sorted(path.name for path in SYSTEMD.glob("*.service")))
SITE: Final = "/var/lib/kurabako/site"

# Whoever may replace programs and units is root.
AS_ROOT: Final = {"kurabako-update.service", "kurabako-update-resume.service"}


def keys(unit: str) -> dict[str, list[str]]:
    """Return every key of a unit with its values in order."""
    found: dict[str, list[str]] = {}
    for line in _lines(unit):
        key, _, value = line.partition("=")
        found.setdefault(key, []).append(value)
    return found


def only(unit: str, key: str) -> str:
    """Return the one value of a key."""
    (value,) = keys(unit)[key]
    return value


def each_service() -> pytest.MarkDecorator:
    return pytest.mark.parametrize("unit", SERVICES)


def _lines(unit: str) -> Iterator[str]:
    for line in (SYSTEMD / unit).read_text("utf-8").splitlines():
        if line and not line.startswith(("#", "[")):
            yield line
