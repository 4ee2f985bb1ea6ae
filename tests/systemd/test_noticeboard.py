"""The noticeboard as on a box: its own user, no network of its own, one socket that was handed to it."""

import contextlib
import http.client
import json
import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sync.cloud import box_key, new_site, wait_until
from tests.systemd.layout import Layout, layout, missing_here
from tests.systemd.unitfiles import keys, only

pytestmark = pytest.mark.skipif(bool(missing_here()), reason=missing_here() or "-")

NOTICE, OFFICE = "kurabako-notice", "office"
# What the service manager does: the socket is number 3, the process alone in a network of its own.
ACTIVATE = """
import os, sys
os.dup2(int(sys.argv[1]), 3, inheritable=True)
os.environ |= {"LISTEN_FDS": "1", "LISTEN_PID": str(os.getpid())}
sys.argv = ["kurabako", "notice", sys.argv[2]]
from appliance.cli import main
main()
"""
RELEASE = """
import sys
from pathlib import Path
from appliance.noticeboard.snapshot import write_snapshot
from tests.appliance.noticeboard.notices import full
write_snapshot(Path(sys.argv[1]), full())
print(len(full().notices))
"""
REACH = """
import json, os, socket, sys
told = {}
for path in sys.argv[2:]:
    try:
        told[path] = len(os.listdir(path) if os.path.isdir(path) else open(path, "rb").read())
    except OSError as error:
        told[path] = error.errno
try:
    socket.create_connection(("127.0.0.1", int(sys.argv[1])), 2).close()
    told["line"] = "reached"
except OSError:
    told["line"] = "none"
print(json.dumps(told))
"""


@pytest.fixture
def box() -> Iterator[Layout]:
    with layout() as made:
        yield made


@contextlib.contextmanager
def activated(box: Layout, line: socket.socket) -> Iterator["subprocess.Popen[str]"]:
    """Run the noticeboard as its user, in a network namespace without anything, with a socket handed over."""
    folder = box.root / "var/lib/kurabako-notice"
    user = box.users[NOTICE]
    with user.popen_alone(ACTIVATE, str(line.fileno()), str(folder), pass_fds=(line.fileno(),)) as process:
        try:
            yield process
        finally:
            process.terminate()
            process.wait(30)


def asked(port: int) -> tuple[int, bytes]:
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        line.request("GET", "/")
        answer = line.getresponse()
        return answer.status, answer.read()
    finally:
        line.close()


def test_it_serves_from_a_network_without_any_way_out(box: Layout) -> None:
    """What the office released is shown by a process that reaches nothing else of the box and no network."""
    key, folder = box_key(), box.root / "var/lib/kurabako-notice"
    site = new_site(box.site, key)
    try:
        site.stop_keeper()
        box.tmpfiles()
        assert box.users[OFFICE].run(RELEASE, str(folder)) == 30
        box.tmpfiles()
        with socket.create_server(("127.0.0.1", 0), backlog=64) as line:
            port = line.getsockname()[1]
            with activated(box, line) as process:
                status, body = asked(port)
                assert status == 200 and "0番目のお知らせ".encode() in body
                told = Path(f"/proc/{process.pid}")
                assert facts(told)["Uid"].split() == [str(box.users[NOTICE].uid)] * 4
                assert (told / "net/route").read_text().splitlines()[1:] == [], "no way anywhere"
                lines = (told / "net/dev").read_text().splitlines()[2:]
                assert {one.partition(":")[0].strip() for one in lines} <= {"lo"}, "and no interface"

                def quiet() -> bool:
                    links = [os.readlink(one) for one in (told / "fd").iterdir()]
                    return not [one for one in links if str(box.root) in one]

                wait_until(quiet, "no file of the box is open")
            reached = [str(box.site), str(box.site / "school.db"), str(box.root / "etc/kurabako/credentials")]
            with box.users[NOTICE].popen_alone(REACH, str(port), *reached, stdout=subprocess.PIPE) as probe:
                found = json.loads(probe.communicate(timeout=60)[0])
            assert found == {**dict.fromkeys(reached, 13), "line": "none"}
    finally:
        site.close()


def facts(process: Path) -> dict[str, str]:
    """Return the lines of a process's status."""
    lines = (process / "status").read_text().splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def test_the_units_say_the_same() -> None:
    unit = "kurabako-notice.service"
    assert only(unit, "User") == NOTICE and only(unit, "PrivateNetwork") == "yes"
    assert only(unit, "RestrictAddressFamilies") == "AF_UNIX" and only(unit, "IPAddressDeny") == "any"
    assert "IPAddressAllow" not in keys(unit) and "LoadCredentialEncrypted" not in keys(unit)
    shut = only(unit, "InaccessiblePaths").split()
    assert {"-/var/lib/kurabako", "-/etc/kurabako", "-/run/kurabako-office"} <= {*shut}
    handed = keys("kurabako-notice.socket")
    assert handed["IPAddressDeny"] == ["any"] and handed["IPAddressAllow"] == ["localhost"]
    assert handed["ListenStream"] == ["80"]
