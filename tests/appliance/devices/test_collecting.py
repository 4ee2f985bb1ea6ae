"""From udev's helper to home and the audit record, without any key and without a flood."""

import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from appliance.audit import AuditEntry
from appliance.cli import cli, run
from appliance.devices.collecting import MOST_DEVICES, SAME_MS, Collector, collecting
from appliance.devices.records import Device, DeviceNameError, DeviceRefused
from appliance.devices.spool import MOST, SpoolFullError, drop, dropped, spool_of
from appliance.exits import Exit
from appliance.office import Office
from appliance.policy import PolicyDeniedError
from appliance.site import open_site
from sync.client import KeeperClient
from sync.clock import wall_ms
from sync.errors import KeeperGoneError
from tests.school import School, enrol

PEN = Device("058f", "6387", "080650")
PHONE = Device("18d1", "4ee1", "060101")


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[School]:
    made = enrol(tmp_path_factory.mktemp("usb"), imported=False)
    yield made
    made.close()


class Clock:
    """A clock that is set by hand; it begins well after what lies in the spool."""

    def __init__(self) -> None:
        self.ms = wall_ms() + 60_000

    def __call__(self) -> int:
        return self.ms


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def collector(own: School, clock: Clock) -> Collector:
    return Collector(open_site(own.site), clock)


@pytest.fixture
def office(own: School) -> Iterator[Office]:
    opened = own.office("kocho")
    opened.devices.seen()  # what other tests left
    yield opened
    opened.logout()


def records(office: Office) -> list[DeviceRefused]:
    plains = office._session.store.heads(DeviceRefused.kind)
    return [msgspec.msgpack.decode(plain.payload, type=DeviceRefused) for plain in plains]


def test_an_attempt_is_in_the_audit_record_and_on_home_until_a_manager_looked(
    own: School, office: Office, collector: Collector
) -> None:
    assert CliRunner().invoke(cli, ["usb", "refused", str(own.site), "--device", PEN.name]).exit_code == 0
    assert collector.turn() == 1 and dropped(own.paths) == []
    line = office.audit.lines(text="USB機器")[0]
    assert (line.what, line.who, line.verdict) == ("USB機器の記憶媒体への書き出し", "端末", "拒否")
    assert line.source == "USB USBメモリなどの記憶装置（058f:6387）" and line.refused
    told = office.light().devices
    assert told is not None and told.count == 1
    clerk = own.office("jimu")
    assert clerk.light().devices == told
    with pytest.raises(PolicyDeniedError):
        clerk.devices.seen()
    assert office.devices.seen() is not None
    assert office.light().devices is None and clerk.light().devices is None
    assert office.devices.seen() is None
    clerk.logout()


def test_the_others_are_not_told(own: School, collector: Collector, office: Office) -> None:
    drop(own.paths, PHONE)
    collector.turn()
    assert office.light().devices is not None
    for name in ("sato", "shien"):
        other = own.office(name)
        assert other.light().devices is None
        other.logout()


def test_a_thousand_attempts_make_no_thousand_records(
    own: School, office: Office, collector: Collector, clock: Clock
) -> None:
    before = len(records(office))
    drop(own.paths, PEN)
    assert collector.turn() == 1
    for _ in range(MOST):
        drop(own.paths, PEN)
    with pytest.raises(SpoolFullError):
        drop(own.paths, PEN)
    assert run(["usb", "refused", str(own.site), "--device", PEN.name]) == Exit.FAILED
    assert collector.turn() == 0 and len(dropped(own.paths)) == MOST
    clock.ms += SAME_MS
    assert collector.turn() == 1 and dropped(own.paths) == []
    assert len(records(office)) == before + 2 and max(told.count for told in records(office)) == MOST
    told = office.light().devices
    assert told is not None and told.count == MOST + 1


def test_a_thousand_different_devices_make_no_thousand_records(
    own: School, office: Office, collector: Collector
) -> None:
    before = len(records(office))
    for number in range(200):
        drop(own.paths, Device(f"{number:04x}", "0001", "080650"))
    assert collector.turn() == MOST_DEVICES + 1 and dropped(own.paths) == []
    found = records(office)
    together = next(told for told in found if told.others)
    assert len(found) == before + MOST_DEVICES + 1
    assert together.count == together.others == 200 - MOST_DEVICES and together.vendor == together.product == ""


def test_the_interfaces_of_one_device_are_one_attempt(own: School, office: Office, collector: Collector) -> None:
    for interface in ("ffff00", "080650", "060101"):
        drop(own.paths, Device("2a70", "f003", interface))
    assert collector.turn() == 1
    told = next(told for told in records(office) if told.vendor == "2a70")
    assert (told.count, told.what) == (1, "USBメモリなどの記憶装置")


def test_a_device_that_still_settles_waits(own: School) -> None:
    drop(own.paths, PEN)
    early, late = Collector(open_site(own.site)), Collector(open_site(own.site), lambda: wall_ms() + 60_000)
    assert early.turn() == 0 and len(dropped(own.paths)) == 1
    assert late.turn() == 1


def test_a_clock_set_back_does_not_hold_anything_up(own: School, collector: Collector, clock: Clock) -> None:
    drop(own.paths, PEN)
    assert collector.turn() == 1
    drop(own.paths, PEN)
    clock.ms -= 86_400_000
    assert collector.turn() == 1


def test_without_a_keeper_the_files_stay(own: School, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    collector = Collector(open_site(own.site), Clock())
    drop(own.paths, PEN)
    with monkeypatch.context() as patch:
        nobody = KeeperClient(tmp_path / "nobody.sock", 0.1)
        patch.setattr("appliance.devices.collecting.KeeperClient", lambda path: nobody)
        with pytest.raises(KeeperGoneError):
            collector.turn()
    assert len(dropped(own.paths)) == 1
    assert collector.turn() == 1


def test_what_is_no_note_is_removed_and_counts_for_nothing(own: School, collector: Collector) -> None:
    folder = spool_of(own.paths)
    folder.mkdir(exist_ok=True)
    good = {"device": {"vendor": "058f", "product": "6387", "interface": "080650"}, "at_ms": 1}
    bad = {**good, "device": {**good["device"], "vendor": "../x"}}  # type: ignore[dict-item]
    for name, text in {
        "a": "",
        "b": "{",
        "c": "\udcff",
        "d": json.dumps(bad),
        "e": json.dumps({**good, "s": 1}),
    }.items():
        (folder / f"{name}.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    (folder / "link.json").symlink_to("/etc/hostname")
    os.mkfifo(folder / "pipe.json")
    assert collector.turn() == 0 and os.listdir(folder) == []


@pytest.mark.parametrize(
    "name", ["", "058f", "058f-6387-08065", "058F-6387-080650", "058f-6387-080650\n", "../../x"]
)
def test_only_a_device_can_be_named(name: str) -> None:
    with pytest.raises(DeviceNameError):
        Device.parse(name)


def test_no_name_and_no_serial_number_is_kept() -> None:
    assert DeviceRefused.__struct_fields__ == (
        "vendor",
        "product",
        "what",
        "count",
        "first_ms",
        "last_ms",
        "others",
    )
    assert Device.__struct_fields__ == ("vendor", "product", "interface")


def test_a_running_site_collects_by_itself(own: School, office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("appliance.devices.collecting._EVERY_S", 0.05)
    monkeypatch.setattr("appliance.devices.collecting._SETTLE_MS", 0)
    before = len(records(office))
    with collecting(open_site(own.site)):
        drop(own.paths, PHONE)
        waited = threading.Event()
        for _ in range(400):
            if not dropped(own.paths):
                break
            waited.wait(0.05)
    assert len(records(office)) == before + 1
    assert not [thread for thread in threading.enumerate() if thread.name == "usb"]


def test_the_command_takes_what_lies_there_once(own: School) -> None:
    drop(own.paths, PEN)
    path = dropped(own.paths)[0].path
    note = json.loads(path.read_text())
    path.write_text(json.dumps({**note, "at_ms": note["at_ms"] - 60_000}))
    told = CliRunner().invoke(cli, ["usb", "collect", str(own.site), "--once"])
    assert told.exit_code == 0 and told.output == "1\n"


def test_asking_again_reads_no_record(
    office: Office, own: School, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    drop(own.paths, PEN)
    collector.turn()
    told = office.devices.refused()
    monkeypatch.setattr(type(office._session.store), "head_rows", None)
    assert told is not None and office.devices.refused() == told


def test_every_entry_of_it_is_a_refusal(office: Office) -> None:
    entries = [
        msgspec.msgpack.decode(p.payload, type=AuditEntry) for p in office._session.store.heads(AuditEntry.kind)
    ]
    devices = [entry for entry in entries if entry.asset == DeviceRefused.kind]
    assert devices and {(entry.action, entry.verdict) for entry in devices} == {("copy_removable", "deny")}
