"""A bare machine becomes a working school over SSH, and only the right machine, from the right bundle."""

import os
import time
from contextlib import ExitStack
from pathlib import Path

from appliance.exits import Exit
from tests.boxes.bundled import TRIXIE, cached_bundle
from tests.boxes.conftest import booted, skip_where_missing
from tests.boxes.machine import Machine
from tests.boxes.results import Note
from tests.boxes.rootfs import cached_rootfs
from tests.boxes.town import SCHOOLS, Town, all_confirmed, status_of


def _children_s(times: os.times_result) -> float:
    """Return the processor time of what was run and has ended: here of `kurabako provision`."""
    return times.children_user + times.children_system


def _untouched(machine: Machine) -> bool:
    return machine.ssh("test -e /opt/kurabako -o -e /etc/kurabako", check=False).returncode != 0


def test_from_bare_to_the_first_confirmation_and_the_second_run_does_nothing(
    machine: Machine, town: Town, note: Note
) -> None:
    inventory = town.inventory(machine)
    began, before = time.monotonic(), os.times()
    code, said = town.provision(inventory, "--yes")
    assert code == Exit.OK, said
    note(first_confirmed_s=time.monotonic() - began, laptop_cpu_s=_children_s(os.times()) - _children_s(before))
    status = status_of(machine)
    assert all_confirmed(status) and status["verified_at_ms"], status
    assert machine.ssh("systemctl --failed --no-legend").stdout.strip() == ""
    assert (town.out / "handover-B101210000018.pdf").read_bytes().startswith(b"%PDF")
    code, said = town.provision(inventory, "--check")
    assert code == Exit.OK and "nothing to change" in said, said
    began = time.monotonic()
    code, said = town.provision(inventory, "--yes")
    assert code == Exit.OK and "nothing to change" in said, said
    note(second_run_s=time.monotonic() - began)


def test_debian_13_from_bare_to_the_first_confirmation(tmp_path: Path, login_key: Path) -> None:
    skip_where_missing()
    rootfs = cached_rootfs("trixie")
    with (
        Town(tmp_path / "town", cached_bundle(TRIXIE), login_key) as town,
        booted(tmp_path, login_key, rootfs=rootfs) as machine,
    ):
        code, said = town.provision(town.inventory(machine), "--yes")
        assert code == Exit.OK, said
        assert all_confirmed(status_of(machine))
        assert "trixie" in machine.ssh("cat /etc/os-release").stdout
        assert machine.ssh("systemctl --failed --no-legend").stdout.strip() == ""
        code, said = town.provision(town.inventory(machine), "--yes")
        assert code == Exit.OK and "nothing to change" in said, said


def test_three_boxes_at_once(town: Town, tmp_path: Path, login_key: Path, note: Note) -> None:
    with ExitStack() as stack:
        machines = [stack.enter_context(booted(tmp_path, login_key)) for _ in SCHOOLS]
        began = time.monotonic()
        code, said = town.provision(town.inventory(*machines), "--yes")
        assert code == Exit.OK, said
        note(three_confirmed_s=time.monotonic() - began)
        assert all(all_confirmed(status_of(machine)) for machine in machines)


def test_another_host_key_is_refused_before_anything_is_said(machine: Machine, town: Town) -> None:
    inventory = town.inventory(machine, host_key=f"SHA256:{'A' * 43}")
    code, said = town.provision(inventory, "--yes")
    assert code == Exit.FAILED and "APP-501" in said, said
    assert _untouched(machine)


def test_a_bundle_that_was_tampered_with_is_refused(machine: Machine, town: Town, tmp_path: Path) -> None:
    raw = bytearray(town.bundle.read_bytes())
    raw[len(raw) // 2] ^= 1
    spoilt = tmp_path / "spoilt.tar"
    spoilt.write_bytes(raw)
    code, said = town.provision(town.inventory(machine), "--yes", bundle=spoilt)
    assert code == Exit.FAILED and "APP-543" in said, said
    assert _untouched(machine)
