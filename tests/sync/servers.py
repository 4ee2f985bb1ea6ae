"""Every store that Kurabako can use, really running: a folder, two SFTP servers, rclone's S3 and moto's."""

import contextlib
import dataclasses
import os
import re
import socket
import struct
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import paramiko
import pytest

from crypto.secret import Secret
from sync.embedded import EmbeddedStore
from sync.folderstore import FolderConfig
from sync.objectstore import StoreConfig
from sync.openstore import StorePlace
from sync.ports import hold_port, number_of
from sync.sftpstore import SftpConfig
from tests.sync.sftpserver import OPENSSH, USER, SftpServer

NAMES = ("folder", "sftp-openssh", "sftp-plain", "s3-rclone", "s3-moto")
BUCKET = "schools"
ALL = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}'
# As `moto_server`, but one request after the other: its threads read what others are just replacing (500).
_MOTO = """
import sys
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import run_simple
run_simple("127.0.0.1", int(sys.argv[1]), DomainDispatcherApplication(create_backend_app), threaded=False)
"""
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER: close with RST


class Wire:
    """A relay on loopback. After `cut_after` bytes towards the server every connection is reset, until mended."""

    def __init__(self, port: int) -> None:
        self._target = ("127.0.0.1", port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self.cut_after: int | None = None
        self._sent = 0
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        threading.Thread(target=self._accept, name="wire", daemon=True).start()

    def cut(self, after: int) -> None:
        """Reset the connection when so many bytes more went towards the server."""
        self._sent, self.cut_after = 0, after

    def mend(self) -> None:
        self.cut_after = None

    def close(self) -> None:
        self._listener.close()
        self._reset()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
                far = socket.create_connection(self._target)
            except OSError:
                return
            threading.Thread(target=self._join, args=(near, far), daemon=True).start()

    def _join(self, near: socket.socket, far: socket.socket) -> None:
        with near, far:
            with self._lock:
                self._open |= {near, far}
            back = threading.Thread(target=self._carry, args=(far, near, False), daemon=True)
            back.start()
            self._carry(near, far, True)
            back.join()
            with self._lock:
                self._open -= {near, far}

    def _carry(self, source: socket.socket, target: socket.socket, counts: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(16_384):
                self._sent += len(data) if counts else 0
                if self.cut_after is not None and self._sent > self.cut_after:
                    self._reset()
                target.sendall(data)
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _reset(self) -> None:
        with self._lock:
            for end in self._open:
                with contextlib.suppress(OSError):
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                    end.shutdown(socket.SHUT_RDWR)


@dataclass(frozen=True)
class Served:
    """A running store: where it is, the same place through a wire, and places that do not work."""

    name: str
    place: StorePlace
    nowhere: StorePlace
    refusing: tuple[StorePlace, ...]
    wire: Wire | None = None
    wired: StorePlace | None = None
    drop: Callable[[], None] = lambda: None


@contextlib.contextmanager
def served(name: str, folder: Path) -> Iterator[Served]:
    """Run the store of this name under `folder`."""
    if name == "folder":
        root = folder / "medium"
        root.mkdir()
        yield Served(name, FolderConfig(root), FolderConfig(folder / "unplugged"), ())
    elif name.startswith("sftp"):
        if name == "sftp-openssh" and not OPENSSH.exists():
            pytest.skip(f"{OPENSSH} is not installed (Debian: openssh-sftp-server)")
        with _sftp(name, folder, OPENSSH if name == "sftp-openssh" else None) as it:
            yield it
    else:
        with _rclone(folder) if name == "s3-rclone" else moto(folder) as config:
            yield from _s3(name, config)


@contextlib.contextmanager
def _rclone(folder: Path) -> Iterator[StoreConfig]:
    store = EmbeddedStore(folder / "cloud", "conformance", Secret(b"conformance-secret"), BUCKET)
    store.start()
    try:
        yield store.config
    finally:
        store.stop()


def _s3(name: str, config: StoreConfig) -> Iterator[Served]:
    wire = Wire(int(config.endpoint.rpartition(":")[2]))
    wrong = (
        dataclasses.replace(config, secret_key=Secret(b"not-this-one")),
        dataclasses.replace(config, access_key="AKIAIOSFODNN7EXAMPLE"),
    )
    nowhere = dataclasses.replace(config, endpoint="http://127.0.0.1:9")
    wired = dataclasses.replace(config, endpoint=f"http://127.0.0.1:{wire.port}")
    try:
        yield Served(name, config, nowhere, wrong, wire, wired)
    finally:
        wire.close()


def new_key(path: Path) -> paramiko.PKey:
    """Make a key pair for a client."""
    key = paramiko.ECDSAKey.generate()
    key.write_private_key_file(str(path))
    return key


@contextlib.contextmanager
def _sftp(name: str, folder: Path, program: Path | None) -> Iterator[Served]:
    root = folder / "remote"
    root.mkdir()
    server = SftpServer(new_key(folder / "key"), program)
    new_key(folder / "other-key")
    wire = Wire(server.port)
    good = SftpConfig("127.0.0.1", USER, folder / "key", server.host_key.fingerprint, str(root), server.port)
    refusing = (
        dataclasses.replace(good, key_file=folder / "other-key"),
        dataclasses.replace(good, key_file=folder / "no-key"),
        dataclasses.replace(good, user="nobody"),
        dataclasses.replace(good, folder=str(folder / "not-there")),
    )
    wired = dataclasses.replace(good, port=wire.port)
    try:
        yield Served(name, good, dataclasses.replace(good, port=9), refusing, wire, wired, server.drop)
    finally:
        wire.close()
        server.close()


@contextlib.contextmanager
def moto(folder: Path, policy: str = ALL) -> Iterator[StoreConfig]:
    """Run moto's S3 with one user whose rights are a policy; it checks signatures and conditions."""
    held = hold_port()
    port = number_of(held)
    steps = ("bucket", "user", "policy", "key")  # so many calls are let through before keys are asked for
    env = os.environ | {"INITIAL_NO_AUTH_ACTION_COUNT": str(len(steps))}
    command = [sys.executable, "-c", _MOTO, str(port)]
    with (
        held,
        (folder / "moto.log").open("wb") as log,
        subprocess.Popen(command, env=env, stdout=log, stderr=log) as run,
    ):
        try:
            wait_for(port)
            yield _moto_user(port, policy)
        finally:
            run.terminate()


def _moto_user(port: int, policy: str) -> StoreConfig:
    _moto(port, "s3", "PUT", f"/{BUCKET}")
    about = "Version=2010-05-08&UserName=box"
    _moto(port, "iam", "POST", "/", f"Action=CreateUser&{about}")
    _moto(port, "iam", "POST", "/", f"Action=PutUserPolicy&PolicyName=box&{about}&PolicyDocument={quote(policy)}")
    told = _moto(port, "iam", "POST", "/", f"Action=CreateAccessKey&{about}")
    access, secret = (
        re.findall(rf"<{name}>([^<]+)</{name}>", told)[0] for name in ("AccessKeyId", "SecretAccessKey")
    )
    return StoreConfig(f"http://127.0.0.1:{port}", BUCKET, "us-east-1", access, Secret(secret.encode()))


def _moto(port: int, service: str, method: str, path: str, body: str = "") -> str:
    scope = f"root/20260101/us-east-1/{service}/aws4_request"
    headers = {
        "Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0",
        "Content-Type": "application/x-www-form-urlencoded",
    }
    url = f"http://127.0.0.1:{port}{path}"
    request = urllib.request.Request(url, body.encode() or None, headers, method=method)  # noqa: S310 - the same
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - moto, by http
        return str(answer.read().decode())


def wait_for(port: int) -> None:
    end = time.monotonic() + 60
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        assert time.monotonic() < end, "never listened"
        time.sleep(0.05)
