"""Many boxes at once, what the networks are let through to, and that every step has words."""

import time

import msgspec
import pytest

from appliance.provision.inventory import Box, Inventory
from appliance.provision.needs import needs
from appliance.provision.plan import Act
from appliance.provision.running import Job, State, apply_all, look_at_all
from appliance.provision.sending import release_wanted
from appliance.provision.wanted import USERS, Wanted, wanted_groups
from appliance.provision.words import STEPS, step_line
from appliance.schoolcode import check_digit
from sync.clock import wall_ms
from tests.appliance.provision.jobs import KEY, MORE, WHOLE, Source, job, provisioned, tell
from tests.appliance.provision.simulated import SimulatedBox

pytestmark = pytest.mark.usefixtures("simulated")


def test_every_step_and_every_need_has_words(
    inventory: Inventory, simulated: dict[str, SimulatedBox], request_made: bytes
) -> None:
    box = inventory.boxes[0]
    simulated[box.school] = SimulatedBox(request=request_made)
    (found,) = look_at_all([job(inventory, box)], tell)
    assert set(STEPS) - MORE == {step.name for step in found.steps} == set(WHOLE)
    for lang in ("ja", "en"):
        shown = [step_line(number, step, lang) for number, step in enumerate(found.steps, 1)]
        assert len(set(shown)) == len(WHOLE)
    (firewall,) = [step for step in found.steps if step.name == "firewall"]
    assert firewall.destructive and "【注意】" in step_line(1, firewall, "ja")
    assert {step.act for step in found.steps} == set(Act) - MORE


def test_what_the_firewall_lets_through_is_what_the_inventory_names(inventory: Inventory) -> None:
    source = Source()
    groups = wanted_groups(inventory.boxes[0], source.laid_out(), source.file)
    files = {file.path: file.content.decode() for group in groups for file in group.files}
    rules = files["/etc/kurabako/firewall.d/inventory.nft"].splitlines()
    assert rules[1:] == [
        "add element inet kurabako ssh4 { 192.0.2.0/24 }",
        "add element inet kurabako ssh6 { 2001:db8::/32 }",
        "add element inet kurabako store4 { 198.51.100.0/24 . 443 }",
        "add element inet kurabako ntp4 { 192.0.2.123 }",
    ]
    assert "NTP=192.0.2.123\n" in files["/etc/systemd/timesyncd.conf.d/kurabako.conf"]
    assert "punch --login genkan" in files["/etc/ssh/sshd_config.d/kurabako.conf"]
    assert "IPAddressAllow=198.51.100.0/24\n" in files["/etc/systemd/system/kurabako-sync.service.d/store.conf"]
    ours = {name for name in source.laid_out() if name.startswith("systemd/") and not name.endswith(".md")}
    laid = {name for name in ours if not name.startswith("systemd/board/")}  # those are the board's own machine's
    own = {path for path in files if "firewall.d" in path or "authorized_keys" in path}
    assert len(files) - len(own) == len(laid) + 5, "every file of systemd/ has its place"
    assert files["/etc/systemd/system/kurabako-notice.socket.d/lan.conf"] == "[Socket]\n", "no tablet but by name"


def test_tablets_reach_the_noticeboard_from_the_networks_that_are_named(inventory: Inventory) -> None:
    source = Source()
    box = msgspec.structs.replace(inventory.boxes[0], learners_from=("10.20.0.0/16", "2001:db8:20::/48"))
    files = {
        file.path: file.content.decode()
        for group in wanted_groups(box, source.laid_out(), source.file)
        for file in group.files
    }
    rules = files["/etc/kurabako/firewall.d/inventory.nft"]
    assert "learner4 { 10.20.0.0/16 }" in rules and "learner6 { 2001:db8:20::/48 }" in rules
    dropin = files["/etc/systemd/system/kurabako-notice.socket.d/lan.conf"]
    assert dropin == "[Socket]\nIPAddressAllow=10.20.0.0/16\nIPAddressAllow=2001:db8:20::/48\n"
    assert "/var/lib/kurabako-notice" in files["/etc/kurabako/site-local.toml"]
    with pytest.raises(ValueError, match="10.20.0.0/99"):
        msgspec.structs.replace(box, learners_from=("10.20.0.0/99",)).__post_init__()


def test_the_noticeboard_is_planned_whole_with_its_user_and_started_again_where_it_stands_still(
    inventory: Inventory, simulated: dict[str, SimulatedBox], request_made: bytes
) -> None:
    box, source = inventory.boxes[0], Source()
    groups = {
        group.name: {file.path.rpartition("/system/")[2] for file in group.files}
        for group in wanted_groups(box, source.laid_out(), source.file)
    }
    units = ["kurabako-notice.socket", "kurabako-notice.service"]
    assert {*units, "kurabako-notice.socket.d/lan.conf"} < groups["units"]
    assert "kurabako-notice" in USERS
    assert "\nu kurabako-notice " in source.file("systemd/sysusers.d/kurabako.conf").decode()
    simulated[box.school] = there = SimulatedBox(request=request_made)
    provisioned(job(inventory, box))
    assert all(there.units[unit][:2] == ["enabled", "active"] for unit in units)
    for unit in units:
        there.units[unit] = ["disabled", "inactive", False]
        (found,) = look_at_all([job(inventory, box)], tell)
        (step,) = found.steps
        assert (step.name, step.why) == ("start", (unit,))
        provisioned(job(inventory, box))
        assert there.units[unit][:2] == ["enabled", "active"]


def many(
    inventory: Inventory, simulated: dict[str, SimulatedBox], count: int, request: bytes, wait_s: float
) -> list[Job]:
    jobs = []
    for number in range(count):
        code = f"B1012100{number:04d}"
        school = code + check_digit(code)
        box = _renamed(inventory.boxes[0], school)
        simulated[school] = SimulatedBox(request=request, wait_s=wait_s)
        jobs.append(job(inventory, box))
    return jobs


def _renamed(box: Box, school: str) -> Box:
    return msgspec.structs.replace(box, school=school)


def test_twenty_boxes_at_once_and_a_dead_one_stops_no_other(
    inventory: Inventory, simulated: dict[str, SimulatedBox], request_made: bytes
) -> None:
    (alone,) = many(inventory, simulated, 1, request_made, 0.02)
    began = time.monotonic()
    assert provisioned(alone).state is State.DONE
    one_s = time.monotonic() - began
    jobs = many(inventory, simulated, 20, request_made, 0.02)
    simulated[jobs[7].box.school].cut_at = 30
    told: set[tuple[str, str]] = set()
    began = time.monotonic()
    found = look_at_all(jobs, lambda school, step, *_: told.add((school, step)))
    results = apply_all(found, lambda school, step, *_: told.add((school, step)))
    print(f"one box {one_s:.2f} s, twenty {time.monotonic() - began:.2f} s")
    states = [result.state for result in results]
    assert states.count(State.DONE) == 19 and states[7] is State.FAILED
    assert {step for _, step in told} == {"look", *WHOLE}
    assert provisioned(jobs[7]).state is State.DONE


def test_needs_are_none_for_a_box_that_is_ready(
    inventory: Inventory, simulated: dict[str, SimulatedBox], request_made: bytes
) -> None:
    box, source = inventory.boxes[0], Source()
    simulated[box.school] = SimulatedBox(request=request_made)
    (found,) = look_at_all([job(inventory, box)], tell)
    groups = wanted_groups(box, source.laid_out(), source.file)
    wanted = Wanted(box, groups, release_wanted(source, "3.11", "x86_64"), KEY)
    assert found.facts is not None and needs(found.facts, wanted, wall_ms()) == ()
