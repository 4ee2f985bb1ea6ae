"""A box that is only simulated: it understands what is asked of a box, and its line can be cut at any call.

It stands in for the network edge alone: plans, words, threads and everything else are the real ones.
"""

import base64
import json
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from appliance.enrolment.boxside import begin_enrolment
from appliance.provision.errors import UnreachableError
from appliance.provision.remotefiles import PUT
from appliance.provision.scripts import KEEP
from appliance.provision.sending import RECEIVE
from appliance.provision.ssh import Ran
from appliance.provision.target import Target
from appliance.provision.wanted import FileWanted
from crypto.signing import VerifyKey
from sync.clock import wall_ms
from sync.ids import Origin, Site

MODULES = ["venv", "ssl", "ctypes"]
PROGRAMS = [
    "python3",
    "nft",
    "sshd",
    "systemctl",
    "systemd-creds",
    "systemd-sysusers",
    "systemd-tmpfiles",
    "udevadm",
]
USERS = [*(f"kurabako-{name}" for name in ("keeper", "sync", "inbox", "notice", "support")), "office", "genkan"]
NET = ["nftables.service", "systemd-timesyncd.service", "ssh.service", "dbus.socket"]


class SimulatedBox:
    """A bare Debian. `cut_at`: the call at which the line goes, once; `wait_s`: how long each call takes."""

    def __init__(self, folder: Path | None = None, *, request: bytes = b"", wait_s: float = 0.0) -> None:
        self.folder, self.wait_s, self.request_made = folder, wait_s, request
        self.files: dict[str, FileWanted] = {}
        self.links: dict[str, str] = {}
        self.users: list[str] = []
        self.units: dict[str, list[object]] = {name: ["enabled", "active", False] for name in NET}
        self.slots: dict[str, str | None] = {"a": None, "b": None}
        self.bundle: dict[str, str] = {}
        self.marks: dict[str, str] = {}
        self.request: bytes | None = None
        self.grant: bytes | None = None
        self.config = ""
        self.secrets: dict[str, bytes] = {}
        self.calls: list[str] = []
        self.cut_at: int | None = None
        self.changed = 0
        self.facts: dict[str, object] = {}
        self.lock = threading.Lock()

    def call(self, argv: Sequence[str], stdin: bytes) -> Ran:
        with self.lock:
            self.calls.append(argv[0])
            if self.cut_at is not None and len(self.calls) > self.cut_at:
                self.cut_at = None
                raise UnreachableError(operation="run", subject="box", retry_safe=True, box="box", problem="cut")
            time.sleep(self.wait_s)
            if list(argv[:3]) == ["python3", "-I", "-"]:
                return Ran(0, json.dumps(self._facts(json.loads(argv[3]))).encode(), b"")
            return Ran(0, self._do(list(argv), stdin), b"")

    def _do(self, argv: list[str], stdin: bytes) -> bytes:
        match argv:
            case ["python3", "-c", script, path, mode, owner, _] if script == PUT:
                self.files[path] = FileWanted(path, stdin, int(mode, 8), owner)
            case ["python3", "-I", "-c", script, _] if script == RECEIVE:
                self._receive(stdin)
            case ["python3", "-I", script, _, slot, "--manifest", manifest] if script.endswith("install.py"):
                assert self.bundle, "nothing was brought"
                self.slots[slot[-1]] = manifest
            case ["python3", "-I", "-c", _, link, to] if link.startswith(("/opt", "/usr/local")):
                self.links[link] = to
            case ["python3", "-I", "-c", _, marks, key, value] if marks.endswith("provisioned.json"):
                self.marks[key] = value
            case ["python3", "-I", "-c", _, site] if site.endswith("/site"):
                return base64.b64encode(self.request or b"")
            case ["systemd-sysusers", _]:
                self.users = list(USERS)
            case [_, "site", "begin", _, "--school", school, "--epoch", epoch, "--root-key", key, *_]:
                self.request = self._begin(school, int(epoch), key)
            case [_, "site", "take", *_, local]:
                self.grant, self.config = stdin, self.files[local].content.decode()
            case [_, "site", "settle", _, "--local", local]:
                self.config = self.files[local].content.decode()
            case ["python3", "-I", "-c", script, path] if script == KEEP:
                self.secrets[path] = stdin
            case [_, "site", "head", _]:
                return json.dumps({"school": "x", "epoch": 1, "seq": 4, "code": "ABCD"}).encode()
            case [_, "status", *_]:
                return json.dumps(self._status()).encode()
            case ["systemctl", "enable", *units] if "kurabako.target" in units:
                self.units |= {unit: ["enabled", "inactive", False] for unit in units}
            case ["systemctl", "start", "kurabako-update.timer"]:
                assert self.units["kurabako-update.timer"][0] == "enabled"
            case ["systemctl", "restart", "kurabako.target"]:
                assert self.grant, "started before it was enrolled"
                self.units |= {u: ["enabled", "active", False] for u in self.units if u not in NET}
            case ["systemctl", "is-active", *_]:
                return b""
        self.changed += 1
        return b""

    def _begin(self, school: str, epoch: int, key: str) -> bytes:
        if self.folder is None:
            return self.request_made
        return begin_enrolment(
            self.folder, Origin(school, Site.BOX, epoch), VerifyKey.from_bytes(bytes.fromhex(key))
        )

    def _receive(self, stdin: bytes) -> None:
        at = 0
        while at < len(stdin):
            end = stdin.index(b"\n", at)
            note = json.loads(stdin[at:end])
            at = end + 1 + note["size"]
            self.bundle[note["name"]] = note["sha256"]

    def _status(self) -> dict[str, object]:
        now = wall_ms()
        return {
            "running": True,
            "link": "online",
            "saved": 4,
            "confirmed": 4,
            "confirmed_at_ms": now,
            "verified_at_ms": now,
        }

    def _facts(self, ask: dict[str, list[str]]) -> dict[str, object]:
        files = {
            path: {"sha256": file.sha256, "mode": file.mode, "owner": file.owner}
            for path, file in self.files.items()
            if path in ask["files"]
        } | {path: {"sha256": "0" * 64, "mode": 0o600, "owner": "root:root"} for path in self.secrets}
        links = {path: {"link": to} for path, to in self.links.items() if path in ask["files"]}
        current = self.links.get("/opt/kurabako/current")
        return {
            "os": "debian",
            "release": "12",
            "machine": "x86_64",
            "python": "3.11",
            "modules": MODULES,
            "systemd": 252,
            "booted": True,
            "programs": PROGRAMS,
            "files": dict.fromkeys(ask["files"]) | files | links,
            "users": self.users,
            "units": self.units,
            "synchronised": True,
            "clock_ms": wall_ms(),
            "free_bytes": 8 << 30,
            "memory_bytes": 2 << 30,
            "tpm2": False,
            "came_from": "192.0.2.200",
            "slots": {"current": current, "manifests": self.slots, "version": "0.1.0" if current else ""},
            "bundle": self.bundle,
            "site": {
                "enrolled": self.grant is not None,
                "config": self.config,
                "request": base64.b64encode(self.request).decode() if self.request else None,
                "status": self._status() if self.grant else None,
            },
            "marks": self.marks,
            **self.facts,
        }


class SimulatedSession:
    """Stands where `Session` stands, over a simulated box."""

    boxes: dict[str, SimulatedBox] = {}  # noqa: RUF012 - the test's own registry, by school

    def __init__(self, target: Target, timeout_s: float = 15.0) -> None:
        self.target = target
        self._box = self.boxes[target.name]

    def __enter__(self) -> "SimulatedSession":
        self._box.call(["connect"], b"")
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def run(
        self, argv: Sequence[str], stdin: bytes | Iterator[bytes] | None = None, timeout_s: float = 60.0
    ) -> Ran:
        given = stdin if isinstance(stdin, bytes) else b"".join(stdin or ())
        return self._box.call(argv, given)

    check = run

    def put(
        self, content: bytes, remote: str, mode: int = 0o644, owner: str = "root:root", dirs: bool = True
    ) -> None:
        self.run(["python3", "-c", PUT, remote, f"{mode:o}", owner, "1"], content)
