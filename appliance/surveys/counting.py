"""The keyless worker that mixes ballots and writes them into the sealed log in the site's name.

Invariant: a batch holds at least `LEAST` ballots, in the order of their bytes, and as long as a questionnaire is
open at least `LEAST` more stay behind, so that the newest answer is never known to be in a batch. Which ballots go
is drawn by lot, and so is which marks go with them. A batch is kept before its files are removed.
"""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from appliance.surveys.box import BallotBox, Waiting
from appliance.surveys.records import LEAST, SurveyBatch
from sync.clock import wall_ms
from sync.sealed import Draft, SealedStore
from sync.site import SitePaths

_GRACE_MS: Final = 120_000  # somebody may be sending an answer as the questionnaire closes
_RECORD_BYTES: Final = 16


@dataclass
class BallotCounter:
    """Mixes the ballots of one site; `session` opens its keyless session, `now_ms` is the clock."""

    paths: SitePaths
    session: Callable[[], SealedStore]
    now_ms: Callable[[], int] = wall_ms

    def turn(self) -> int:
        """Mix what is due and return how many ballots went.

        Raises KeeperGoneError, PeopleMissingError, OSError and what the keeper refuses with; then the files stay.
        """
        box, went = BallotBox(self.paths), 0
        for waiting in box.waiting():
            closed = self.now_ms() >= waiting.until_ms + _GRACE_MS
            if closed or len(waiting.ballots) >= 2 * LEAST:
                went += self._mix(box, waiting, closed=closed)
        return went

    def _mix(self, box: BallotBox, waiting: Waiting, *, closed: bool) -> int:
        chosen, voters = waiting.ballots, waiting.voters
        if not closed:
            chosen, voters = _lot(chosen), _lot(voters)
        enough = len(chosen) >= LEAST
        ballots = sorted(ballot for ballot in map(box.read, chosen) if ballot is not None)
        batch = SurveyBatch(
            survey=waiting.survey,
            ballots=tuple(ballots) if enough else (),
            voters=tuple(sorted(map(box.voter_of, voters))) if enough else (),
            last=closed,
            dropped=0 if enough else len(chosen),
        )
        store = self.session()
        try:
            payload = msgspec.msgpack.encode(batch)
            store.put([Draft(batch.kind, secrets.token_bytes(_RECORD_BYTES), batch.importance, payload)])
        finally:
            store.close()
        box.take_out(waiting.survey, (*chosen, *voters), closed=closed)
        return len(batch.ballots)


def _lot(paths: Sequence[Path]) -> list[Path]:
    """Draw files so that `LEAST` stay behind."""
    return secrets.SystemRandom().sample(list(paths), max(0, len(paths) - LEAST))
