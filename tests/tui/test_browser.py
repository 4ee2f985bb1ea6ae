"""The office in a real browser: a flow as at a terminal, and what a page of somebody else's does not get."""

import http.client
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

from sync.ports import hold_port, number_of
from tests.school import PASSPHRASE, School, enrol, open_days

if TYPE_CHECKING:
    from playwright.sync_api import Page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
_PATIENCE_S = 180.0


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[School]:
    made = enrol(tmp_path_factory.mktemp("browser"))
    open_days(made)
    yield made
    made.close()


@pytest.fixture(scope="module")
def port(own: School) -> Iterator[int]:
    held = hold_port()
    free = number_of(held)
    command = [sys.executable, "-m", "appliance.cli", "web", str(own.site), "--port", str(free)]
    with held, subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        assert server.stdout.readline().strip() == f"http://127.0.0.1:{free}"
        yield free
        server.terminate()
        _, errors = server.communicate(timeout=30)
    assert PASSPHRASE not in errors


def asked(port: int, path: str, **headers: str) -> tuple[int, str]:
    """Return status and body of a request."""
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    line.request("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})
    answer = line.getresponse()
    try:
        return answer.status, answer.read().decode() if answer.status != 101 else ""
    finally:
        line.close()


def test_the_page_fetches_nothing_from_anywhere_else(port: int) -> None:
    status, page = asked(port, "/")
    assert status == 200 and "多良川" in page
    outside = [word for word in page.split('"') if word.startswith(("http", "//"))]
    assert all(word.startswith(f"http://127.0.0.1:{port}/") for word in outside)


@pytest.mark.parametrize(("origin", "status"), [("http://evil.example", 403), ("", 403), ("own", 101)])
def test_a_page_of_another_origin_gets_no_connection(port: int, origin: str, status: int) -> None:
    wanted = {"Origin": f"http://127.0.0.1:{port}" if origin == "own" else origin} if origin else {}
    upgrade = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec_WebSocket_Version": "13",
        "Sec_WebSocket_Key": "dGhlIHNhbXBsZSBub25jZQ==",
    }
    assert asked(port, "/ws?width=80&height=24", **upgrade, **wanted)[0] == status


def test_it_listens_on_this_machine_only(port: int) -> None:
    for host in {address[4][0] for address in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)}:
        if not str(host).startswith("127."):
            with pytest.raises(OSError):
                socket.create_connection((str(host), port), 2).close()


@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine")
def test_attendance_a_meeting_hours_and_the_lock_in_the_browser(own: School, port: int) -> None:
    """The same flows as in a terminal (test_terminal); what was kept is read from the store."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as tool:
        options = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
        browser = tool.chromium.launch(executable_path=CHROMIUM, args=[*options, "--disable-sync"])
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        asked_for: list[str] = []
        page.on("request", lambda request: asked_for.append(request.url))
        page.goto(f"http://127.0.0.1:{port}/?fontsize=16")
        page.wait_for_selector("body.-first-byte", timeout=_PATIENCE_S * 1000)
        page.locator(".xterm-helper-textarea").focus()
        for word in ("kyoto", PASSPHRASE):
            page.keyboard.type(word, delay=20)
            pressed(page, "Enter")
        for key in ("Enter", "b"):  # the first class, 病欠
            pressed(page, key)
        office = own.office("kyoto")
        view = office.attendance.classes(office.today())[0]
        kept(lambda: office.attendance.day(view.class_id, office.today()).rows[0].code == "sick", "a mark")
        for key in ("F5", "Escape", "Escape"):  # 月別, and back
            pressed(page, key)
        for key in ("F5", "n", "Enter"):  # 会議, 作る, 職員会議
            pressed(page, key)
        page.keyboard.press("F4")
        kept(lambda: office.meetings.all()[0].title.startswith("職員会議（"), "a meeting")
        settled(page)
        pressed(page, "Enter")
        for key in ("r", "F2"):  # 既読, 会議録
            pressed(page, key)
        page.keyboard.insert_text("雨天は翌日。")
        pressed(page, "Escape")
        first = office.meetings.all()[0].meeting_id
        kept(lambda: any(item.record == "雨天は翌日。" for item in office.meetings.open(first).items), "minutes")
        kept(lambda: any(item.read for item in office.meetings.open(first).items), "a mark of reading")
        for key in ("Escape", "Escape", "w", "i"):  # 勤務, 出勤
            pressed(page, key)
        kept(lambda: any(day.came is not None for day in office.hours.own_month(office.today()).days), "a punch")
        office.logout()
        pressed(page, "F8")
        if folder := os.environ.get("KURABAKO_TEST_PICTURES"):
            page.screenshot(path=f"{folder}/browser.png")
        assert all(url.startswith((f"http://127.0.0.1:{port}/", "data:")) for url in asked_for)
        browser.close()


def pressed(page: "Page", key: str) -> None:
    """Press a key and wait for another picture that stands still: the terminal is a canvas, it has no text."""
    before = page.screenshot()
    page.keyboard.press(key)
    end = time.monotonic() + _PATIENCE_S
    while page.screenshot() == before:
        assert time.monotonic() < end, f"{key} showed nothing"
    settled(page)


def settled(page: "Page") -> None:
    """Wait until the picture stands still, for five seconds at most: clocks go on."""
    now, still = page.screenshot(), time.monotonic() + 5
    while time.monotonic() < still:
        time.sleep(0.5)
        last, now = now, page.screenshot()
        if now == last:
            return


def kept(stands: Callable[[], bool], what: str) -> None:
    """Wait until what was entered in the browser stands in the store."""
    end = time.monotonic() + _PATIENCE_S
    while not stands():
        assert time.monotonic() < end, f"never kept: {what}"
        time.sleep(0.2)
