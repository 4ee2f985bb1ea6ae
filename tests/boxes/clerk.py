"""Somebody who enters things on a box until something ends it, and a note of what was found there and promised.

Invariant: an entry is noted outside of the machine, and only after its `put` returned; so every noted one must be
there for ever, whatever happens to the machine.
"""

import contextlib
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.boxes.machine import Machine
from tests.boxes.town import SCHOOLS, SITE, Town

PYTHON: Final = "/opt/kurabako/current/bin/python"
_PEPPER: Final = "CREDENTIALS_DIRECTORY=/run/kurabako-office"  # as sshd sets it for office@
# What a login does, without the screens that it would load.
_ENTERS: Final = f"""
import os, sys
from pathlib import Path
from appliance.identities import open_own
from appliance.site import open_site
from crypto import identity
from crypto.importance import Importance
from sync.client import KeeperClient
from sync.keyring import open_keyring
from sync.reader import Reader
from sync.sealed import Draft, SealedStore
site = open_site(Path("{SITE}"))
reader, client = Reader(site.paths.store), KeeperClient(site.paths.socket, patience_s=15.0)
for (name,) in reader.rows("SELECT change_id FROM change"):
    print("kept", name.hex())
passphrase, *words = sys.stdin.read().split()
made, derive = dict(zip(words[::2], words[1::2])), identity._derive
def derived(passphrase, pepper, salt, profile):
    if salt.hex() not in made:
        made[salt.hex()] = derive(passphrase, pepper, salt, profile).hex()
    print("key", salt.hex(), made[salt.hex()], flush=True)
    return bytes.fromhex(made[salt.hex()])
identity._derive = derived
own = open_own(client, site, "sato", passphrase)
store = SealedStore(reader, client, own, open_keyring(reader, own, site.root))
while True:
    drafts = [Draft("trial", os.urandom(16), Importance.III, os.urandom(400)) for _ in range(1, 4)]
    for name in store.put(drafts).names:
        print(name.hex(), flush=True)
"""
_KEPT: Final = f"""
from pathlib import Path
from sync.reader import Reader
for (name,) in Reader(Path("{SITE}/school.db")).rows("SELECT change_id FROM change"):
    print(name.hex())
"""


def kept(machine: Machine) -> frozenset[str]:
    """Return the ids of all changes in the box's store."""
    return frozenset(machine.ssh(f"{PYTHON} -Ic '{_KEPT}'").stdout.split())


def clerk_at(machine: Machine, town: Town, note: Path, keys: str = "") -> "Clerk":
    """Have somebody log in and enter, one batch after the other.

    `keys` is what a clerk before made of the passphrase, which takes long where QEMU interprets every instruction.
    """
    slips = (town.out / f"{SCHOOLS[0]}.slips").read_text("utf-8").split()
    return Clerk(machine, slips[slips.index("sato") + 1 :][0], note, keys)


@contextlib.contextmanager
def entering(machine: Machine, town: Town, note: Path) -> Iterator["Clerk"]:
    """Let somebody enter for the time of the context."""
    clerk = clerk_at(machine, town, note)
    try:
        yield clerk
    finally:
        clerk.end()


class Clerk:
    """A session of `sato` over SSH."""

    def __init__(self, machine: Machine, passphrase: str, note: Path, keys: str) -> None:
        self._note = note
        with note.open("wb") as out:
            self._process = subprocess.Popen(
                machine.shell(f"runuser -u office -- env {_PEPPER} {PYTHON} -Ic '{_ENTERS}'"),
                stdin=subprocess.PIPE,
                stdout=out,
            )
        assert self._process.stdin is not None
        self._process.stdin.write(f"{passphrase} {keys}\n".encode())
        self._process.stdin.close()

    @property
    def promised(self) -> frozenset[str]:
        """Return the ids of the entries that were acknowledged and said so to the outside."""
        return frozenset(line for line in self._lines if line and " " not in line)

    @property
    def found(self) -> frozenset[str]:
        """Return the ids of all changes that were in the store before the first entry of this clerk."""
        return frozenset(self._told("kept"))

    @property
    def keys(self) -> str:
        """Return what was made of the passphrase, with the salts."""
        return " ".join(self._told("key"))

    def _told(self, what: str) -> list[str]:
        return [line.removeprefix(f"{what} ") for line in self._lines if line.startswith(f"{what} ")]

    @property
    def _lines(self) -> list[str]:
        return self._note.read_text("utf-8", errors="replace").split("\n")[:-1]  # the last one may be half a line

    def wait(self, count: int, patience_s: float = 60.0) -> None:
        """Wait until so many entries were promised."""
        until = time.monotonic() + patience_s
        while len(self.promised) < count:
            assert self._process.poll() is None and time.monotonic() < until, f"{len(self.promised)} of {count}"
            time.sleep(0.05)

    def end(self) -> None:
        """End the session, if the machine did not."""
        self._process.kill()
        self._process.wait()
