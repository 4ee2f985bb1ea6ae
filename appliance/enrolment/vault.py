"""Where a box keeps its secrets: in its site's own folder, or encrypted by the machine (systemd-creds).

Invariant: with the machine's vault no secret is ever on the disk in clear, not even for a moment: systemd-creds
gets it on stdin and gives it on stdout. Where there is a TPM2 its key is part of it.
"""

import contextlib
import subprocess
from pathlib import Path
from typing import Final, Protocol

from appliance.credentials import CredentialMissingError
from appliance.enrolment.errors import VaultError
from crypto.secret import Secret
from sync.atomic import atomic_write

_CREDS: Final = "/usr/bin/systemd-creds"


class Vault(Protocol):
    """Keeps secrets by name."""

    def write(self, name: str, value: bytes) -> None:
        """Keep a secret, in place of a former one of that name."""

    def read(self, name: str) -> Secret:
        """Return a secret; raises CredentialMissingError."""

    def remove(self, name: str) -> None:
        """Forget a secret; one that is not there is no failure."""


class FolderVault:
    """Files of mode 0600 in a folder of mode 0700."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def write(self, name: str, value: bytes) -> None:
        """Keep a secret, in place of a former one of that name."""
        self._folder.mkdir(mode=0o700, exist_ok=True)
        atomic_write(self._folder / name, value, mode=0o600)

    def read(self, name: str) -> Secret:
        """Return a secret; raises CredentialMissingError."""
        return Secret(_read(self._folder / name))

    def remove(self, name: str) -> None:
        """Forget a secret."""
        (self._folder / name).unlink(missing_ok=True)


class MachineVault:
    """Files that only this machine decrypts, as units load them by LoadCredentialEncrypted=."""

    def __init__(self, folder: Path, program: str = _CREDS) -> None:
        self._folder = folder
        self._program = program

    def write(self, name: str, value: bytes) -> None:
        """Keep a secret, in place of a former one of that name; raises VaultError."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        atomic_write(self._folder / name, self._run("encrypt", name, value), mode=0o600)

    def read(self, name: str) -> Secret:
        """Return a secret; raises CredentialMissingError, VaultError."""
        return Secret(self._run("decrypt", name, _read(self._folder / name)))

    def remove(self, name: str) -> None:
        """Forget a secret."""
        with contextlib.suppress(FileNotFoundError):
            (self._folder / name).unlink()

    def _run(self, verb: str, name: str, value: bytes) -> bytes:
        command = [self._program, verb, f"--name={name}", "-", "-"]
        try:
            done = subprocess.run(command, input=value, capture_output=True)
        except OSError as exc:
            raise VaultError(operation=f"{verb} credential", subject=name, cause=exc, problem=str(exc)) from exc
        if done.returncode:
            said = done.stderr.decode("utf-8", "replace").strip()[-200:]
            raise VaultError(operation=f"{verb} credential", subject=name, problem=said)
        return done.stdout


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as exc:
        raise CredentialMissingError(
            operation="read credential", subject=path.name, cause=exc, name=path.name
        ) from exc
