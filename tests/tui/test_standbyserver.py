"""The standby's office as its proxy meets it: who is answered, whose page it is, and that a session ends."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import msgspec
import pytest
from aiohttp import web

from appliance.config import Config, ConfigValueError, load_config, write_config
from appliance.login import login_only
from appliance.site import open_site
from appliance.standby.proxy import DEVICE_HEADER, LOGIN_HEADER, PEER_HEADER
from appliance.standby.section import StandbySection
from appliance.standby.serving import NoStandbyError, serving_office
from appliance.standby.visitors import Visitor, read_visitor, read_visits
from sync.errors import UnknownLoginError
from tests.school import School, enrol
from tui.standbyserver import StandbyServer, _who

SECTION = StandbySection("standby.example", 8443, "https://sso.example/realm", "kurabako")
FROM_HOME = {LOGIN_HEADER: "sato", DEVICE_HEADER: "pc-0012", PEER_HEADER: "203.0.113.5"}
HERE = {"Origin": "https://standby.example:8443", "Host": "standby.example:8443"}


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> School:
    made = enrol(tmp_path_factory.mktemp("standby"), imported=False)
    made.close()
    write_config(made.site, msgspec.structs.replace(load_config(made.site), standby=SECTION))
    return made


@asynccontextmanager
async def at(server: StandbyServer, path: Path) -> AsyncIterator[aiohttp.ClientSession]:
    runner = web.AppRunner(await server.make_app())
    await runner.setup()
    await web.UnixSite(runner, str(path)).start()
    try:
        async with aiohttp.ClientSession("http://localhost", connector=aiohttp.UnixConnector(str(path))) as client:
            yield client
    finally:
        await runner.cleanup()


async def test_nobody_and_another_user_get_nothing_the_proxy_gets_the_page(own: School, tmp_path: Path) -> None:
    site, path = open_site(own.site), tmp_path / "s"
    async with at(StandbyServer(site, frozenset({os.geteuid()})), path) as client:
        for headers in ({}, {LOGIN_HEADER: ""}, {LOGIN_HEADER: "sato; reboot"}, {LOGIN_HEADER: "(null)"}):
            for asked in ("/", "/static/js/textual.js", "/ws"):
                assert (await client.get(asked, headers=headers)).status == 403
        page = await client.get("/", headers=FROM_HOME)
        text = await page.text()
        assert page.status == 200 and "wss://standby.example:8443/ws" in text
        elsewhere = HERE | {"Origin": "https://evil.example"}
        assert (await client.get("/ws", headers=FROM_HOME | elsewhere)).status == 403
    async with at(StandbyServer(site, frozenset({os.geteuid() + 1})), tmp_path / "t") as client:
        assert (await client.get("/", headers=FROM_HOME)).status == 403


async def test_a_page_ends_with_the_longest_session_and_both_ends_are_on_record(
    own: School, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tui.standbyserver._GRACE_S", 1.0)
    before = len(read_visits(own.site))
    server = StandbyServer(open_site(own.site), frozenset({os.geteuid()}), longest_s=0.5)
    ends = (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.CLOSING)
    async with at(server, tmp_path / "s") as client, client.ws_connect("/ws", headers=FROM_HOME | HERE) as line:
        async with asyncio.timeout(120):
            while (await line.receive()).type not in ends:
                pass
    told = [(visit.event, visit.login, visit.device, visit.peer) for visit in read_visits(own.site)[before:]]
    assert told == [(event, "sato", "pc-0012", "203.0.113.5") for event in ("opened", "closed")]


def test_a_page_is_drawn_for_its_visitor_only(own: School) -> None:
    server = StandbyServer(open_site(own.site), frozenset())
    assert server.command == "false", "no page without somebody"
    _who.set(Visitor("sato", "pc'; reboot", "203.0.113.5"))
    words = server.command
    assert "--only sato" in words and "'standby 203.0.113.5 pc'" in words.replace('"\'"', "'")
    _who.set(None)
    with pytest.raises(UnknownLoginError):
        login_only("sato", own.site, "kocho", "whatever it is")


def test_what_the_proxy_says_is_read_strictly() -> None:
    assert read_visitor(FROM_HOME) == Visitor("sato", "pc-0012", "203.0.113.5")
    odd = FROM_HOME | {DEVICE_HEADER: "pc\x1b[2J<b>" + "x" * 200}
    found = read_visitor(odd)
    assert found is not None and found.device == ("pc2Jb" + "x" * 200)[:80]
    for login in ("", "-x", "a b", "sato\n", "x" * 65, "佐藤"):
        assert read_visitor({LOGIN_HEADER: login}) is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"host": "bad host"},
        {"host": 'x"\nInclude "/etc/passwd'},
        {"issuer": "http://sso.example"},
        {"issuer": 'https://sso.example/"\n'},
        {"issuer": "https://sso.example/%{ENV:x}"},
        {"issuer": "https://sso.example/?realm=1"},
        {"client_id": 'a" b'},
        {"claim": "a b"},
        {"domain": "^.*$"},
        {"port": 0},
        {"idle_s": 1},
        {"longest_s": 60},
    ],
    ids=lambda wrong: " ".join(map(str, wrong.items())),
)
def test_what_would_not_be_safe_in_the_proxys_configuration_is_refused(
    own: School, tmp_path: Path, wrong: dict[str, object]
) -> None:
    with pytest.raises(ValueError, match="`"):
        StandbySection(**(msgspec.structs.asdict(SECTION) | wrong))
    whole = (own.site / "kurabako.toml").read_text("utf-8")
    before, rest = whole.split("[standby]\n")
    ours, _, after = rest.partition("\n[")
    name, value = next(iter(wrong.items()))
    lines = [line for line in ours.splitlines() if not line.startswith(f"{name} = ")]
    told = f"{name} = {msgspec.json.encode(value).decode()}"
    (tmp_path / "kurabako.toml").write_text("\n".join([before + "[standby]", *lines, told, f"[{after}"]), "utf-8")
    with pytest.raises(ConfigValueError):
        load_config(tmp_path)


def test_a_school_without_a_standby_section_is_none(own: School, tmp_path: Path) -> None:
    plain = Config(load_config(own.site).site, load_config(own.site).board)
    (tmp_path / "site").mkdir()
    write_config(tmp_path / "site", plain)
    with pytest.raises(NoStandbyError), serving_office(open_site(tmp_path / "site")):
        pass
