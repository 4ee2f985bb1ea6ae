"""One booted Debian machine: its network, its plug, and a way in by SSH.

Invariant: a machine reaches the address at the other end of its cable and nothing else; whatever a test does to
it, `destroy` leaves no process, no cgroup and no disk.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from tests.boxes.rootfs import unpack

_CGROUPS: Final = Path("/sys/fs/cgroup")
_BOOT_S: Final = 60.0
_NETWORK: Final = "[Match]\nName=host0\n[Network]\nAddress={address}/30\nGateway={gateway}\n"


class Machine:
    """A machine named `name` (at most 11 characters); `number` (0–254) picks its /30 network below 10.77."""

    def __init__(self, name: str, number: int, folder: Path, rootfs: Path, login_key: Path) -> None:
        self.name = name
        self.root = folder / name
        self.address, self.gateway = f"10.77.{number}.2", f"10.77.{number}.1"
        self._cable = f"ve-{name}"
        self._key = login_key
        self._log = folder / f"{name}.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._disk: Path | None = None
        unpack(rootfs, self.root)
        self._prepare()

    @property
    def host_key(self) -> str:
        """Return the machine's SSH host key fingerprint, as its installer prints it."""
        key = self.root / "etc/ssh/ssh_host_ed25519_key.pub"
        told = subprocess.run(["ssh-keygen", "-lf", str(key)], check=True, capture_output=True, text=True).stdout
        return told.split()[1]

    @property
    def running(self) -> bool:
        """Say whether the machine has power."""
        return self._process is not None and self._process.poll() is None

    def give_disk(self, megabytes: int) -> None:
        """Put what the school writes on a disk of its own, so that it can be filled up."""
        self._disk = self.root.parent / f"{self.name}-disk"
        self._disk.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "none", str(self._disk)], check=True)

    def resize_disk(self, more_kilobytes: int) -> None:
        """Leave so much room on the school's disk."""
        assert self._disk is not None, "give_disk comes first"
        size = (shutil.disk_usage(self._disk).used >> 10) + more_kilobytes
        subprocess.run(["mount", "-o", f"remount,size={size}k", str(self._disk)], check=True)

    def boot(self, *, plugged: bool = True) -> None:
        """Give it power; with its cable in, wait until it answers by SSH."""
        command = ["systemd-nspawn", "--quiet", "--boot", "--register=no", "--directory", str(self.root)]
        command += ["--machine", self.name, "--private-network", "--network-veth", "--console=pipe"]
        if self._disk is not None:
            command.append(f"--bind={self._disk}:/var/lib/kurabako")
        if not Path("/run/systemd/system").exists():
            command.append("--keep-unit")  # nobody here gives out scopes
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                ["sh", "-c", self._own_cgroup() + 'exec "$@"', "sh", *command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._wait(lambda: self._ip("link", "show", self._cable), "its network cable")
        self._ip("address", "add", f"{self.gateway}/30", "dev", self._cable)
        if plugged:
            self.plug()
            self.wait_for_ssh()

    def plug(self) -> None:
        """Plug the cable in."""
        self._ip("link", "set", self._cable, "up")

    def unplug(self) -> None:
        """Pull the cable: packets go nowhere, nobody is told."""
        self._ip("link", "set", self._cable, "down")

    def shut_down(self) -> None:
        """Shut down in order."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(90)

    def cut_power(self) -> None:
        """Kill every process of the machine at once, without a word."""
        if self._process is None:
            return
        for pid in self._pids():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process.kill()
        self._process.wait(30)
        self._wait(lambda: not self._pids(), "its processes to be gone")

    def ssh(self, *words: str, check: bool = True, timeout_s: float = 60.0) -> subprocess.CompletedProcess[str]:
        """Run a command in the machine as root."""
        return subprocess.run(
            [*self._ssh(), " ".join(words)], check=check, capture_output=True, text=True, timeout=timeout_s
        )

    def wait_for_ssh(self, patience_s: float = _BOOT_S) -> None:
        """Wait until somebody can log in."""
        self._wait(lambda: self.ssh("true", check=False, timeout_s=20).returncode == 0, "SSH", patience_s)

    def destroy(self) -> None:
        """Cut the power and remove everything."""
        self.cut_power()
        for folder in _CGROUPS.glob(f"*/kurabako-{self.name}"):
            subprocess.run(["find", str(folder), "-depth", "-type", "d", "-exec", "rmdir", "{}", "+"], check=False)
        if self._disk is not None:
            subprocess.run(["umount", str(self._disk)], check=False)
        shutil.rmtree(self.root, ignore_errors=True)

    def _prepare(self) -> None:
        """Do what the person at the installer did: a name, an address, host keys, and a way in for ICT support."""
        etc = self.root / "etc"
        (etc / "hostname").write_text(f"{self.name}\n")
        (etc / "machine-id").write_text("")
        network = etc / "systemd/network/10-host0.network"
        network.write_text(_NETWORK.format(address=self.address, gateway=self.gateway))
        wants = etc / "systemd/system/multi-user.target.wants"
        wants.mkdir(parents=True, exist_ok=True)
        (wants / "systemd-networkd.service").symlink_to("/lib/systemd/system/systemd-networkd.service")
        for kind in ("ed25519", "rsa"):
            path = etc / f"ssh/ssh_host_{kind}_key"
            path.unlink(missing_ok=True)
            path.with_name(path.name + ".pub").unlink(missing_ok=True)
            subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-f", str(path)], check=True)
        login = self.root / "root/.ssh/authorized_keys"
        login.parent.mkdir(mode=0o700, exist_ok=True)
        login.write_bytes(self._key.with_name(self._key.name + ".pub").read_bytes())

    def _ssh(self) -> list[str]:
        options = ("StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "ConnectTimeout=3", "BatchMode=yes")
        words = [word for option in options for word in ("-o", option)]
        return ["ssh", "-q", "-i", str(self._key), *words, f"root@{self.address}"]

    def _own_cgroup(self) -> str:
        """Return shell lines that put the machine into cgroups of its own, so that two of them never share one."""
        found = [folder for folder in _CGROUPS.glob("*/cgroup.procs") if os.access(folder, os.W_OK)]
        places = [folder.parent / f"kurabako-{self.name}" for folder in found]
        return "".join(f"mkdir -p {place} && echo $$ > {place}/cgroup.procs; " for place in places)

    def _pids(self) -> list[int]:
        found: set[int] = set()
        for listed in _CGROUPS.glob(f"*/kurabako-{self.name}/**/cgroup.procs"):
            with contextlib.suppress(OSError):
                found |= {int(line) for line in listed.read_text().split()}
        return sorted(found)

    def _ip(self, *words: str) -> bool:
        return subprocess.run(["ip", *words], check=False, capture_output=True).returncode == 0

    def _wait(self, done: Callable[[], bool], what: str, patience_s: float = _BOOT_S) -> None:
        deadline = time.monotonic() + patience_s
        while not done():
            if time.monotonic() > deadline or not self.running and what == "SSH":
                tail = self._log.read_text(errors="replace")[-2000:]
                raise AssertionError(f"{self.name} did not get {what}:\n{tail}")
            time.sleep(0.2)


def missing_here() -> str:
    """Say why machines cannot be booted here, empty when they can."""
    if os.geteuid() != 0:
        return "booting machines needs root"
    lacking = [name for name in _PROGRAMS if shutil.which(name) is None]
    return f"booting machines needs {', '.join(lacking)}" if lacking else ""


_PROGRAMS: Sequence[str] = ("systemd-nspawn", "mmdebstrap", "ip", "ssh", "ssh-keygen", "unshare", "tar")
