"""The embedded object store: a real S3 server on loopback for a laptop, a demo and the tests.

Invariant: it listens on loopback only, asks for a key pair, and nobody else touches the folder it serves. With
`fenced` every writer has a key pair of its own (`issue`), which writes below its prefix only, until it is revoked.
(rclone ignores If-None-Match and knows no rights by prefix: a production store must do without such a door.)
"""

import dataclasses
import shutil
import socket
import subprocess
import tempfile
import time
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from crypto.secret import Secret
from sync.errors import StoreUnreachableError
from sync.objectstore import StoreConfig
from sync.ports import hold_port, number_of
from sync.programs import clean_environment, find_program, start_child, stop_child
from sync.storegate import StoreGate
from sync.storerights import PrefixKey, Request, may, new_pair

_START_S: Final = 60.0  # a server that ends before it listens is noticed at once
_SPARES: Final = 32


class EmbeddedStore:
    """`rclone serve s3` over a folder; `port` 0 takes a free one and holds it as long as this object lives.

    `keys` are those issued in an earlier life. The pair in `config` may do everything.
    """

    def __init__(
        self,
        folder: Path,
        access_key: str,
        secret_key: Secret,
        bucket: str,
        port: int = 0,
        *,
        fenced: bool = False,
        keys: Sequence[PrefixKey] = (),
    ) -> None:
        self._folder = folder
        self._port = port
        if not port:
            held = hold_port()
            self._port = number_of(held)
            weakref.finalize(self, held.close)
        self._child: subprocess.Popen[bytes] | None = None
        self._fenced = fenced
        self._gate: StoreGate | None = None
        self._behind: Path | None = None  # the folder of rclone's socket: with a fence nobody gets past the gate
        self._keys = {key.access_key: key for key in keys}
        # rclone reads key pairs at its start only: some wait there for whom they will be issued to.
        self._spares = [new_pair("", "") for _ in range(_SPARES)] if fenced else []
        self.config = StoreConfig(f"http://127.0.0.1:{self._port}", bucket, "us-east-1", access_key, secret_key)

    @property
    def port(self) -> int:
        """Return the port it listens on."""
        return self._port

    @property
    def alive(self) -> bool:
        """Say whether the process runs."""
        return self._child is not None and self._child.poll() is None

    @property
    def keys(self) -> tuple[PrefixKey, ...]:
        """Return the key pairs that are issued and not revoked."""
        return tuple(self._keys.values())

    def issue(self, prefix: str, library: str | None = None) -> PrefixKey:
        """Return a key pair that writes below `prefix` and reads below `library` (the prefix's first name)."""
        if not self._fenced:
            raise ValueError("a store without a fence knows one key pair only")
        if not self._spares:
            self._spares = [new_pair("", "") for _ in range(_SPARES)]
            if self.alive:
                self._stop_server()
                self._start_server()
        below = prefix.split("/")[0] if library is None else library
        key = dataclasses.replace(self._spares.pop(), prefix=prefix, library=below)
        self._keys[key.access_key] = key
        return key

    def revoke(self, access_key: str) -> None:
        """End what a key pair may do, at once; nothing when it was not issued."""
        self._keys.pop(access_key, None)

    def place(self, key: PrefixKey) -> StoreConfig:
        """Return how the holder of an issued key pair reaches this store."""
        return dataclasses.replace(self.config, access_key=key.access_key, secret_key=key.secret_key)

    def start(self) -> None:
        """Start and wait until it accepts connections; raises StoreUnreachableError."""
        (self._folder / self.config.bucket).mkdir(parents=True, exist_ok=True)
        if not self._fenced:
            self._start_server()
            return
        self._behind = Path(tempfile.mkdtemp(prefix="kurabako-"))
        try:
            self._start_server()
            self._gate = StoreGate(self._behind / "s3", self._judge, self._port)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop the server."""
        if self._gate is not None:
            self._gate.close()
            self._gate = None
        self._stop_server()
        if self._behind is not None:
            shutil.rmtree(self._behind, ignore_errors=True)
            self._behind = None

    def _judge(self, request: Request, body: bytes) -> bool:
        if request.access_key == self.config.access_key:
            return True
        key = self._keys.get(request.access_key)
        return key is not None and may(key, self.config.bucket, request, body)

    def _start_server(self) -> None:
        where = f"127.0.0.1:{self._port}"
        if self._behind is not None:
            where = f"unix://{self._behind / 's3'}"
            (self._behind / "s3").unlink(missing_ok=True)  # of one that was killed: it would be in the way
        command = [find_program("rclone"), "serve", "s3", "--addr", where]
        command += ["--config", "", "--dir-cache-time", "1s", "--log-level", "ERROR", str(self._folder)]
        with (self._folder.parent / "store.log").open("ab") as log:
            self._child = start_child(command, clean_environment() | {"RCLONE_AUTH_KEY": self._pairs()}, log)
        deadline = time.monotonic() + _START_S
        while not (_accepts_at(self._behind / "s3") if self._behind else _accepts(self._port)):
            if time.monotonic() > deadline or not self.alive:
                at = self.config.endpoint
                raise StoreUnreachableError(operation="start store", subject=at, endpoint=at)
            time.sleep(0.05)

    def _stop_server(self) -> None:
        stop_child(self._child, 5.0)
        self._child = None

    def _pairs(self) -> str:
        """Return all key pairs as rclone reads them from its environment."""
        pairs = [(self.config.access_key, self.config.secret_key)]
        pairs += [(key.access_key, key.secret_key) for key in (*self._keys.values(), *self._spares)]
        return ",".join(f'"{access},{secret.reveal().decode()}"' for access, secret in pairs)


def port_of(endpoint: str) -> int:
    """Return the port that a URL names; 0 when it names none."""
    return urlsplit(endpoint).port or 0


def _accepts(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _accepts_at(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(str(path)) == 0
