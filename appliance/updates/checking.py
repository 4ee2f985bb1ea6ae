"""Whether a version may be switched to, and whether it works once it was."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from appliance.updates.children import Answer, ask
from appliance.updates.errors import SelfTestError

SELF_TEST: Final = "appliance.updates.selftest"
PULSE: Final = "appliance.updates.pulse"
_IN_A_ROW: Final = 3  # a version that falls and is started again answers now and then, too


@dataclass(frozen=True, slots=True)
class SelfTest:
    """Tries a version that does not run on a site."""

    site: Path

    def __call__(self, slot: Path, version: str) -> None:
        """Return when the version passes; raises SelfTestError."""
        answer = ask(slot, SELF_TEST, self.site)
        problem = answer.problem or ("" if answer.version == version else f"it is {answer.version or 'nothing'}")
        if problem:
            raise SelfTestError(operation="test version", subject=version, version=version, problem=problem)


@dataclass(frozen=True, slots=True)
class Health:
    """Looks at a version that was just started, until it has worked for a while or the patience is over."""

    site: Path
    patience_s: float = 120.0
    every_s: float = 3.0
    question: Callable[[Path, Path], Answer] = lambda slot, site: ask(slot, PULSE, site, 20.0)

    def __call__(self, slot: Path) -> str:
        """Return what was wrong last, nothing when it worked three times in a row."""
        until, good, problem = time.monotonic() + self.patience_s, 0, "-"
        while good < _IN_A_ROW:
            problem = self.question(slot, self.site).problem
            good = 0 if problem else good + 1
            if time.monotonic() > until and problem:
                return problem
            if good < _IN_A_ROW:
                time.sleep(self.every_s)
        return ""
