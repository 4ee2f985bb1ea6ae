"""Asking one box over SSH: two fixed commands, as a user who may run nothing else as anybody.

Invariant: sudo lets support run exactly these words as the sync user (`systemd/sudoers.d/kurabako`). A box without
sudo answers what support itself may see. A login as root runs them as the sync user too, never as root.
"""

from collections.abc import Sequence
from typing import Any, Final, Protocol

import msgspec

from appliance.fleet.boxview import LARGEST, StrangeAnswerError, Told, clean_check, read_told

SITE: Final = "/var/lib/kurabako/site"
PROGRAM: Final = "/usr/local/bin/kurabako"
USER: Final = "kurabako-sync"
_STATUS_S: Final = 20.0
_CHECKS: Final = 100
_NO_SUDO: Final = 127  # the shell's word for a program that is not there
_AS_MYSELF: Final = f'test "$(id -u)" -ne 0 && exec "$@"; exec runuser -u {USER} -- "$@"'


class Said(Protocol):
    """How a command ended."""

    @property
    def code(self) -> int:
        """Return its exit code."""
        ...

    @property
    def stdout(self) -> bytes:
        """Return what it printed."""
        ...


class Remote(Protocol):
    """A box that somebody is logged in to."""

    def run(self, argv: Sequence[str], /, *, timeout_s: float) -> Said:
        """Run a command; raises a KurabakoError when the line went or it took too long."""
        ...

    def close(self) -> None:
        """Log out."""
        ...


def command(what: str) -> list[str]:
    """Return the words that are said to a box; sudoers lists the very same."""
    return ["sudo", "-n", "-u", USER, PROGRAM, what, SITE, "--json"]


def command_without_sudo(what: str) -> list[str]:
    """Return the words for a box that has no sudo."""
    return ["sh", "-c", _AS_MYSELF, "sh", PROGRAM, what, SITE, "--json"]


def ask_status(remote: Remote) -> Told:
    """Return what a box says of itself; raises StrangeAnswerError and what the line fails with."""
    return read_told(_asked(remote, "status"))


def ask_doctor(remote: Remote) -> list[tuple[str, str, str, str]]:
    """Return (state, what, says, todo) of every check of a box."""
    try:
        answer: Any = msgspec.json.decode(_asked(remote, "doctor"))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise StrangeAnswerError(operation="read doctor", cause=exc) from exc
    checks = answer.get("checks") if isinstance(answer, dict) else None
    if not isinstance(checks, list):
        raise StrangeAnswerError(operation="read doctor")
    return [clean_check(entry) for entry in checks[:_CHECKS]]


def _asked(remote: Remote, what: str) -> bytes:
    said = remote.run(command(what), timeout_s=_STATUS_S)
    if said.code == _NO_SUDO and not said.stdout:
        said = remote.run(command_without_sudo(what), timeout_s=_STATUS_S)
    if not said.stdout or len(said.stdout) > LARGEST:  # sudo refused, or there is no Kurabako
        raise StrangeAnswerError(operation=f"ask {what}", subject=str(said.code))
    return said.stdout
