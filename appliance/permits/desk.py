"""The permit desk: who asks to take something out, the principal's answer, and what has come back.

Invariant: every method asks the policy first; only the principal answers (the rules say so, and every site judges
it); a number that two boxes gave at one time is given to neither twice.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from typing import Final, TypeVar

import msgspec

from appliance.classification.model import Action, Role
from appliance.documents.records import DocumentFile
from appliance.errors import ApplianceError
from appliance.meetings.records import AgendaItem
from appliance.permits.records import PermitGrant, PermitRequest, Return, TakeOut
from appliance.permits.views import PermitState, PermitView, TakeOutView
from appliance.schooldays import school_year_of
from appliance.session import Session, local_time
from appliance.text import printable
from appliance.views import PermitCounts, Saved
from crypto.importance import Importance
from sync import reading
from sync.ids import Site
from sync.sealed import Draft, Plain

HOWS: Final = ("持ち帰り", "廃棄", "紛失")
BY_ONE: Final = frozenset((DocumentFile.kind, AgendaItem.kind))
"""What is permitted one by one (個別許可): the request names the document, or the meeting."""
_LETTERS: Final = {Site.BOX: "", Site.HUB: "B", Site.STANDBY: "S"}  # so no two sites give one number
_Record = TypeVar("_Record", PermitRequest, PermitGrant, TakeOut, Return)


class PermitFormError(ApplianceError):
    """A request, an answer or a return lacks something, or names a day that has passed."""

    code = "APP-270"


class UnknownPermitError(ApplianceError):
    """There is no such request or take-out, or it was answered already."""

    code = "APP-271"


class PermitDesk:
    """Permits over one session. `titles` names a document by its id, to whom may see it."""

    def __init__(self, session: Session, titles: Callable[[str], str] = lambda subject: "") -> None:
        self._session, self._titles = session, titles
        self._counted: tuple[int, date, PermitCounts] | None = None

    def all(self) -> tuple[PermitView, ...]:
        """Return every request, newest first."""
        self._ask(Action.VIEW, PermitRequest.kind)
        return tuple(replace(view, title=self._title(view.subject)) for view in self._requests())

    def granted(self) -> tuple[PermitView, ...]:
        """Return the permits of this person that may be used now, newest first, without titles."""
        self._ask(Action.VIEW, PermitRequest.kind)
        return tuple(view for view in self._requests() if view.mine and view.state is PermitState.GRANTED)

    def takeouts(self) -> tuple[TakeOutView, ...]:
        """Return everything that left, what is out first, newest first."""
        self._ask(Action.VIEW, TakeOut.kind)
        return tuple(replace(view, title=self._title(view.subject)) for view in self._takeouts())

    def counts(self) -> PermitCounts:
        """Return what waits and what is out; cheap while nobody keeps anything."""
        self._ask(Action.VIEW, PermitRequest.kind)
        key = (self._session.store.reader.changes(), self._session.today())
        if self._counted is None or self._counted[:2] != key:
            waiting = sum(view.state is PermitState.WAITING for view in self._requests())
            out = [view for view in self._takeouts() if not view.back]
            self._counted = (*key, PermitCounts(waiting, len(out), sum(view.overdue for view in out)))
        return self._counted[2]

    def request(
        self,
        action: Action,
        asset: str,
        importance: Importance,
        what: str,
        purpose: str,
        destination: str,
        due: date,
        group: str = "",
        subject: str = "",
    ) -> Saved:
        """Ask for a permit; raises PermitFormError, also where it must be for one thing and names none."""
        self._ask(Action.EDIT, PermitRequest.kind)
        lacking = not (what.strip() and purpose.strip() and destination.strip())
        if lacking or due < self._session.today() or (asset in BY_ONE and not subject):
            raise PermitFormError(operation="ask for permit")
        asked = PermitRequest(
            action=action,
            asset=asset,
            graded=importance,
            what=what.strip(),
            purpose=purpose.strip(),
            destination=destination.strip(),
            due=due,
            group=group,
            subject=subject,
        )
        return self._kept(PermitRequest.kind, os.urandom(16), asked)

    def grant(self, request_id: str, until: date) -> str:
        """Give the permit and return its number; raises UnknownPermitError, PermitFormError."""
        self._ask(Action.EDIT, PermitGrant.kind)
        record = self._waiting(request_id)
        if until < self._session.today():
            raise PermitFormError(operation="grant permit")
        number = self._next_number()
        self._kept(PermitGrant.kind, record, PermitGrant(number=number, until=until))
        return number

    def refuse(self, request_id: str, reason: str) -> Saved:
        """Refuse the permit; raises UnknownPermitError, PermitFormError without a reason."""
        self._ask(Action.EDIT, PermitGrant.kind)
        record = self._waiting(request_id)
        if not reason.strip():
            raise PermitFormError(operation="refuse permit")
        return self._kept(PermitGrant.kind, record, PermitGrant(reason=reason.strip()))

    def returned(self, takeout_id: str, how: str, note: str = "") -> Saved:
        """Write down that something came back, was destroyed or is lost; raises UnknownPermitError."""
        self._ask(Action.EDIT, Return.kind)
        found = next((view for view in self._takeouts() if view.takeout_id == takeout_id), None)
        if found is None or found.back:
            raise UnknownPermitError(operation="note return", subject=takeout_id)
        if how not in HOWS or (how == HOWS[2] and not note.strip()):
            raise PermitFormError(operation="note return")
        return self._kept(Return.kind, bytes.fromhex(takeout_id), Return(how=how, note=note.strip()))

    def keep_takeout(self, takeout: TakeOut) -> Saved:
        """Write down that something leaves; whoever releases it does so before."""
        self._ask(Action.EDIT, TakeOut.kind)
        return self._kept(TakeOut.kind, os.urandom(16), takeout)

    def _requests(self) -> tuple[PermitView, ...]:
        grants = {plain.record: grant for grant, plain in self._read(PermitGrant) if self._by_the_principal(plain)}
        found = []
        for asked, plain in self._read(PermitRequest):
            if asked.action in tuple(Action) and asked.graded in tuple(Importance):
                found.append(self._view(plain, asked, grants.get(plain.record)))
        return tuple(sorted(found, key=lambda view: view.at, reverse=True))

    def _takeouts(self) -> tuple[TakeOutView, ...]:
        backs = {plain.record: back for back, plain in self._read(Return)}
        today, found = self._session.today(), []
        for left, plain in self._read(TakeOut):
            back = backs.get(plain.record)
            if left.graded not in tuple(Importance):
                continue
            late = back is None and left.due is not None and left.due < today
            told = f"{back.how} {back.note}".strip() if back else ""
            who, at = self._session.author_name(plain), local_time(plain.at_ms)
            importance = Importance(left.graded)
            found.append(
                TakeOutView(
                    plain.record.hex(),
                    who,
                    at,
                    left.number,
                    left.subject,
                    left.what,
                    importance,
                    left.form,
                    left.due,
                    told,
                    late,
                )
            )
        newest = sorted(found, key=lambda view: view.at, reverse=True)
        return tuple(sorted(newest, key=lambda view: (bool(view.back), not view.overdue)))

    def _view(self, plain: Plain, asked: PermitRequest, answer: PermitGrant | None) -> PermitView:
        state = PermitState.WAITING
        if answer is not None:
            over = answer.until is not None and answer.until < self._session.today()
            granted = PermitState.OVER if over else PermitState.GRANTED
            state = granted if answer.number else PermitState.REFUSED
        return PermitView(
            plain.record.hex(),
            self._session.author_name(plain),
            plain.author == self._session.person.id,
            local_time(plain.at_ms),
            Action(asked.action),
            asked.asset,
            Importance(asked.graded),
            asked.group,
            asked.subject,
            asked.what,
            asked.purpose,
            asked.destination,
            asked.due,
            state,
            answer.number if answer else "",
            answer.until if answer else None,
            answer.reason if answer else "",
        )

    def _by_the_principal(self, plain: Plain) -> bool:
        """Say whether a principal gave an answer; until the site has judged it, another's may stand there."""
        person = self._session.store.keyring.people.person(plain.author)
        return person is not None and Role.PRINCIPAL in person.roles

    def _title(self, subject: str) -> str:
        return printable(self._titles(subject)) if subject else ""

    def _next_number(self) -> str:
        letter = _LETTERS[self._session.store.reader.origin.site]
        head = f"{school_year_of(self._session.today())}-{letter}"
        given = (grant.number for grant, _ in self._read(PermitGrant))
        tails = (number.removeprefix(head) for number in given if number.startswith(head))
        return f"{head}{max((int(tail) for tail in tails if tail.isdecimal()), default=0) + 1:04}"

    def _waiting(self, request_id: str) -> bytes:
        for view in self._requests():
            if view.request_id == request_id and view.state is PermitState.WAITING:
                return bytes.fromhex(request_id)
        raise UnknownPermitError(operation="answer permit", subject=request_id)

    def _read(self, kind: type[_Record]) -> Iterator[tuple[_Record, Plain]]:
        return reading.newest(self._session.store, kind, reading.decoder(kind))

    def _kept(self, kind: str, record: bytes, thing: msgspec.Struct) -> Saved:
        store = self._session.store
        base = store.base_of(kind, [record]).get(record, ())
        return self._session.saved(
            store.put([Draft(kind, record, Importance.III, msgspec.msgpack.encode(thing), base)])
        )

    def _ask(self, action: Action, kind: str) -> None:
        self._session.ask(action, kind, Importance.III)
