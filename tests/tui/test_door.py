"""The one thread between screens and school."""

import asyncio
import threading
from pathlib import Path

from tui.door import Door


class Desk:
    """Tells what happened in which order."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def logout(self) -> None:
        self.told.append("logout")


async def test_whoever_closes_waits_for_the_call_under_way(tmp_path: Path) -> None:
    desk, began, go_on = Desk(), threading.Event(), threading.Event()
    door = Door(tmp_path, lambda *_: desk)
    await door.enter("sato", "")

    def read(open_desk: Desk) -> None:
        began.set()
        go_on.wait(30)
        open_desk.told.append("read")

    call = asyncio.ensure_future(door.call(read))
    await asyncio.to_thread(began.wait, 30)
    closing = asyncio.ensure_future(asyncio.to_thread(door.close))
    await asyncio.sleep(0.2)
    assert desk.told == [] and not closing.done()
    go_on.set()
    await closing
    await call
    assert desk.told == ["read", "logout"]
