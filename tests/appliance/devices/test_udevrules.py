"""Which USB interfaces a box lets in: the rules file, by a table of devices, and by udev itself."""

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

import appliance
from appliance.devices.records import Device as Refused
from tests.appliance.devices.udevrules import Device, run

SYSTEMD = Path(appliance.__file__).parents[1] / "systemd"
if not SYSTEMD.exists():  # against a wheel: the files lie beside the tests
    SYSTEMD = Path(__file__).parents[3] / "systemd"
RULES = SYSTEMD / "udev" / "70-kurabako-usb.rules"


@dataclass(frozen=True)
class Plugged:
    """A device by its interfaces (class, subclass, protocol), each with whether it is let in."""

    vendor: str
    product: str
    interfaces: tuple[tuple[str, bool], ...]
    removable: str = "removable"


DEVICES = {
    "keyboard": Plugged("046d", "c31c", (("030101", True), ("030000", True))),
    "mouse": Plugged("046d", "c077", (("030102", True),)),
    "keyboard with storage": Plugged("04d9", "0169", (("030101", True), ("080650", False))),
    "security key": Plugged("1050", "0407", (("030001", True), ("030000", True), ("0b0000", True))),
    "pen drive, bulk only": Plugged("058f", "6387", (("080650", False),)),
    "disk, UAS and bulk only": Plugged("174c", "55aa", (("080650", False), ("080662", False))),
    "floppy, CBI": Plugged("0644", "0000", (("080400", False),)),
    "card slot in the housing": Plugged("0bda", "0316", (("080650", False),), "fixed"),
    "camera, PTP": Plugged("04a9", "3218", (("060101", False),)),
    "phone, MTP as a still camera": Plugged("18d1", "4ee1", (("060101", False),)),
    "phone, MTP of its own class, with debugging": Plugged("04e8", "6860", (("ffff00", False), ("ff4201", False))),
    "phone, tethering by RNDIS": Plugged("18d1", "4ee3", (("e00103", False), ("0a0000", False))),
    "phone, tethering by NCM": Plugged("05ac", "12a8", (("060101", False), ("020d00", False), ("0a0001", False))),
    "USB-LAN of its own class": Plugged("0b95", "1790", (("ffff00", False),)),
    "USB-LAN, CDC ECM": Plugged("0bda", "8153", (("020600", False), ("0a0000", False))),
    "built-in line of its own class": Plugged("0424", "ec00", (("ff00ff", True),), "fixed"),
    "Bluetooth": Plugged("0a12", "0001", (("e00101", False),)),
    "card reader, CCID": Plugged("04e6", "5116", (("0b0000", True),)),
    "FeliCa RC-S380": Plugged("054c", "06c3", (("ffffff", True),)),
    "FeliCa RC-S300": Plugged("054c", "0dc9", (("ff0000", True), ("030000", True))),
    "FeliCa by name, storage inside": Plugged("054c", "06c3", (("ffffff", True), ("080650", False))),
    "Sony, but no reader": Plugged("054c", "0994", (("ff0000", False),)),
    "hub": Plugged("05e3", "0610", (("090001", True), ("090002", True))),
    "webcam": Plugged("046d", "0825", (("0e0100", False), ("0e0200", False), ("010100", False))),
    "printer with a card slot": Plugged("04b8", "0883", (("070102", False), ("080650", False))),
    "serial adapter": Plugged("0403", "6001", (("ffffff", False),)),
}


def event(plugged: Plugged, number: int, **more: str) -> Device:
    code = plugged.interfaces[number][0]
    names = ("bInterfaceClass", "bInterfaceSubClass", "bInterfaceProtocol")
    attrs = dict(zip(names, re.findall("..", code), strict=True)) | {"authorized": "0"}
    whole = {"idVendor": plugged.vendor, "idProduct": plugged.product, "removable": plugged.removable}
    root = {"idVendor": "1d6b", "idProduct": "0002", "removable": "unknown"}
    return Device(f"1-1:1.{number}", "usb_interface", attrs, (whole, root), env=dict(more))


@pytest.mark.parametrize("name", DEVICES)
def test_each_interface_is_let_in_or_refused_by_itself(name: str) -> None:
    plugged = DEVICES[name]
    for number, (code, let_in) in enumerate(plugged.interfaces):
        done = run(RULES, event(plugged, number))
        if let_in:
            probe = ("[subsystem/usb]drivers_probe", f"1-1:1.{number}")
            assert done.written == [("authorized", "1"), probe] and not done.wants and not done.tags
        else:
            unit = f"kurabako-usb@{plugged.vendor}-{plugged.product}-{code}.service"
            assert (done.written, done.wants, done.tags) == ([("authorized", "0")], [unit], ["systemd"])
            told = Refused.parse(unit.partition("@")[2].removesuffix(".service"))
            assert (told.vendor, told.product, told.interface) == (plugged.vendor, plugged.product, code)


def test_interfaces_begin_refused_on_every_bus() -> None:
    root = Device("usb1", "usb_device", {"idVendor": "1d6b", "interface_authorized_default": "1"})
    assert run(RULES, root).written == [("interface_authorized_default", "0")]
    assert run(RULES, Device("1-1", "usb_device", {"idVendor": "058f"})).written == []


@pytest.mark.parametrize(("action", "subsystem"), [("remove", "usb"), ("change", "usb"), ("add", "block")])
def test_other_events_are_left_alone(action: str, subsystem: str) -> None:
    device = event(DEVICES["pen drive, bulk only"], 0)
    device.action, device.subsystem = action, subsystem
    assert run(RULES, device).written == []


def test_a_device_that_the_board_named_is_let_in() -> None:
    device = event(DEVICES["USB-LAN of its own class"], 0, KURABAKO_USB="allow")
    assert run(RULES, device).attr("authorized") == "1"


def test_what_udev_would_pass_over_in_silence_fails_here() -> None:
    for text in ('ATTR{a}=="1" ATTR{b}="0"', 'ATTR{a}="1', 'attr{a}="1"', 'GOTO="nowhere"'):
        with pytest.raises((AssertionError, KeyError)):
            run(text, event(DEVICES["hub"], 0))


def test_the_kernel_has_no_driver_for_storage_either() -> None:
    text = (SYSTEMD / "modprobe.d" / "kurabako-usb.conf").read_text("utf-8")
    for module in ("usb-storage", "uas"):
        assert f"install {module} /bin/false" in text.splitlines()


def test_the_unit_calls_the_command_that_there_is() -> None:
    text = (SYSTEMD / "kurabako-usb@.service").read_text("utf-8")
    assert "kurabako usb refused ${KURABAKO_SITE} --device %i" in text
    assert "KURABAKO_SITE=/" in text and "User=kurabako-sync" in text


def real_udev() -> bool:
    """Say whether udev can be asked about a made-up machine, in a mount namespace of its own."""
    if not (shutil.which("umockdev-run") and shutil.which("udevadm") and shutil.which("unshare")):
        return False
    return subprocess.run(["unshare", "-rm", "true"], capture_output=True).returncode == 0  # noqa: S607


REAL = pytest.mark.skipif(not real_udev(), reason="udevadm, umockdev or the right to unshare is missing")
SYSFS = """\
P: /devices/usb1/{dev}
E: DEVTYPE=usb_device
E: SUBSYSTEM=usb
A: idVendor={vendor}\\n
A: idProduct={product}\\n
A: removable={removable}\\n

P: /devices/usb1/{dev}/{dev}:1.0
E: DEVTYPE=usb_interface
E: SUBSYSTEM=usb
A: bInterfaceClass={interface[0]}\\n
A: bInterfaceSubClass={interface[1]}\\n
A: bInterfaceProtocol={interface[2]}\\n
A: authorized=x\\n
"""


@REAL
@pytest.mark.parametrize("name", DEVICES)
def test_udev_itself_decides_the_same(name: str, tmp_path: Path) -> None:
    plugged = DEVICES[name]
    for code, let_in in plugged.interfaces:
        testbed = tmp_path / f"{code}.umockdev"
        testbed.write_text(
            SYSFS.format(
                dev="1-1",
                vendor=plugged.vendor,
                product=plugged.product,
                removable=plugged.removable,
                interface=re.findall("..", code),
            )
        )
        told = udev_test(testbed, "/sys/devices/usb1/1-1/1-1:1.0")
        assert f"ATTR '/sys/devices/usb1/1-1/1-1:1.0/authorized' writing '{int(let_in)}'" in told, told
        assert ("ATTR '/sys/bus/usb/drivers_probe' writing '1-1:1.0'" in told) is let_in
        assert (f"SYSTEMD_WANTS=kurabako-usb@{plugged.vendor}-{plugged.product}-{code}.service" in told) != let_in


@pytest.mark.skipif(not shutil.which("udevadm"), reason="udevadm is not installed")
def test_udev_reads_the_file_without_a_complaint() -> None:
    asked = subprocess.run(["udevadm", "verify", str(RULES)], capture_output=True, text=True, timeout=60)  # noqa: S607
    if "verify" in asked.stderr and "nknown" in asked.stderr:
        pytest.skip("this udevadm is older than 254 and has no verify")
    assert asked.returncode == 0, asked.stderr + asked.stdout


def udev_test(testbed: Path, device: str) -> str:
    """Return what `udevadm test` says of one device of a made-up machine."""
    script = (
        'mount -t tmpfs tmpfs /run && mkdir -p /run/udev/rules.d && cp "$1" /run/udev/rules.d/ &&'
        ' exec umockdev-run --device "$2" -- udevadm test --action=add "$3"'
    )
    command = ["unshare", "-rm", "sh", "-c", script, "sh", str(RULES), str(testbed), device]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60)
    return ran.stdout + ran.stderr
