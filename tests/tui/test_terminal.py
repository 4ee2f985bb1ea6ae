"""The office in a real terminal (tmux), from the login to the lock: keys go in as bytes, text comes out."""

import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.school import PASSPHRASE, School, enrol, open_days

TMUX = shutil.which("tmux")
_PATIENCE_S = 180.0
pytestmark = pytest.mark.skipif(TMUX is None, reason="there is no tmux on this machine")


class Terminal:
    """One tmux server with one window that runs a command."""

    def __init__(self, folder: Path, command: list[str], size: tuple[int, int]) -> None:
        self._socket = folder / "tmux"
        columns, lines = map(str, size)
        self._run(
            "-f", "/dev/null", "new-session", "-d", "-x", columns, "-y", lines, "-e", "LANG=C.UTF-8", *command
        )

    def press(self, *keys: str) -> None:
        self._run("send-keys", *keys)

    def write(self, text: str) -> None:
        self._run("send-keys", "-l", text)

    def shown(self) -> str:
        return self._run("capture-pane", "-p")

    def send(self, keys: bytes) -> None:
        """Send what a keyboard says, byte by byte."""
        self._run("send-keys", "-H", *(f"{one:02x}" for one in keys))

    def sees(self, *texts: str) -> str:
        """Wait until all of the texts are on the screen."""
        return self.until(lambda screen: all(text in screen for text in texts), " ".join(texts))

    def until(self, holds: Callable[[str], bool], what: str) -> str:
        end = time.monotonic() + _PATIENCE_S
        while not holds(screen := self.shown()):
            assert time.monotonic() < end, f"never shown: {what}\n{screen}"
            time.sleep(0.1)
        return screen

    def close(self) -> None:
        subprocess.run([TMUX or "tmux", "-S", str(self._socket), "kill-server"], check=False, capture_output=True)

    def _run(self, *words: str) -> str:
        command = [TMUX or "tmux", "-u", "-S", str(self._socket), *words]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[School]:
    made = enrol(tmp_path_factory.mktemp("terminal"))
    open_days(made)
    yield made
    made.close()


@pytest.fixture(params=[(80, 24), (120, 36)], ids=["80x24", "120x36"])
def terminal(own: School, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Terminal]:
    opened = Terminal(tmp_path, office_command(own), request.param)
    yield opened
    opened.close()


def office_command(own: School) -> list[str]:
    """Return what opens the office."""
    return [sys.executable, "-P", "-m", "appliance.cli", "office", str(own.site)]


def log_in(terminal: Terminal, name: str) -> None:
    terminal.sees("利用者名")
    terminal.write(name)
    terminal.press("Enter")
    terminal.write(PASSPHRASE)
    terminal.press("Enter")
    terminal.sees("人数", "F5 会議")


def test_attendance_a_meeting_hours_and_the_lock(own: School, terminal: Terminal) -> None:
    log_in(terminal, "kyoto")
    terminal.press("Enter")
    terminal.sees("出席簿", "F4 確定")
    terminal.write("b")
    terminal.press("Down")
    terminal.write("ｊ")  # with the IME left on
    terminal.sees("病 病欠", "事 事故欠")
    terminal.write("u")
    terminal.until(lambda screen: "事 事故欠" not in screen.split("b 病欠")[0], "the undo")
    terminal.press("F5")
    terminal.sees("縦に進む", "病")
    terminal.press("Escape")
    terminal.sees("F4 確定")
    terminal.press("Escape")
    terminal.sees("F5 会議")

    terminal.press("F5")
    terminal.sees("未読", "職員会議")
    terminal.press("Enter")
    terminal.sees("司会 教頭", "F2 会議録")
    terminal.press("F2")
    terminal.sees("保存済  ほかの人")
    terminal.write("雨天は翌日。")
    terminal.press("Escape")
    terminal.sees("▼ 質疑要旨", "雨天は翌日。")
    terminal.press("Escape")
    terminal.sees("未読")
    terminal.press("Escape")
    terminal.sees("F5 会議")

    terminal.write("w")
    terminal.sees("出勤", "退勤")
    terminal.write("i")
    terminal.until(lambda screen: "出勤" in screen and ":" in screen, "the punch")
    terminal.press("F8")
    terminal.sees("施錠しました")
    assert "雨天は翌日" not in terminal.shown()
    terminal.write(PASSPHRASE)
    terminal.press("Enter")
    terminal.sees("F5 会議")
    terminal.press("F10")
    assert ended(terminal)


def test_the_keys_of_the_linux_console(own: School, tmp_path: Path) -> None:
    """Its function keys say something else than other terminals' do; it has eight colours, and English letters."""
    words = ["env", "TERM=linux", "LANG=en_US.UTF-8", "LC_ALL=en_US.UTF-8", "COLORTERM=", *office_command(own)]
    terminal = Terminal(tmp_path, words, (80, 25))
    try:
        terminal.sees("Passphrase")
        terminal.write("kyoto")
        terminal.press("Enter")
        terminal.write(PASSPHRASE)
        terminal.press("Enter")
        terminal.sees("F5 Meetings")
        terminal.send(b"\x1b[[A")
        terminal.sees("What you can do")
        terminal.press("Escape")
        terminal.sees("F5 Meetings", "classes open")
        terminal.send(b"\x1b[[E")
        terminal.sees("職員会議")
        terminal.press("Escape")
        terminal.sees("F5 Meetings", "classes open")
        terminal.send(b"\x1b[21~")
        assert ended(terminal)
    finally:
        terminal.close()


def ended(terminal: Terminal) -> bool:
    """Wait until the command ended, and with it the only window."""
    end = time.monotonic() + _PATIENCE_S
    while time.monotonic() < end:
        try:
            terminal.shown()
        except subprocess.CalledProcessError:
            return True
        time.sleep(0.1)
    return False
