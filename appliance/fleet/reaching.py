"""Logging in to a box as support: provisioning's SSH, but nobody becomes root.

Invariant: host keys are pinned by the inventory; paramiko is imported when a connection is made.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from appliance.fleet.asking import Remote, Said
from appliance.fleet.gathering import Asked
from appliance.provision.inventory import read_inventory
from appliance.provision.target import Target

Connect = Callable[[], Remote]


def asked_of(file: Path, schools: Sequence[str], user: str) -> list[Asked]:
    """Return the boxes of an inventory and how to reach each as `user`; raises what reading it raises."""
    inventory = read_inventory(file)
    return [
        Asked(box.school, box.name, box.host, _reach(replace(inventory.target(box), user=user)))
        for box in inventory.chosen(schools)
    ]


def _reach(target: Target) -> Connect:
    return lambda: _Login(target)


class _Login:
    """A session of support's; commands run as the user who logged in."""

    def __init__(self, target: Target) -> None:
        from appliance.provision.ssh import Session

        class Plain(Session):
            def _how_to_become_root(self) -> tuple[list[str], bytes]:
                return [], b""

        self._session = Plain(target)

    def run(self, argv: Sequence[str], /, *, timeout_s: float) -> Said:
        """Run a command."""
        return self._session.run(argv, timeout_s=timeout_s)

    def close(self) -> None:
        """Log out."""
        self._session.close()
