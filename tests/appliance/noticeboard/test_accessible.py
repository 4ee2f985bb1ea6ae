"""The page for everybody: axe in a real Chromium finds no fault by WCAG 2.2 AA, light or dark, narrow and wide."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, sync_playwright

from appliance.noticeboard.snapshot import Snapshot, write_snapshot
from tests.appliance.noticeboard.notices import full, serving, snapshot

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa"]
OPTIONS = {
    "runOnly": {"type": "tag", "values": [*WCAG, "best-practice"]},
    "resultTypes": ["violations", "incomplete"],
}
NARROW, WIDE = {"width": 320, "height": 480}, {"width": 1024, "height": 768}

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as tool:
        options = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
        made = tool.chromium.launch(executable_path=CHROMIUM, args=[*options, "--disable-sync"])
        yield made
        made.close()


@pytest.mark.parametrize("size", [NARROW, WIDE], ids=["narrow", "wide"])
@pytest.mark.parametrize("colours", ["light", "dark"])
@pytest.mark.parametrize("released", [full(), snapshot(), None], ids=["full", "empty", "unreadable"])
def test_axe_finds_nothing(
    browser: Browser, tmp_path: Path, released: Snapshot | None, colours: str, size: dict[str, int]
) -> None:
    if released is not None:
        write_snapshot(tmp_path, released)
    with serving(tmp_path) as board:
        context = browser.new_context(color_scheme=colours, viewport=size, bypass_csp=True)  # type: ignore[arg-type]
        page = context.new_page()
        page.goto(f"http://127.0.0.1:{board.port}/")
        found = Axe().run(page, options=OPTIONS)
        assert found.violations_count == 0, found.generate_report()
        unsure = [rule["id"] for rule in found.response["incomplete"]]
        assert unsure == [], "nothing is left for a person to judge"
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing runs out at the side"
        context.close()


def test_axe_would_find_something(browser: Browser) -> None:
    page = browser.new_page()
    page.set_content("<html><body><p style='color:#aaa;background:#fff'>薄い</p><img src='x'></body></html>")
    found = {rule["id"] for rule in Axe().run(page, options=OPTIONS).response["violations"]}
    assert {"color-contrast", "image-alt", "html-has-lang"} <= found
    page.close()


def test_the_keyboard_reaches_everything_and_shows_where_it_is(browser: Browser, tmp_path: Path) -> None:
    write_snapshot(tmp_path, full())
    with serving(tmp_path) as board:
        page = browser.new_page(java_script_enabled=True)
        page.goto(f"http://127.0.0.1:{board.port}/")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "お知らせへ進む"
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "notices"
        page.reload()
        seen = []
        for _ in range(7):
            page.keyboard.press("Tab")
            seen.append(page.evaluate("document.activeElement.textContent.trim()"))
            assert page.evaluate("getComputedStyle(document.activeElement).outlineWidth") == "3px"
        assert seen[1] == "新しくする" and len(set(seen)) == 7
        page.close()
