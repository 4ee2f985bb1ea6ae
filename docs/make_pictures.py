"""Draw the tutorial's pictures from the office itself, in a real browser: `make pictures` (needs Chromium)."""

import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from datetime import time, timedelta
from pathlib import Path
from typing import Final

from playwright.sync_api import Page, sync_playwright

from appliance.attendance.absences import Absence
from appliance.demo.agenda import demo_agenda
from tests.school import PASSPHRASE, School, enrol
from tests.tui.test_browser import pressed

FOLDER: Final = Path(__file__).parent / "ja" / "pictures"
SIZE: Final = {"width": 880, "height": 540}
CHROMIUM: Final = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
# What is pressed from one picture to the next.
WAY: Final[Sequence[tuple[str, Sequence[str]]]] = (
    ("attendance", ("Enter",)),
    ("month", ("F5",)),
    ("meetings", ("Escape", "Escape", "F5")),
    ("meeting", ("Enter", "ArrowDown")),
    ("minutes", ("F2",)),
    ("phone", ("Escape", "Escape", "Escape", "t", "s", "a")),
    ("hours", ("Escape", "w")),
)


def main() -> None:
    """Draw them all."""
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="kurabako-pictures-") as folder:
        school = enrol(Path(folder))
        try:
            _fill(school)
            _draw(school)
        finally:
            school.close()


def _fill(school: School) -> None:
    """Enter a morning and something of a meeting."""
    office = school.office("kocho")
    today = office.today()
    view = office.attendance.classes(today)[0]
    rows = office.attendance.day(view.class_id, today).rows
    office.attendance.mark(view.class_id, today, rows[0].pupil_id, "sick", reason="発熱")
    office.attendance.mark(view.class_id, today, rows[3].pupil_id, "late", time=time(9, 40))
    office.absences.keep(Absence(rows[5].pupil_id, today - timedelta(days=7), today, "suspended"))
    meeting, items = demo_agenda(today)
    office.meetings.add(meeting, items)
    item = items[1].id
    office.floor.ask(meeting.id, item, "学級閉鎖の基準は")
    office.minutes.decide(meeting.id, item, "欠席二割を目安に校長が決める。")
    office.minutes.assign(meeting.id, item, "換気の呼びかけ", "保健部", today + timedelta(days=7))
    shared = office.minutes.text(item)
    shared.edit("罹患者は先週より減っている。")
    office.minutes.write(meeting.id, item, shared)
    office.logout()


def _draw(school: School) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "appliance.cli", "web", str(school.site), "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server, sync_playwright() as tool:
        page_address = server.stdout.readline().strip() if server.stdout else ""
        browser = tool.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport=SIZE)
        page.goto(page_address)
        page.wait_for_selector("body.-first-byte")
        page.locator(".xterm-helper-textarea").focus()
        _walk(page)
        browser.close()
        server.terminate()


def _walk(page: Page) -> None:
    page.keyboard.type("kocho", delay=20)
    pressed(page, "Enter")
    _keep(page, "login")
    page.keyboard.type(PASSPHRASE, delay=20)
    pressed(page, "Enter")
    _keep(page, "home")
    for name, keys in WAY:
        for key in keys:
            pressed(page, key)
        _keep(page, name)


def _keep(page: Page, name: str) -> None:
    page.screenshot(path=FOLDER / f"{name}.png")


if __name__ == "__main__":
    main()
