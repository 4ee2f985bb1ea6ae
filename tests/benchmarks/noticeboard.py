"""The noticeboard's page with thirty long notices: its size, and how long a class's tablets wait for it."""

import http.client
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from appliance.noticeboard.snapshot import write_snapshot
from tests.appliance.noticeboard.notices import full, serving
from tests.benchmarks.marks import percentile

TABLETS = 40
_EACH = 10


def page(folder: Path) -> tuple[float, float]:
    """Return the kilobytes of the page as it is, and the 99th percentile of milliseconds until a tablet has it."""
    folder.mkdir()
    write_snapshot(folder, full())
    with serving(folder) as board:
        size = len(board.get().body)
        with ThreadPoolExecutor(TABLETS) as tablets:
            found = list(tablets.map(lambda _: _asked(board.port), range(TABLETS)))
    return size / 1e3, percentile([one for seconds in found for one in seconds], 0.99) * 1e3


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
