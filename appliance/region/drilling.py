"""Restore drills of many schools at once: each school is one task, the record is written here.

Invariant: every school that was asked for gets exactly one line in the record, whatever becomes of the workers; a
worker gets no key, and what it restored is gone from its machine when its task ends.
"""

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from appliance.board.drills import Drill, Errand, Outcome, errand_for, note_outcome, run_errand
from appliance.board.folder import BoardFolder
from appliance.messages import explain
from appliance.region.cluster import Cluster, scratch_folder
from sync.clock import wall_ms


def drill_region(board: BoardFolder, schools: Sequence[str], cluster: Cluster, *, full: bool) -> Iterator[Drill]:
    """Drill schools on a cluster; yield what came of each as it is done, after it was written down."""
    errands: dict[str, Errand] = {}
    for school in dict.fromkeys(schools):
        try:
            errands[school] = errand_for(board, school, full=full)
        except Exception as error:  # noqa: BLE001 - a broken file of one school keeps no other from being tried
            yield _noted(board, _failed(school, error))
    for school, told in cluster.each(drill_one, errands):
        outcome = told if isinstance(told, Outcome) else _failed(school, told)
        yield _noted(board, outcome)


def drill_one(errand: Errand) -> Outcome:
    """Drill one school in a folder of the moment; this is what a worker runs."""
    with tempfile.TemporaryDirectory(prefix="kurabako-drill-", dir=scratch_folder()) as folder:
        return run_errand(errand, Path(folder) / "restored")


def _noted(board: BoardFolder, outcome: Outcome) -> Drill:
    note_outcome(board, outcome)
    return outcome.drill


def _failed(school: str, error: object) -> Outcome:
    cause = error if isinstance(error, Exception) else TypeError(type(error).__name__)
    return Outcome(Drill(school, wall_ms(), passed=False, code=explain(cause).code))
