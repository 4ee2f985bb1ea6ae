"""A standby office: through single sign-on in a real browser, by TLS, and what those get who are nobody.

The box of a school is cut off with entries that nobody else has; the board brings the school up at its own place;
a teacher works there from home; the box comes back, and everything is in one log.
"""

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from appliance.audit import CAME_FROM
from appliance.classification.model import Action, Place
from appliance.login import login, login_only
from appliance.policy import PolicyDeniedError
from appliance.standby.visitors import read_visits
from crypto.importance import Importance
from sync.errors import SupersededError, UnknownLoginError
from sync.ports import hold_port, number_of
from sync.site import SitePaths
from tests.faults.city import City, mark, marks, office_at, parsed, wait_until
from tests.school import open_days
from tests.standbyscene import UPGRADE, Authority, Caller, Paper, apache_environment, provider
from tests.tui.test_browser import CHROMIUM, pressed, settled

if TYPE_CHECKING:
    from playwright.sync_api import FloatRect, Page

APACHE = apache_environment()
_PATIENCE_S = 180.0
_FOOTER: "FloatRect" = {"x": 0, "y": 768, "width": 900, "height": 26}
pytestmark = [
    pytest.mark.faults,
    pytest.mark.skipif(APACHE is None, reason="no Apache with mod_auth_openidc, and none to be had from Debian"),
]


@dataclass
class Scene:
    """The board, the box that was cut off, the standby, and everybody's papers."""

    city: City
    site: Path
    port: int
    words: dict[str, str]
    authority: Authority
    device: Paper
    stolen: Paper
    stranger: Paper
    mine: Path
    issuer: str
    before: str
    orphans: list[str]

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}"

    def caller(self, device: Paper | None = None) -> Caller:
        return Caller(self.port, self.authority.file, device or self.device)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("standby")
    city = City(folder)
    box = city.school.site
    try:
        city.serve(box)
        city.run_hubs()
        city.until(box, lambda status: True, "served")
        open_days(city.school)
        with office_at(box) as office:
            before = mark(office, 0)
        city.until_confirmed(box)
        city.until(box, lambda status: status.replicated > 0, "a replica is there to be restored")
        city.line.cut()
        with office_at(box) as office:
            orphans = [mark(office, 3), mark(office, 4, "late")]
        city.stop(box.name)
        with provider("sato", "kocho", "nobody") as issuer, hold_port() as held:
            made = _bring_up(city, folder, issuer, number_of(held), before, orphans)
            yield made
    finally:
        city.close()


def _bring_up(city: City, folder: Path, issuer: str, port: int, before: str, orphans: list[str]) -> Scene:
    """Make the standby by the board's command, and serve it."""
    own, devices = Authority(folder / "tls", "board-ca"), Authority(folder / "devices", "device-ca")
    server = own.issue("localhost", server=True)
    device, stolen = (devices.issue(name, server=False) for name in ("pc-0012", "pc-0099"))
    stranger = Authority(folder / "strange", "strange-ca").issue("pc-0012", server=False)
    secret = folder / "client.secret"
    secret.write_text("client-secret")
    site, slips = folder / "standby", folder / "slips"
    done = city.as_board(
        *("standby", city.code, "--site", site, "--slips", slips, "--host", "localhost", "--port", port),
        *("--certificate", server.certificate, "--tls-key-file", server.key, "--issuer", issuer),
        *("--client-id", "kurabako", "--client-secret-file", secret, "--device-ca", devices.file),
        *("--device-crl", devices.revoke(stolen), "--passphrase-stdin"),
    )
    assert done.returncode == 0, done.stderr
    words = dict(line.split("\t") for line in slips.read_text("utf-8").splitlines())
    start(city, site)
    wait_until(lambda: _listens(port), "the proxy")
    city.until(site, lambda status: True, "served")
    return Scene(city, site, port, words, own, device, stolen, stranger, own.file, issuer, before, orphans)


def start(city: City, site: Path) -> None:
    with (city.folder / "standby.log").open("ab") as log:
        command = [sys.executable, "-m", "appliance.cli", "standby", str(site)]
        env = os.environ | (APACHE or {})
        city.processes[site.name] = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=env
        )


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def test_without_a_session_everything_leads_to_the_sign_on(scene: Scene) -> None:
    for path in ("/", "/static/js/textual.js", "/download/x", "/?fontsize=20"):
        answer = scene.caller().get(path, Accept="text/html")
        assert answer.status == 302 and answer.headers["location"].startswith(f"{scene.issuer}/"), path
        assert "code_challenge_method=S256" in answer.headers["location"]
        cookie = answer.headers["set-cookie"]
        assert all(word in cookie for word in ("Secure", "HttpOnly", "Path=/")), cookie
    refused = scene.caller().get("/ws?width=80&height=24", **UPGRADE, Origin=scene.url)
    assert refused.status == 401 and "location" not in refused.headers
    assert not read_visits(scene.site)


def test_forged_headers_and_cookies_open_nothing(scene: Scene) -> None:
    forged = {
        "X_Kurabako_Login": "kocho",
        "X_Kurabako_Device": "pc-0012",
        "X_Kurabako_Peer": "127.0.0.1",
        "OIDC_CLAIM_sub": "kocho",
        "Remote_User": "kocho",
        "Authorization": "Bearer forged",
        "Cookie": "__Host-kurabako=0123456789abcdef0123456789abcdef",
    }
    assert scene.caller().get("/", **forged).status == 401
    assert scene.caller().get("/", **forged, Accept="text/html").status == 302
    assert scene.caller().get("/ws?width=80&height=24", **forged, **UPGRADE, Origin=scene.url).status == 401
    back = scene.caller().get("/sign-on/back?code=forged&state=forged", **forged)
    assert back.status in (400, 401, 500, 302) and "terminal" not in back.body
    assert not read_visits(scene.site), "no page was opened by any of it"


@pytest.mark.parametrize("who", ["nobody", "a stranger", "revoked"])
def test_without_the_devices_certificate_nothing_is_answered(scene: Scene, who: str) -> None:
    device = {"nobody": None, "a stranger": scene.stranger, "revoked": scene.stolen}[who]
    caller = Caller(scene.port, scene.authority.file, device)
    with pytest.raises(OSError):
        caller.get("/")


def test_the_office_itself_listens_on_no_port_and_answers_only_the_proxy(scene: Scene) -> None:
    wait_until(lambda: _sockets(), "the office")
    for found in _sockets():
        assert found.stat().st_mode & 0o077 == 0 and found.parent.stat().st_mode & 0o077 == 0
    if os.geteuid() == 0:  # else this process has the proxy's own user
        asked = b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Kurabako-Login: kocho\r\nConnection: close\r\n\r\n"
        wait_until(lambda: _connects(), "it listens")
        with socket.socket(socket.AF_UNIX) as line:
            assert _connects(line)
            line.sendall(asked)
            assert b" 403 " in line.recv(4096).split(b"\r\n")[0]


def _connects(line: socket.socket | None = None) -> bool:
    """Connect to an office that listens; one may have made its socket, and not listen yet."""
    with contextlib.ExitStack() as left:
        line = line or left.enter_context(socket.socket(socket.AF_UNIX))
        for path in _sockets():
            with contextlib.suppress(OSError):
                line.connect(str(path))
                return True
    return False


def _sockets() -> list[Path]:
    """Return the offices' sockets, the newest first: one that was killed leaves its own behind."""
    found = Path(tempfile.gettempdir()).glob("kurabako-standby-*/office.sock")
    return sorted(found, key=lambda path: path.stat().st_mtime, reverse=True)


@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine")
def test_a_teacher_at_home_signs_on_and_marks_a_pupil(scene: Scene) -> None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as tool:
        options = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
        browser = tool.chromium.launch(executable_path=CHROMIUM, args=[*options, "--disable-sync"])
        paper = {"origin": scene.url, "certPath": str(scene.device.certificate), "keyPath": str(scene.device.key)}
        context = browser.new_context(
            client_certificates=[paper],  # type: ignore[list-item]  # a TypedDict that it does not export
            ignore_https_errors=True,  # the authority is of the moment; Caller checks the certificate
            viewport={"width": 1280, "height": 800},
        )
        page = context.new_page()
        signed_on(page, scene, "sato")
        page.locator(".xterm-helper-textarea").focus()
        page.keyboard.type(scene.words["sato"], delay=20)
        footer = page.screenshot(clip=_FOOTER)
        page.keyboard.press("Enter")
        wait_until(lambda: page.screenshot(clip=_FOOTER) != footer, "home, with other keys below it")
        settled(page)
        picture(page, "standby-home")
        pressed(page, "Enter")  # the first class
        picture(page, "standby-class")
        office = login(scene.site, "sato", scene.words["sato"])
        view = office.attendance.classes(office.today())[0]
        page.keyboard.press("b")  # 病欠
        wait_until(
            lambda: office.attendance.day(view.class_id, office.today()).rows[0].code == "sick", "a mark from home"
        )
        office.logout()
        picture(page, "standby")
        context.close()
        browser.close()
    opened = [visit for visit in read_visits(scene.site) if visit.event == "opened"]
    assert {(visit.login, visit.device) for visit in opened} == {("sato", "pc-0012")}
    log = (scene.site / "log" / "proxy-access.log").read_text()
    assert '"sato"' in log and "code=" not in log and scene.words["sato"] not in log
    for file in (scene.site / "log").iterdir():
        assert scene.words["sato"] not in file.read_text("utf-8", "replace"), file.name


def picture(page: "Page", name: str) -> None:
    if folder := os.environ.get("KURABAKO_TEST_PICTURES"):
        page.screenshot(path=f"{folder}/{name}.png")


def signed_on(page: "Page", scene: Scene, who: str) -> None:
    """Go to the standby, sign on at the provider as `who`, and wait for the office's page."""
    page.goto(f"{scene.url}/?fontsize=16")
    page.locator("input[name=sub]").first.fill(who)
    page.get_by_role("button", name="Authorize").click()
    page.wait_for_selector("body.-first-byte", timeout=_PATIENCE_S * 1000)


def test_whoever_works_here_is_away_from_the_school_and_the_record_says_from_where(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UnknownLoginError):
        login_only("sato", scene.site, "kocho", scene.words["kocho"])
    monkeypatch.setenv(CAME_FROM, "standby 203.0.113.5 pc-0012")
    office = login_only("kocho", scene.site, "kocho", scene.words["kocho"])
    try:
        session = office._session
        assert session.circumstances(Importance.II).place is Place.AWAY and session.lease().opens
        with pytest.raises(PolicyDeniedError):
            session.ask(Action.VIEW, "emergency.card", Importance.I)
    finally:
        office.logout()
    scene.city.until_confirmed(scene.site)
    told = scene.city.as_board("audit", scene.city.code, "--refused", "--json", "--passphrase-stdin")
    assert told.returncode == 0, told.stderr
    assert "standby 203.0.113.5 pc-0012" in told.stdout
    lease = scene.city.run("board", "--board", scene.city.board.path, "lease", "show", scene.city.code)
    assert "2代目" in lease.stdout and "有効" in lease.stdout


def test_the_box_comes_back_and_everything_is_in_one_log(scene: Scene) -> None:
    city, box = scene.city, scene.city.school.site
    with office_at(scene.site, "sato", scene.words["sato"]) as office:
        assert scene.before in marks(office) and not set(scene.orphans) & set(marks(office))
        at_standby = mark(office, 5)
        contested = mark(office, 4, "sick")  # the box entered "late" for this pupil while it was cut off
    city.until_confirmed(scene.site)
    city.line.mend()
    city.serve(box)
    city.until(box, lambda status: status.superseded, "superseded")
    with office_at(box) as office, pytest.raises(SupersededError):
        mark(office, 6)
    medium = city.folder / "medium"
    done = city.run("segments", "export", box, "--to", medium, "--json")
    assert done.returncode == 0 and parsed(done)["segments"] >= 1, done.stderr
    done = city.as_board("import-orphans", city.code, medium, "--json")
    assert done.returncode == 0 and parsed(done)["missing"] == [], done.stderr
    with office_at(scene.site, "sato", scene.words["sato"]) as office:
        wait_until(lambda: set(scene.orphans) <= set(marks(office)), "what the box had")
        assert {scene.before, at_standby, *scene.orphans} <= set(marks(office)) and contested in scene.orphans
    assert city.conflicts(SitePaths(scene.site)) == 1, "both entries for one pupil stay, people settle it"
    city.until_confirmed(scene.site)
    hub = city.hub
    wait_until(lambda: city.positions(hub) == city.positions(SitePaths(scene.site)), "both know the same")


def test_a_file_that_is_missing_or_a_site_that_is_none_is_told_before_anything_starts(scene: Scene) -> None:
    told = scene.city.run("standby", scene.city.school.site)
    assert told.returncode == 2 and "[APP-602]" in told.stderr
    bad = scene.city.as_board(
        *("standby", scene.city.code, "--site", scene.city.folder / "x", "--host", "bad host"),
        *("--certificate", scene.mine, "--tls-key-file", scene.mine, "--issuer", "http://evil.example"),
        *("--client-id", "kurabako", "--client-secret-file", scene.mine, "--passphrase-stdin"),
    )
    assert bad.returncode == 2 and not (scene.city.folder / "x").exists()
