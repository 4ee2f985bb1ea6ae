"""From facts to plans, and plans applied to many boxes whose lines are cut at every single call."""

import hashlib
import time
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from appliance.enrolment.request import EnrolmentRequest, sign_request
from appliance.provision import running
from appliance.provision.applying import Tools
from appliance.provision.facts import Facts
from appliance.provision.inventory import Box, Inventory, read_inventory
from appliance.provision.needs import needs
from appliance.provision.plan import Act, make_plan, question
from appliance.provision.running import Job, Result, State, apply_all, look_at_all
from appliance.provision.sending import release_wanted
from appliance.provision.wanted import USERS, Wanted, wanted_groups
from appliance.provision.words import NEEDS, STEPS, need_line, step_line
from appliance.schoolcode import check_digit
from crypto.hybrid import HybridPrivateKey
from crypto.signing import SigningKey
from sync.clock import wall_ms
from tests.appliance.provision.simulated import SimulatedBox, SimulatedSession
from tests.appliance.provision.test_inventory import TEXT

ROOT = Path(__file__).resolve().parents[3]
KEY = SigningKey.generate().verify_key.to_bytes().hex()


class Source:
    """A release as small as can be, with the real unit files."""

    version = "0.1.0"

    def __init__(self, mark: str = "one") -> None:
        self._files = {
            str(path.relative_to(ROOT)): path.read_bytes()
            for path in sorted((ROOT / "systemd").rglob("*"))
            if path.is_file()
        }
        self._files["install.py"] = b"# install\n"
        self._files["wheels/one.whl"] = mark.encode() * 1000
        self.digest = hashlib.sha256(mark.encode()).hexdigest()

    def names(self, python: str, machine: str) -> tuple[str, ...]:
        assert (python, machine) == ("3.11", "x86_64")
        return tuple(self._files)

    def laid_out(self) -> tuple[str, ...]:
        return tuple(name for name in self._files if not name.endswith(".whl"))

    def note(self, name: str) -> tuple[int, str]:
        raw = self.file(name)
        return len(raw), hashlib.sha256(raw).hexdigest()

    def file(self, name: str) -> bytes:
        return b"{}" if name == "manifest.json" else self._files[name]


class Granter:
    """A board that answers at once, or not yet."""

    def __init__(self, *, ready: bool = True) -> None:
        self.ready, self.asked = ready, list[bytes]()

    def answer(self, box: Box, request: bytes) -> bytes | None:
        self.asked.append(request)
        return b"grant" if self.ready else None


@pytest.fixture
def inventory(tmp_path: Path) -> Inventory:
    file = tmp_path / "inventory.toml"
    file.write_text(TEXT.replace("ab" * 32, KEY), "utf-8")
    return read_inventory(file)


@pytest.fixture(autouse=True)
def simulated(monkeypatch: pytest.MonkeyPatch) -> dict[str, SimulatedBox]:
    monkeypatch.setattr(running, "Session", SimulatedSession)
    boxes: dict[str, SimulatedBox] = {}
    monkeypatch.setattr(SimulatedSession, "boxes", boxes)
    return boxes


@pytest.fixture(scope="module")
def request_made() -> bytes:
    return make_request("B101210000018")


def make_request(school: str) -> bytes:
    """Make a request as a box does."""
    sign, seal, lease = SigningKey.generate(), HybridPrivateKey.generate(), HybridPrivateKey.generate()
    keys = (sign.verify_key.to_bytes(), seal.public.to_bytes(), lease.public.to_bytes())
    return sign_request(EnrolmentRequest(school, 1, *keys, wall_ms()), sign)


def job(inventory: Inventory, box: Box, granter: Granter | None = None, source: Source | None = None) -> Job:
    return Job(box, inventory.target(box), Tools(source or Source(), granter or Granter(), confirm_s=5), KEY)


def tell(*_: object) -> None:
    pass


def provisioned(one: Job) -> Result:
    (found,) = look_at_all([one], tell)
    (result,) = apply_all([found], tell)
    return result


def planned(result: Result) -> list[str]:
    return [step.name for step in result.steps]


WHOLE = [
    "users",
    "folders",
    "bundle",
    "release",
    "units",
    "limits",
    "usb",
    "time",
    "office",
    "firewall",
    "request",
    "grant",
    "rights",
    "start",
    "confirm",
]
MORE = {"secrets", "settings"}  # where alarms go by mail, and when they change: test_alarmplaces


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
