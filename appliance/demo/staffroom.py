"""The office processes of the played outage: start, feed, read acknowledgements, kill.

Invariant: `acknowledged` holds exactly the steps whose `Saved` line was read from a process, in order.
"""

import contextlib
import json
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Step = dict[str, Any]


class TeacherStoppedError(Exception):
    """The office process ended before it acknowledged the step; the step may be made again."""


@dataclass
class Teacher:
    """One office process. `run` makes steps one by one; `kill` ends it as a dropped session would."""

    site: Path
    login: str
    passphrase: str
    acknowledged: list[Step] = field(default_factory=list)
    _process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Start the process and wait until it is logged in."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "appliance.demo.teacher", str(self.site), self.login],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._send(self.passphrase)
        if "ready" not in self._line():
            raise TeacherStoppedError(self.login)

    def run(self, step: Step) -> Step:
        """Make one step and return it as acknowledged."""
        self._send(json.dumps(step))
        done = self._line()
        self.acknowledged.append(done)
        return done

    def begin(self, step: Step) -> None:
        """Send a step without waiting for its acknowledgement; the process will be killed in the middle."""
        self._send(json.dumps(step))

    def kill(self) -> None:
        """Kill -9."""
        assert self._process is not None  # noqa: S101 - only called on a started teacher
        self._process.kill()
        self._process.wait()
        if self._process.stdout:
            for line in self._process.stdout:
                if line.endswith("\n") and "first_seq" in line:
                    self.acknowledged.append(json.loads(line))
            self._process.stdout.close()
        if self._process.stdin:
            with contextlib.suppress(BrokenPipeError):  # what it never read is still in the buffer
                self._process.stdin.close()
        self._process = None

    def stop(self) -> None:
        """Log out."""
        if self._process is not None:
            self._process.communicate(timeout=30)
            self._process = None

    def _send(self, line: str) -> None:
        assert self._process is not None and self._process.stdin is not None  # noqa: S101 - started above
        try:
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()
        except BrokenPipeError as exc:
            raise TeacherStoppedError(self.login) from exc

    def _line(self) -> Step:
        assert self._process is not None and self._process.stdout is not None  # noqa: S101 - started above
        line = self._process.stdout.readline()
        if not line.endswith("\n"):
            raise TeacherStoppedError(self.login)
        value: Step = json.loads(line)
        return value
