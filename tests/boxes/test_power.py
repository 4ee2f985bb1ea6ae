"""A box with a kernel, a disk and USB ports of its own: the power goes in mid-write, somebody plugs storage in."""

import os
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest

from appliance.exits import Exit
from sync.clock import wall_ms
from tests.boxes.bundled import cached_bundle
from tests.boxes.clerk import Clerk, clerk_at, entering, kept
from tests.boxes.conftest import booted, skip_where_missing
from tests.boxes.results import Note
from tests.boxes.rootfs import KERNEL, cached_rootfs
from tests.boxes.town import Town, all_confirmed, wait_for, wait_until
from tests.boxes.virtual import KVM, PROGRAMS, Virtual

CUTS: Final = int(os.environ.get("KURABAKO_BOXES_CUTS", "50"))
PATIENCE_S: Final = 180.0 if KVM else 1200.0
# Cuts after which the replica must be whole again. Between them the next cut comes whenever somebody writes: also
# while a replica is being made anew.
WHOLE_EVERY: Final = 5
# What has no part in this and takes its time to start where QEMU interprets every instruction.
_OURS: Final = ("kurabako-notice.socket", "kurabako-notice.service", "kurabako-update.timer")
_DEBIANS: Final = (
    *("apt-daily.timer", "apt-daily-upgrade.timer", "e2scrub_all.timer", "e2scrub_reap.service", "fstrim.timer"),
    *("dpkg-db-backup.timer", "systemd-logind.service", "systemd-timesyncd.service"),
    *("getty@tty1.service", "serial-getty@ttyS0.service"),
)
_SEEN: Final = "46f4"  # whose stick QEMU's says it is
_DISKS: Final = "ls /sys/block"


@dataclass(frozen=True)
class Place:
    """A box in QEMU and its town; `keys` is what its clerk's passphrase makes (see `clerk_at`)."""

    box: Virtual
    town: Town
    keys: str


@pytest.fixture(scope="module")
def place(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, login_key: Path
) -> Iterator[Place]:
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
        with entering(made, town, folder / "before") as clerk:
            clerk.wait(1)
        made.ssh("systemctl disable -q", *_OURS, "&& systemctl mask -q", *_DEBIANS)
        made.shut_down()
        machine = Virtual(made, max(1, (os.cpu_count() or 1) // request.config.getoption("--share")[1]))
        try:
            machine.boot()
            yield Place(machine, town, clerk.keys)
        finally:
            machine.destroy()


@dataclass
class Story:
    """A box through its power cuts: all that was promised, and the cuts since it was last seen whole."""

    place: Place
    promised: set[str] = field(default_factory=set)
    resets: int = -1
    cuts: int = 0
    cut_ms: int = 0
    clerk: Clerk | None = None
    broken: bool = False

    @property
    def box(self) -> Virtual:
        """Return the machine."""
        return self.place.box

    def work(self, note: Path) -> Clerk:
        """Have somebody look at what the box holds, log in, and enter until the power goes."""
        self.clerk = clerk_at(self.box, self.place.town, note, self.place.keys)
        self.clerk.wait(1, PATIENCE_S)
        return self.clerk

    def cut(self, after_s: float) -> None:
        """Cut the power while somebody enters; take down what was promised to them."""
        assert self.clerk is not None, "nobody enters"
        time.sleep(after_s)
        self.box.cut_power()
        self.go_home()
        self.cuts, self.cut_ms = self.cuts + 1, wall_ms()

    def go_home(self) -> None:
        """Have nobody enter any more; take down what was promised to them."""
        if self.clerk is not None:
            self.clerk.end()
            self.promised |= self.clerk.promised
            self.clerk = None

    def see_whole(self) -> None:
        """Wait until all is confirmed and a replica made and proven since the last cut; look at all promises."""
        self.go_home()
        told = wait_for(self.box, self._healed, "a replica, proven and confirmed", PATIENCE_S)
        assert self.promised <= kept(self.box)
        self.see_nothing_failed()
        self.resets, self.cuts = told["replica_resets"], 0

    def see_nothing_failed(self) -> None:
        """Every unit came back."""
        assert self.box.ssh("systemctl --failed --no-legend").stdout.strip() == ""

    def _healed(self, told: dict[str, Any]) -> bool:
        proven = told["verified_at_ms"] and told["verified_at_ms"] > self.cut_ms and not told["verify_problem"]
        return bool(all_confirmed(told) and told["replica_resets"] > self.resets and proven)


@pytest.fixture(scope="module")
def story(place: Place) -> Iterator[Story]:
    """The box, which must be whole in the end."""
    told = Story(place)
    told.resets = whole(told.box)["replica_resets"]
    yield told
    told.go_home()
    if told.broken:
        return
    if told.cuts:
        told.see_whole()
    assert told.promised <= kept(told.box)


@pytest.fixture
def box(place: Place) -> Virtual:
    """The machine."""
    return place.box


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
def test_the_power_goes_in_mid_write(story: Story, number: int, tmp_path: Path, note: Note) -> None:
    if story.broken:
        pytest.skip("the box did not come through a cut before this one")
    story.broken = True
    if story.clerk is None:
        story.work(tmp_path / "first")
    story.cut(random.Random(number).uniform(0, 3))
    began = time.monotonic()
    story.box.boot()
    story.box.ssh(
        "systemctl start kurabako-keeper", timeout_s=PATIENCE_S
    )  # it is being started: this waits for it
    note(works_again_s=time.monotonic() - began, promised=len(story.promised))
    if story.cuts >= WHOLE_EVERY:
        story.see_whole()
    # Whoever enters until the next cut sees first what came through this one.
    assert story.promised <= story.work(tmp_path / "next").found
    story.see_nothing_failed()
    story.broken = False


def whole(box: Virtual) -> dict[str, Any]:
    """Wait until the box works and all of it is confirmed."""
    return wait_for(box, all_confirmed, "everything confirmed", PATIENCE_S)
