"""What befalls a box at a school ends in a working box without hands: nothing acknowledged is lost."""

import json

import pytest

from tests.boxes.town import SITE, School, all_confirmed, wait_for

_AT_START = f"""cat > /etc/systemd/system/person.service <<'END'
[Service]
ExecStart=sh -c 'while sleep 1; do kurabako status {SITE} --json > /root/new; mv /root/new /root/told; done'
[Install]
WantedBy=multi-user.target
END
systemctl enable person"""
UNITS = ("kurabako-keeper", "kurabako-sync", "kurabako-inbox", "kurabako-notice")


def _whole(school: School, at_least: int) -> dict[str, object]:
    """Wait until the box works and everything in it, no less than before, is countersigned."""
    found = wait_for(
        school.machine, lambda told: all_confirmed(told) and told["saved"] >= at_least, "everything confirmed"
    )
    active = school.machine.ssh("systemctl is-active", *(f"{unit}.service" for unit in UNITS), check=False)
    assert active.stdout.split() == ["active"] * len(UNITS)
    return found


def test_entries_made_without_a_line_are_kept_and_confirmed_when_it_is_back(school: School) -> None:
    before = _whole(school, 1)["saved"]
    assert isinstance(before, int)
    school.person()
    school.wait_told(all_confirmed, "the box at rest")
    school.machine.unplug()
    school.enter()
    cut = school.wait_told(lambda told: told["saved"] > before, "an entry of their own")
    assert cut["sent"] < cut["saved"] and cut["confirmed"] < cut["saved"], cut
    school.machine.plug()
    school.machine.wait_for_ssh()
    school.machine.ssh("systemctl stop person")
    _whole(school, cut["saved"])


@pytest.mark.parametrize("unit", UNITS)
def test_a_process_that_is_killed_comes_back(school: School, unit: str) -> None:
    before = _whole(school, 1)["saved"]
    assert isinstance(before, int)
    school.machine.ssh(f"systemctl kill -s KILL {unit}")
    wait_for(
        school.machine,
        lambda told: school.machine.ssh(f"systemctl is-active {unit}", check=False).stdout.strip() == "active",
        f"{unit} again",
    )
    _whole(school, before)


def test_what_a_killed_sync_leaves_does_not_hold_up_the_next_one(school: School) -> None:
    def litestreams() -> list[str]:
        return school.machine.ssh("pgrep -u kurabako-sync litestream", check=False).stdout.split()

    before = _whole(school, 1)["saved"]
    assert isinstance(before, int)
    (old,) = litestreams()
    school.machine.ssh(f"kill -STOP {old}", "&&", "systemctl kill -s KILL --kill-whom=main kurabako-sync")
    wait_for(school.machine, lambda _: bool(litestreams()) and old not in litestreams(), "another Litestream")
    log = school.machine.ssh("journalctl -o cat -u kurabako-sync").stdout
    assert "Killing process" in log and "timed out" not in log, log
    _whole(school, before)


def test_after_a_killed_keeper_the_replica_is_replaced_and_proven(school: School) -> None:
    healed = f"cat {SITE}/log/replica.jsonl"
    before = school.machine.ssh(healed, check=False).stdout.splitlines()
    school.machine.ssh("systemctl kill -s KILL kurabako-keeper")
    wait_for(
        school.machine,
        lambda _: len(school.machine.ssh(healed, check=False).stdout.splitlines()) > len(before),
        "a healing",
    )
    newest = json.loads(school.machine.ssh(healed).stdout.splitlines()[-1])
    assert newest["cause"] == "unclean stop"
    _whole(school, newest["seq"])


def test_it_is_shut_down_and_started_again(school: School) -> None:
    before = _whole(school, 1)["saved"]
    assert isinstance(before, int)
    school.machine.shut_down()
    school.machine.boot()
    _whole(school, before)


def test_the_power_goes(school: School) -> None:
    before = _whole(school, 1)["saved"]
    assert isinstance(before, int)
    school.machine.cut_power()
    school.machine.boot()
    _whole(school, before)


def test_it_starts_where_there_is_no_network_and_works_there(school: School) -> None:
    before = _whole(school, 1)["saved"]
    assert isinstance(before, int)
    school.machine.ssh(_AT_START)
    school.machine.cut_power()
    (school.machine.root / "root/told").unlink(missing_ok=True)
    school.machine.boot(plugged=False)
    found = school.wait_told(lambda told: told["running"] and told["link"] == "offline", "a box that works")
    assert found["saved"] >= before, found
    school.machine.plug()
    school.machine.wait_for_ssh()
    school.machine.ssh("systemctl disable --now person")
    _whole(school, before)


def test_the_disk_is_full_and_has_room_again(school: School) -> None:
    before = _whole(school, 1)["saved"]
    assert isinstance(before, int)
    school.machine.resize_disk(0)
    school.machine.ssh(f"echo scanned > {SITE}/inbox/III/scan.txt")
    school.machine.ssh("systemctl restart --no-block kurabako-keeper", "&&", "sleep 20")
    waits = school.machine.ssh(f"cat {SITE}/inbox/III/scan.txt").stdout
    assert waits == "scanned\n", "nothing says that it was taken, so it lies there"
    school.machine.resize_disk(1 << 20)
    _whole(school, before + 1)
    assert school.machine.ssh(f"ls {SITE}/inbox/III").stdout == "", "it was taken once there was room"
