"""Draw the tutorial's pictures from the office itself, in a real browser: `make pictures` (needs Chromium).

The school is the demo's: invented people, a real object store, a line that is really cut for the last picture.
"""

import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import time as clock
from datetime import timedelta
from pathlib import Path
from typing import Final

from playwright.sync_api import Page, sync_playwright

from appliance.attendance.absences import Absence
from appliance.demo.city import PASSPHRASE, DemoCity
from sync.status import LinkState
from tests.tui.test_browser import pressed

FOLDER: Final = Path(__file__).parent / "ja" / "pictures"
SIZE: Final = {"width": 880, "height": 540}
CHROMIUM: Final = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
# What is pressed from one picture to the next.
WAY: Final[Sequence[tuple[str, Sequence[str]]]] = (
    ("attendance", ("Enter", "4", "b")),
    ("month", ("F5",)),
    ("meetings", ("Escape", "Escape", "F5")),
    ("meeting", ("Enter", "ArrowDown")),
    ("minutes", ("F2",)),
    ("phone", ("Escape", "Escape", "Escape", "t", "s", "a")),
    ("hours", ("Escape", "w")),
    ("contrast", ("Escape", "z")),
)


def main() -> None:
    """Draw them all."""
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="kurabako-pictures-") as folder:
        city = DemoCity(Path(folder))
        try:
            city.start()
            city.make(print)
            _fill(city)
            city.wait_confirmed(city.site)
            _draw(city)
        finally:
            city.stop()


def _fill(city: DemoCity) -> None:
    """Enter a morning and something of a meeting."""
    office = city.office("kocho")
    today = office.today()
    view = office.attendance.classes(today)[0]
    rows = office.attendance.day(view.class_id, today).rows
    office.attendance.mark(view.class_id, today, rows[0].pupil_id, "sick", reason="発熱")
    office.attendance.mark(view.class_id, today, rows[6].pupil_id, "late", time=clock(9, 40))
    office.absences.keep(Absence(rows[9].pupil_id, today - timedelta(days=7), today, "suspended"))
    meeting = office.meetings.open(office.home().meetings[0].meeting_id)
    own, item = meeting.meeting.meeting_id, meeting.items[1].item_id
    office.floor.ask(own, item, "学級閉鎖の基準は")
    office.minutes.decide(own, item, "欠席二割を目安に校長が決める。")
    office.minutes.assign(own, item, "換気の呼びかけ", "保健部", today + timedelta(days=7))
    shared = office.minutes.text(item)
    shared.edit("罹患者は先週より減っている。")
    office.minutes.write(own, item, shared)
    office.logout()


def _draw(city: DemoCity) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-P", "-m", "appliance.cli", "web", str(city.site), "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server, sync_playwright() as tool:
        page_address = server.stdout.readline().strip() if server.stdout else ""
        browser = tool.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport=SIZE)
        page.goto(page_address)
        page.wait_for_selector("body.-first-byte")
        page.locator(".xterm-helper-textarea").focus()
        _walk(page, lambda: _cut(city))
        browser.close()
        server.terminate()


def _walk(page: Page, cut: Callable[[], None]) -> None:
    page.keyboard.type("kocho", delay=20)
    pressed(page, "Enter")
    _keep(page, "login")
    page.keyboard.type(PASSPHRASE, delay=20)
    pressed(page, "Enter")
    time.sleep(3)  # until the board vouched for what the login wrote
    _keep(page, "home")
    for name, keys in WAY:
        for key in keys:
            pressed(page, key)
        _keep(page, name)
    for _ in range(2):  # through the looks, back to the first
        pressed(page, "z")
    cut()
    for key in ("Enter", "F7", "2", "b"):
        pressed(page, key)
    time.sleep(8)  # until what it said of the look is gone
    _keep(page, "offline")


def _cut(city: DemoCity) -> None:
    if city.line is not None:
        city.line.cut()
    city.wait(lambda status: status.link is LinkState.OFFLINE, 60)


def _keep(page: Page, name: str) -> None:
    page.screenshot(path=FOLDER / f"{name}.png")


if __name__ == "__main__":
    main()
