"""One SSH connection to a box: run a command as root, put a file there whole.

Invariant: the host key is pinned; a password never stands on a command line; no wait is endless; a file that is
put has its name when all its bytes are there for good. With `sync`'s SFTP the only user of paramiko.
"""

import contextlib
import hashlib
import shlex
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, NoReturn

import paramiko
from paramiko.pkey import UnknownKeyType

from appliance.provision.errors import (
    NotLetInError,
    OtherHostKeyError,
    RemoteCommandError,
    RemoteTimeoutError,
    SudoPasswordError,
    UnreachableError,
    WeakSshError,
)
from appliance.provision.remotefiles import PUT, UPLOAD, UPLOADED
from appliance.provision.target import Target
from sync.sshline import FAILURES, WEAK_SERVER, OtherHostKey, SshLine

Say = Callable[[int, int], None]
_CHUNK: Final = 256 * 1024
_MOST_SAID: Final = 400


@dataclass(frozen=True, slots=True)
class Ran:
    """How a command ended."""

    code: int
    stdout: bytes
    stderr: bytes

    @property
    def text(self) -> str:
        """Return what it printed, without the line's end."""
        return self.stdout.decode("utf-8", "replace").rstrip("\n")


class Session:
    """An open connection to a box. Commands run as root, one at a time; one thread uses a session."""

    def __init__(self, target: Target, timeout_s: float = 15.0) -> None:
        self.target = target
        self._timeout_s = timeout_s
        self._line = self._connect()
        try:
            with self._telling():
                self._become = self._how_to_become_root()
        except BaseException:
            self._line.close()
            raise

    def __enter__(self) -> "Session":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection; may be called twice."""
        self._line.close()

    def run(
        self, argv: Sequence[str], stdin: bytes | Iterator[bytes] | None = None, timeout_s: float = 60.0
    ) -> Ran:
        """Run a command as root and return how it ended, whatever its exit code.

        Raises RemoteTimeoutError, UnreachableError.
        """
        prefix, first = self._become
        with self._telling():
            return self._run([*prefix, *argv], _with_first(first, stdin), timeout_s)

    def check(
        self, argv: Sequence[str], stdin: bytes | Iterator[bytes] | None = None, timeout_s: float = 60.0
    ) -> Ran:
        """Run a command as root; raises RemoteCommandError besides when its exit code is not 0."""
        ran = self.run(argv, stdin, timeout_s)
        if ran.code != 0:
            said = (ran.stderr or ran.stdout).decode("utf-8", "replace").strip()[-_MOST_SAID:]
            raise RemoteCommandError(
                operation="run command",
                subject=self.target.name,
                box=self.target.name,
                command=argv[0],
                exit=ran.code,
                said=said,
            )
        return ran

    def put(
        self, content: bytes | Path, remote: str, mode: int = 0o644, owner: str = "root:root", dirs: bool = True
    ) -> None:
        """Write a file on the box in place of what stood there: whole and for good, or not at all."""
        data = content.read_bytes() if isinstance(content, Path) else content
        self.check(["python3", "-c", PUT, remote, f"{mode:o}", owner, "1" if dirs else "0"], data)

    def upload(self, file: Path, remote: str, say: Say | None = None, timeout_s: float = 3600.0) -> str:
        """Bring a large file over, going on where a former try was cut; return its SHA-256 as the box reads it."""
        size, digest = file.stat().st_size, _digest(file)
        there, known = self.check(["python3", "-c", UPLOADED, remote], timeout_s=timeout_s).text.split()
        at = int(there)
        if at > size or known != _digest(file, at):
            at = 0
        read = _read_from(file, at, size, say)
        return self.check(["python3", "-c", UPLOAD, remote, str(at), digest], read, timeout_s).text

    def _connect(self) -> SshLine:
        target = self.target
        with self._telling():
            line = SshLine(target.host, target.port, target.host_key, self._timeout_s)
            with line.patience():
                self._login(line)
        return line

    def _login(self, line: SshLine) -> None:
        problem = "no key in the SSH agent, and none named"
        with self._keys() as keys:
            for key in keys:
                try:
                    return line.login(self.target.user, key)
                except paramiko.AuthenticationException as exc:
                    problem = type(exc).__name__
        self._refused(problem)

    @contextlib.contextmanager
    def _keys(self) -> Iterator[Sequence[paramiko.PKey]]:
        file = self.target.key_file
        if file is None:
            with contextlib.closing(paramiko.Agent()) as agent:
                yield agent.get_keys()
        else:
            yield [self._read_key(file)]

    def _read_key(self, file: Path) -> paramiko.PKey:
        try:
            return paramiko.PKey.from_path(file)
        except (
            paramiko.PasswordRequiredException,
            TypeError,
        ):  # the latter is what it raises for the usual format
            self._refused(f"{file.name}: sealed under a passphrase; use the SSH agent")
        except (OSError, ValueError, paramiko.SSHException, UnknownKeyType) as exc:
            self._refused(f"{file.name}: {type(exc).__name__}")

    def _how_to_become_root(self) -> tuple[list[str], bytes]:
        """Return what stands before a command, and what stands before its input."""
        if self.target.user == "root":
            return [], b""
        # -k: a password that sudo remembers would leave ours to the command's own input.
        if self._run(["sudo", "-k", "-n", "true"], None, self._timeout_s).code == 0:
            return ["sudo", "-k", "-n", "--"], b""
        password = self.target.sudo_password
        if password is not None:
            prefix, first = ["sudo", "-k", "-S", "-p", "", "--"], password.reveal() + b"\n"
            if self._run([*prefix, "true"], iter([first]), self._timeout_s).code == 0:
                return prefix, first
        name, user = self.target.name, self.target.user
        raise SudoPasswordError(operation="become root", subject=name, box=name, user=user)

    def _run(self, argv: Sequence[str], source: Iterator[bytes] | None, timeout_s: float) -> Ran:
        channel = self._line.transport.open_session(timeout=self._timeout_s)
        late = threading.Event()

        def give_up() -> None:
            late.set()
            channel.close()

        timer = threading.Timer(timeout_s, give_up)
        timer.daemon = True
        timer.start()
        try:
            channel.exec_command("LC_ALL=C.UTF-8 " + shlex.join(argv))
            said: list[bytes] = []
            threads = [
                threading.Thread(target=_hear, args=(channel, said), daemon=True),
                threading.Thread(target=_feed, args=(channel, source or iter(())), daemon=True),
            ]
            for thread in threads:
                thread.start()
            out = b"".join(iter(lambda: channel.recv(_CHUNK), b""))
            code = channel.recv_exit_status()
            threads[0].join()
        finally:
            timer.cancel()
            channel.close()
        if late.is_set():
            raise RemoteTimeoutError(
                operation="run command",
                subject=self.target.name,
                box=self.target.name,
                command=argv[argv.index("--") + 1] if "--" in argv[:6] else argv[0],
                seconds=int(timeout_s),
            )
        if code < 0:
            raise EOFError("the line went before the command ended")
        return Ran(code, out, b"".join(said))

    @contextlib.contextmanager
    def _telling(self) -> Iterator[None]:
        """Turn what SSH fails with into errors that name the box."""
        name = self.target.name
        try:
            yield
        except OtherHostKey as exc:
            raise OtherHostKeyError(
                operation="check host key", subject=name, box=name, shown=exc.shown, pinned=self.target.host_key
            ) from exc
        except WEAK_SERVER as exc:
            raise WeakSshError(operation="connect", subject=name, cause=exc, box=name) from exc
        except FAILURES as exc:
            problem = f"{type(exc).__name__}: {exc}"
            raise UnreachableError(
                operation="connect", subject=name, retry_safe=True, cause=exc, box=name, problem=problem
            ) from exc

    def _refused(self, problem: str) -> NoReturn:
        name, user = self.target.name, self.target.user
        raise NotLetInError(operation="log in", subject=name, box=name, user=user, problem=problem)


def _with_first(first: bytes, source: bytes | Iterator[bytes] | None) -> Iterator[bytes]:
    if first:
        yield first
    if isinstance(source, bytes):
        yield source
    elif source is not None:
        yield from source


def _hear(channel: paramiko.Channel, said: list[bytes]) -> None:
    with contextlib.suppress(OSError):
        while data := channel.recv_stderr(_CHUNK):
            said.append(data)


def _feed(channel: paramiko.Channel, source: Iterator[bytes]) -> None:
    with contextlib.suppress(OSError):  # the command may end without reading everything
        for data in source:
            channel.sendall(data)
        channel.shutdown_write()


def _digest(file: Path, size: int | None = None) -> str:
    """Return the SHA-256 of a file, or of its first `size` bytes."""
    found = hashlib.sha256()
    with file.open("rb") as source:
        left = file.stat().st_size if size is None else size
        while left and (data := source.read(min(_CHUNK, left))):
            found.update(data)
            left -= len(data)
    return found.hexdigest()


def _read_from(file: Path, at: int, size: int, say: Say | None) -> Iterator[bytes]:
    with file.open("rb") as source:
        source.seek(at)
        while data := source.read(_CHUNK):
            yield data
            at += len(data)
            if say is not None:
                say(at, size)
