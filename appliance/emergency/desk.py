"""The emergency desk: cards of importance I, and 非常時開示 while the line is cut.

Invariant: a card is opened only when the policy allows it and after the audit entry is on disk; both managers
prove themselves with their passphrases, and neither key stays here.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import msgspec

from appliance.classification.model import Action
from appliance.emergency.cards import CardRows, EmergencyCard, read_cards
from appliance.emergency.disclosure import (
    LONGEST_MS,
    Disclosure,
    DisclosureEnd,
    every,
    in_force,
    sign_disclosure,
    two_managers,
)
from appliance.errors import ApplianceError
from appliance.proving import prove
from appliance.session import Session, local_time
from appliance.text import printable
from appliance.views import Saved
from sync.sealed import Draft

PURPOSE_LETTERS = 4
"""A purpose shorter than this says nothing to whoever reads the record."""


class NotTwoManagersError(ApplianceError):
    """非常時開示 takes the principal and a vice principal, each with their own passphrase."""

    code = "APP-251"


class PurposeMissingError(ApplianceError):
    """A disclosure without a purpose, or for longer than it may last."""

    code = "APP-252"


@dataclass(frozen=True, slots=True)
class DisclosureView:
    """A disclosure that stands: why, until when, by whom."""

    purpose: str
    until: datetime
    by: tuple[str, str]


@dataclass(frozen=True, slots=True)
class DisclosureLine:
    """A disclosure in the list: from when until when, why, by whom."""

    opened: datetime
    until: datetime
    purpose: str
    by: tuple[str, str]


class EmergencyDesk:
    """Emergency cards over one session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def disclosure(self) -> DisclosureView | None:
        """Return the 非常時開示 that stands now."""
        told = in_force(self._session.store, self._session.now_ms())
        if told is None:
            return None
        names = [self._session.roster.display_name(person) for person in (told.first, told.second)]
        return DisclosureView(told.purpose, local_time(told.until_ms), (names[0], names[1]))

    def disclosures(self) -> tuple[DisclosureLine, ...]:
        """Return every 非常時開示 that there was, newest first; raises PolicyDeniedError."""
        session = self._session
        session.ask(Action.VIEW, Disclosure.kind, Disclosure.importance)
        name = session.roster.display_name
        return tuple(
            DisclosureLine(
                local_time(told.opened_ms),
                local_time(ended_ms),
                printable(told.purpose),
                (name(told.first), name(told.second)),
            )
            for told, ended_ms in every(session.store)
        )

    def until(self) -> datetime | None:
        """Return until when 非常時開示 stands, None without one. Cheap."""
        told = in_force(self._session.store, self._session.now_ms())
        return local_time(told.until_ms) if told else None

    def open(
        self, passphrase: str, second_login: str, second_passphrase: str, purpose: str, minutes: int
    ) -> Saved:
        """Begin a disclosure: this person and `second_login`, each with their passphrase.

        Raises PurposeMissingError, NotTwoManagersError, PolicyDeniedError, WrongPassphraseError,
        UnknownLoginError, LoginLockedError.
        """
        session = self._session
        session.ask(Action.EDIT, Disclosure.kind, Disclosure.importance)
        if len(purpose.strip()) < PURPOSE_LETTERS or not 0 < minutes * 60_000 <= LONGEST_MS:
            raise PurposeMissingError(operation="open disclosure", hours=LONGEST_MS // 3_600_000)
        first, _ = prove(session, session.person.login, passphrase)
        second, key = prove(session, second_login, second_passphrase)
        if first.id != session.person.id or not two_managers((first, second)):
            raise NotTwoManagersError(operation="open disclosure")
        now = session.now_ms()
        told = Disclosure(
            id=os.urandom(16),
            purpose=purpose.strip(),
            opened_ms=now,
            until_ms=now + minutes * 60_000,
            first=first.id,
            second=second.id,
        )
        signed = sign_disclosure(told, session.store.keyring.school, key.sign)
        return self._kept(Disclosure.kind, signed.id, msgspec.msgpack.encode(signed))

    def close(self) -> Saved | None:
        """End the disclosure that stands; None when there is none."""
        session = self._session
        session.ask(Action.EDIT, DisclosureEnd.kind, DisclosureEnd.importance)
        told = in_force(session.store, session.now_ms())
        if told is None:
            return None
        end = DisclosureEnd(id=told.id, at_ms=session.now_ms())
        return self._kept(DisclosureEnd.kind, os.urandom(16), msgspec.msgpack.encode(end))

    def card(self, pupil_id: str) -> EmergencyCard | None:
        """Return a pupil's card; raises PolicyDeniedError, ApprovalNeededError (非常時開示), NotClearedError."""
        session = self._session
        session.ask(Action.VIEW, EmergencyCard.kind, EmergencyCard.importance, subject=pupil_id)
        plain = session.store.head(EmergencyCard.kind, self._record(pupil_id))
        return None if plain is None else msgspec.msgpack.decode(plain.payload, type=EmergencyCard)

    def plan(self, file: Path, on: date) -> CardRows:
        """Read a CSV of cards and say what it would keep; raises CardFileError."""
        self._session.ask(Action.EDIT, EmergencyCard.kind, EmergencyCard.importance)
        roster = self._session.roster
        known = {
            (school_class.title, str(member.number or ""), _name(member.user.name)): member.user.id
            for school_class in roster.classes()
            for member in roster.members(school_class.id, on)
        }
        return read_cards(file, lambda title, number, name: known.get((title, number, _name(name))))

    def keep(self, cards: Sequence[EmergencyCard]) -> Saved | None:
        """Keep cards, all or none; None when there are none."""
        session = self._session
        session.ask(Action.EDIT, EmergencyCard.kind, EmergencyCard.importance)
        if not cards:
            return None
        store, importance = session.store, EmergencyCard.importance
        records = {card.pupil: self._record(card.pupil) for card in cards}
        bases = store.base_of(EmergencyCard.kind, records.values())
        drafts = [
            Draft(
                EmergencyCard.kind,
                records[card.pupil],
                importance,
                msgspec.msgpack.encode(card),
                bases.get(records[card.pupil], ()),
            )
            for card in cards
        ]
        return session.saved(store.put(drafts))

    def _record(self, pupil_id: str) -> bytes:
        return self._session.store.record_id(EmergencyCard.kind, EmergencyCard.importance, pupil_id)

    def _kept(self, kind: str, record: bytes, payload: bytes) -> Saved:
        draft = Draft(kind, record, Disclosure.importance, payload)
        return self._session.saved(self._session.store.put([draft]))


def _name(text: str) -> str:
    """Return a name as two lists may both write it: without spaces."""
    return "".join(text.split())
