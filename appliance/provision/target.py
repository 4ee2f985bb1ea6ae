"""Which machine to log in to, and as whom.

Invariant: reading an inventory imports no paramiko, so this stands apart from `ssh`.
"""

from dataclasses import dataclass
from pathlib import Path

from crypto.secret import Secret


@dataclass(frozen=True, slots=True)
class Target:
    """Which machine, as whom. `host_key` is `SHA256:…`; without `key_file` the SSH agent is asked."""

    name: str
    host: str
    host_key: str
    port: int = 22
    user: str = "root"
    key_file: Path | None = None
    sudo_password: Secret | None = None
