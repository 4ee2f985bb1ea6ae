"""What a box costs and how soon it answers, and what ICT support sees of it without a key."""

import json
import re
import time
from typing import Final

from appliance.exits import Exit
from tests.boxes.results import Note
from tests.boxes.town import SITE, School, all_confirmed, wait_for

_REST_S: Final = 60
# Of all processes of the services, Litestream and their children: ticks of processor time, resident kilobytes.
_COST: Final = r"""
import glob, os
ticks = rss = 0
for path in glob.glob("/proc/[0-9]*"):
    try:
        units = open(path + "/cgroup").read()
        words = open(path + "/stat").read().rpartition(")")[2].split()
    except OSError:
        continue
    if "/kurabako-" in units and ".service" in units:
        ticks += int(words[11]) + int(words[12])
        rss += int(words[21]) * os.sysconf("SC_PAGE_SIZE") // 1024
print(ticks / os.sysconf("SC_CLK_TCK"), rss)
"""

_TIME: Final = re.compile(r"(\d+)m([\d.]+)s")  # as bash's `times` tells them: its own line, its children's line


def _cost(school: School) -> tuple[float, float]:
    seconds, kilobytes = school.machine.ssh(f"python3 -Ic '{_COST}'").stdout.split()
    return float(seconds), float(kilobytes) / 1024


def test_a_box_at_rest(school: School, note: Note) -> None:
    wait_for(school.machine, all_confirmed, "everything confirmed")
    before, _ = _cost(school)
    time.sleep(_REST_S)
    after, megabytes = _cost(school)
    note(resident_mb=megabytes, core_percent=100 * (after - before) / _REST_S)
    assert 0 < megabytes < 250
    assert 0 < after - before < 0.03 * _REST_S


def test_doctor_looks_at_a_real_box(school: School, note: Note) -> None:
    wait_for(school.machine, all_confirmed, "everything confirmed")
    began = time.monotonic()
    done = school.machine.ssh(f"bash -c 'kurabako doctor {SITE} --json; times'", check=False)
    said, _, times = done.stdout.rpartition("}")
    # What it computed, too: the machine beside it may be at other work.
    user, system = (int(m) * 60 + float(s) for m, s in _TIME.findall(times)[2:])
    note(doctor_s=time.monotonic() - began, doctor_cpu_s=user + system)
    told = json.loads(f"{said}}}")
    bad = [check for check in told["checks"] if check["state"] == "bad"]
    assert not bad and len(told["checks"]) > 20, bad


def test_the_fleet_shows_the_box_to_support(school: School) -> None:
    inventory = school.town.inventory(school.machine)
    looked = school.town.kurabako("fleet", inventory, "--user", "root", "--json", check=False)
    (box,) = json.loads(looked.stdout)["boxes"]
    assert not box["problem"] and box["told"]["running"] and box["told"]["confirmed"], box["told"]
    assert box["health"] in ("ok", "warn"), (box["told"]["alarms"], box["told"]["verify_problem"])


def test_support_reads_figures_and_nothing_that_opens(school: School) -> None:
    as_support = "runuser -u kurabako-support --"
    status = school.machine.ssh(f"{as_support} kurabako status {SITE} --json", check=False)
    assert status.returncode in (Exit.OK, Exit.INCOMPLETE) and json.loads(status.stdout)["running"]
    for closed in (
        f"cat {SITE}/local.db",
        "cat /etc/kurabako/credentials/site.key",
        f"ls {SITE}/blobs",
        f"ls {SITE}/inbox/III",
    ):
        refused = school.machine.ssh(f"{as_support} {closed}", check=False)
        assert refused.returncode != 0 and "Permission denied" in refused.stderr, closed
