"""The inventory: which boxes a support office looks after, as TOML that a person writes.

Invariant: an inventory is wholly understood or refused, with the place that is wrong; nothing secret stands in it.

    [board]       the education board: `name`, `root_key` (hex, public), whom to call
    [defaults]    what holds for every box that does not say otherwise
    [[box]]       a box: `school`, `name`, `host`, `host_key` … (see `Box`)
"""

import ipaddress
import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import msgspec

from appliance.alarms.section import SMTP_PASSWORD, WEBHOOK_TOKEN, AlarmsSection
from appliance.config import ConfigSyntaxError, ConfigValueError, StoreSection, refuse_unknown
from appliance.provision.errors import InventoryMissingError, UnknownBoxError
from appliance.provision.target import Target
from appliance.schoolcode import SchoolCodeError, parse_school_code
from crypto.secret import Secret

T = TypeVar("T")
_FINGERPRINT: Final = re.compile(r"SHA256:[A-Za-z0-9+/]{43}")
_HOST: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.:-]*[A-Za-z0-9])?")
_USER: Final = re.compile(r"[a-z_][a-z0-9_-]{0,30}")
_KEY: Final = re.compile(
    r"(ssh-ed25519|ecdsa-sha2-nistp(256|384|521)|sk-(ssh-ed25519|ecdsa-sha2-nistp256)@openssh\.com)"
    r" [A-Za-z0-9+/]{40,}={0,2}( [\w.@+-]+)?"
)
_PORTS: Final = {"http": 80, "https": 443}
_ROOT_KEY: Final = re.compile(r"[0-9a-f]{64}")


class BoardEntry(msgspec.Struct, frozen=True):
    """The education board that these schools belong to.

    `root_key` stands in its board.toml; `update_root` is the file that says whose signatures of updates count.
    """

    name: str
    root_key: str
    phone: str = ""
    update_root: str = ""

    def __post_init__(self) -> None:
        """Refuse what cannot be a root key."""
        if not _ROOT_KEY.fullmatch(self.root_key):
            raise ValueError("`root_key` is 64 hexadecimal digits, as board.toml has it")


class SupportEntry(msgspec.Struct, frozen=True):
    """Who looks after the boxes: for the hand-over sheet."""

    name: str = ""
    phone: str = ""


class Box(msgspec.Struct, frozen=True):
    """One box: where it is, how it is reached, and what it shall be.

    `host_key` is the fingerprint that the installer printed; `ssh_from` are the networks that may log in by SSH;
    `store_addresses` the addresses of the object store (networks too), where `store` names it by a name;
    `learners_from` the networks of the tablets that may look at the noticeboard;
    `office_keys`, `entrance_keys` and `support_keys` the public keys that open the office screen as office@box,
    the entrance's terminal as genkan@box, a shell as kurabako-support@box; `debian` the releases that are taken.
    `alarms` are the section of kurabako.toml, `alarm_addresses` the addresses of mail server and webhook, where
    they are named by a name; with `webhook_token` the webhook wants its bearer.
    """

    school: str
    name: str
    host: str
    host_key: str
    store: StoreSection
    ssh_from: tuple[str, ...]
    port: int = 22
    user: str = "root"
    key_file: str = ""
    store_addresses: tuple[str, ...] = ()
    learners_from: tuple[str, ...] = ()
    dns_servers: tuple[str, ...] = ()
    time_servers: tuple[str, ...] = ()
    office_keys: tuple[str, ...] = ()
    entrance_keys: tuple[str, ...] = ()
    entrance_login: str = "genkan"
    support_keys: tuple[str, ...] = ()
    debian: tuple[int, ...] = (12, 13)
    alarms: AlarmsSection = AlarmsSection()
    alarm_addresses: tuple[str, ...] = ()
    webhook_token: bool = False

    def __post_init__(self) -> None:
        """Refuse what makes no sense; the text reaches whoever wrote the file."""
        for network in (*self.ssh_from, *self.store_addresses, *self.alarm_addresses, *self.learners_from):
            ipaddress.ip_network(network)
        for address in (*self.dns_servers, *self.time_servers):
            ipaddress.ip_address(address)
        if not self.ssh_from:
            raise ValueError("`ssh_from` names no network: nobody could log in again")
        _matches(_HOST, "host", self.host)
        _matches(_USER, "user", self.user)
        if not _FINGERPRINT.fullmatch(self.host_key):
            raise ValueError("`host_key` is no fingerprint as the installer prints it: SHA256: and 43 characters")
        if not 0 < self.port < 65536:
            raise ValueError("`port` is no TCP port")
        _matches(_USER, "entrance_login", self.entrance_login)
        for key in (*self.office_keys, *self.entrance_keys, *self.support_keys):
            if not _KEY.fullmatch(key):
                raise ValueError(
                    "`office_keys`, `entrance_keys`, `support_keys`: a public key is one line: "
                    "type, key, a name without blanks"
                )
        if not self.store_places():
            raise ValueError("`store_addresses`: the firewall needs the addresses of the object store")
        if self.alarms.channels and not self.alarm_places():
            raise ValueError("`alarm_addresses`: the firewall needs the addresses of mail server and webhook")

    def store_places(self) -> tuple[tuple[str, int], ...]:
        """Return the addresses and ports that the box may send to; none when only a name is known."""
        where = urlsplit(self.store.connect or self.store.endpoint)
        host = self.store.host if self.store.kind == "sftp" else where.hostname or ""
        port = self.store.port if self.store.kind == "sftp" else where.port or _PORTS.get(where.scheme, 443)
        addresses = self.store_addresses or ((host,) if _is_address(host) else ())
        return tuple((address, port) for address in addresses)

    def alarm_places(self) -> tuple[tuple[str, int], ...]:
        """Return the addresses and ports that alarms go to."""
        hook = urlsplit(self.alarms.webhook)
        told = [(self.alarms.smtp_host, self.alarms.smtp_port)] if self.alarms.email_to else []
        if hook.hostname:
            told.append((hook.hostname, hook.port or _PORTS[hook.scheme]))
        return tuple(
            (address, port)
            for host, port in told
            for address in (self.alarm_addresses or ((host,) if _is_address(host) else ()))
        )

    def secret_names(self) -> tuple[str, ...]:
        """Return the credentials that this box needs and the board does not grant."""
        wanted = (
            (SMTP_PASSWORD, bool(self.alarms.email_to and self.alarms.smtp_user)),
            (WEBHOOK_TOKEN, bool(self.alarms.webhook and self.webhook_token)),
            (self.store.key_file, self.store.kind == "sftp"),
        )
        return tuple(name for name, needed in wanted if needed)

    def target(self, folder: Path, sudo_password: Secret | None = None) -> Target:
        """Return how to log in; `folder` is where a relative `key_file` begins."""
        key_file = folder / Path(self.key_file).expanduser() if self.key_file else None
        return Target(self.school, self.host, self.host_key, self.port, self.user, key_file, sudo_password)


@dataclass(frozen=True, slots=True)
class Inventory:
    """A whole inventory; `folder` is where its file lies."""

    folder: Path
    board: BoardEntry
    support: SupportEntry
    boxes: tuple[Box, ...]

    def chosen(self, schools: Sequence[str]) -> tuple[Box, ...]:
        """Return the boxes of some schools, all without any; raises UnknownBoxError."""
        known = {box.school: box for box in self.boxes}
        wanted = [str(parse_school_code(school)) for school in schools]
        for school in wanted:
            if school not in known:
                raise UnknownBoxError(
                    operation="choose boxes", subject=school, school=school, known=", ".join(sorted(known))
                )
        return tuple(known[school] for school in dict.fromkeys(wanted)) if wanted else self.boxes

    def update_root(self) -> bytes:
        """Return the file that says whose signatures of updates count, empty where the board names none.

        Raises InventoryMissingError.
        """
        if not self.board.update_root:
            return b""
        file = self.folder / Path(self.board.update_root).expanduser()
        try:
            return file.read_bytes()
        except OSError as exc:
            raise InventoryMissingError(
                operation="read inventory", subject=file.name, cause=exc, file=str(file)
            ) from exc

    def target(self, box: Box, sudo_password: Secret | None = None) -> Target:
        """Return how to log in to a box."""
        return box.target(self.folder, sudo_password)


class _File(msgspec.Struct, frozen=True):
    board: BoardEntry
    box: list[dict[str, Any]]
    support: SupportEntry = SupportEntry()
    defaults: dict[str, Any] = {}


def read_inventory(file: Path) -> Inventory:
    """Read and check an inventory.

    Raises InventoryMissingError, ConfigSyntaxError, ConfigKeyError, ConfigValueError.
    """
    try:
        raw = tomllib.loads(file.read_text("utf-8"))
    except OSError as exc:
        raise InventoryMissingError(
            operation="read inventory", subject=file.name, cause=exc, file=str(file)
        ) from exc
    except ValueError as exc:  # no TOML, and no UTF-8
        raise ConfigSyntaxError(
            operation="read inventory", subject=file.name, cause=exc, file=str(file), problem=str(exc)
        ) from exc
    refuse_unknown(raw, _File, file, "")
    parts = _convert(raw, _File, file, "")
    refuse_unknown(parts.defaults, Box, file, "defaults.")
    boxes = tuple(_boxes(parts, file))
    _refuse_twins(boxes, file)
    return Inventory(file.resolve().parent, parts.board, parts.support, boxes)


def _boxes(parts: _File, file: Path) -> Iterator[Box]:
    for number, own in enumerate(parts.box, 1):
        place = f"box[{number}]."
        refuse_unknown(own, Box, file, place)
        merged = _over(parts.defaults, own)
        box = _convert(merged, Box, file, place)
        try:
            yield msgspec.structs.replace(box, school=str(parse_school_code(box.school)))
        except SchoolCodeError as exc:
            problem = f"`school`: {exc.params['problem']} ({exc.params['place']})"
            raise _bad(file, f"{place}school", problem, exc) from exc


def _over(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """Lay a box's own values over the defaults, table by table."""
    tables = {key: _over(below[key], value) for key, value in above.items() if _both_tables(below.get(key), value)}
    return {**below, **above, **tables}


def _both_tables(one: object, other: object) -> bool:
    return isinstance(one, dict) and isinstance(other, dict)


def _refuse_twins(boxes: Sequence[Box], file: Path) -> None:
    if not boxes:
        raise _bad(file, "box", "no box is named")
    for what, values in (
        ("school", [box.school for box in boxes]),
        ("host", [f"{box.host}:{box.port}" for box in boxes]),
    ):
        twins = sorted({value for value in values if values.count(value) > 1})
        if twins:
            raise _bad(file, what, f"{twins[0]} stands twice")


def _convert(raw: dict[str, Any], kind: type[T], file: Path, place: str) -> T:
    try:
        return msgspec.convert(raw, kind)
    except msgspec.ValidationError as exc:
        raise _bad(file, place, str(exc), exc) from exc


def _bad(file: Path, place: str, problem: str, cause: Exception | None = None) -> ConfigValueError:
    told = f"{place.rstrip('.')}: {problem}" if place else problem
    return ConfigValueError(
        operation="read inventory", subject=file.name, cause=cause, file=str(file), problem=told
    )


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _matches(pattern: re.Pattern[str], name: str, value: str) -> None:
    if not pattern.fullmatch(value):
        raise ValueError(f"`{name}`: {value!r} is not usable")
