"""Provisioning as these tests run it: a small release, a board that answers, boxes that are simulated."""

import hashlib
from pathlib import Path

from appliance.enrolment.request import EnrolmentRequest, sign_request
from appliance.provision.applying import Tools
from appliance.provision.inventory import Box, Inventory
from appliance.provision.running import Job, Result, apply_all, look_at_all
from crypto.hybrid import HybridPrivateKey
from crypto.signing import SigningKey
from sync.clock import wall_ms

ROOT = Path(__file__).resolve().parents[3]
KEY = SigningKey.generate().verify_key.to_bytes().hex()
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
