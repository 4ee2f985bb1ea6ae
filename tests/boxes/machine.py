"""One booted Debian machine, of whichever kind: its network cable, its plug, and a way in by SSH.

Invariant: a machine reaches the address at the other end of its cable and nothing else; whatever a test does to
it, `destroy` leaves no process and no disk.
"""

import abc
import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path


class Machine(abc.ABC):
    """A machine named `name` (at most 11 characters); `number` (0–254) picks its /30 network below 10.77.

    `_cable` is this side's end of its cable.
    """

    _cable: str
    _options: Sequence[str] = ("ConnectTimeout=10",)
    boot_s = 120.0

    def __init__(self, name: str, number: int, folder: Path, login_key: Path) -> None:
        self.name, self.number, self.folder = name, number, folder
        self.host_key = ""
        self.address, self.gateway = f"10.77.{number}.2", f"10.77.{number}.1"
        self.login_key = login_key
        self._log = folder / f"{name}.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        """Say whether the machine has power."""
        return self._process is not None and self._process.poll() is None

    def boot(self, *, plugged: bool = True) -> None:
        """Give it power; with its cable in, wait until it answers by SSH."""
        self._start()
        self._ip("address", "add", f"{self.gateway}/30", "dev", self._cable)
        if plugged:
            self.plug()
            self.wait_for_ssh()

    def plug(self) -> None:
        """Plug the cable in."""
        self._ip("link", "set", self._cable, "up")

    def unplug(self) -> None:
        """Pull the cable."""
        self._ip("link", "set", self._cable, "down")

    @abc.abstractmethod
    def shut_down(self) -> None:
        """Shut down in order."""

    @abc.abstractmethod
    def cut_power(self) -> None:
        """Stop it at once, without a word."""

    @abc.abstractmethod
    def destroy(self) -> None:
        """Cut the power and remove everything."""

    def ssh(self, *words: str, check: bool = True, timeout_s: float = 300.0) -> subprocess.CompletedProcess[str]:
        """Run a command in the machine as root."""
        return subprocess.run(self.shell(*words), check=check, capture_output=True, text=True, timeout=timeout_s)

    def shell(self, *words: str) -> list[str]:
        """Return the command that runs words in the machine's shell as root."""
        options = ("StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "BatchMode=yes", *self._options)
        given = [word for option in options for word in ("-o", option)]
        return ["ssh", "-q", "-i", str(self.login_key), *given, f"root@{self.address}", " ".join(words)]

    def wait_for_ssh(self) -> None:
        """Wait until somebody can log in."""
        self._wait(self._answers, "SSH")

    def _answers(self) -> bool:
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self.ssh("true", check=False, timeout_s=60).returncode == 0
        return False

    @abc.abstractmethod
    def _start(self) -> None:
        """Give it power; on return this side's end of its cable is there."""

    def _ip(self, *words: str) -> bool:
        return subprocess.run(["ip", *words], check=False, capture_output=True).returncode == 0

    def _wait(self, done: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + self.boot_s
        while not done():
            if time.monotonic() > deadline or not self.running and what == "SSH":
                tail = self._log.read_text(errors="replace")[-2000:]
                raise AssertionError(f"{self.name} did not get {what}:\n{tail}")
            time.sleep(0.2)


def missing_here(*more: str) -> str:
    """Say why machines cannot be booted here, empty when they can; `more` are programs that it takes besides."""
    if os.geteuid() != 0:
        return "booting machines needs root"
    lacking = [name for name in (*_PROGRAMS, *more) if shutil.which(name) is None]
    return f"booting machines needs {', '.join(lacking)}" if lacking else ""


_PROGRAMS: Sequence[str] = ("systemd-nspawn", "mmdebstrap", "ip", "ssh", "ssh-keygen", "unshare", "tar")
