"""From how a box stands to what is to be done: a pure function, so a plan can be looked at, tested and repeated.

Invariant: the same facts and wishes give the same plan; for a box that stands as wanted it is empty. Steps are in
an order in which a cut after any of them leaves a box that the next run goes on with.
"""

from dataclasses import dataclass
from enum import StrEnum

from appliance.provision.facts import BundleQuestion, Facts, Question
from appliance.provision.wanted import (
    BUNDLES,
    BUS,
    CLOCKS,
    CREDENTIALS,
    ENABLED,
    MARKS,
    MODULES,
    PROGRAMS,
    SERVICES,
    SITE,
    SLOTS,
    STARTED,
    UDEV,
    USERS,
    FileWanted,
    Group,
    Wanted,
)


class Act(StrEnum):
    """What a step does; each has its words in `words`."""

    BUNDLE = "bundle"
    RELEASE = "release"
    GROUP = "group"
    REQUEST = "request"
    SECRETS = "secrets"
    GRANT = "grant"
    SETTINGS = "settings"
    RIGHTS = "rights"
    START = "start"
    CONFIRM = "confirm"


@dataclass(frozen=True, slots=True)
class Step:
    """One step. `name` is its key in words and marks; `why` names what was found; `group`, `slot`: of which."""

    act: Act
    name: str
    why: tuple[str, ...] = ()
    group: Group | None = None
    slot: str = ""
    destructive: bool = False


def question(wanted: Wanted, *, look_at_bundle: bool = True) -> Question:
    """Return what a look at a box must ask to plan for these wishes."""
    secrets = (f"{CREDENTIALS}/{name}" for name in wanted.box.secret_names())
    files = (*(file.path for file in wanted.files), *secrets, "/usr/local/bin/kurabako")
    sizes = {name: size for name, (size, _) in wanted.release.files.items()}
    bundle = BundleQuestion(f"{BUNDLES}-{wanted.release.manifest[:16]}", sizes) if look_at_bundle else None
    units = (*STARTED, *ENABLED, *CLOCKS, BUS, "nftables.service", "ssh.service", UDEV)
    return Question(files, USERS, units, PROGRAMS, MODULES, SLOTS, SITE, MARKS, bundle)


def make_plan(facts: Facts, wanted: Wanted) -> tuple[Step, ...]:
    """Return what is to be done, in order; nothing for a box that stands as wanted."""
    steps = [*_group_steps(facts, wanted, ("users", "folders")), *_release_steps(facts, wanted)]
    steps += _group_steps(facts, wanted, ("units", "limits", "usb", "time", "office", "firewall"))
    lacking = missing_secrets(facts, wanted)
    steps += [Step(Act.SECRETS, "secrets", lacking)] if lacking else []
    steps += _enrolment_steps(facts, wanted)  # after all that protects it: the board may let it wait for days
    restart = any(step.act in (Act.RELEASE, Act.SECRETS, Act.SETTINGS) or step.name == "units" for step in steps)
    steps += _start_steps(facts, restart=restart)
    return tuple(steps)


def _group_steps(facts: Facts, wanted: Wanted, names: tuple[str, ...]) -> list[Step]:
    steps = []
    for group in (group for group in wanted.groups if group.name in names):
        why = [file.path for file in group.files if not _stands(facts, file)]
        if group.name == "users":
            why += [user for user in USERS if user not in facts.users]
        if not why and facts.marks.get(group.name) != group.digest:
            why = ["-"]
        if why:
            steps.append(Step(Act.GROUP, group.name, tuple(why), group, destructive=group.destructive))
    return steps


def _stands(facts: Facts, file: FileWanted) -> bool:
    there = facts.files.get(file.path)
    return there is not None and (there.sha256, there.mode, there.owner) == (file.sha256, file.mode, file.owner)


def _release_steps(facts: Facts, wanted: Wanted) -> list[Step]:
    release, link = wanted.release, facts.files.get("/usr/local/bin/kurabako")
    linked = link is not None and link.link == f"{SLOTS}/current/bin/kurabako"
    if facts.slots.running == release.manifest and linked:
        return []
    slot = _slot(facts, wanted)
    steps = []
    missing = [name for name, (_, digest) in release.files.items() if facts.bundle.get(name) != digest]
    if missing and facts.slots.manifests.get(slot) != release.manifest:
        steps.append(Step(Act.BUNDLE, "bundle", (f"{len(missing)}/{len(release.files)}", release.version)))
    return [*steps, Step(Act.RELEASE, "release", (release.version, slot), slot=slot)]


def _slot(facts: Facts, wanted: Wanted) -> str:
    """Return the slot to install into: the one that has the release already, else the one that does not run."""
    for name, manifest in sorted(facts.slots.manifests.items()):
        if manifest == wanted.release.manifest:
            return name
    return "b" if facts.slots.current == "a" else "a"


def missing_secrets(facts: Facts, wanted: Wanted) -> tuple[str, ...]:
    """Return the names of secrets that the box needs and does not have."""
    return tuple(name for name in wanted.box.secret_names() if facts.files.get(f"{CREDENTIALS}/{name}") is None)


def _enrolment_steps(facts: Facts, wanted: Wanted) -> list[Step]:
    if facts.site.enrolled:
        other = _other_settings(facts, wanted)
        steps = [Step(Act.SETTINGS, "settings", other)] if other else []
        return steps if facts.marks.get("rights") == "done" else [*steps, Step(Act.RIGHTS, "rights")]
    steps = [] if facts.site.request else [Step(Act.REQUEST, "request")]
    return [*steps, Step(Act.GRANT, "grant"), Step(Act.RIGHTS, "rights")]


def _other_settings(facts: Facts, wanted: Wanted) -> tuple[str, ...]:
    """Return the sections of kurabako.toml that do not say what this machine's own shall say."""
    there = facts.site.sections
    return tuple(
        name
        for name, values in wanted.settings.items()
        if any(there.get(name, {}).get(key) != value for key, value in values.items())
    )


def _start_steps(facts: Facts, *, restart: bool) -> list[Step]:
    wrong = []
    for unit in STARTED:
        enabled, active, stale = facts.units.get(unit, ("", "", False))
        if enabled == "masked":  # somebody at the board wanted it so, such as the drop folder on disk
            continue
        if active != "active" or enabled not in ("enabled", "static") or stale:
            wrong.append(unit)
    wrong += [unit for unit in ENABLED if facts.units.get(unit, ("", "", False))[0] != "enabled"]
    steps = []
    if wrong or restart:
        steps.append(Step(Act.START, "start", tuple(wrong) or SERVICES))
    status = facts.site.status
    if not (status and status.confirmed and status.verified_at_ms):
        steps.append(Step(Act.CONFIRM, "confirm"))
    return steps
