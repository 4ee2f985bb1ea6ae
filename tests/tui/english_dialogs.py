"""Prints the dialogs that hide their end at 80x24 in the language of its process; arguments: site folder, name."""

import asyncio
import sys
from pathlib import Path

import pytest
from textual.screen import Screen

from tests.school import SCHOOL_DAY
from tests.tui.conftest import freeze
from tests.tui.dialogs import dialogs, hides_its_end
from tests.tui.driving import SMALL, log_in, opened
from tui.app import OfficeApp


async def hiding(site: Path, school: str) -> list[str]:
    app, found = OfficeApp(site, school), []
    try:
        async with app.run_test(size=SMALL) as pilot:
            await log_in(pilot, "kocho")
            made = await app.door.call(lambda office: dialogs(office, app.door))
            await app.push_screen(Screen())
            for make in made:
                dialog = await opened(pilot, make)
                found += [type(dialog).__name__] if hides_its_end(dialog) else []
                app.pop_screen()
                await pilot.pause()
    finally:
        app.door.close()
    return found


def main() -> None:
    site, school = sys.argv[1:]
    with pytest.MonkeyPatch.context() as patch:
        freeze(patch, SCHOOL_DAY)
        sys.stdout.write("\n".join(asyncio.run(hiding(Path(site), school))))


if __name__ == "__main__":
    main()
