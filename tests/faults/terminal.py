"""A command on a real pseudo-terminal, driven as a person would: type, and wait for words on the screen."""

import codecs
import fcntl
import os
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Mapping
from types import TracebackType

PATIENCE_S = 180.0


class Terminal:
    """One command; `text` is everything that it has painted since the last wait."""

    def __init__(self, words: list[str], env: Mapping[str, str], size: tuple[int, int] = (120, 36)) -> None:
        self._main, child = os.openpty()
        columns, lines = size
        fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        self._process = subprocess.Popen(
            [sys.executable, "-c", _CHILD, *words],
            stdin=child,
            stdout=child,
            stderr=child,
            env={**env, "TERM": "xterm-256color"},
            start_new_session=True,
        )
        os.close(child)
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self.text = ""

    @property
    def pid(self) -> int:
        return self._process.pid

    def press(self, keys: str) -> None:
        os.write(self._main, keys.encode())

    def paste(self, text: str) -> None:
        self.press(f"\x1b[200~{text}\x1b[201~")

    def until(self, words: str) -> None:
        """Wait until words were painted, and forget what was painted before them."""
        deadline = time.monotonic() + PATIENCE_S
        while words not in self.text:
            assert time.monotonic() < deadline, f"never shown: {words}\n{self.text[-2000:]}"
            self.read(0.2)
        self.text = self.text.rpartition(words)[2]

    def settle(self) -> None:
        """Wait until nothing more is painted for a moment, and forget what was."""
        while True:
            self.text = ""
            self.read(0.3)
            if not self.text:
                return

    def read(self, wait_s: float) -> None:
        """Take in what was painted within a time."""
        if select.select([self._main], [], [], wait_s)[0]:
            try:
                self.text += self._decoder.decode(os.read(self._main, 65_536))
            except OSError:  # the command has ended
                time.sleep(wait_s)

    def wait(self) -> int:
        """Wait for the end of the command; return its exit code."""
        deadline = time.monotonic() + PATIENCE_S
        while self._process.poll() is None:
            assert time.monotonic() < deadline, self.text[-2000:]
            self.read(0.1)
        return self._process.returncode

    def echoes(self) -> bool:
        """Say whether the terminal shows what is typed."""
        return bool(termios.tcgetattr(self._main)[3] & termios.ECHO)

    def __enter__(self) -> "Terminal":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        os.close(self._main)


# The terminal becomes the session's own, so that signals and job control work as on a console.
_CHILD = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""
