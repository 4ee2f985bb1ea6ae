"""A signed release reaches a box by its line or by a medium; one that does not work is gone again by itself."""

import json
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from appliance.exits import Exit
from tests.boxes.bundled import BROKEN, NEXT, cached_bundle
from tests.boxes.clerk import entering, kept
from tests.boxes.conftest import booted, skip_where_missing
from tests.boxes.container import Container
from tests.boxes.signing import Signing
from tests.boxes.town import SITE, Town, all_confirmed, wait_for, wait_until

_UPDATE = "systemctl start kurabako-update.service"
_STATE = "/var/lib/kurabako-update/state.json"
_LONG_S = 600.0


@dataclass(frozen=True)
class Place:
    """A provisioned box whose board signs updates."""

    machine: Container
    town: Town
    signing: Signing

    @property
    def state(self) -> tuple[str, str]:
        """Return stage and version of the last update."""
        told = json.loads(self.machine.ssh(f"cat {_STATE}").stdout)
        return told["stage"], told["version"]

    def works(self, version: str, promised: frozenset[str]) -> None:
        """Wait until the box works with a version, with everything that was promised in it."""
        wait_for(self.machine, lambda told: all_confirmed(told) and told["version"] == version, version)
        assert promised <= kept(self.machine)
        assert (
            f"current -> {'b' if version == NEXT.version else 'a'}"
            in self.machine.ssh("ls -l /opt/kurabako").stdout
        )


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, login_key: Path) -> Iterator[Place]:
    """The box, with the version of these sources in slot a."""
    skip_where_missing()
    folder = tmp_path_factory.mktemp("update")
    with Town(folder / "town", cached_bundle(), login_key) as town, booted(folder, login_key) as machine:
        signing = Signing(town)
        code, said = town.provision(town.inventory(machine), "--yes")
        assert code == Exit.OK, said
        yield Place(machine, town, signing)


@pytest.fixture(scope="module")
def promised(place: Place, tmp_path_factory: pytest.TempPathFactory) -> frozenset[str]:
    """What somebody entered before the updates came."""
    with entering(place.machine, place.town, tmp_path_factory.mktemp("clerk") / "promised") as clerk:
        clerk.wait(30)
    return clerk.promised


def test_it_comes_by_the_line_at_night(place: Place, promised: frozenset[str]) -> None:
    place.signing.release(cached_bundle(NEXT))
    place.machine.ssh(_UPDATE, timeout_s=_LONG_S)
    assert place.state == ("done", NEXT.version)
    place.works(NEXT.version, promised)


def test_it_is_taken_back_by_hand(place: Place, promised: frozenset[str]) -> None:
    place.machine.ssh(f"kurabako update rollback {SITE}", timeout_s=_LONG_S)
    place.works("0.1.0", promised)


def test_it_comes_on_a_medium_with_a_permit(place: Place, promised: frozenset[str], tmp_path: Path) -> None:
    place.signing.publish("--to", tmp_path)
    packed = ["tar", "-c", "-C", str(tmp_path), "updates"]
    with subprocess.Popen(packed, stdout=subprocess.PIPE) as tar:
        unpack = place.machine.shell("mkdir -p /media/stick && tar -x -C /media/stick")
        subprocess.run(unpack, stdin=tar.stdout, check=True)
    apply = f"kurabako update apply {SITE} --from /media/stick"
    refused = place.machine.ssh(apply, check=False)
    assert refused.returncode == Exit.USAGE and "APP-566" in refused.stderr, refused
    place.machine.ssh(f"{apply} --permit 2026-0001 && rm -r /media/stick", timeout_s=_LONG_S)
    place.works(NEXT.version, promised)


def test_one_that_does_not_work_is_gone_by_itself(place: Place, promised: frozenset[str]) -> None:
    place.signing.release(cached_bundle(BROKEN))
    assert place.machine.ssh(_UPDATE, check=False, timeout_s=_LONG_S).returncode != 0
    assert place.state == ("returned", BROKEN.version)
    place.works(NEXT.version, promised)


def test_the_power_goes_in_the_midst_of_one(place: Place, promised: frozenset[str]) -> None:
    place.machine.ssh(f"{_UPDATE} --no-block")
    until = time.monotonic() + _LONG_S
    while place.state[0] not in ("switching", "checking"):
        assert time.monotonic() < until, place.state
        time.sleep(0.2)
    place.machine.cut_power()
    place.machine.boot()
    # It comes before anything of ours starts, not before somebody can log in.
    wait_until(lambda: place.state == ("returned", BROKEN.version), "the version before")
    place.works(NEXT.version, promised)
