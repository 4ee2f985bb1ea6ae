"""A small evaluator of udev rules: what a rules file does with a device, by udev(7).

It knows what the product's own file uses and fails on anything else, so that the file cannot outgrow it unseen.
"""

import re
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

_TERM = re.compile(r'\s*([A-Z_]+)(?:\{([^}]+)\})?\s*(==|!=|\+=|=)\s*"([^"]*)"\s*')
_MATCHED = {"ACTION", "SUBSYSTEM", "KERNEL", "ENV", "ATTR", "ATTRS"}


@dataclass
class Device:
    """A device of sysfs: `attrs` are its own attributes, `parents` those above it, nearest first."""

    kernel: str
    devtype: str
    attrs: dict[str, str]
    parents: tuple[dict[str, str], ...] = ()
    env: dict[str, str] = field(default_factory=dict)
    action: str = "add"
    subsystem: str = "usb"


@dataclass
class Done:
    """What the rules did: attributes written, in order, and what was added to the environment and tags."""

    written: list[tuple[str, str]] = field(default_factory=list)
    wants: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)

    def attr(self, name: str) -> str | None:
        return dict(self.written).get(name)


Term = tuple[str, str, str, str]


def parse(text: str) -> list[list[Term]]:
    """Return the rules, each a list of (key, attribute, operator, value)."""
    rules = []
    for line in text.splitlines():
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        terms, place = [], 0
        while place < len(line):
            match = _TERM.match(line, place)
            assert match, line[place:]
            terms.append((match[1], match[2] or "", match[3], match[4]))
            place = match.end()
            assert place == len(line) or line[place] == ",", line
            place += 1
        rules.append(terms)
    return rules


def run(rules: Path | str, device: Device) -> Done:
    """Run a rules file over one event."""
    parsed = parse(rules.read_text("utf-8") if isinstance(rules, Path) else rules)
    labels = {value: n for n, terms in enumerate(parsed) for key, _, _, value in terms if key == "LABEL"}
    done, place = Done(), 0
    while place < len(parsed):
        terms = parsed[place]
        parent = _parent(terms, device)
        place += 1
        if parent is None or not all(_holds(term, device) for term in terms):
            continue
        for key, name, operator, value in terms:
            if key == "GOTO":
                assert labels[value] >= place, "udev goes forwards only"
                place = labels[value]
            elif operator in ("=", "+="):
                _assign(key, name, _filled(value, device, parent), device, done)
    return done


def _parent(terms: list[Term], device: Device) -> dict[str, str] | None:
    """Return the one device, itself or above, that fits every ATTRS of a rule; empty when there is none to fit."""
    wanted = [term for term in terms if term[0] == "ATTRS"]
    if not wanted:
        return {}
    for attrs in (device.attrs, *device.parents):
        if all(_fits(attrs.get(name), operator, value) for _, name, operator, value in wanted):
            return attrs
    return None


def _holds(term: Term, device: Device) -> bool:
    key, name, operator, value = term
    if operator in ("=", "+=") or key == "ATTRS":
        return True
    assert key in _MATCHED, key
    told = {"ACTION": device.action, "SUBSYSTEM": device.subsystem, "KERNEL": device.kernel}.get(key)
    if key == "ENV":
        told = device.devtype if name == "DEVTYPE" else device.env.get(name, "")
    elif key == "ATTR":
        told = device.attrs.get(name)
    return _fits(told, operator, value)


def _fits(told: str | None, operator: str, value: str) -> bool:
    if told is None:  # what is not there matches nothing, and `!=` neither (udev: an attribute that is missing)
        return False
    hit = any(fnmatchcase(told, pattern) for pattern in value.split("|"))
    return hit if operator == "==" else not hit


def _filled(value: str, device: Device, parent: dict[str, str]) -> str:
    """Put in $kernel and $attr{…}: of the device itself, else of the parent that an ATTRS of the rule chose."""
    value = value.replace("$kernel", device.kernel)
    filled = re.sub(r"\$attr\{(\w+)\}", lambda m: device.attrs.get(m[1], parent.get(m[1], "")), value)
    assert "$" not in filled and "%" not in filled, value
    return filled


def _assign(key: str, name: str, value: str, device: Device, done: Done) -> None:
    if key == "ATTR":
        done.written.append((name, value))
    elif key == "TAG":
        done.tags.append(value)
    elif key == "ENV" and name == "SYSTEMD_WANTS":
        done.wants.append(value)
    elif key == "ENV":
        device.env[name] = value
    else:
        assert key == "LABEL", key
