"""The figures as a Prometheus reads them: HTTP over the unix socket, parsed by Prometheus's own parser."""

import http.client
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from appliance.commands.status import shape
from appliance.health.doctor import examined
from appliance.health.finding import State
from appliance.health.look import look_at
from appliance.health.metrics import METRICS, PREFIX
from appliance.health.metricsserver import SOCKET, MetricsServer
from appliance.health.watch import Watcher
from appliance.site import open_site
from sync.clock import wall_ms
from sync.site import SitePaths
from sync.sockets import socket_address
from sync.status import LinkState, write_status
from tests.appliance.health.machines import machine_at, site_at, status

LAST_LIFE = "0b2f5f0e-0000-4000-8000-000000000000"
ROOT = Path(__file__).resolve().parents[3]
MACHINE = {
    "proc/meminfo": "MemTotal: 4096000 kB\nMemAvailable: 1024000 kB",
    "sys/class/thermal/thermal_zone0/temp": "48500\n",
}


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("box", timeout=60)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(60)
        with socket_address(self._path) as address:
            self.sock.connect(address)


def asked(paths: SitePaths, page: str = "/metrics") -> tuple[int, str, str]:
    connection = UnixConnection(paths.run / SOCKET)
    connection.request("GET", page)
    answer = connection.getresponse()
    body = answer.read().decode()
    connection.close()
    return answer.status, answer.headers["Content-Type"], body


def figures(paths: SitePaths) -> dict[tuple[str, tuple[str, ...]], float]:
    return {
        (sample.name, tuple(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(asked(paths)[2])
        for sample in family.samples
    }


@pytest.fixture
def watcher(tmp_path: Path) -> Iterator[Watcher]:
    # A folder so deep that the socket's path is longer than the kernel takes.
    site_at(tmp_path / ("深い" * 20) / "site")
    watcher = Watcher(open_site(tmp_path / ("深い" * 20) / "site"), machine_at(tmp_path / "machine", MACHINE))
    with MetricsServer(watcher):
        yield watcher


def test_everything_that_is_promised_is_told(watcher: Watcher) -> None:
    now = wall_ms()
    told = status(
        saved=40,
        sent=38,
        waiting=2,
        confirmed=30,
        confirmed_at_ms=now,
        waiting_since_ms=now,
        unconfirmed_since_ms=now,
        verified_at_ms=now,
        lease="live",
        lease_until_ms=now + 86_400_000,
        clock_skew_ms=-1500,
        replica_resets=3,
        documents=1,
    )
    write_status(watcher.paths, told)
    watcher.book = watcher.book.changed("disk", True, now, ("webhook",))
    watcher.examine(look_at(watcher.paths.root, watcher.machine))
    code, kind, _ = asked(watcher.paths)
    assert (code, kind) == (200, "text/plain; version=0.0.4; charset=utf-8")
    found = figures(watcher.paths)
    names = {name.removeprefix(PREFIX).removesuffix("_total") for name, _ in found}
    assert names == set(METRICS)
    assert found["kurabako_entries_waiting", ()] == 2 and found["kurabako_replica_resets_total", ()] == 3
    assert found["kurabako_clock_skew_seconds", ()] == -1.5
    assert found["kurabako_link", (str(LinkState.ONLINE),)] == 1
    assert found["kurabako_link", (str(LinkState.OFFLINE),)] == 0
    assert found["kurabako_alarm", ("disk",)] == 1 and found["kurabako_alarms_waiting", ()] == 1
    assert found["kurabako_memory_available_bytes", ()] == 1000 << 20
    assert found["kurabako_temperature_celsius", ()] == 48.5
    assert found["kurabako_check", ("sqlite", "DOC-102")] == 0


def test_without_the_daemons_word_only_what_is_known_is_told(watcher: Watcher) -> None:
    found = figures(watcher.paths)
    assert found["kurabako_up", ()] == 0
    assert not [name for name, _ in found if "entries" in name or "lease" in name or "link" in name]


def test_what_was_written_before_a_power_cut_is_told_by_nobody(watcher: Watcher) -> None:
    write_status(watcher.paths, status())
    assert figures(watcher.paths)["kurabako_up", ()] == 1
    write_status(watcher.paths, status(boot_id=LAST_LIFE))
    assert figures(watcher.paths)["kurabako_up", ()] == 0
    look = look_at(watcher.paths.root, watcher.machine)
    assert shape(look)["running"] is False and shape(look)["sent"] is None
    sync = next(finding for finding in examined(look) if finding.check == "sync")
    assert sync.state is State.BAD


def test_there_is_one_page_and_the_server_survives_nonsense(watcher: Watcher) -> None:
    assert asked(watcher.paths, "/")[0] == 404
    for junk in (b"", b"\xff\xfe\n\n", b"POST /metrics HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello"):
        with socket.socket(socket.AF_UNIX) as line, socket_address(watcher.paths.run / SOCKET) as address:
            line.connect(address)
            line.sendall(junk)
    assert asked(watcher.paths)[0] == 200


def test_a_socket_that_a_killed_daemon_left_is_replaced_and_a_clean_stop_leaves_none(tmp_path: Path) -> None:
    paths = site_at(tmp_path / "site")
    with socket.socket(socket.AF_UNIX) as line, socket_address(paths.run / SOCKET) as address:
        line.bind(address)
    watcher = Watcher(open_site(paths.root))
    with MetricsServer(watcher):
        assert asked(paths)[0] == 200
    assert not (paths.run / SOCKET).exists()


@pytest.mark.parametrize("page", ["docs/support.md", "docs/ja/support.md"])
def test_every_name_is_documented_and_no_other(page: str) -> None:
    text = (ROOT / page).read_text("utf-8").partition("<!-- metrics -->")[2].partition("<!-- end -->")[0]
    assert re.findall(r"^\| `kurabako_(\w+)", text, re.M) == [
        name + ("_total" if kind.counter else "") for name, kind in METRICS.items()
    ]
