"""A box with a kernel, a disk and USB ports of its own: the power goes in mid-write, somebody plugs storage in."""

import os
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from appliance.exits import Exit
from tests.boxes.bundled import cached_bundle
from tests.boxes.clerk import entering, kept
from tests.boxes.conftest import booted, skip_where_missing
from tests.boxes.rootfs import KERNEL, cached_rootfs
from tests.boxes.town import Town, all_confirmed, wait_for, wait_until
from tests.boxes.virtual import KVM, PROGRAMS, Virtual

CUTS: Final = int(os.environ.get("KURABAKO_BOXES_CUTS", "50"))
PATIENCE_S: Final = 180.0 if KVM else 1200.0
_SEEN: Final = "46f4"  # whose stick QEMU's says it is
_DISKS: Final = "ls /sys/block"


@pytest.fixture(scope="module")
def provisioned(tmp_path_factory: pytest.TempPathFactory, login_key: Path) -> Iterator[tuple[Virtual, Town]]:
    """A box, provisioned as a container because that is quicker, and now in QEMU."""
    skip_where_missing(*PROGRAMS)
    folder = tmp_path_factory.mktemp("power")
    rootfs = cached_rootfs(more=KERNEL)
    with (
        Town(folder / "town", cached_bundle(), login_key) as town,
        booted(folder, login_key, rootfs=rootfs) as made,
    ):
        code, said = town.provision(town.inventory(made), "--yes")
        assert code == Exit.OK, said
        made.shut_down()
        machine = Virtual(made)
        try:
            machine.boot()
            yield machine, town
        finally:
            machine.destroy()


@pytest.fixture
def box(provisioned: tuple[Virtual, Town]) -> Virtual:
    """The machine."""
    return provisioned[0]


@pytest.fixture
def town(provisioned: tuple[Virtual, Town]) -> Town:
    """Its town."""
    return provisioned[1]


def test_a_stick_is_seen_and_becomes_no_block_device(box: Virtual, tmp_path: Path) -> None:
    saved = whole(box)["saved"]
    disks = box.ssh(_DISKS).stdout
    image = tmp_path / "stick"
    image.write_bytes(bytes(8 << 20))
    box.plug_usb("stick", "usb-storage", image)
    wait_until(lambda: _SEEN in box.ssh("cat /sys/bus/usb/devices/*/idVendor").stdout.split(), "the stick")
    wait_for(box, lambda told: told["saved"] > saved, "the refusal in the log", PATIENCE_S)
    assert box.ssh(_DISKS).stdout == disks
    assert box.ssh("grep -cE '^(usb_storage|uas) ' /proc/modules", check=False).stdout.strip() == "0"
    box.pull_usb("stick")


def test_a_keyboard_works(box: Virtual) -> None:
    box.plug_usb("keys", "usb-kbd")
    wait_until(lambda: "USB Keyboard" in box.ssh("cat /proc/bus/input/devices").stdout, "the keyboard")


@pytest.mark.parametrize("number", range(CUTS))
def test_the_power_goes_in_mid_write(box: Virtual, town: Town, number: int, tmp_path: Path) -> None:
    resets = whole(box)["replica_resets"]
    with entering(box, town, tmp_path / "promised") as clerk:
        clerk.wait(1, PATIENCE_S)
        time.sleep(random.Random(number).uniform(0, 3))
        box.cut_power()
    promised = clerk.promised
    box.boot()
    # The new replica takes its time: it is waited for, not looked for.
    wait_for(box, lambda told: all_confirmed(told) and told["replica_resets"] > resets, "a replica", PATIENCE_S)
    assert promised <= kept(box)
    assert box.ssh("systemctl --failed --no-legend").stdout.strip() == ""


def whole(box: Virtual) -> dict[str, Any]:
    """Wait until the box works and all of it is confirmed."""
    return wait_for(box, all_confirmed, "everything confirmed", PATIENCE_S)
