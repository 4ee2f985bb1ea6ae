"""A box's users and folders, made for real in a folder of its own by systemd's own programs from the plain files.

Users have ids of this box only: the machine that runs the tests does not know them, and nothing of it is touched.
"""

import contextlib
import functools
import json
import os
import shutil
import site
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, Final

from tests.systemd.unitfiles import SITE, SYSTEMD, only

ROOT: Final = Path(__file__).resolve().parents[2]
SUPPORT: Final = "kurabako-support"
UNITS: Final = {
    "kurabako-keeper": "kurabako-keeper.service",
    "kurabako-sync": "kurabako-sync.service",
    "kurabako-inbox": "kurabako-inbox.service",
    "kurabako-notice": "kurabako-notice.service",
}


@dataclass(frozen=True)
class User:
    """What a process of a user runs as: the unit's group, and all that the user is a member of."""

    uid: int
    gid: int
    groups: tuple[int, ...]

    def popen(self, *code: str, **more: Any) -> "subprocess.Popen[str]":
        """Start a Python program as this user; its words are given to it on stdin or as arguments."""
        here = Path(sys.executable).parent
        env = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "HOME": "/", "PATH": f"{here}:{os.environ['PATH']}"}
        env["PYTHONPATH"] = os.pathsep.join([str(ROOT), *site.getsitepackages()])
        command = [_python(), "-c", *code]
        settings: dict[str, Any] = {
            "user": self.uid,
            "group": self.gid,
            "extra_groups": self.groups,
            "umask": 0o077,
        }
        return subprocess.Popen(command, env=env, text=True, cwd="/", **settings, **more)

    def popen_alone(self, *code: str, **more: Any) -> "subprocess.Popen[str]":
        """Start a Python program as this user in a network of its own, in which there is nothing."""
        groups = ",".join(map(str, self.groups)) or str(self.gid)
        ids = [f"--reuid={self.uid}", f"--regid={self.gid}", f"--groups={groups}", "--inh-caps=-all"]
        command = ["unshare", "--net", "setpriv", *ids, _python(), "-c", *code]
        env = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "HOME": "/"}
        env["PYTHONPATH"] = os.pathsep.join([str(ROOT), *site.getsitepackages()])
        return subprocess.Popen(command, env=env, text=True, cwd="/", **more)

    def run(self, code: str, *words: str) -> Any:
        """Run a Python program as this user; return what it printed as JSON."""
        with self.popen(code, *words, stdout=subprocess.PIPE) as process:
            told, _ = process.communicate(timeout=120)
        assert process.returncode == 0, told
        return json.loads(told)


class Layout:
    """The box below `root`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        etc = root / "etc"
        etc.mkdir()
        (etc / "passwd").write_text("root:x:0:0::/root:/bin/sh\n")
        (etc / "group").write_text("root:x:0:\n")
        self.apply("systemd-sysusers", "sysusers.d/kurabako.conf")
        self.groups = {name: int(gid) for name, _, gid, _ in _entries(etc / "group")}
        self.users = {entry[0]: self._user(entry) for entry in _entries(etc / "passwd") if entry[0] != "root"}
        self.tmpfiles()

    @property
    def site(self) -> Path:
        return self.root / SITE.removeprefix("/")

    def tmpfiles(self) -> None:
        """Give everything that is there the owner and rights that it should have."""
        self.apply("systemd-tmpfiles", "tmpfiles.d/kurabako.conf", "--create")

    def apply(self, program: str, conf: str, *more: str) -> None:
        subprocess.run([program, f"--root={self.root}", *more, str(SYSTEMD / conf)], check=True)

    def _user(self, entry: Sequence[str]) -> User:
        name, _, uid, gid, *_ = entry
        if name in UNITS and "Group=" in (SYSTEMD / UNITS[name]).read_text():
            gid = str(self.groups[only(UNITS[name], "Group")])
        members = {line[0]: line[3].split(",") for line in _entries(self.root / "etc/group")}
        return User(int(uid), int(gid), tuple(self.groups[group] for group in members if name in members[group]))


@contextlib.contextmanager
def layout() -> Iterator[Layout]:
    """Make a box below a folder that every user may enter."""
    root = Path(mkdtemp(prefix="kurabako-box-", dir="/tmp"))  # noqa: S108 - pytest's own folders let only root in
    root.chmod(0o755)
    try:
        yield Layout(root)
    finally:
        shutil.rmtree(root, ignore_errors=True)


def missing_here() -> str:
    """Say why no box can be made here, empty when one can."""
    if os.getuid() != 0:
        return "only root can act as the users of a box"
    lacking = [name for name in ("systemd-sysusers", "systemd-tmpfiles") if shutil.which(name) is None]
    if lacking:
        return f"{' and '.join(lacking)} missing: nothing here can make a box's users and folders"
    return "" if _python() else "other users may not run this Python, or not read these sources"


@functools.cache
def _python() -> str:
    """Return a Python of this version that users without any right can run on these sources; empty for none."""
    version = f"python3.{sys.version_info.minor}"
    for python in (sys.executable, shutil.which(version, path=os.defpath) or ""):
        command = [python, "-c", "import sync.keeper, sync.daemon"]
        env = {"PYTHONPATH": os.pathsep.join([str(ROOT), *site.getsitepackages()]), "PATH": os.defpath}
        with contextlib.suppress(OSError):
            done = subprocess.run(command, env=env, cwd="/", user=61001, group=61001, extra_groups=(), check=False)
            if done.returncode == 0:
                return python
    return ""


def _entries(path: Path) -> list[list[str]]:
    return [line.split(":") for line in path.read_text().splitlines()]
