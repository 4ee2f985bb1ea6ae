"""Draw the provisioning handbook's pictures: `make pictures` (needs Chromium).

What stands in them is what the command prints, for boxes that are simulated: invented schools, no machine.
"""

import contextlib
import html
import io
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pypdfium2
from noto_cjk_sans_jp_regular import FONT_PATH
from playwright.sync_api import sync_playwright
from rich.console import Console

from appliance.commands import provision as command
from appliance.provision import running
from appliance.provision.facts import Facts
from appliance.provision.granters import FileGrants
from appliance.provision.handover import handover_pdf
from appliance.provision.inventory import Inventory, read_inventory
from appliance.provision.running import Job, apply_all, look_at_all
from appliance.provision.words import STEPS
from crypto.signing import VerifyKey
from tests.appliance.provision.jobs import KEY, job, make_request, tell
from tests.appliance.provision.simulated import SimulatedBox, SimulatedSession
from tests.appliance.provision.test_inventory import TEXT

FOLDER: Final = Path(__file__).parent / "ja" / "pictures"
CHROMIUM: Final = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
PAGE: Final = (
    "<html><head><meta charset=utf-8><style>@font-face {{ font-family: jp; src: url('file://{font}') }}"
    " body {{ margin: 14px; background: #1b1b1b; color: #eee; display: inline-block }}"
    " pre {{ font: 15px/1.45 'DejaVu Sans Mono', jp; margin: 0; white-space: pre-wrap; width: 1030px }}"
    "</style></head><body><pre>{text}</pre></body></html>"
)
COMMAND: Final = "$ kurabako provision INVENTORY.toml --bundle build/kurabako-bundle-0.1.0.tar"


def main() -> None:
    """Draw them all."""
    setattr(running, "Session", SimulatedSession)  # noqa: B010 - mypy knows the module's own name only
    with tempfile.TemporaryDirectory(prefix="kurabako-pictures-") as folder:
        work = Path(folder)
        (work / "inventory.toml").write_text(TEXT.replace("ab" * 32, KEY), "utf-8")
        inventory = read_inventory(work / "inventory.toml")
        for box in inventory.boxes:
            SimulatedSession.boxes[box.school] = SimulatedBox(request=make_request(box.school))
        jobs = [job(inventory, box) for box in inventory.boxes]
        found = look_at_all(jobs, tell)
        _draw("provision-plan", f"{COMMAND} --check\n" + _said(lambda: command._show(found[:1])))
        _draw("provision-request", _said(lambda: _wait(inventory, work)))
        lines = _lines(inventory, jobs)
        _draw("provision-run", f"{COMMAND} --yes\n…\n{lines}")
        results = apply_all(look_at_all(jobs, tell), tell)
        facts, head = results[0].facts, {"epoch": 1, "seq": 14, "code": "N7QK-2M4D-XWPA-6RTE-VJ5C-GB3S"}
        if facts is not None:
            _sheet(inventory, facts, head)


def _wait(inventory: Inventory, work: Path) -> None:
    box = inventory.boxes[0]
    root = VerifyKey.from_bytes(bytes.fromhex(KEY))
    board = FileGrants([], root, Path("build"), command._announce)
    with contextlib.chdir(work):
        board.answer(box, make_request(box.school))


def _lines(inventory: Inventory, jobs: list[Job]) -> str:
    """Return the progress lines of a moment: one box further than the other, then the end."""
    half = {jobs[0].box.school: "start", jobs[1].box.school: "bundle"}
    console = Console(file=io.StringIO(), width=124)
    for box in inventory.boxes:
        bar = "━" * 10 + "╺" + "─" * 5 if half[box.school] == "bundle" else "━" * 16
        done = " 62%" if half[box.school] == "bundle" else "    "
        console.print(f"{box.school} {box.name} {bar} {done} 0:00:41 {STEPS[half[box.school]]['ja']}")
    printed: io.StringIO = console.file  # type: ignore[assignment]
    results = apply_all(look_at_all(jobs, tell), tell)
    return f"{printed.getvalue()}…\n" + _said(lambda: command._tell(results))


def _said(show: Callable[[], None]) -> str:
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        show()
    return out.getvalue()


def _draw(name: str, text: str) -> None:
    page = PAGE.format(font=FONT_PATH, text=html.escape(text))
    with sync_playwright() as tool:
        browser = tool.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        view = browser.new_page(viewport={"width": 1060, "height": 40})
        with tempfile.NamedTemporaryFile("w", suffix=".html", encoding="utf-8") as file:
            file.write(page)
            file.flush()
            view.goto(f"file://{file.name}")
            view.evaluate("document.fonts.ready")
        view.screenshot(path=FOLDER / f"{name}.png", full_page=True)
        browser.close()


def _sheet(inventory: Inventory, facts: Facts, head: dict[str, object]) -> None:
    pdf = pypdfium2.PdfDocument(handover_pdf(inventory.boxes[0], inventory, facts, head))
    pdf[0].render(scale=1.2).to_pil().convert("P").save(FOLDER / "handover.png", optimize=True)


if __name__ == "__main__":
    main()
