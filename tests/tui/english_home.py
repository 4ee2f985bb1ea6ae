"""Draws the first screen as SVG in the language of its process; arguments: site folder, name."""

import asyncio
import sys
from datetime import date, datetime
from pathlib import Path

import pytest

from appliance.office import Office
from appliance.session import JST
from appliance.views import Light
from sync.status import LinkState
from tests.tui.conftest import freeze
from tests.tui.driving import SMALL, log_in
from tui.app import OfficeApp

DAY = date(2026, 11, 19)
AT = datetime(2026, 11, 19, 8, 25, tzinfo=JST)


async def draw(site: Path, school: str) -> str:
    app = OfficeApp(site, school)
    try:
        async with app.run_test(size=SMALL) as pilot:
            await log_in(pilot)
            return app.export_screenshot(title="kurabako", simplify=True)
    finally:
        app.door.close()


def main() -> None:
    site, school = sys.argv[1:]
    with pytest.MonkeyPatch.context() as patch:
        freeze(patch, DAY)
        light = Light(LinkState.ONLINE, 1_234, 1_234, 0, verified_at=AT)
        patch.setattr(Office, "light", lambda _office: light)
        sys.stdout.write(asyncio.run(draw(Path(site), school)))


if __name__ == "__main__":
    main()
