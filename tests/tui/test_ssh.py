"""The office from another PC: a key with a forced command on a real sshd opens the office and nothing else."""

import getpass
import os
import shlex
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from sync.ports import hold_port, number_of
from tests.school import School, enrol, open_days
from tests.tui.test_terminal import TMUX, Terminal, ended, log_in, office_command

SSHD = shutil.which("sshd") or shutil.which("sshd", path="/usr/sbin:/sbin")
KEYGEN = shutil.which("ssh-keygen") or "ssh-keygen"
pytestmark = [
    pytest.mark.skipif(SSHD is None, reason="sshd is not installed (Debian: openssh-server)"),
    pytest.mark.skipif(TMUX is None, reason="there is no tmux on this machine"),
]


@dataclass(frozen=True)
class Box:
    """An sshd on loopback with one key that is bound to the office."""

    folder: Path
    port: int

    def words(self, *more: str) -> list[str]:
        """Return a call of ssh; `more` is what the PC asks for."""
        options = [f"UserKnownHostsFile={self.folder / 'known'}", "StrictHostKeyChecking=no", "BatchMode=yes"]
        told = [word for option in options for word in ("-o", option)]
        who = f"{getpass.getuser()}@127.0.0.1"
        key, port = str(self.folder / "key"), str(self.port)
        return ["ssh", "-F", "none", "-i", key, "-p", port, *told, *more[:-1], who, *filter(None, more[-1:])]


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[School]:
    made = enrol(tmp_path_factory.mktemp("ssh"))
    open_days(made)
    yield made
    made.close()


@pytest.fixture(scope="module")
def box(own: School, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    folder = tmp_path_factory.mktemp("sshd")
    for name in ("host", "key"):
        subprocess.run([KEYGEN, "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)], check=True)
    command = shlex.join(office_command(own)).replace('"', r"\"")
    line = f'restrict,pty,command="{command}" {(folder / "key.pub").read_text()}'
    (folder / "authorized_keys").write_text(line)
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)
    held = hold_port()
    port = number_of(held)
    config = {
        "Port": port,
        "ListenAddress": "127.0.0.1",
        "HostKey": folder / "host",
        "AuthorizedKeysFile": folder / "authorized_keys",
        "PidFile": folder / "pid",
        "StrictModes": "no",
        "UsePAM": "no",
        "PasswordAuthentication": "no",
        "Subsystem": "sftp internal-sftp",
    }
    (folder / "config").write_text("".join(f"{key} {value}\n" for key, value in config.items()))
    command_line = [SSHD or "sshd", "-D", "-e", "-f", str(folder / "config")]
    with held, subprocess.Popen(command_line, stderr=subprocess.DEVNULL) as server:
        _reach(port)
        yield Box(folder, port)
        server.terminate()


def _reach(port: int) -> None:
    end = time.monotonic() + 20
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            assert time.monotonic() < end, "sshd does not answer"
            time.sleep(0.05)
        else:
            return


def test_whatever_the_pc_asks_for_it_gets_the_office(own: School, box: Box, tmp_path: Path) -> None:
    terminal = Terminal(tmp_path, box.words("-t", "sh -c 'cat /etc/passwd; exec sh'"), (80, 24))
    try:
        log_in(terminal, "sato")
        assert "root:" not in terminal.shown()
        terminal.press("Enter")
        terminal.sees("出席簿", "F4 確定")
        terminal.write("b")
        terminal.sees("病 病欠")
        terminal.press("F8")
        terminal.sees("施錠しました")
        terminal.press("F10")
        assert ended(terminal)
    finally:
        terminal.close()


def test_no_file_is_fetched_and_no_port_is_led_through(own: School, box: Box, tmp_path: Path) -> None:
    asked = call(box.words("-T", "cat /etc/passwd"))
    assert b"root:" not in asked.stdout and asked.returncode != 0
    assert b"APP-441" in asked.stderr, "the office says that it needs a terminal"
    led = call(box.words("-T", "-W", f"127.0.0.1:{box.port}", ""))
    assert b"SSH-2.0" not in led.stdout and led.returncode != 0
    copied = call([*box.words("-s", "-T", "sftp")])
    assert b"root:" not in copied.stdout and copied.returncode != 0


def call(words: list[str]) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False)
