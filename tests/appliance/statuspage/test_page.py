"""The board's status page: what it shows, that it needs no key, and that it is for everybody's eyes and hands."""

import configparser
import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, sync_playwright

from appliance.board.hubs import board_store, hub_path, open_hub
from appliance.cli import cli
from appliance.fleet.boxview import Told
from appliance.health.words import words
from appliance.statuspage.gathering import PLACES, Gatherer, Health, SchoolView, Stored
from appliance.statuspage.page import page
from crypto.importance import Importance
from sync.clock import wall_ms
from sync.sealed import Draft
from sync.site import SitePaths
from tests.appliance.noticeboard.test_accessible import CHROMIUM, NARROW, OPTIONS, WIDE
from tests.appliance.region.city import City, make_city
from tests.appliance.statuspage.scene import DAY_MS, NOWHERE, city_at, serving, stand
from tests.appliance.test_drill import ANALYZE, SYSTEMD


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> City:
    return city_at(tmp_path_factory.mktemp("board"))


@pytest.fixture
def city(made: City) -> City:
    stand(made)
    return made


def view(number: int, health: Health = Health.OK, **more: object) -> SchoolView:
    told = dict[str, object](
        school=f"C24{number:010}", name=f"第{number}中学校", running=True, online=True, waiting=0, stored=Stored(),
        drilled_ms=None, drill_good_ms=None, drill_passed=False, notes=(), codes=(), health=health,
    )  # fmt: skip
    return SchoolView(**(told | more))  # type: ignore[arg-type]


def test_it_shows_how_each_school_stands_the_gravest_first(city: City) -> None:
    found = {one.school: one for one in Gatherer(city.board).look(wall_ms())}
    well, warned, cut, stopped = (found[school] for school in city.board.schools)
    assert (well.health, well.notes) == (Health.OK, ())
    assert (warned.health, set(warned.notes)) == (Health.WARN, {"drill_old", "warning"})
    assert warned.codes == ("SYNC-044",)
    assert (cut.health, cut.notes, cut.waiting) == (Health.BAD, ("offline", "drill_failed"), 7)
    assert "SYNC-040" in cut.codes
    assert (stopped.health, stopped.notes) == (Health.BAD, ("stopped", "drill_never"))
    assert well.stored.heard_ms is not None and well.stored.lease_until_ms is not None
    assert [one.health for one in Gatherer(city.board).look(wall_ms())] == [
        Health.BAD, Health.BAD, Health.WARN, Health.OK,
    ]  # fmt: skip


def test_silence_alarms_and_what_cannot_be_read_are_shown(city: City) -> None:
    school = city.board.schools[0]
    later = {one.school: one for one in Gatherer(city.board).look(wall_ms() + 20 * DAY_MS)}[school]
    assert {"silent", "lease_over"} <= set(later.notes)
    box = {school: (Told(running=True, at_ms=0, alarms=("disk",)), 0)}
    alarmed = {one.school: one for one in Gatherer(city.board, box).look(wall_ms())}[school]
    assert (alarmed.health, alarmed.notes, alarmed.codes) == (Health.BAD, ("alarm",), ("disk",))
    store = SitePaths(hub_path(city.board, school)).store
    whole = store.read_bytes()
    try:
        store.write_bytes(b"no database" * 1000)
        broken = Gatherer(city.board).look(wall_ms())
    finally:
        store.write_bytes(whole)
    assert {one.school: one.notes for one in broken}[school] == ("unreadable",)
    assert len(broken) == 4, "and it hides no other"


def test_conflicts_of_a_hub_are_counted_and_told(tmp_path: Path) -> None:
    city = make_city(tmp_path, NOWHERE, 2)
    contested, calm = city.board.schools
    hub = open_hub(city.board, contested)
    with board_store(hub, city.root) as store:
        record = store.record_id("meeting.item", Importance.III, "contested")
        for text in (b"of the school", b"of the board"):  # neither knows of the other
            store.put([Draft("meeting.item", record, Importance.III, text)])
    found = {one.school: one for one in Gatherer(city.board).look(wall_ms())}
    assert [found[school].stored.conflicts for school in (contested, calm)] == [1, 0]
    assert "conflict" in found[contested].notes and "conflict" not in found[calm].notes
    shown = page("市", [found[contested]], wall_ms(), "ja").decode()
    assert '<td role="cell" data-of="競合・保留">1 / 0</td>' in shown


def test_it_is_served_without_any_key_in_two_languages_and_changes_nothing(city: City) -> None:
    with serving(city.board.path) as served:
        code, headers, text = served.get()
        assert code == 200 and "復元訓練に失敗" in text and "対応が必要" in text
        for school in city.board.schools:
            assert school in text
        english = served.get("/en")[2]
        assert "the restore drill failed" in english and 'lang="en"' in english
        assert served.get("/other")[0] == 404
        assert served.get(method="POST")[0] == 405
        assert headers["Content-Security-Policy"].startswith("default-src 'none'")
        for word in ("<script", "src=", "url(", "http:", "https:", "@import", "http-equiv", "<form", "style="):
            assert word not in text


def test_every_text_is_escaped() -> None:
    text = page("<b>市", [view(1, name="<script>")], wall_ms(), "ja").decode()
    assert "<script>" not in text and "<b>市" not in text and "&lt;script&gt;" in text


def test_a_thousand_schools_are_one_page_and_the_map_has_each_once(tmp_path: Path) -> None:
    many = [view(number, list(Health)[number % 3]) for number in range(1000)]
    text = page("県", many, wall_ms(), "ja").decode()
    assert text.count("<path class=") == 1000 and text.count("<tr ") == 1001 and len(text) < 1_000_000
    placed = [view(1, at=(139.0, 35.0)), view(2, at=(140.0, 36.0)), view(3)]
    text = page("県", placed, wall_ms(), "ja").decode()
    assert text.count("<path class=") == 2, "of one that is nowhere the table tells"


def test_places_are_read_and_a_file_that_is_none_is_passed_over(city: City) -> None:
    file = city.board.path / PLACES
    with contextlib.ExitStack() as after:
        after.callback(file.unlink)
        file.write_text(f'[[place]]\nschool = "{city.board.schools[0]}"\nlon = 139.1\nlat = 35.2\n', "utf-8")
        assert [one.at for one in Gatherer(city.board).look(wall_ms())].count((139.1, 35.2)) == 1
        file.write_text("place = 3", "utf-8")
        assert {one.at for one in Gatherer(city.board).look(wall_ms())} == {None}


def test_an_alarm_of_a_box_is_told_in_words() -> None:
    text = page("市", [view(1, Health.BAD, codes=("disk", "SYNC-044"))], wall_ms(), "ja").decode()
    assert words()["alarm"]["disk"]["ja"]["what"] in text and "[disk]" in text and "[SYNC-044]" in text


def test_the_unit_calls_what_exists_and_keeps_every_key_out_of_reach() -> None:
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(SYSTEMD / "kurabako-page.service")
    program, group, name, *options = unit["Service"]["ExecStart"].split()[1:]
    assert program == "kurabako"
    made = cli.get_command(click.Context(cli), group)
    assert isinstance(made, click.Group)
    command = made.get_command(click.Context(made), name)
    assert command is not None
    assert options[0] in {one for option in command.params for one in option.opts}
    text = (SYSTEMD / "kurabako-page.service").read_text("utf-8")
    home = unit["Service"]["Environment"].partition("=")[2]
    for key in ("root.sealed", "officers.recovery", "pepper"):
        assert f"InaccessiblePaths=-{home}/{key}\n" in text
    if ANALYZE is not None:
        check = [ANALYZE, "verify", str(SYSTEMD / "kurabako-page.service")]
        done = subprocess.run(check, capture_output=True, text=True, check=False)
        assert not [line for line in done.stderr.splitlines() if "kurabako-page" in line]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as tool:
        options = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
        made = tool.chromium.launch(executable_path=CHROMIUM, args=[*options, "--disable-sync"])
        yield made
        made.close()


@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine")
@pytest.mark.parametrize("size", [NARROW, WIDE], ids=["narrow", "wide"])
@pytest.mark.parametrize("colours", ["light", "dark"])
@pytest.mark.parametrize("path", ["/", "/en"])
def test_axe_finds_nothing(browser: Browser, city: City, path: str, colours: str, size: dict[str, int]) -> None:
    with serving(city.board.path) as served:
        context = browser.new_context(color_scheme=colours, viewport=size, bypass_csp=True)  # type: ignore[arg-type]
        shown = context.new_page()
        shown.goto(f"http://127.0.0.1:{served.port}{path}")
        found = Axe().run(shown, options=OPTIONS)
        assert found.violations_count == 0, found.generate_report()
        assert [rule["id"] for rule in found.response["incomplete"]] == []
        assert shown.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing runs out at the side"
        assert shown.locator("tbody tr").count() == 4
        context.close()
