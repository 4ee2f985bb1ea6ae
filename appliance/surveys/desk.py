"""The desk of questionnaires: making them, answering them, and what came out.

Invariant: every method asks the policy first. An answer without a name goes into the ballot box and nowhere else:
it leaves no change and no audit entry in its author's name. What came out is shown after the end.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import Final

import msgspec

from appliance.classification.model import Action, Verdict
from appliance.errors import ApplianceError
from appliance.people import ROLE_NAMES
from appliance.session import JST, Session, local_time
from appliance.surveys.ballots import fits, seal_ballot
from appliance.surveys.book import Standing, SurveyBook
from appliance.surveys.box import BallotBox
from appliance.surveys.records import LEAST, MOST_TEXT, Given, SurveyAnswer, SurveyBatch, SurveyForm
from appliance.surveys.results import Results, results_of
from appliance.surveys.surveytext import read_survey, survey_template
from appliance.text import printable
from appliance.views import Saved
from crypto.importance import Importance
from sync.ids import Site
from sync.sealed import Draft

_FORM: Final = SurveyForm.kind
_ANSWER: Final = SurveyAnswer.kind
_BATCH: Final = SurveyBatch.kind
_TERMINAL: Final = "timeclock"
RESULT: Final = "survey.result"  # totals: no record, but what may be printed of them


class UnknownSurveyError(ApplianceError):
    """There is no such questionnaire."""

    code = "APP-651"


class SurveyClosedError(ApplianceError):
    """The questionnaire is closed: it takes no more answers."""

    code = "APP-652"


class AnsweredAlreadyError(ApplianceError):
    """This person answered already; an answer without a name cannot be found again to be changed."""

    code = "APP-653"


class AnswerUnfitError(ApplianceError):
    """An answer is not such as the questions ask for."""

    code = "APP-654"


class BallotBoxError(ApplianceError):
    """The ballot box cannot be written; the answer was not kept."""

    code = "APP-655"


class ResultsHiddenError(ApplianceError):
    """There are no results to be shown: still open, still being mixed, or too few answers."""

    code = "APP-656"


class Stage(StrEnum):
    """How far a questionnaire is."""

    OPEN = "open"
    MIXING = "mixing"  # closed, and the site has not mixed the last ballots yet
    TOO_FEW = "too_few"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class SurveyView:
    """A questionnaire in a list. `answers` of `asked` people are known of; `own`: one answered oneself."""

    survey: str
    form: SurveyForm
    by: str
    at: datetime
    stage: Stage
    answers: int
    asked: int
    own: bool


class SurveyDesk:
    """Questionnaires over one session."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._book = SurveyBook(session.store)
        self._box = BallotBox(session.site.paths)

    def listed(self) -> tuple[SurveyView, ...]:
        """Return the questionnaires: open ones first, then the newest."""
        self._session.ask(Action.VIEW, _FORM, SurveyForm.importance)
        self._tend()
        batches = self._book.batches()
        views = [self._view(one, batches.get(one.survey, [])) for one in self._book.forms()]
        return tuple(sorted(views, key=lambda view: view.stage is not Stage.OPEN))

    def get(self, survey: str) -> SurveyView:
        """Return one questionnaire; raises UnknownSurveyError."""
        self._session.ask(Action.VIEW, _FORM, SurveyForm.importance)
        one = self._one(survey)
        return self._view(one, self._book.batches().get(survey, []))

    def template(self) -> str:
        """Return the text of a questionnaire to be changed."""
        return survey_template(self._session.today() + timedelta(weeks=1))

    def make(self, text: str) -> tuple[str, Saved]:
        """Keep a questionnaire from its text and open it; raises SurveyTextError."""
        self._session.ask(Action.EDIT, _FORM, SurveyForm.importance)
        form = read_survey(text, self._session.today())
        record = os.urandom(16)
        saved = self._kept(form, record, ())
        self._tend()
        return record.hex(), saved

    def close(self, survey: str) -> Saved | None:
        """End a questionnaire before its last day; None when it is closed already."""
        self._session.ask(Action.EDIT, _FORM, SurveyForm.importance, subject=survey)
        one = self._one(survey)
        if self._closed(one.form):
            return None
        saved = self._kept(msgspec.structs.replace(one.form, closed=True), bytes.fromhex(survey), one.heads)
        self._tend()
        return saved

    def answer(self, survey: str, given: Sequence[Given]) -> Saved | None:
        """Keep this person's answer: by name as a change of theirs, else as a ballot, for which None is returned.

        An answer by name replaces the former one. Raises SurveyClosedError, AnsweredAlreadyError,
        AnswerUnfitError, BallotBoxError; then nothing was kept.
        """
        self._session.ask(Action.EDIT, _ANSWER, SurveyAnswer.importance, subject=survey)
        one = self._one(survey)
        told = tuple(_clean(part) for part in given)
        if self._closed(one.form):
            raise SurveyClosedError(operation="answer questionnaire", subject=survey)
        if not fits(one.form, told) or not any(told):
            raise AnswerUnfitError(operation="answer questionnaire", subject=survey)
        if one.form.named:
            return self._by_name(one, told)
        self._ballot(one, told)
        return None

    def results(self, survey: str) -> Results:
        """Return the totals of a closed questionnaire; raises ResultsHiddenError, UnknownSurveyError."""
        self._session.ask(Action.VIEW, _FORM, SurveyForm.importance)
        one = self._one(survey)
        if one.form.named:
            self._session.ask(Action.VIEW, _ANSWER, SurveyAnswer.importance, subject=survey)
            if not self._closed(one.form):
                raise ResultsHiddenError(operation="show results", subject="open", least=LEAST)
            return results_of(one.form, list(self._book.answers(one).values()), len(self._asked()))
        self._session.ask(Action.VIEW, _BATCH, SurveyBatch.importance, subject=survey)
        batches = self._book.batches().get(survey, [])
        stage = self._stage(one.form, batches)
        if stage is not Stage.DONE:
            raise ResultsHiddenError(operation="show results", subject=str(stage), least=LEAST)
        ballots = self._book.ballots(one, batches)
        if len(ballots) < LEAST:  # what opens counts, not what somebody says there is
            raise ResultsHiddenError(operation="show results", subject=str(Stage.TOO_FEW), least=LEAST)
        return results_of(one.form, ballots, len(self._asked()))

    def named_answers(self, survey: str) -> tuple[tuple[str, tuple[Given, ...]], ...]:
        """Return name and answer of everybody who answered by name; raises UnknownSurveyError."""
        self._session.ask(Action.VIEW, _ANSWER, SurveyAnswer.importance, subject=survey)
        one = self._one(survey)
        answers = self._book.answers(one) if one.form.named else {}
        name = self._session.roster.display_name
        return tuple(sorted((name(person), given) for person, given in answers.items()))

    def may_see_names(self) -> bool:
        """Say whether this person may see who answered what by name; opens nothing."""
        decision = self._session.may(Action.VIEW, _ANSWER, SurveyAnswer.importance)
        return decision.verdict is Verdict.ALLOW

    def _by_name(self, one: Standing, given: tuple[Given, ...]) -> Saved:
        store = self._session.store
        record = self._book.answer_record(one.survey, store.person)
        base = store.base_of(_ANSWER, [record]).get(record, ())
        payload = msgspec.msgpack.encode(SurveyAnswer(survey=one.survey, given=given))
        return self._session.saved(store.put([Draft(_ANSWER, record, SurveyAnswer.importance, payload, base)]))

    def _ballot(self, one: Standing, given: tuple[Given, ...]) -> None:
        if not self._at_box():
            raise BallotBoxError(operation="answer questionnaire", subject="hub")
        if self._own(one, self._book.batches().get(one.survey, [])):
            raise AnsweredAlreadyError(operation="answer questionnaire", subject=one.survey)
        ballot = seal_ballot(self._session.store.keyring.public(Importance.III), one.survey, given)
        try:
            self._box.open_for(one.survey, _until_ms(one))
            self._box.put(one.survey, self._session.store.person.hex(), ballot)
        except OSError as exc:
            raise BallotBoxError(operation="answer questionnaire", subject="ballots", cause=exc) from exc

    def _tend(self) -> None:
        """See that the process that counts knows every questionnaire without names, and when it closes."""
        if not self._at_box():
            return
        done = {survey for survey, batches in self._book.batches().items() if any(one.last for one in batches)}
        for one in self._book.forms():
            if not one.form.named and one.survey not in done:
                try:
                    self._box.open_for(one.survey, _until_ms(one))
                except OSError as exc:
                    raise BallotBoxError(operation="open ballot box", subject="ballots", cause=exc) from exc

    def _at_box(self) -> bool:
        return self._session.site.config.site.kind == Site.BOX and self._session.store.client is not None

    def _kept(self, form: SurveyForm, record: bytes, heads: tuple[bytes, ...]) -> Saved:
        payload = msgspec.msgpack.encode(form)
        return self._session.saved(
            self._session.store.put([Draft(_FORM, record, SurveyForm.importance, payload, heads)])
        )

    def _one(self, survey: str) -> Standing:
        found = self._book.form(survey)
        if found is None:
            raise UnknownSurveyError(operation="find questionnaire", subject=survey)
        return found

    def _closed(self, form: SurveyForm) -> bool:
        return form.closed or self._session.today() > form.until

    def _stage(self, form: SurveyForm, batches: Sequence[SurveyBatch]) -> Stage:
        if not self._closed(form):
            return Stage.OPEN
        if form.named:
            return Stage.DONE
        if not any(batch.last for batch in batches):
            return Stage.MIXING
        return Stage.DONE if _ballots(batches) >= LEAST else Stage.TOO_FEW

    def _asked(self) -> list[bytes]:
        """Return who is asked: everybody of the staff who is in office."""
        now = self._session.now_ms()
        return [
            person.id
            for person in self._session.store.keyring.people.people
            if person.valid(now) and {*person.roles} & {*ROLE_NAMES} - {_TERMINAL}
        ]

    def _own(self, one: Standing, batches: Sequence[SurveyBatch]) -> bool:
        person = self._session.store.person
        if one.form.named:
            return self._book.answered(one.survey, person)
        return any(person.hex() in batch.voters for batch in batches) or self._box.voted(one.survey, person.hex())

    def _view(self, one: Standing, batches: Sequence[SurveyBatch]) -> SurveyView:
        asked = self._asked()
        named = one.form.named
        answers = self._book.count_named(one.survey, asked) if named else _ballots(batches)
        return SurveyView(
            one.survey,
            one.form,
            self._session.roster.display_name(one.row.author),
            local_time(one.row.at_ms),
            self._stage(one.form, batches),
            answers,
            len(asked),
            self._own(one, batches),
        )


def _until_ms(one: Standing) -> int:
    """Return when a questionnaire closes: the end of its last day, or the moment it was closed."""
    if one.form.closed:
        return one.row.at_ms
    return int(datetime.combine(one.form.until + timedelta(days=1), time(), JST).timestamp() * 1000)


def _ballots(batches: Sequence[SurveyBatch]) -> int:
    """Count ballots: one that was written twice, as after a power cut, is one."""
    return len({ballot for batch in batches for ballot in batch.ballots})


def _clean(given: Given) -> Given:
    if isinstance(given, str):
        return "\n".join(printable(line.rstrip()) for line in given.strip().splitlines())[:MOST_TEXT]
    return tuple(sorted(given))
