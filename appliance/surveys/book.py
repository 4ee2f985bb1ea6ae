"""Questionnaires and their answers as one session may read them.

Invariant: a batch counts only from a site, an answer by name only as its author's own; a record that no desk would
have kept is as if it were not there.
"""

from dataclasses import dataclass
from typing import Final, TypeVar

from appliance.surveys.ballots import fits, open_ballot
from appliance.surveys.records import Given, SurveyAnswer, SurveyBatch, SurveyForm
from crypto.importance import Importance
from sync import reading
from sync.reader import Row
from sync.sealed import SealedStore

_SITE: Final = "site"
_R = TypeVar("_R", SurveyForm, SurveyAnswer, SurveyBatch)


@dataclass(frozen=True, slots=True)
class Standing:
    """A questionnaire as it stands, and the heads that a change to it replaces."""

    survey: str
    row: Row
    heads: tuple[bytes, ...]
    form: SurveyForm


class SurveyBook:
    """Reads questionnaires over one session."""

    def __init__(self, store: SealedStore) -> None:
        self._store = store
        self._opened: dict[bytes, object] = {}

    def forms(self) -> list[Standing]:
        """Return every questionnaire, the newest first."""
        found = []
        for row, heads in self._store.head_rows(SurveyForm.kind):
            form = self._read(row, SurveyForm)
            if form is not None:
                found.append(Standing(row.record.hex(), row, heads, form))
        return sorted(found, key=lambda one: one.row.change_id, reverse=True)

    def form(self, survey: str) -> Standing | None:
        """Return one questionnaire."""
        return next((one for one in self.forms() if one.survey == survey), None)

    def batches(self) -> dict[str, list[SurveyBatch]]:
        """Return questionnaire → the batches of answers without names."""
        found: dict[str, list[SurveyBatch]] = {}
        for row, _ in self._store.head_rows(SurveyBatch.kind):
            author = self._store.keyring.people.person(row.author)
            batch = self._read(row, SurveyBatch) if author is not None and _SITE in author.roles else None
            if batch is not None:
                found.setdefault(batch.survey, []).append(batch)
        return found

    def ballots(self, standing: Standing, batches: list[SurveyBatch]) -> list[tuple[Given, ...]]:
        """Open the ballots of a questionnaire; those that no desk would have sealed are passed over."""
        pairs = [
            pair for pair in self._store.keyring.pairs.values() if pair.id.importance is SurveyBatch.importance
        ]
        pairs.sort(key=lambda pair: pair.id.key_epoch, reverse=True)
        found = []
        for ballot in {ballot for batch in batches for ballot in batch.ballots}:
            opened = (open_ballot(pair, standing.survey, ballot, standing.form) for pair in pairs)
            given = next((one for one in opened if one is not None), None)
            if given is not None:
                found.append(given)
        return found

    def answered(self, survey: str, person: bytes) -> bool:
        """Say whether somebody's answer by name stands; opens nothing."""
        return bool(self._store.reader.heads_at([(SurveyAnswer.kind, self.answer_record(survey, person))]))

    def count_named(self, survey: str, people: list[bytes]) -> int:
        """Count who of some people answered by name; opens nothing."""
        return sum(self.answered(survey, person) for person in people)

    def answers(self, standing: Standing) -> dict[bytes, tuple[Given, ...]]:
        """Return person → the answer by name; raises NotClearedError."""
        found = {}
        for row, _ in self._store.head_rows(SurveyAnswer.kind):
            if row.record != self.answer_record(standing.survey, row.author):
                continue  # somebody answered for somebody else, or another questionnaire
            answer = self._read(row, SurveyAnswer)
            if answer is not None and answer.survey == standing.survey and fits(standing.form, answer.given):
                found[row.author] = answer.given
        return found

    def answer_record(self, survey: str, person: bytes) -> bytes:
        """Return the record of somebody's answer, under the naming secret that all staff have."""
        return self._store.record_id(SurveyAnswer.kind, Importance.III, survey, person.hex())

    def _read(self, row: Row, struct: type[_R]) -> _R | None:
        if row.importance != struct.importance or not self._store.keyring.cleared(struct.importance):
            return None
        if row.change_id not in self._opened:
            self._opened[row.change_id] = reading.read(self._store, reading.decoder(struct), row)
        thing = self._opened[row.change_id]
        return thing if isinstance(thing, struct) else None
