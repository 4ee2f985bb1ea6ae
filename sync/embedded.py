"""The embedded object store: a real S3 server on loopback for a laptop, a demo and the tests.

Invariant: it listens on loopback only, asks for a key pair, and nobody else touches the folder it serves.
(rclone ignores If-None-Match; a production store must not.)
"""

import socket
import subprocess
import time
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from crypto.secret import Secret
from sync.errors import StoreUnreachableError
from sync.objectstore import StoreConfig
from sync.programs import clean_environment, find_program, start_child, stop_child

_START_S: Final = 15.0


class EmbeddedStore:
    """`rclone serve s3` over a folder; `port` 0 takes a free one."""

    def __init__(self, folder: Path, access_key: str, secret_key: Secret, bucket: str, port: int = 0) -> None:
        self._folder = folder
        self._key = f"{access_key},{secret_key.reveal().decode()}"
        self._port = port or free_port()
        self._child: subprocess.Popen[bytes] | None = None
        self.config = StoreConfig(f"http://127.0.0.1:{self._port}", bucket, "us-east-1", access_key, secret_key)

    @property
    def port(self) -> int:
        """Return the port it listens on."""
        return self._port

    @property
    def alive(self) -> bool:
        """Say whether the process runs."""
        return self._child is not None and self._child.poll() is None

    def start(self) -> None:
        """Start and wait until it accepts connections; raises StoreUnreachableError."""
        (self._folder / self.config.bucket).mkdir(parents=True, exist_ok=True)
        command = [find_program("rclone"), "serve", "s3", "--addr", f"127.0.0.1:{self._port}"]
        command += ["--config", "", "--dir-cache-time", "1s", "--log-level", "ERROR", str(self._folder)]
        with (self._folder.parent / "store.log").open("ab") as log:
            self._child = start_child(command, clean_environment() | {"RCLONE_AUTH_KEY": f'"{self._key}"'}, log)
        deadline = time.monotonic() + _START_S
        while not _accepts(self._port):
            if time.monotonic() > deadline or not self.alive:
                where = self.config.endpoint
                raise StoreUnreachableError(operation="start store", subject=where, endpoint=where)
            time.sleep(0.05)

    def stop(self) -> None:
        """Stop the server."""
        stop_child(self._child, 5.0)
        self._child = None


def port_of(endpoint: str) -> int:
    """Return the port that a URL names; 0 when it names none."""
    return urlsplit(endpoint).port or 0


def free_port() -> int:
    """Return a TCP port on loopback that nobody uses just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _accepts(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0
