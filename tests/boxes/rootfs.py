"""The disk of a bare Debian machine: made once by mmdebstrap, kept in the user's cache, copied for each machine.

Invariant: a disk in the cache is whole (it gets its name last), and holds nothing of Kurabako: what a box needs
beyond a bare Debian reachable by SSH, provisioning must bring.
"""

import hashlib
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

# What the installer of Debian puts on every machine with the SSH server and the standard tools, as far as boxes
# need it; a minimal root has to be told.
PACKAGES: Final = (
    "systemd",
    "systemd-sysv",
    "systemd-timesyncd",
    "dbus",
    "udev",
    "kmod",
    "openssh-server",
    "python3",
    "nftables",
    "iproute2",
    "iputils-ping",
)
# What a machine needs besides that is started by a kernel of its own.
KERNEL: Final = ("linux-image-amd64", "initramfs-tools")


def cache_folder() -> Path:
    """Return where what takes minutes to make is kept."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "kurabako-boxes"


RELEASES: Final = ("bookworm", "trixie")


def cached_rootfs(release: str = "bookworm", more: Sequence[str] = ()) -> Path:
    """Return a tar of a bare Debian and `more`, made if it is not in the cache (minutes, from Debian's mirror)."""
    packages = (*PACKAGES, *more)
    named = hashlib.sha256(" ".join((release, *packages)).encode()).hexdigest()[:12]
    cache = cache_folder()
    tar = cache / f"{release}-{named}.tar"
    if tar.exists():
        return tar
    cache.mkdir(parents=True, exist_ok=True)
    unfinished = cache / f".{release}-{named}-{os.getpid()}.tar"
    command = ["mmdebstrap", "--quiet", "--variant=minbase", f"--include={','.join(packages)}", release]
    try:
        _run_to_its_end([*command, str(unfinished)])
        unfinished.rename(tar)
    finally:
        unfinished.unlink(missing_ok=True)
    return tar


def _run_to_its_end(command: Sequence[str]) -> None:
    """Run a command; whoever is interrupted lets it unmount and remove what it made, which it begins by itself."""
    process = subprocess.Popen(command)
    try:
        process.wait()
    except KeyboardInterrupt:
        process.wait()
        raise
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)


def unpack(tar: Path, root: Path) -> None:
    """Unpack a disk; the caller is root, so owners and device nodes are as they were."""
    root.mkdir(parents=True)
    subprocess.run(
        ["tar", "--extract", "--numeric-owner", "--file", str(tar), "--directory", str(root)], check=True
    )
