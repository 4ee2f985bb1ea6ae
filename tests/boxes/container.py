"""A machine booted by systemd-nspawn: its own systemd and network, our kernel, a disk that is a folder here.

Invariant: `destroy` leaves no cgroup either.
"""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Final

from tests.boxes.machine import Machine
from tests.boxes.rootfs import unpack

_CGROUPS: Final = Path("/sys/fs/cgroup")
_NETWORK: Final = "[Match]\nName=host0 en*\n[Network]\nAddress={address}/30\nGateway={gateway}\n"
_FIRST: Final = re.compile(r"^NSpid:\s+\d+\s+1$", re.M)
# systemd-nspawn lays a boot id of its own over this machine's, and units with a /proc of their own see through it:
# two ids in one life of a machine, which no real one has.
_ONE_ID: Final = """\
[Unit]
DefaultDependencies=no
Before=sysinit.target
[Service]
Type=oneshot
ExecStart=-/bin/umount /proc/sys/kernel/random/boot_id
"""


class Container(Machine):
    """A machine of systemd-nspawn."""

    def __init__(self, name: str, number: int, folder: Path, rootfs: Path, login_key: Path) -> None:
        self._cable = f"ve-{name}"
        self._disk: Path | None = None
        super().__init__(name, number, folder, login_key)
        self.root = folder / name
        unpack(rootfs, self.root)
        self.host_key = self._prepare()

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

    def unplug(self) -> None:
        """Take the cable away, with the machine's network card."""
        self._ip("link", "delete", self._cable)

    def plug(self) -> None:
        """Plug a cable in: the one that is there, or a new one."""
        if not self._ip("link", "show", self._cable):
            end = ("peer", "name", "host0", "netns", str(self._first()))
            assert self._ip("link", "add", self._cable, "type", "veth", *end), "no new cable"
            self._ip("address", "add", f"{self.gateway}/30", "dev", self._cable)
        super().plug()

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

    def destroy(self) -> None:
        """Cut the power and remove everything."""
        self.cut_power()
        for folder in _CGROUPS.glob(f"*/kurabako-{self.name}"):
            subprocess.run(["find", str(folder), "-depth", "-type", "d", "-exec", "rmdir", "{}", "+"], check=False)
        if self._disk is not None:
            subprocess.run(["umount", str(self._disk)], check=False)
        shutil.rmtree(self.root, ignore_errors=True)

    def _start(self) -> None:
        # Its own boot clock: what reckons how long the machine has run must not reckon with ours.
        up_s = int(time.clock_gettime(time.CLOCK_BOOTTIME)) - 1
        command = ["unshare", "--time", f"--boottime=-{up_s}", f"--monotonic=-{up_s}"]
        command += ["systemd-nspawn", "--quiet", "--boot", "--register=no", "--directory", str(self.root)]
        command += ["--machine", self.name, "--private-network", "--network-veth", "--console=pipe"]
        if self._disk is not None:
            command.append(f"--bind={self._disk}:/var/lib/kurabako")
        if not Path("/run/systemd/system").exists():
            command.append("--keep-unit")  # nobody here gives out scopes
        if not (_CGROUPS / "cgroup.controllers").exists():
            command.append("SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1")  # Debian 13 refuses the old hierarchy otherwise
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                ["sh", "-c", self._own_cgroup() + 'exec "$@"', "sh", *command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._wait(lambda: self._ip("link", "show", self._cable), "its network cable")

    def _prepare(self) -> str:
        """Do what the person at the installer did: a name, an address, host keys, and a way in for ICT support.

        Return the host key's fingerprint, as the installer prints it.
        """
        etc = self.root / "etc"
        (etc / "hostname").write_text(f"{self.name}\n")
        (etc / "machine-id").write_text("")
        network = etc / "systemd/network/10-host0.network"
        network.write_text(_NETWORK.format(address=self.address, gateway=self.gateway))
        wants = etc / "systemd/system/multi-user.target.wants"
        wants.mkdir(parents=True, exist_ok=True)
        (wants / "systemd-networkd.service").symlink_to("/lib/systemd/system/systemd-networkd.service")
        (etc / "systemd/system/one-boot-id.service").write_text(_ONE_ID)
        early = etc / "systemd/system/sysinit.target.wants"
        early.mkdir(parents=True, exist_ok=True)
        (early / "one-boot-id.service").symlink_to("/etc/systemd/system/one-boot-id.service")
        for kind in ("ed25519", "rsa"):
            path = etc / f"ssh/ssh_host_{kind}_key"
            path.unlink(missing_ok=True)
            path.with_name(path.name + ".pub").unlink(missing_ok=True)
            subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-f", str(path)], check=True)
        login = self.root / "root/.ssh/authorized_keys"
        login.parent.mkdir(mode=0o700, exist_ok=True)
        login.write_bytes(self.login_key.with_name(self.login_key.name + ".pub").read_bytes())
        shown = ["ssh-keygen", "-lf", str(etc / "ssh/ssh_host_ed25519_key.pub")]
        return subprocess.run(shown, check=True, capture_output=True, text=True).stdout.split()[1]

    def _own_cgroup(self) -> str:
        """Return shell lines that put the machine into cgroups of its own, so that two of them never share one."""
        found = [folder for folder in _CGROUPS.glob("*/cgroup.procs") if os.access(folder, os.W_OK)]
        places = [folder.parent / f"kurabako-{self.name}" for folder in found]
        return "".join(f"mkdir -p {place} && echo $$ > {place}/cgroup.procs; " for place in places)

    def _first(self) -> int:
        """Return what the machine's own process 1 is called here."""
        for pid in self._pids():
            with contextlib.suppress(OSError):
                if _FIRST.search(Path(f"/proc/{pid}/status").read_text()):
                    return pid
        raise AssertionError(f"{self.name} does not run")

    def _pids(self) -> list[int]:
        found: set[int] = set()
        for listed in _CGROUPS.glob(f"*/kurabako-{self.name}/**/cgroup.procs"):
            with contextlib.suppress(OSError):
                found |= {int(line) for line in listed.read_text().split()}
        return sorted(found)
