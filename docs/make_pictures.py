"""Draw the tutorial's pictures from the office itself, in a real browser: `make pictures` (needs Chromium).

The school is the demo's: invented people, a real object store, a line that is really cut for the last picture.
"""

import os
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

import msgspec
from playwright.sync_api import Page, ViewportSize, sync_playwright

from appliance.attendance.absences import Absence
from appliance.config import load_config, write_config
from appliance.demo.city import PASSPHRASE, DemoCity
from appliance.hours.shiftfile import read_shifts
from appliance.release.glyphs import FOLDER as FONT_FOLDER
from sync.status import LinkState
from tests.tui.test_browser import pressed

FOLDER: Final = Path(__file__).parent / "ja" / "pictures"
SIZE: Final[ViewportSize] = {"width": 880, "height": 540}
# A machine without Japanese fonts would draw boxes: those of the printed pages are in the program's own libraries.
FONTS: Final = """<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig>
<include ignore_missing="yes">/etc/fonts/fonts.conf</include><dir>{folder}</dir></fontconfig>"""
CHROMIUM: Final = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
# What is pressed from one picture to the next.
WAY: Final[Sequence[tuple[str, Sequence[str]]]] = (
    ("attendance", ("Enter", "4", "b")),
    ("month", ("F5",)),
    ("release", ("F7",)),
    ("meetings", ("Escape", "Escape", "Escape", "F5")),
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
            _place(city)
            _fill(city)
            _work(city)
            city.wait_confirmed(city.site)
            (Path(folder) / "fonts.conf").write_text(FONTS.format(folder=FONT_FOLDER))
            _draw(city, Path(folder) / "fonts.conf")
        finally:
            city.stop()


def _place(city: DemoCity) -> None:
    """Let the folder for what is released be called as on a box; nothing is written there."""
    config = load_config(city.site)
    office = msgspec.structs.replace(config.office, released="/var/lib/kurabako/site/released")
    write_config(city.site, msgspec.structs.replace(config, office=office))


def _work(city: DemoCity) -> None:
    """Take in what a recorder would hold of the principal's last two months."""
    office = city.office("kocho")
    today, name = office.today(), office.who.display_name
    table = f"{name},{today.year}-04-01,A,教育,後期,0001"
    names = {entry.person: entry.name for entry in office.hours.staff()}
    office.hours.set_shifts(read_shifts(table.encode(), names, office.hours.patterns()))
    rows = []
    for back in range(60, 0, -1):
        on, late = today - timedelta(days=back), back * 7 % 90
        if on.weekday() < 5:
            out = 17 * 60 + 20 + late
            here = out - 470
            rows.append(
                f"0001,1,{on:%y/%m/%d},07:50,00,{out // 60}:{out % 60:02},00,     ,  ,     ,  ,"
                f"{here // 60:03}:{here % 60:02},      ,            "
            )
    office.hours.commit_import(office.hours.plan_rows("\n".join([str(len(rows)), *rows]).encode()))
    office.logout()


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


def _draw(city: DemoCity, fonts: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-P", "-m", "appliance.cli", "web", str(city.site), "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server, sync_playwright() as tool:
        page_address = server.stdout.readline().strip() if server.stdout else ""
        browser = tool.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-gpu"],
            env={**os.environ, "FONTCONFIG_FILE": str(fonts)},
        )
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
