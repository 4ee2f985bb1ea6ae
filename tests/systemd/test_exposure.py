"""How exposed each unit is, by the judgement of systemd itself."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from appliance.updates.children import SHUT
from tests.systemd.unitfiles import SERVICES, SYSTEMD, each_service

NETWORKED, ALONE = 1.2, 0.5
OF_NETWORK = {"kurabako-sync.service", "kurabako-web.service", "kurabako-update-fetch.service"}
# What provisioning adds for a store, by addresses of the documentation's own.
STORE = "[Service]\nIPAddressAllow=192.0.2.7/32 2001:db8::7/128\n"

pytestmark = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is missing: nothing here can judge a unit"
)


def exposure(unit: Path) -> float:
    command = ["systemd-analyze", "security", "--offline=true", "--no-pager", str(unit)]
    told = subprocess.run(command, capture_output=True, text=True, check=True)
    (level,) = re.findall(r"Overall exposure level for \S+: ([0-9.]+)", told.stdout)
    return float(level)


@each_service()
def test_a_unit_is_exposed_no_more_than_it_must(unit: str, tmp_path: Path) -> None:
    copy = tmp_path / unit
    text = (SYSTEMD / unit).read_text("utf-8")
    networked = unit in OF_NETWORK
    copy.write_text(f"{text}\n{STORE}" if networked else text, "utf-8")
    assert exposure(copy) <= (NETWORKED if networked else ALONE)


def test_a_version_that_is_asked_is_as_shut_as_the_units(tmp_path: Path) -> None:
    asked = tmp_path / "kurabako-asked.service"
    asked.write_text("\n".join(("[Service]", "ExecStart=/bin/true", *SHUT)))
    assert exposure(asked) <= ALONE


def test_the_judgement_tells_units_apart(tmp_path: Path) -> None:
    bare = tmp_path / "kurabako-bare.service"
    bare.write_text("[Service]\nExecStart=/bin/true\n")
    assert exposure(bare) > NETWORKED


def test_systemd_knows_every_key_of_the_units(tmp_path: Path) -> None:
    for path in SYSTEMD.iterdir():
        if path.suffix in (".service", ".socket", ".target", ".mount"):
            shutil.copy(path, tmp_path)
    units = sorted(str(path) for path in tmp_path.iterdir())
    assert len(units) > len(SERVICES)
    command = ["systemd-analyze", "verify", "--man=no", *units]
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    # It also wants the programs to be there, which they are on a box only.
    faults = [line for line in told.stderr.splitlines() if "kurabako" in line and "not executable" not in line]
    assert faults == []
