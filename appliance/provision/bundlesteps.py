"""What the steps of making a bundle share: their errors, and how a program of the developers' is run.

Invariant: a step that failed says which it was and what its program said.
"""

import os
import subprocess
from collections.abc import Mapping, Sequence

from appliance.errors import ApplianceError


class BundleBuildError(ApplianceError):
    """A step of making a bundle failed. Params: `step`, `problem`."""

    code = "APP-548"


class WheelMissingError(ApplianceError):
    """The index has no wheel of a package for a target, nor was one built here. Params: `package`, `target`."""

    code = "APP-549"


def run_step(step: str, command: Sequence[object], environment: Mapping[str, str] | None = None) -> str:
    """Run a program of the developers'; return what it printed. Raises BundleBuildError."""
    done = subprocess.run(
        [str(word) for word in command],
        env={**os.environ, **(environment or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise failed(step, (done.stderr or done.stdout).strip()[-2000:])
    return done.stdout


def failed(step: str, problem: str) -> BundleBuildError:
    """Return the error of a step."""
    return BundleBuildError(operation="make bundle", subject=step, step=step, problem=problem)
