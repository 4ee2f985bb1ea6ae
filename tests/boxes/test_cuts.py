"""Provisioning that is cut in any step is gone on with: the next run ends in the same box."""

import time

import pytest

from appliance.exits import Exit
from appliance.provision.words import STEPS
from tests.boxes.machine import Machine
from tests.boxes.town import SCHOOLS, Town, all_confirmed, lines_of, status_of

_NAMES = list(STEPS)
_SHORT = {"folders", "units", "limits", "usb", "time", "office", "firewall", "rights"}  # over before the next line
_OTHERS = {"secrets", "settings"}  # of boxes that send alarms by mail


def _cut(machine: Machine, town: Town, step: str, *, power: bool) -> str:
    """Provision until a step or a later one has begun and end it in its midst; return which it was."""
    process = town.provisioning(town.inventory(machine), "--yes")
    told = {f"{SCHOOLS[0]} {STEPS[name]['en']}": name for name in _NAMES[_NAMES.index(step) :]}
    said = (line.partition("] ")[2].rstrip() for line in lines_of(process))
    begun = next((told[line] for line in said if line in told), "")
    time.sleep(0.1)
    process.kill()
    process.communicate()
    if power:
        machine.cut_power()
        machine.boot()
    return begun


@pytest.mark.parametrize("power", [False, True], ids=["the line goes", "the power goes"])
def test_cut_in_every_step_and_gone_on_with(machine: Machine, town: Town, power: bool) -> None:
    begun = [_cut(machine, town, step, power=power) for step in STEPS if step not in _OTHERS]
    assert set(begun) - _SHORT == set(STEPS) - _SHORT - _OTHERS, begun
    code, said = town.provision(town.inventory(machine), "--yes")
    assert code == Exit.OK, said
    assert all_confirmed(status_of(machine))
    code, said = town.provision(town.inventory(machine), "--yes")
    assert code == Exit.OK and "nothing to change" in said, said
