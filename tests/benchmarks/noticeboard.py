"""The noticeboard's page with thirty long notices: its size, and how long tablets wait for it, also old ones."""

import http.client
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median

from playwright.sync_api import CDPSession, sync_playwright

from appliance.noticeboard.snapshot import write_snapshot
from tests.appliance.noticeboard.notices import full, serving
from tests.benchmarks.marks import percentile

TABLETS = 40
_EACH = 10
# An old tablet at the edge of the school's wireless network, by the presets of Chromium's developer tools:
# "low-tier mobile" and "slow 4G". Who sees something within 1.8 s finds a page fast (web.dev, FCP).
_SLOWER, _BYTES_S, _LATENCY_MS = 6, 200_000, 150
_PAINTED = "performance.getEntriesByName('first-contentful-paint').map(seen => seen.startTime)[0] || 0"


def page(folder: Path) -> tuple[float, float]:
    """Return the kilobytes of the page as it is, and the 99th percentile of milliseconds until a tablet has it."""
    folder.mkdir()
    write_snapshot(folder, full())
    with serving(folder) as board:
        size = len(board.get().body)
        with ThreadPoolExecutor(TABLETS) as tablets:
            found = list(tablets.map(lambda _: _asked(board.port), range(TABLETS)))
    return size / 1e3, percentile([one for seconds in found for one in seconds], 0.99) * 1e3


def tablet(folder: Path) -> float | None:
    """Return the median of milliseconds until an old tablet shows the page's text; None without a Chromium."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        return None
    folder.mkdir()
    write_snapshot(folder, full())
    with serving(folder) as board, sync_playwright() as tool:
        browser = tool.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        found = []
        for _ in range(_EACH):
            page = browser.new_page(viewport={"width": 800, "height": 1280})
            _slow_down(page.context.new_cdp_session(page))
            page.goto(f"http://127.0.0.1:{board.port}/", wait_until="load")
            page.wait_for_function(_PAINTED)
            found.append(float(page.evaluate(_PAINTED)))
            page.close()
        browser.close()
    return median(found)


def _slow_down(devtools: CDPSession) -> None:
    devtools.send("Emulation.setCPUThrottlingRate", {"rate": _SLOWER})
    line = {"latency": _LATENCY_MS, "downloadThroughput": _BYTES_S, "uploadThroughput": _BYTES_S}
    devtools.send("Network.enable")
    devtools.send("Network.emulateNetworkConditions", {"offline": False, **line})


def _asked(port: int) -> list[float]:
    """Ask like one tablet: over its own connection, packed, one question after another."""
    line, seconds = http.client.HTTPConnection("127.0.0.1", port, timeout=20), []
    for _ in range(_EACH):
        began = time.perf_counter()
        line.request("GET", "/", headers={"Accept-Encoding": "gzip"})
        answer = line.getresponse()
        body = answer.read()
        seconds.append(time.perf_counter() - began)
        assert answer.status == 200 and body
        time.sleep(0.2)  # a class does not read in step
    line.close()
    return seconds
