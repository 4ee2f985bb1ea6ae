"""The units of the board's machine: what they call exists; what browsers talk to reaches none of its keys."""

import configparser
import shutil
import subprocess
from pathlib import Path

import click
import pytest

from appliance.cli import cli

UNITS = Path(__file__).parents[2] / "systemd" / "board"
ANALYZE = shutil.which("systemd-analyze")
STANDBY = "kurabako-standby@.service"


def unit(name: str) -> configparser.ConfigParser:
    found = configparser.ConfigParser(strict=False, interpolation=None)
    found.optionxform = str  # type: ignore[assignment,method-assign]
    found.read(UNITS / name)
    return found


@pytest.mark.parametrize("name", sorted(path.name for path in UNITS.glob("*.service")))
def test_what_a_unit_calls_exists(name: str) -> None:
    program, *words = unit(name)["Service"]["ExecStart"].split()[1:]
    assert program == "kurabako"
    command = cli.get_command(click.Context(cli), words[0])
    assert command is not None
    if isinstance(command, click.Group):
        assert command.get_command(click.Context(command), words[1]) is not None


def test_the_standby_reaches_no_key_of_the_board_and_may_do_nothing_but_listen_below_1024() -> None:
    text = (UNITS / STANDBY).read_text("utf-8")
    for kept in ("root.sealed", "officers.recovery", "pepper", "hubs", "schools"):
        assert f"InaccessiblePaths=-/var/lib/kurabako-board/{kept}\n" in text
    service = unit(STANDBY)["Service"]
    assert service["CapabilityBoundingSet"] == service["AmbientCapabilities"] == "CAP_NET_BIND_SERVICE"
    assert (service["NoNewPrivileges"], service["ProtectSystem"]) == ("yes", "strict")


@pytest.mark.skipif(ANALYZE is None, reason="systemd-analyze is not installed")
def test_systemd_finds_nothing_wrong_with_the_standby(tmp_path: Path) -> None:
    instance = tmp_path / "kurabako-standby@C1.service"
    shutil.copy(UNITS / STANDBY, instance)
    done = subprocess.run([str(ANALYZE), "verify", str(instance)], capture_output=True, text=True, check=False)
    assert not [line for line in done.stderr.splitlines() if "kurabako-standby" in line], done.stderr
