"""OpenSSH's own server on loopback, for one test: its own host key, whatever algorithms are asked for."""

import getpass
import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

import pytest

from appliance.provision.target import Target

SSHD = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
needs_sshd = pytest.mark.skipif(SSHD is None or os.getuid() != 0, reason="needs OpenSSH's sshd and root")


def make_key(file: Path, passphrase: str = "", kind: str = "ed25519") -> Path:
    file.unlink(missing_ok=True)
    _ran("ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-f", file)
    return file


def tool(name: str) -> str:
    program = shutil.which(name)
    assert program, name
    return program


def _ran(name: str, *words: str | Path) -> str:
    return subprocess.run([tool(name), *words], check=True, capture_output=True, text=True).stdout


class Sshd:
    """Listens from `start` to `stop`; `more` are further lines of its configuration."""

    def __init__(self, folder: Path, *more: str) -> None:
        assert SSHD is not None
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.client_key, host_key = folder / "client", folder / "host"
        for key in (self.client_key, host_key):
            make_key(key)
        shutil.copy(self.client_key.with_suffix(".pub"), folder / "authorized")
        self.host_key = _ran("ssh-keygen", "-l", "-f", host_key).split()[1]
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        lines = [
            f"HostKey {host_key}",
            f"AuthorizedKeysFile {folder}/authorized",
            "StrictModes no",
            "UsePAM no",
            "PermitRootLogin yes",
            "PasswordAuthentication no",
            *more,
        ]
        (folder / "config").write_text("\n".join(lines) + "\n")
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # it refuses to start without
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def user(self) -> str:
        return getpass.getuser()

    def target(self, **other: object) -> Target:
        values: dict[str, object] = {
            "name": "B101210000011",
            "host": "127.0.0.1",
            "host_key": self.host_key,
            "port": self.port,
            "user": self.user,
            "key_file": self.client_key,
        }
        return Target(**{**values, **other})  # type: ignore[arg-type]

    def start(self) -> "Sshd":
        command = [str(SSHD), "-D", "-e", "-f", str(self.folder / "config"), "-p", str(self.port)]
        command += ["-o", "ListenAddress=127.0.0.1", "-o", "PidFile=none"]
        with (self.folder / "log").open("wb") as log:
            self._process = subprocess.Popen(command, stderr=log)
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return self
            time.sleep(0.05)
        raise AssertionError((self.folder / "log").read_text())

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
            self._process = None

    def __enter__(self) -> "Sshd":
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()
