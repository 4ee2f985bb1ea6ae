"""`kurabako fleet --json` against a real SSH server whose user may say the two fixed commands and nothing else."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.fleet.asking import command
from appliance.provision.errors import UnreachableError
from sync.site import SitePaths
from sync.status import write_status
from tests.appliance.health.machines import AT, site_at, status
from tests.appliance.provision.sshd import Sshd, needs_sshd

ROOT = Path(__file__).resolve().parents[3]
pytestmark = needs_sshd
INVENTORY = """
[board]
name = "試験市教育委員会"
root_key = "{root}"

[defaults]
user = "root"
key_file = "{key}"
ssh_from = ["192.0.2.0/24"]
host_key = "{host_key}"
store = {{ endpoint = "http://192.0.2.9:9000" }}

[[box]]
school = "B101210000018"
name = "第一小学校"
host = "127.0.0.1"
port = {port}

[[box]]
school = "B101210000027"
name = "第二小学校"
host = "127.0.0.1"
port = 1
"""


@pytest.fixture
def paths(tmp_path: Path) -> Iterator[SitePaths]:
    """A site whose status is renewed, as its daemon does."""
    paths, ended = site_at(tmp_path / "site"), threading.Event()

    def renew() -> None:
        while not ended.wait(0.5):
            write_status(paths, status(waiting=4, confirmed=9, verified_at_ms=AT))

    thread = threading.Thread(target=renew)
    thread.start()
    yield paths
    ended.set()
    thread.join()


def gate(folder: Path, paths: SitePaths) -> Path:
    """Write what sudo is on a box: it runs the two listed commands, and says no to anything else."""
    words = " ".join(command("status")), " ".join(command("doctor"))
    script = folder / "gate"
    script.write_text(
        f"""#!/bin/sh
cd {ROOT}
case "$SSH_ORIGINAL_COMMAND" in
  "LC_ALL=C.UTF-8 {words[0]}") exec {sys.executable} -m appliance.cli status {paths.root} --json;;
  "LC_ALL=C.UTF-8 {words[1]}") exec {sys.executable} -m appliance.cli doctor {paths.root} --json;;
esac
echo "sudo: a password is required" >&2
exit 1
"""
    )
    script.chmod(0o755)
    return script


def test_one_box_answers_and_one_is_away(paths: SitePaths, tmp_path: Path) -> None:
    with Sshd(tmp_path / "ssh", f"ForceCommand {gate(tmp_path, paths)}") as server:
        file = tmp_path / "inventory.toml"
        file.write_text(
            INVENTORY.format(root="00" * 32, key=server.client_key, host_key=server.host_key, port=server.port),
            "utf-8",
        )
        env = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")}
        done = subprocess.run(
            [sys.executable, "-m", "appliance.cli", "fleet", str(file), "--user", server.user, "--json"],
            capture_output=True,
            env=env,
            timeout=180,
        )
    assert done.returncode == 3 and not done.stderr, done.stderr
    told = json.loads(done.stdout)
    near, far = told["boxes"]
    assert told["format"] == 1 and near["name"] == "第一小学校" and near["problem"] == ""
    assert (near["told"]["waiting"], near["told"]["confirmed"], near["told"]["running"]) == (4, 9, True)
    assert near["told"]["disk_size_bytes"] > 0 and near["seen_age_s"] < 180
    assert (far["health"], far["told"], far["problem"]) == ("away", None, UnreachableError.code)


def test_the_words_that_are_said_stand_in_sudoers() -> None:
    allowed = (ROOT / "systemd/sudoers.d/kurabako").read_text("utf-8").replace("\\\n", " ")
    for what in ("status", "doctor"):
        words = command(what)
        assert words[:4] == ["sudo", "-n", "-u", "kurabako-sync"] and " ".join(words[4:]) in allowed
    assert "ALL=(kurabako-sync) NOPASSWD: KURABAKO_LOOK" in allowed
