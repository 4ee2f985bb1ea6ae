"""The exchange desk: files of the school system are looked at, agreed to and applied, each with a receipt.

Invariant: every method asks the policy first. A file is settled once, and its receipt is in the same batch as what
it changed: there is never the one without the other. Nothing of a plain file touches a disk.
"""

import os
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Final

from appliance.classification.model import Action
from appliance.documents.desk import DocumentDesk
from appliance.exchange.book import ExchangeBook, Standing
from appliance.exchange.errors import (
    AgreementNeededError,
    AnswerUnknownError,
    RosterChangedError,
    UnknownArrivalError,
)
from appliance.exchange.incoming import Agreement, Examined, Form, Plan, examine, lacking
from appliance.exchange.records import MOST_FINDINGS, Answer, Arrival, Found, Receipt, Sent
from appliance.exchange.views import ArrivalView, ReceiptView, SentView
from appliance.oneroster.container import MAX_TOTAL, MIB, Held
from appliance.oneroster.errors import ContainerTooLargeError, SourceUnreadableError
from appliance.rosterdesk import RosterDesk
from appliance.session import Session, local_time
from crypto.importance import Importance
from sync.sealed import Draft

_ID_BYTES: Final = 16
_III: Final = Importance.III


class ExchangeDesk:
    """The exchange over one session. `name_of` says what a list may show of a document's name."""

    def __init__(
        self, session: Session, documents: DocumentDesk, roster: RosterDesk, name_of: Callable[[str], str]
    ) -> None:
        self._session, self._documents, self._roster = session, documents, roster
        self._name_of = name_of
        self._book = ExchangeBook(session.store)

    def waiting(self) -> tuple[ArrivalView, ...]:
        """Return the files that wait for somebody, the oldest first."""
        self._session.ask(Action.VIEW, Arrival.kind, _III)
        return tuple(
            ArrivalView(
                one.record.hex(),
                self._name_of(one.record.hex()),
                local_time(one.at_ms),
                one.thing.sha256.hex(),
                one.thing.size,
                one.thing.form,
            )
            for one in self._book.waiting()
        )

    def count(self) -> int:
        """Return how many files wait; cheap while nobody keeps anything."""
        self._session.ask(Action.VIEW, Arrival.kind, _III)
        return self._book.count()

    def receipts(self) -> tuple[ReceiptView, ...]:
        """Return what became of the files that came, the newest first."""
        self._session.ask(Action.VIEW, Receipt.kind, _III)
        came = {one.record for one in self._book.arrivals()}
        return tuple(self._view(one, came) for one in reversed(self._book.receipts()))

    def receipt(self, receipt_id: str) -> ReceiptView:
        """Return one; raises UnknownArrivalError."""
        found = next((view for view in self.receipts() if view.receipt_id == receipt_id), None)
        if found is None:
            raise UnknownArrivalError(operation="find receipt", subject=receipt_id)
        return found

    def sent(self) -> tuple[SentView, ...]:
        """Return what went out, the newest first, with what the school system said of it."""
        self._session.ask(Action.VIEW, Sent.kind, _III)
        answers, name = self._book.answers(), self._session.roster.display_name
        return tuple(
            SentView(
                one.thing.what,
                one.thing.first,
                one.thing.last,
                name(one.author),
                local_time(one.at_ms),
                one.thing.name,
                one.thing.sha256.hex(),
                one.thing.size,
                one.thing.rows,
                Importance(one.thing.graded),
                answers.get(one.thing.sha256),
            )
            for one in reversed(self._book.sent())
            if one.thing.graded in tuple(Importance)
        )

    def examine(self, document_id: str) -> Examined:
        """Look at a file that waits; keeps nothing.

        Raises UnknownArrivalError, and what opening a document and planning an import raise.
        """
        self._session.ask(Action.EDIT, Receipt.kind, _III)
        self._waiting(document_id)
        opened = self._documents.open(document_id)
        return self._examined(Held(opened.name, opened.data), document_id)

    def examine_file(self, file: Path) -> Examined:
        """Look at a file of this machine or of a medium, which stays as it is; keeps nothing."""
        self._session.ask(Action.EDIT, Receipt.kind, _III)
        try:
            if file.stat().st_size > MAX_TOTAL:
                limit = MAX_TOTAL // MIB
                raise ContainerTooLargeError(
                    operation="read export", subject=file.name, file=file.name, limit_mib=limit
                )
            return self._examined(Held(file.name, file.read_bytes()), "")
        except OSError as exc:
            raise SourceUnreadableError(operation="read export", subject=file.name, file=file.name) from exc

    def settle(self, examined: Examined, agreement: Agreement | None = None) -> ReceiptView:
        """Apply what was looked at, or refuse what cannot be used; return the receipt.

        Raises AgreementNeededError, UnknownArrivalError, RosterChangedError; then nothing was kept.
        """
        self._session.ask(Action.EDIT, Receipt.kind, _III)
        record = self._record(examined)
        if examined.refusal is not None:
            return self._kept(record, _receipt(examined, "refused", code=examined.refusal.code))
        if examined.form is Form.ANSWER:
            return self._keep_answers(examined, record)
        self._still_so(examined)
        if cautions := lacking(examined, agreement or Agreement()):
            count = examined.plan.leavers if examined.plan else 0
            raise AgreementNeededError(operation="import roster", subject=" ".join(cautions), count=count)
        return self._kept(record, _receipt(examined, "applied" if examined.changes else "nothing"), examined)

    def turn_away(self, examined: Examined) -> ReceiptView:
        """Write down that somebody does not want a file that could be used; return the receipt."""
        self._session.ask(Action.EDIT, Receipt.kind, _III)
        code = examined.refusal.code if examined.refusal else ""
        return self._kept(self._record(examined), _receipt(examined, "refused", code=code))

    def last_sent(self, what: str, first: date, last: date) -> Sent | None:
        """Return what went out last for a thing and a time, to whoever may send it anew."""
        self._session.ask(Action.EDIT, Sent.kind, _III)
        record = self._sent_record(what, first, last)
        return next((one.thing for one in self._book.sent() if one.record == record), None)

    def keep_sent(self, sent: Sent) -> None:
        """Write down that something went out, over what did before for the same time."""
        self._session.ask(Action.EDIT, Sent.kind, _III)
        self._session.store.put([self._book.draft(self._sent_record(sent.what, sent.first, sent.last), sent)])

    def _examined(self, held: Held, document_id: str) -> Examined:
        plans: dict[Form, Plan] = {Form.ONEROSTER: self._roster.plan, Form.WORKBOOK: self._roster.plan_workbook}
        applied = [one.thing for one in self._book.receipts() if one.thing.outcome in ("applied", "nothing")]
        return examine(held, plans, applied, document_id)

    def _still_so(self, examined: Examined) -> None:
        """Raise RosterChangedError where the same file would now do something else than was shown."""
        again = self._examined(Held(examined.name, examined.data), examined.document_id)
        seen, now = examined.plan, again.plan
        if seen is None or now is None or (seen.put, seen.remove) != (now.put, now.remove):
            raise RosterChangedError(operation="import roster")

    def _keep_answers(self, examined: Examined, record: bytes) -> ReceiptView:
        known = self._book.ever_sent()
        said = [one for one in examined.answers if one.sha256 in known]
        if not said:
            code = AnswerUnknownError.code
            return self._kept(record, _receipt(examined, "refused", code=code))
        more = [
            self._book.draft(
                self._session.store.record_id(Answer.kind, _III, one.sha256.hex()),
                Answer(sha256=one.sha256, taken=one.taken, rows=one.rows, told=one.told),
            )
            for one in {one.sha256: one for one in said}.values()
        ]
        return self._kept(record, _receipt(examined, "answer"), more=more)

    def _kept(
        self, record: bytes, receipt: Receipt, examined: Examined | None = None, more: Sequence[Draft] = ()
    ) -> ReceiptView:
        drafts = [*more, self._book.draft(record, receipt)]
        if examined is not None and examined.plan is not None:
            self._roster.commit(examined.plan, drafts)
        else:
            self._session.store.put(drafts)
        return self.receipt(record.hex())

    def _record(self, examined: Examined) -> bytes:
        """Return the record of a file's receipt; raises UnknownArrivalError where it has one already."""
        return self._waiting(examined.document_id) if examined.document_id else os.urandom(_ID_BYTES)

    def _waiting(self, document_id: str) -> bytes:
        found = next((one for one in self._book.waiting() if one.record.hex() == document_id), None)
        if found is None:
            raise UnknownArrivalError(operation="find arrival", subject=document_id)
        return found.record

    def _sent_record(self, what: str, first: date, last: date) -> bytes:
        return self._session.store.record_id(Sent.kind, _III, what, first.isoformat(), last.isoformat())

    def _view(self, one: Standing[Receipt], came: set[bytes]) -> ReceiptView:
        by = self._session.roster.display_name(one.author)
        document = one.record.hex() if one.record in came else ""
        name = self._name_of(document) if document else ""
        return ReceiptView(one.record.hex(), document, name, by, local_time(one.at_ms), one.thing)


def _receipt(examined: Examined, outcome: str, code: str = "") -> Receipt:
    plan = examined.plan
    made = Receipt(
        sha256=examined.sha256,
        size=examined.size,
        form=examined.form,
        outcome=outcome,
        code=code,
        put=len(examined.answers),
    )
    if plan is None:
        return made
    found = tuple(Found(one.file, one.line, one.column, one.rule) for one in plan.quarantined[:MOST_FINDINGS])
    applied = outcome == "applied"
    return Receipt(
        sha256=made.sha256,
        size=made.size,
        form=made.form,
        outcome=outcome,
        code=code,
        newest=plan.newest,
        put=len(plan.put) if applied else 0,
        removed=len(plan.remove) if applied else 0,
        unchanged=plan.unchanged,
        people=plan.leavers if applied else 0,
        quarantined=plan.totals.quarantined,
        warnings=plan.totals.warnings,
        findings=found,
    )
