"""What a box must bring along before anything on it is changed: Debian, its programs, room, time, our way back in.

Invariant: everything that is missing is said at once, and nothing is changed on a box where something is missing.
"""

import ipaddress
import re
import tomllib
from dataclasses import dataclass
from typing import Final

from appliance.provision.facts import Facts
from appliance.provision.plan import missing_secrets
from appliance.provision.wanted import BUS, CLOCKS, MODULES, PROGRAMS, Wanted

LEAST_FREE: Final = 2 * 1024**3
LEAST_MEMORY: Final = 900 * 1024**2
LEAST_SYSTEMD: Final = 252
MOST_CLOCK_OFF_MS: Final = 24 * 3600 * 1000
_PACKAGES: Final = {"nft": "nftables", "sshd": "openssh-server", "udevadm": "udev", "python3": "python3"}


@dataclass(frozen=True, slots=True)
class Need:
    """Something that is missing: the key of its words, and what they are filled with."""

    name: str
    values: tuple[str, ...] = ()


def needs(facts: Facts, wanted: Wanted, now_ms: int) -> tuple[Need, ...]:
    """Return what must be put right by hand first; nothing for a box that can be provisioned."""
    found = []
    if facts.os != "debian" or facts.release not in {str(number) for number in wanted.box.debian}:
        found.append(Need("debian", (f"{facts.os} {facts.release}",)))
    if not facts.booted or facts.systemd < LEAST_SYSTEMD:
        found.append(Need("systemd", (str(facts.systemd),)))
    packages = {_PACKAGES.get(name, "systemd") for name in PROGRAMS if name not in facts.programs}
    packages |= set() if _has(facts, BUS) else {"dbus"}
    if packages:
        found.append(Need("packages", (" ".join(sorted(packages)),)))
    modules = [name for name in MODULES if name not in facts.modules]
    if modules:
        found.append(Need("python", (" ".join(modules),)))
    if not any(_has(facts, unit) for unit in CLOCKS):
        found.append(Need("time"))
    if facts.free_bytes < LEAST_FREE:
        found.append(Need("room", (str(facts.free_bytes // 1024**2), str(LEAST_FREE // 1024**2))))
    if facts.memory_bytes < LEAST_MEMORY:
        found.append(Need("memory", (str(facts.memory_bytes // 1024**2), str(LEAST_MEMORY // 1024**2))))
    secrets = [name for name in missing_secrets(facts, wanted) if name not in wanted.at_hand]
    if secrets:
        found.append(Need("secrets", (", ".join(secrets),)))
    return (*found, *_site_needs(facts, wanted), *_way_back(facts, wanted), *_clock(facts, now_ms))


def _has(facts: Facts, unit: str) -> bool:
    return bool(facts.units.get(unit, ("", "", False))[0])


def _site_needs(facts: Facts, wanted: Wanted) -> list[Need]:
    school, running, given = site_school(facts), facts.slots.version, wanted.release.version
    if running and _numbers(running) > _numbers(given):  # it may have changed the store as no older one reads it
        return [Need("older", (running, given))]
    return [Need("school", (school, wanted.box.school))] if school not in ("", wanted.box.school) else []


def _way_back(facts: Facts, wanted: Wanted) -> list[Need]:
    """Our own address must be among those that may come in, or the firewall shuts us out."""
    try:
        address = ipaddress.ip_address(facts.came_from)
    except ValueError:
        return []
    networks = [ipaddress.ip_network(network) for network in wanted.box.ssh_from]
    if any(address in network for network in networks if network.version == address.version):
        return []
    return [Need("way_back", (facts.came_from,))]


def _clock(facts: Facts, now_ms: int) -> list[Need]:
    off = abs(facts.clock_ms - now_ms)
    return [Need("clock", (str(off // 3_600_000),))] if off > MOST_CLOCK_OFF_MS else []


def _numbers(version: str) -> list[int]:
    return [int(number) for number in re.findall(r"[0-9]+", version.partition("+")[0])]


def site_school(facts: Facts) -> str:
    """Return which school's box it is already, empty for none."""
    try:
        return str(tomllib.loads(facts.site.config).get("site", {}).get("school", ""))
    except tomllib.TOMLDecodeError:
        return "?"
