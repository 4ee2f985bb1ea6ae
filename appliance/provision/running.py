"""Many boxes at once: each is looked at, planned for and brought there in a thread of its own.

Invariant: one box's failure stops no other; what is shown is what will be done, since a plan is made anew only
from what was found. Whoever calls decides between looking and applying.
"""

import concurrent.futures
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from appliance.provision.applying import Applied, Applier, Tools, head_of
from appliance.provision.errors import NotReadyError, UnverifiedError
from appliance.provision.facts import Facts, look
from appliance.provision.inventory import Box
from appliance.provision.needs import Need, needs
from appliance.provision.plan import Step, make_plan, question
from appliance.provision.sending import release_wanted
from appliance.provision.ssh import Session
from appliance.provision.target import Target
from appliance.provision.wanted import ReleaseWanted, Wanted, wanted_groups
from crypto.errors import KurabakoError
from sync.clock import wall_ms

MOST_AT_ONCE: Final = 32
Tell = Callable[[str, str, int, int], None]
"""Is told a box's school code, a step's name, what is done of it and the total."""


class State(StrEnum):
    """How a box came out."""

    UNCHANGED = "unchanged"
    PLANNED = "planned"
    DONE = "done"
    WAITING = "waiting"
    NOT_READY = "not_ready"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Job:
    """A box that is to be provisioned."""

    box: Box
    target: Target
    tools: Tools
    root_key: str
    update_root: bytes = b""


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a box: its plan, and what is missing, was done or failed."""

    job: Job
    state: State
    steps: tuple[Step, ...] = ()
    needs: tuple[Need, ...] = ()
    facts: Facts | None = None
    error: BaseException | None = None
    done: tuple[str, ...] = ()
    head: dict[str, object] | None = None


def look_at_all(jobs: Sequence[Job], tell: Tell) -> list[Result]:
    """Look at every box and plan for it; changes nothing."""
    return _together(jobs, lambda job: _look_at(job, tell))


def apply_all(results: Sequence[Result], tell: Tell) -> list[Result]:
    """Bring every planned box to where it shall be; others are handed through."""
    return _together(results, lambda result: _apply_to(result, tell))


def _look_at(job: Job, tell: Tell) -> Result:
    school = job.box.school
    tell(school, "look", 0, 0)
    try:
        with Session(job.target) as session:
            facts, wanted = _facts(session, job)
    except KurabakoError as error:
        return Result(job, State.FAILED, error=error)
    missing, steps = needs(facts, wanted, wall_ms()), make_plan(facts, wanted)
    state = State.NOT_READY if missing else State.PLANNED if steps else State.UNCHANGED
    return Result(job, state, steps, missing, facts)


def _apply_to(result: Result, tell: Tell) -> Result:
    if result.state is not State.PLANNED:
        return result
    job = result.job
    try:
        with Session(job.target) as session:
            return _apply(session, result, tell)
    except KurabakoError as error:
        return replace(result, state=State.FAILED, error=error)


def _apply(session: Session, result: Result, tell: Tell) -> Result:
    job, school = result.job, result.job.box.school
    facts, wanted = _facts(session, job)  # it may have changed since it was shown; needs most of all
    missing = needs(facts, wanted, wall_ms())
    if missing:
        raise NotReadyError(
            operation="provision", subject=school, box=school, problems=", ".join(n.name for n in missing)
        )
    applier = Applier(session, facts, wanted, job.tools, lambda name, done, total: tell(school, name, done, total))
    applied: Applied = applier.apply(make_plan(facts, wanted))
    facts, wanted = _facts(session, job)
    left = make_plan(facts, wanted)
    if applied.waiting:
        return replace(result, state=State.WAITING, steps=left, done=applied.done, facts=facts)
    if left:
        names = ", ".join(step.name for step in left)
        raise UnverifiedError(operation="provision", subject=school, box=school, steps=names)
    return replace(result, state=State.DONE, facts=facts, done=applied.done, head=head_of(session))


def _facts(session: Session, job: Job) -> tuple[Facts, Wanted]:
    """Look; once more, at the bundle's files, where the release must be brought."""
    source = job.tools.source
    groups = wanted_groups(job.box, source.laid_out(), source.file, job.update_root)
    release = ReleaseWanted(source.version, source.digest, {})
    facts = look(session, question(Wanted(job.box, groups, release, job.root_key), look_at_bundle=False))
    release = release_wanted(source, facts.python, facts.machine)
    wanted = Wanted(job.box, groups, release, job.root_key, frozenset(job.tools.secrets.of(job.box)))
    if facts.slots.running != source.digest:
        facts = look(session, question(wanted))
    return facts, wanted


def _together(items: Sequence[object], work: Callable[..., Result]) -> list[Result]:
    with concurrent.futures.ThreadPoolExecutor(max_workers=min(MOST_AT_ONCE, max(1, len(items)))) as pool:
        return list(pool.map(work, items))
