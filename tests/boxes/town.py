"""What stands at the other end of the cable: an object store, a board with its hub, ICT support's laptop.

Invariant: boxes reach the store at one address, by whichever cable; a town that was left holds no process.
"""

import json
import os
import shlex
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sync.programs import find_program
from tests.boxes.container import Container
from tests.boxes.machine import Machine

SCHOOLS: Final = ("B101210000018", "B101210000027", "B101210000036")
SITE: Final = "/var/lib/kurabako/site"
BOARD_SAYS: Final = "correct horse battery staple"
_STORE: Final = "10.77.255.1"  # on no cable: every machine sends what it does not know to its gateway
_PORT: Final = 9000
_PATIENCE_S: Final = 600.0  # it ends what hangs; other work may be done on this machine
_INVENTORY: Final = """\
[board]
name = "多良川市教育委員会"
root_key = "{root_key}"
{update_root}
[defaults]
key_file = "{key}"
[defaults.store]
endpoint = "http://{store}:{port}"
bucket = "kurabako"
"""
_BOX: Final = """
[[box]]
school = "{school}"
name = "多良川市立第一小学校"
host = "{machine.address}"
host_key = "{host_key}"
ssh_from = ["{machine.gateway}/32"]
"""
_PERSON: Final = f"""while sleep 1; do
if rm /root/enter 2>/dev/null; then date +%N > {SITE}/inbox/III/note-$(date +%N).txt; fi
/usr/local/bin/kurabako status {SITE} --json > /root/told.new; mv /root/told.new /root/told
done"""
_STAFF: Final = '[[person]]\nlogin = "sato"\nname = "佐藤 葵"\nroles = ["principal"]\n'


class Town:
    """A board, a store, and a bundle; a context that ends what it started."""

    def __init__(self, folder: Path, bundle: Path, login_key: Path) -> None:
        self.folder, self.bundle, self.board = folder, bundle, folder / "board"
        self.out = folder / "build"
        self._key = login_key
        self._started: list[subprocess.Popen[bytes]] = []
        self.update_root: Path | None = None

    def __enter__(self) -> "Town":
        if not self.folder.exists():
            self.folder.mkdir(parents=True)
        self._run("board", "--board", self.board, "init", "--name", "多良川市教育委員会", "--passphrase-stdin")
        self._write_keys()
        subprocess.run(["ip", "address", "add", f"{_STORE}/32", "dev", "lo"], check=False, capture_output=True)
        data = self.folder / "store"
        (data / "kurabako").mkdir(parents=True)
        command = [find_program("rclone"), "serve", "s3", "--addr", f"{_STORE}:{_PORT}", "--config", ""]
        self._start(
            "store",
            [*command, "--dir-cache-time", "1s", str(data)],
            {"RCLONE_AUTH_KEY": f'"town,{"k" * 32}"'},  # it reads them as CSV
        )
        self._wait_for_store()
        self._start("hub", [*_kurabako(), "board", "--board", str(self.board), "run"], {})
        return self

    def __exit__(self, *_: object) -> None:
        for process in reversed(self._started):
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def inventory(self, *machines: Machine, host_key: str = "", schools: Sequence[str] = SCHOOLS) -> Path:
        """Write the inventory of some machines, as their installers would dictate it."""
        root = f'update_root = "{self.update_root}"' if self.update_root else ""
        text = _INVENTORY.format(root_key=self.root_key, key=self._key, store=_STORE, port=_PORT, update_root=root)
        for school, machine in zip(schools, machines, strict=False):
            text += _BOX.format(school=school, machine=machine, host_key=host_key or machine.host_key)
        file = self.folder / "inventory.toml"
        file.write_text(text, encoding="utf-8")
        return file

    @property
    def root_key(self) -> str:
        """Return the board's public key, as its folder has it."""
        for line in (self.board / "board.toml").read_text("utf-8").splitlines():
            name, _, value = line.partition(" = ")
            if name == "root_key":
                return value.strip('"')
        raise AssertionError("board.toml has no root_key")

    def provision(self, inventory: Path, *words: str | Path, bundle: Path | None = None) -> tuple[int, str]:
        """Run `kurabako provision` as the officer does; return its exit code and all it said."""
        process = self.provisioning(inventory, *words, bundle=bundle)
        said, _ = process.communicate(timeout=3000)
        return process.returncode, said

    def provisioning(
        self, inventory: Path, *words: str | Path, bundle: Path | None = None
    ) -> "subprocess.Popen[str]":
        """Start `kurabako provision`; what it says comes line by line."""
        command = [*_kurabako(), "provision", inventory, "--bundle", bundle or self.bundle, "--out", self.out]
        command += ["--board", self.board, "--store-keys", self.folder / "keys.toml", "--staff", self._staff()]
        process = subprocess.Popen(
            [*map(str, command), "--passphrase-stdin", *map(str, words)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=_environment(),
        )
        assert process.stdin is not None
        process.stdin.write(f"{BOARD_SAYS}\n")
        process.stdin.close()
        process.stdin = None
        return process

    def kurabako(self, *words: str | Path, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run another command of the board's; every key there has the board's passphrase."""
        return self._run(*words, check=check)

    def _staff(self) -> Path:
        folder = self.folder / "people"
        folder.mkdir(exist_ok=True)
        for school in SCHOOLS:
            (folder / f"{school}.toml").write_text(_STAFF, encoding="utf-8")
        return folder

    def _write_keys(self) -> None:
        pair = f'box_access_key = "town"\nbox_secret_key = "{"k" * 32}"\n'
        file = self.folder / "keys.toml"
        file.write_text("".join(f"[{school}]\n{pair}" for school in SCHOOLS), encoding="utf-8")
        file.chmod(0o600)

    def _run(self, *words: str | Path, check: bool = True) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*_kurabako(), *map(str, words)],
            check=check,
            input=f"{BOARD_SAYS}\n",
            text=True,
            capture_output=True,
            env=_environment(),
        )

    def _wait_for_store(self) -> None:
        until = time.monotonic() + _PATIENCE_S
        while self._started[0].poll() is None and time.monotonic() < until:
            with socket.socket() as probe:
                if probe.connect_ex((_STORE, _PORT)) == 0:
                    return
            time.sleep(0.1)
        raise AssertionError((self.folder / "store.log").read_text())

    def _start(self, name: str, command: Sequence[str], environment: dict[str, str]) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            self._started.append(
                subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    env={**_environment(), **environment},
                )
            )


@dataclass(frozen=True)
class School:
    """A working box and the town that it belongs to."""

    machine: Container
    town: Town

    @property
    def told(self) -> dict[str, Any]:
        """Return the box's status as somebody beside it sees it, whether or not its cable is in."""
        try:
            found: dict[str, Any] = json.loads((self.machine.root / "root/told").read_text("utf-8"))
        except (OSError, ValueError):
            return {}
        return found

    def person(self) -> None:
        """Have somebody sit at the box, who enters when asked and looks at its status once a second."""
        self.machine.ssh(f"systemd-run --quiet --collect --unit=person sh -c {shlex.quote(_PERSON)}")

    def enter(self) -> None:
        """Have the person put a document into the drop folder."""
        (self.machine.root / "root/enter").touch()

    def wait_told(self, done: Callable[[dict[str, Any]], bool], what: str) -> dict[str, Any]:
        """Wait until the person at the box sees it so."""
        until = time.monotonic() + _PATIENCE_S
        while time.monotonic() < until:
            last = self.told
            if last and done(last):
                return last
            time.sleep(0.5)
        raise AssertionError(f"nobody at {self.machine.name} saw {what}: {self.told}")


def status_of(machine: Machine) -> dict[str, Any]:
    """Return what the box says of itself; empty while it says nothing."""
    told = machine.ssh(f"kurabako status {SITE} --json", check=False).stdout
    found: dict[str, Any] = json.loads(told) if told.startswith("{") else {}
    return found


def wait_for(
    machine: Machine, done: Callable[[dict[str, Any]], bool], what: str, patience_s: float = _PATIENCE_S
) -> dict[str, Any]:
    """Wait until the box's own status is so; say what it was last when it never is."""
    until, last = time.monotonic() + patience_s, dict[str, Any]()
    while (began := time.monotonic()) < until:
        last = status_of(machine)
        if last and done(last):
            return last
        time.sleep(max(0.5, time.monotonic() - began))  # a slow machine has more to do than to answer us
    log = machine.ssh("journalctl -n 40 -o cat -u 'kurabako-*'", check=False).stdout
    raise AssertionError(f"{machine.name} never had {what}: {last}\n{log}")


def wait_until(done: Callable[[], bool], what: str) -> None:
    """Wait until something is so."""
    until = time.monotonic() + _PATIENCE_S
    while not done():
        assert time.monotonic() < until, f"waited in vain for {what}"
        time.sleep(0.5)


def all_confirmed(status: dict[str, Any]) -> bool:
    """Say whether the board countersigned every entry of a box that runs."""
    return bool(status["running"] and status["saved"] and status["confirmed"] == status["saved"])


def lines_of(process: "subprocess.Popen[str]") -> Iterator[str]:
    """Yield what a process says, line by line; its output stays open when the caller stops listening."""
    assert process.stdout is not None
    while line := process.stdout.readline():
        yield line


def _kurabako() -> list[str]:
    return [str(Path(sys.executable).with_name("kurabako"))]


def _environment() -> dict[str, str]:
    return {**os.environ, "KURABAKO_LANG": "en"}
