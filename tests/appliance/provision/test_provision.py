"""From facts to plans, and plans applied to boxes whose lines are cut at every single call."""

from dataclasses import replace

import pytest

from appliance.provision.facts import Facts
from appliance.provision.inventory import Inventory
from appliance.provision.plan import make_plan, question
from appliance.provision.running import State, look_at_all
from appliance.provision.sending import release_wanted
from appliance.provision.wanted import Wanted, wanted_groups
from appliance.provision.words import NEEDS, need_line
from tests.appliance.provision.jobs import KEY, MORE, WHOLE, Granter, Source, job, planned, provisioned, tell
from tests.appliance.provision.simulated import SimulatedBox

pytestmark = pytest.mark.usefixtures("simulated")


def test_a_bare_box_gets_everything_and_the_second_run_nothing(
    inventory: Inventory, simulated: dict[str, SimulatedBox], request_made: bytes
) -> None:
    box = inventory.boxes[0]
    simulated[box.school] = there = SimulatedBox(request=request_made)
    one = job(inventory, box)
    (found,) = look_at_all([one], tell)
    assert (found.state, planned(found), found.needs) == (State.PLANNED, WHOLE, ())
    assert there.changed == 1, "looking changes nothing but the connection that is counted"
    result = provisioned(one)
    assert (result.state, list(result.done)) == (State.DONE, WHOLE)
    before = dict(there.files)
    (again,) = look_at_all([one], tell)
    assert (again.state, planned(again)) == (State.UNCHANGED, [])
    assert len(there.files) >= 20 and there.files == before


def test_a_plan_follows_from_facts_alone_and_asks_the_box_once(
    inventory: Inventory, simulated: dict[str, SimulatedBox], request_made: bytes
) -> None:
    box, source = inventory.boxes[0], Source()
    groups = wanted_groups(box, source.laid_out(), source.file)
    wanted = Wanted(box, groups, release_wanted(source, "3.11", "x86_64"), KEY)
    simulated[box.school] = there = SimulatedBox(request=request_made)
    provisioned(job(inventory, box))
    there.calls.clear()
    (result,) = look_at_all([job(inventory, box)], tell)
    assert there.calls == ["connect", "python3"]
    assert isinstance(result.facts, Facts)
    assert make_plan(result.facts, wanted) == make_plan(result.facts, wanted) == ()
    assert set(question(wanted).files) >= {file.path for file in wanted.files}


@pytest.mark.parametrize(
    ("spoil", "steps"),
    [
        ("file", ["units", "start"]),
        ("mode", ["office"]),
        ("mark", ["firewall"]),
        ("user", ["users"]),
        ("unit", ["start"]),
        ("link", ["release", "start"]),
    ],
)
def test_what_was_changed_on_a_box_is_put_right_and_nothing_else(
    inventory: Inventory, simulated: dict[str, SimulatedBox], request_made: bytes, spoil: str, steps: list[str]
) -> None:
    box = inventory.boxes[0]
    simulated[box.school] = there = SimulatedBox(request=request_made)
    provisioned(job(inventory, box))
    unit, keys = "/etc/systemd/system/kurabako-keeper.service", "/etc/kurabako/authorized_keys/office"
    match spoil:
        case "file":
            there.files[unit] = replace(there.files[unit], content=b"[Service]\n")
        case "mode":
            there.files[keys] = replace(there.files[keys], mode=0o666)
        case "mark":
            del there.marks["firewall"]
        case "user":
            there.users.remove("office")
        case "unit":
            there.units["kurabako-sync.service"] = ["enabled", "failed", False]
        case "link":
            there.links["/usr/local/bin/kurabako"] = "/somewhere"
    (found,) = look_at_all([job(inventory, box)], tell)
    assert planned(found) == steps
    assert provisioned(job(inventory, box)).state is State.DONE
    (again,) = look_at_all([job(inventory, box)], tell)
    assert again.state is State.UNCHANGED


def test_the_next_release_goes_into_the_other_slot(
    inventory: Inventory, simulated: dict[str, SimulatedBox], request_made: bytes
) -> None:
    box, newer = inventory.boxes[0], Source("two")
    simulated[box.school] = there = SimulatedBox(request=request_made)
    provisioned(job(inventory, box))
    there.bundle.clear()
    result = provisioned(job(inventory, box, source=newer))
    assert list(result.done) == ["bundle", "release", "start"]
    assert there.slots["b"] == newer.digest and there.links["/opt/kurabako/current"] == "b"
    assert there.slots["a"] == Source().digest, "the former one is there to go back to"


def test_an_older_bundle_does_not_undo_an_update(
    inventory: Inventory, simulated: dict[str, SimulatedBox], request_made: bytes
) -> None:
    box, older = inventory.boxes[0], Source("two")
    simulated[box.school] = SimulatedBox(request=request_made)
    provisioned(job(inventory, box))
    older.version = "0.0.9"
    result = provisioned(job(inventory, box, source=older))
    assert [(need.name, need.values) for need in result.needs] == [("older", ("0.1.0", "0.0.9"))]
    assert "古くなります" in need_line(result.needs[0], "ja")


def test_a_line_that_is_cut_at_any_call_is_gone_on_with(
    inventory: Inventory, simulated: dict[str, SimulatedBox], request_made: bytes
) -> None:
    box = inventory.boxes[0]
    simulated[box.school] = whole = SimulatedBox(request=request_made)
    provisioned(job(inventory, box))
    cuts, total = 0, len(whole.calls)
    assert total > 40
    for at in range(total):
        simulated[box.school] = there = SimulatedBox(request=request_made)
        there.cut_at = at
        first = provisioned(job(inventory, box))
        cuts += first.state is State.FAILED
        assert provisioned(job(inventory, box)).state in (State.DONE, State.UNCHANGED), at
        (again,) = look_at_all([job(inventory, box)], tell)
        assert again.state is State.UNCHANGED, at
        assert (there.files, there.marks, there.slots) == (whole.files, whole.marks, whole.slots), at
    assert cuts == total


def test_a_box_waits_for_the_board_hardened_and_goes_on_when_it_answered(
    inventory: Inventory, simulated: dict[str, SimulatedBox], request_made: bytes
) -> None:
    box, board = inventory.boxes[0], Granter(ready=False)
    simulated[box.school] = there = SimulatedBox(request=request_made)
    result = provisioned(job(inventory, box, board))
    assert (result.state, planned(result)) == (State.WAITING, ["grant", "rights", "start", "confirm"])
    assert "firewall" in there.marks and board.asked == [request_made]
    board.ready = True
    assert provisioned(job(inventory, box, board)).state is State.DONE


def test_what_is_missing_is_said_whole_and_nothing_is_changed(
    inventory: Inventory, simulated: dict[str, SimulatedBox]
) -> None:
    box = inventory.boxes[0]
    simulated[box.school] = there = SimulatedBox()
    there.facts = {
        "release": "11",
        "systemd": 247,
        "programs": ["python3", "systemctl"],
        "modules": ["ssl"],
        "units": {},
        "free_bytes": 1 << 20,
        "memory_bytes": 1 << 20,
        "came_from": "203.0.113.9",
        "clock_ms": 0,
        "site": {"enrolled": True, "config": '[site]\nschool = "B101210000026"\n'},
    }
    result = provisioned(job(inventory, box))
    assert result.state is State.NOT_READY and {need.name for need in result.needs} == set(NEEDS) - {
        "older",
        *MORE,
    }
    assert not there.files and not there.marks
    lines = [need_line(need, "ja") for need in result.needs]
    assert any("nftables openssh-server systemd udev" in line for line in lines)
    assert any("203.0.113.9" in line for line in lines)
