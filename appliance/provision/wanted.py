"""How a box shall stand: files with content, rights and owner, in groups that take effect together.

Invariant: it follows from inventory and bundle alone, the same every time; nothing secret is in it. What is
installed where stands here; what the files say stands in systemd/.
"""

import ipaddress
import re
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import PurePosixPath
from typing import Final

from appliance.alarms.section import AlarmsSection
from appliance.config import BOX_PEERS, NoticeboardSection
from appliance.noticeboard.place import BOX_FOLDER
from appliance.provision.inventory import Box
from appliance.tomltext import toml_lines

Argv = tuple[str, ...]
SITE: Final = "/var/lib/kurabako/site"
SLOTS: Final = "/opt/kurabako"
BUNDLES: Final = "/var/cache/kurabako/bundle"
MARKS: Final = "/var/lib/kurabako/provisioned.json"
CREDENTIALS: Final = "/etc/kurabako/credentials"
LOCAL_CONFIG: Final = "/etc/kurabako/site-local.toml"
USERS: Final = (
    "kurabako-keeper",
    "kurabako-sync",
    "kurabako-inbox",
    "kurabako-notice",
    "kurabako-support",
    "office",
    "genkan",
)
TARGET: Final = "kurabako.target"
SERVICES: Final = ("kurabako-keeper.service", "kurabako-sync.service", "kurabako-inbox.service")
UDEV: Final = "systemd-udevd.service"
NOTICEBOARD: Final = ("kurabako-notice.socket", "kurabako-notice.service")
STARTED: Final = (TARGET, *SERVICES, *NOTICEBOARD, "kurabako-unlock.service", "var-lib-kurabako-site-inbox.mount")
PROGRAMS: Final = (
    "python3",
    "nft",
    "sshd",
    "systemctl",
    "systemd-creds",
    "systemd-sysusers",
    "systemd-tmpfiles",
    "udevadm",
)
MODULES: Final = ("venv", "ssl", "ctypes")
BUS: Final = "dbus.socket"  # by it an update has a new version asked as another user
CLOCKS: Final = ("systemd-timesyncd.service", "chrony.service")
UPDATE_ROOT: Final = "/etc/kurabako/update-root.json"
ENABLED: Final = ("kurabako-update-resume.service", "kurabako-update.timer")
_NONE: Final = re.compile(r"@([A-Z]+)@")


@dataclass(frozen=True, slots=True)
class FileWanted:
    """A file as it shall be."""

    path: str
    content: bytes
    mode: int = 0o644
    owner: str = "root:root"

    @property
    def sha256(self) -> str:
        """Return the hash of its content."""
        return sha256(self.content).hexdigest()


@dataclass(frozen=True, slots=True)
class Group:
    """Files that take effect together, by `commands`; `name` is the key of its words and of its mark.

    `check` are commands that must succeed before anything takes effect: a wrong file must not shut us out. Where
    the unit `only_with` does not run there is nothing to tell, and no command is given.
    """

    name: str
    files: tuple[FileWanted, ...]
    commands: tuple[Argv, ...] = ()
    check: tuple[Argv, ...] = ()
    destructive: bool = False
    only_with: str = ""

    @property
    def digest(self) -> str:
        """Return what the group's mark says when all of it took effect."""
        parts = [f"{f.path} {f.sha256} {f.mode:o} {f.owner}" for f in self.files]
        return sha256("\n".join([*parts, *map(" ".join, self.commands)]).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class ReleaseWanted:
    """The release that shall run: the hash of its manifest, and the files that bring it (name → size, hash)."""

    version: str
    manifest: str
    files: dict[str, tuple[int, str]]


@dataclass(frozen=True, slots=True)
class Wanted:
    """How one box shall stand; `at_hand` names the secrets that it could be given now."""

    box: Box
    groups: tuple[Group, ...]
    release: ReleaseWanted
    root_key: str
    at_hand: frozenset[str] = frozenset()

    @property
    def files(self) -> tuple[FileWanted, ...]:
        """Return all files."""
        return tuple(file for group in self.groups for file in group.files)

    @property
    def settings(self) -> dict[str, dict[str, object]]:
        """Return the sections of kurabako.toml that are this machine's own."""
        (local,) = (file.content for file in self.files if file.path == LOCAL_CONFIG)
        return tomllib.loads(local.decode())


Read = Callable[[str], bytes]
"""Gives a file of the bundle by its name."""


def wanted_groups(box: Box, names: Sequence[str], read: Read, update_root: bytes = b"") -> tuple[Group, ...]:
    """Return the groups of files of a box; `names` are the bundle's files: systemd/ is laid out."""
    laid = _Laid(box, [name.removeprefix("systemd/") for name in names if name.startswith("systemd/")], read)
    units = [name for name in laid.names if "/" not in name and _is_unit(name)]
    return (
        laid.group("users", {"sysusers.d/kurabako.conf": "/usr/lib/sysusers.d/kurabako.conf"}, [_SYSUSERS]),
        laid.group(
            "folders",
            {"tmpfiles.d/kurabako.conf": "/usr/lib/tmpfiles.d/kurabako.conf"},
            [("systemd-tmpfiles", "--create", "kurabako.conf")],
            more=[
                FileWanted("/etc/kurabako/site.env", f"KURABAKO_SITE={SITE}\n".encode()),
                FileWanted(LOCAL_CONFIG, _local_config(box)),
            ],
        ),
        laid.group(
            "units",
            {name: f"/etc/systemd/system/{name}" for name in units}
            | {"user-.slice.d/kurabako.conf": "/etc/systemd/system/user-.slice.d/kurabako.conf"},
            [("systemctl", "daemon-reload")],
            more=[
                *_dropins(box),
                FileWanted("/etc/systemd/system/kurabako-notice.socket.d/lan.conf", _learners_dropin(box)),
                *([FileWanted(UPDATE_ROOT, update_root)] if update_root else []),
            ],
        ),
        laid.group(
            "limits",
            {
                "journald.conf.d/kurabako.conf": "/etc/systemd/journald.conf.d/kurabako.conf",
                "sysctl.d/kurabako.conf": "/etc/sysctl.d/60-kurabako.conf",
                "system.conf.d/kurabako.conf": "/etc/systemd/system.conf.d/kurabako.conf",
            },
            [
                ("systemctl", "try-restart", "systemd-journald.service"),
                ("systemctl", "try-restart", "systemd-sysctl.service"),
                ("systemctl", "daemon-reexec"),
            ],
        ),
        laid.group(
            "usb",
            {
                "udev/70-kurabako-usb.rules": "/etc/udev/rules.d/70-kurabako-usb.rules",
                "modprobe.d/kurabako-usb.conf": "/etc/modprobe.d/kurabako-usb.conf",
            },
            [
                ("udevadm", "control", "--reload"),
                ("udevadm", "trigger", "--action=add", "--subsystem-match=usb"),
            ],
            only_with=UDEV,
        ),
        laid.group(
            "time",
            {"timesyncd.conf.d/kurabako.conf": "/etc/systemd/timesyncd.conf.d/kurabako.conf"},
            [("systemctl", "try-restart", "systemd-timesyncd.service")],
        ),
        laid.group(
            "office",
            {
                "sshd_config.d/kurabako.conf": "/etc/ssh/sshd_config.d/kurabako.conf",
                "sudoers.d/kurabako": "/etc/sudoers.d/kurabako",
            },
            [("systemctl", "try-reload-or-restart", "ssh.service")],
            check=[("sshd", "-t")],
            more=[
                FileWanted("/etc/kurabako/authorized_keys/office", _lines(box.office_keys)),
                FileWanted("/etc/kurabako/authorized_keys/genkan", _lines(box.entrance_keys)),
                FileWanted("/etc/kurabako/authorized_keys/kurabako-support", _lines(box.support_keys)),
            ],
        ),
        laid.group(
            "firewall",
            {"nftables/kurabako.nft": "/etc/nftables.conf"},
            [
                *_TRACKED,
                ("systemctl", "enable", "nftables.service"),
                ("systemctl", "reload-or-restart", "nftables.service"),
            ],
            check=[("nft", "-c", "-f", "/etc/nftables.conf")],
            more=[FileWanted("/etc/kurabako/firewall.d/inventory.nft", _firewall(box))],
            destructive=True,
        ),
    )


# The kernel follows connections only from the first rule on that asks about them; without this our own would be a
# stranger to the firewall, and its first answer be refused. `restart` would forget it between stop and start.
_TRACKED: Final[tuple[Argv, ...]] = (
    ("nft", "add table inet kurabako_before"),
    ("nft", "add chain inet kurabako_before seen { type filter hook input priority 0; policy accept; }"),
    ("nft", "add rule inet kurabako_before seen ct state established accept"),
)
_SYSUSERS: Final = ("systemd-sysusers", "kurabako.conf")
_MODES: Final = {"sudoers.d/kurabako": 0o440}


class _Laid:
    """The bundle's files for one box."""

    def __init__(self, box: Box, names: Sequence[str], read: Read) -> None:
        self.names = tuple(names)
        self._values = {
            "NTP": " ".join(box.time_servers),
            "GENKAN": box.entrance_login,
        }
        self._read = read

    def group(
        self,
        name: str,
        places: dict[str, str],
        commands: Sequence[Argv],
        *,
        check: Sequence[Argv] = (),
        more: Sequence[FileWanted] = (),
        destructive: bool = False,
        only_with: str = "",
    ) -> Group:
        there = {source: place for source, place in places.items() if source in self.names}
        files = [
            FileWanted(place, self._filled(source), _MODES.get(source, 0o644))
            for source, place in sorted(there.items())
        ]
        return Group(name, (*files, *more), tuple(commands), tuple(check), destructive, only_with)

    def _filled(self, source: str) -> bytes:
        """Return a file of the bundle with the box's own values in it; other words between @ stay."""
        text = self._read(f"systemd/{source}").decode()
        return _NONE.sub(lambda found: self._values.get(found[1], found[0]), text).encode()


def _is_unit(name: str) -> bool:
    return PurePosixPath(name).suffix in (".service", ".target", ".timer", ".socket", ".path", ".mount", ".slice")


def _lines(keys: Sequence[str]) -> bytes:
    return "".join(f"{key}\n" for key in keys).encode()


def _local_config(box: Box) -> bytes:
    """Return the machine's own sections: which users ask the keeper for what, where notices go, and alarms.

    Where the inventory says nothing of alarms, what somebody wrote on the box stays.
    """
    alarms = f"[alarms]\n{toml_lines(box.alarms)}" if box.alarms != AlarmsSection() else ""
    noticeboard = f"[noticeboard]\n{toml_lines(NoticeboardSection(folder=BOX_FOLDER))}"
    return f"[keeper]\n{toml_lines(BOX_PEERS)}{noticeboard}{alarms}".encode()


def _dropins(box: Box) -> list[FileWanted]:
    """Return what units may reach and open on this box beside what stands in their own files."""
    store = _allowed([*(address for address, _ in box.store_places()), *box.dns_servers])
    told = _allowed([address for address, _ in box.alarm_places()]) + [
        f"LoadCredentialEncrypted={name}:{CREDENTIALS}/{name}\n" for name in box.secret_names()
    ]
    wanted = [("kurabako-sync", "store", store), ("kurabako-update-fetch", "store", store)]
    wanted += [("kurabako-sync", "more", told)] if told else []
    return [
        FileWanted(f"/etc/systemd/system/{unit}.service.d/{name}.conf", "".join(["[Service]\n", *lines]).encode())
        for unit, name, lines in wanted
    ]


def _allowed(addresses: Sequence[str]) -> list[str]:
    return [f"IPAddressAllow={address}\n" for address in dict.fromkeys(addresses)]


def _learners_dropin(box: Box) -> bytes:
    return "".join(["[Socket]\n", *(f"IPAddressAllow={network}\n" for network in box.learners_from)]).encode()


def _firewall(box: Box) -> bytes:
    """Return what the inventory lets through; the rules themselves stand in nftables/kurabako.nft."""
    out = ["# Made from the inventory by kurabako provision.\n"]
    out += _elements("ssh", [(network, network) for network in box.ssh_from])
    out += _elements("learner", [(network, network) for network in box.learners_from])
    out += _elements("store", [(address, f"{address} . {port}") for address, port in _places(box)])
    out += _elements("dns", [(address, address) for address in box.dns_servers])
    out += _elements("ntp", [(address, address) for address in box.time_servers])
    return "".join(out).encode()


def _places(box: Box) -> list[tuple[str, int]]:
    """Return where sync may send to; what lies within another is in it, since nftables takes no place twice."""
    nets: dict[tuple[int, int], list[ipaddress.IPv4Network | ipaddress.IPv6Network]] = {}
    for address, port in (*box.store_places(), *box.alarm_places()):
        network = ipaddress.ip_network(address)
        nets.setdefault((port, network.version), []).append(network)
    return [
        (str(net.network_address) if net.num_addresses == 1 else str(net), port)
        for (port, _), found in nets.items()
        for net in ipaddress.collapse_addresses(found)  # type: ignore[type-var]  # each list is of one version
    ]


def _elements(name: str, entries: Sequence[tuple[str, str]]) -> list[str]:
    by_version: dict[int, list[str]] = {4: [], 6: []}
    for address, text in entries:
        by_version[ipaddress.ip_network(address).version].append(text)
    return [
        f"add element inet kurabako {name}{version} {{ {', '.join(texts)} }}\n"
        for version, texts in by_version.items()
        if texts
    ]
