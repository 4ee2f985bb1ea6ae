"""An SFTP server on loopback: SSH by paramiko in threads, and behind it OpenSSH's own program or a plain one."""

import contextlib
import os
import socket
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import paramiko
from paramiko import SFTPAttributes, SFTPHandle, SFTPServer, SFTPServerInterface
from paramiko.common import AUTH_FAILED, AUTH_SUCCESSFUL, OPEN_SUCCEEDED
from paramiko.sftp import SFTP_OK

OPENSSH = Path("/usr/lib/openssh/sftp-server")
USER = "kurabako"
T = TypeVar("T")


class SftpServer:
    """Serves whoever has the key; `program` None is the plain server, which knows no hard links and no fsync."""

    def __init__(self, client_key: paramiko.PKey, program: Path | None) -> None:
        self.host_key = paramiko.ECDSAKey.generate()
        self._client_key = client_key
        self._program = program
        self._open: list[paramiko.Transport] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self.logins = 0
        threading.Thread(target=self._accept, name="sftp-accept", daemon=True).start()

    def drop(self) -> None:
        """End every connection; new ones are taken."""
        for transport in self._open:
            transport.close()
        self._open.clear()

    def close(self) -> None:
        self._listener.close()
        self.drop()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._greet, args=(sock,), name="sftp-greet", daemon=True).start()

    def _greet(self, sock: socket.socket) -> None:
        transport = paramiko.Transport(sock)
        transport.add_server_key(self.host_key)
        if self._program:
            transport.set_subsystem_handler("sftp", _Program, self._program)
        else:
            transport.set_subsystem_handler("sftp", SFTPServer, _Plain)
        self._open.append(transport)
        with contextlib.suppress(paramiko.SSHException, OSError, EOFError):
            transport.start_server(server=_Door(self._client_key, self))


class _Door(paramiko.ServerInterface):
    def __init__(self, key: paramiko.PKey, server: SftpServer) -> None:
        self._key, self._server = key, server

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        if username != USER or key != self._key:
            return AUTH_FAILED
        self._server.logins += 1
        return AUTH_SUCCESSFUL

    def get_allowed_auths(self, username: str) -> str:
        return "publickey"

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return OPEN_SUCCEEDED


class _Program(paramiko.SubsystemHandler):
    """Lets a program speak over the channel, as sshd does."""

    def __init__(
        self, channel: paramiko.Channel, name: str, server: paramiko.ServerInterface, program: Path
    ) -> None:
        super().__init__(channel, name, server)
        self._program = program

    def start_subsystem(self, name: str, transport: paramiko.Transport, channel: paramiko.Channel) -> None:
        with subprocess.Popen([self._program], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as program:
            assert program.stdin and program.stdout
            back = threading.Thread(target=_pump, args=(program.stdout, channel), daemon=True)
            back.start()
            with contextlib.suppress(OSError, EOFError):
                while data := channel.recv(65536):
                    program.stdin.write(data)
                    program.stdin.flush()
            with contextlib.suppress(OSError):
                program.stdin.close()
            program.terminate()
            back.join()


def _pump(source: Any, channel: paramiko.Channel) -> None:
    with contextlib.suppress(OSError, EOFError):
        while data := source.read1(65536):
            channel.sendall(data)


class _File(SFTPHandle):
    def stat(self) -> SFTPAttributes | int:
        return SFTPAttributes.from_stat(os.fstat(self.readfile.fileno()))  # type: ignore[attr-defined]


class _Plain(SFTPServerInterface):
    """The machine's files, by version 3 of the protocol and `posix-rename` alone."""

    def open(self, path: str, flags: int, attr: SFTPAttributes) -> SFTPHandle | int:
        def opened() -> SFTPHandle:
            mode = "rb" if flags & (os.O_WRONLY | os.O_RDWR) == 0 else "wb"
            file = os.fdopen(os.open(path, flags, 0o600), mode, buffering=0)
            handle = _File(flags)
            handle.readfile = handle.writefile = file  # type: ignore[attr-defined]
            return handle

        return _told(opened)

    def list_folder(self, path: str) -> list[SFTPAttributes] | int:
        return _told(lambda: [SFTPAttributes.from_stat(os.stat(Path(path, e)), e) for e in os.listdir(path)])

    def stat(self, path: str) -> SFTPAttributes | int:
        return _told(lambda: SFTPAttributes.from_stat(os.stat(path)))

    def lstat(self, path: str) -> SFTPAttributes | int:
        return _told(lambda: SFTPAttributes.from_stat(os.lstat(path)))

    def remove(self, path: str) -> int:
        return _done(lambda: os.remove(path))

    def posix_rename(self, oldpath: str, newpath: str) -> int:
        return _done(lambda: os.replace(oldpath, newpath))

    def mkdir(self, path: str, attr: SFTPAttributes) -> int:
        return _done(lambda: os.mkdir(path))


def _told(what: Callable[[], T]) -> T | int:
    try:
        return what()
    except OSError as exc:
        return SFTPServer.convert_errno(exc.errno or 0)


def _done(what: Callable[[], None]) -> int:
    code = _told(what)
    return SFTP_OK if code is None else code
