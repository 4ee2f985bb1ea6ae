"""Who came to a standby's office: what the proxy vouches for, and the record of every visit.

Invariant: a visit is on record before a screen is drawn for it. The record names logins, devices and addresses,
never what was typed or seen; that is in the audit record, under the person's own signature.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from appliance.standby.proxy import DEVICE_HEADER, LOGIN_HEADER, PEER_HEADER
from sync.clock import wall_ms

RECORD: Final = "standby.jsonl"
_LOGIN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_UNSHOWN: Final = re.compile(r"[^\w.:@ -]")


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody whom the single sign-on knows: login, certificate's name of the device (or empty), address."""

    login: str
    device: str
    peer: str

    @property
    def source(self) -> str:
        """Return what the audit record says of where they come from."""
        return f"standby {self.peer} {self.device}".strip()


class Visit(msgspec.Struct, frozen=True):
    """A line of the record; `event` is opened, closed or refused."""

    at_ms: int
    event: str
    login: str
    device: str
    peer: str


def read_visitor(headers: Mapping[str, str]) -> Visitor | None:
    """Return whom the proxy vouches for; None for nobody, or for what is no login."""
    login = headers.get(LOGIN_HEADER, "")
    if not _LOGIN.fullmatch(login):
        return None
    device, peer = (_UNSHOWN.sub("", headers.get(name, ""))[:80] for name in (DEVICE_HEADER, PEER_HEADER))
    return Visitor(login, device, peer)


def note_visit(site_dir: Path, event: str, visitor: Visitor) -> None:
    """Write a line of the record; it is on disk on return."""
    folder = site_dir / "log"
    folder.mkdir(mode=0o700, exist_ok=True)
    line = msgspec.json.encode(Visit(wall_ms(), event, visitor.login, visitor.device, visitor.peer)) + b"\n"
    descriptor = os.open(folder / RECORD, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        os.write(descriptor, line)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_visits(site_dir: Path) -> list[Visit]:
    """Return the record, oldest first."""
    try:
        lines = (site_dir / "log" / RECORD).read_bytes().splitlines()
    except FileNotFoundError:
        return []
    return [msgspec.json.decode(line, type=Visit) for line in lines]
