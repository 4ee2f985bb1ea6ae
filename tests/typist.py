"""Somebody at a terminal: starts a command on a terminal of its own and answers what it asks."""

import os
import pty
import re
import select
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

_PATIENCE_S = 300.0
_ECHO_OFF = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
Answer = str | Callable[[re.Match[str]], str]


@dataclass(frozen=True)
class Typed:
    code: int
    shown: str


def type_at(words: Sequence[object], answers: dict[str, Answer], cwd: Path) -> Typed:
    """Run `kurabako` with these words; whatever stands at the end of the screen and fits a pattern is answered."""
    ours, theirs = pty.openpty()
    env = {k: v for k, v in os.environ.items() if not k.startswith(("LC_", "LANG", "KURABAKO_"))}
    command = [sys.executable, "-P", "-m", "appliance.cli", *map(str, words)]
    child = subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, cwd=cwd, env=env | {"LANG": "ja_JP.UTF-8"}
    )
    os.close(theirs)
    shown, asked, end = b"", 0, time.monotonic() + _PATIENCE_S
    try:
        while True:
            assert time.monotonic() < end, f"{words}: waited in vain after\n{shown.decode('utf-8', 'replace')}"
            if select.select([ours], [], [], 0.1)[0]:
                try:
                    piece = os.read(ours, 65536)
                except OSError:  # the last one at the other end is gone
                    piece = b""
                if not piece:
                    break
                shown += piece
                continue
            text = _ECHO_OFF.sub("", shown[asked:].decode("utf-8", "replace"))
            found = next((pair for pair in _fitting(text, answers)), None)
            if found:
                match, answer = found
                asked = len(shown)
                os.write(ours, (answer if isinstance(answer, str) else answer(match)).encode() + b"\n")
        return Typed(child.wait(30), shown.decode("utf-8", "replace").replace("\r\n", "\n"))
    finally:
        os.close(ours)
        if child.poll() is None:
            child.kill()
        child.wait(30)


def _fitting(text: str, answers: dict[str, Answer]) -> list[tuple[re.Match[str], Answer]]:
    line = text.rstrip().splitlines()[-1] if text.strip() else ""
    found = [(re.search(pattern, line), answer) for pattern, answer in answers.items()]
    return [(match, answer) for match, answer in found if match and line.endswith(":")]
