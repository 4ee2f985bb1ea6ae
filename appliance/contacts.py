"""The contact desk 連絡先: whom to ring for a pupil, one pupil at a time.

Invariant: nothing is opened before the policy allowed it for that pupil and the audit entry is on disk; what is
shown is put together anew each time and not kept here.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from appliance.classification.model import Action
from appliance.exchange.matching import digits, same_guardian
from appliance.people import cleared_importances
from appliance.policy import PolicyDeniedError
from appliance.roster import Contact, Guardian, User, decode_record
from appliance.session import Session
from appliance.text import printable
from crypto.importance import Importance
from sync import reading


class ContactsNotClearedError(PolicyDeniedError):
    """Somebody whose role opens no importance II asked for telephone numbers."""

    code = "APP-298"


@dataclass(frozen=True, slots=True)
class ContactView:
    """A pupil's guardians, whom to ring first standing first, and the telephone numbers of the home 自宅."""

    pupil_id: str
    on: date
    class_title: str
    number: int | None
    name: str
    kana: str
    guardians: tuple[Guardian, ...]
    home: tuple[str, ...]


class ContactDesk:
    """Contacts over one session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def of_pupil(self, pupil_id: str, on: date) -> ContactView:
        """Return whom to ring for a pupil, who is in a class on a day.

        Guardians stand as the school's workbook orders them, then those whom OneRoster adds; who has the same name
        is one person. Raises ContactsNotClearedError, PolicyDeniedError, NotClearedError.
        """
        session = self._session
        group = session.roster.class_of(pupil_id, on)
        try:
            session.ask(Action.VIEW, Contact.kind, Contact.importance, group=group, subject=pupil_id)
        except PolicyDeniedError as denied:
            if Contact.importance in cleared_importances(session.person.roles):
                raise
            raise ContactsNotClearedError(operation=denied.operation, subject=denied.subject) from denied
        return self._view(pupil_id, group, on)

    def _view(self, pupil_id: str, class_id: str, on: date) -> ContactView:
        roster = self._session.roster
        of_guardians = self._opened(user.id for user in roster.guardians())
        own = self._opened([pupil_id]).get(pupil_id, Contact(id=pupil_id))
        linked = [one for one in own.agents if one != pupil_id]
        linked += [key for key, one in of_guardians.items() if pupil_id in one.agents and key not in linked]
        more = self._opened(key for key in linked if key not in of_guardians)
        users = [user for user in map(roster.user, linked) if user is not None and "student" not in user.roles]
        told = [_view_of(one) for one in own.guardians]
        for user in users:
            _add(told, _of_user(user, (of_guardians | more).get(user.id)))
        ringing = {digits(phone) for one in told for phone in one.phones}
        home = tuple(
            phone for phone in _phones(own.home_phone, own.phone, own.sms) if digits(phone) not in ringing
        )
        member, school_class = roster.member(class_id, on, pupil_id), roster.school_class(class_id)
        pupil = roster.user(pupil_id)
        return ContactView(
            pupil_id,
            on,
            school_class.title if school_class else "",
            member.number if member else None,
            pupil.name if pupil else "",
            pupil.kana if pupil else "",
            tuple(told),
            home,
        )

    def _opened(self, users: Iterable[str]) -> dict[str, Contact]:
        """Open the contacts of some people, in their order; an unreadable one is passed over."""
        store = self._session.store
        records = {store.record_id(Contact.kind, Importance.III, user): user for user in users}
        newest = reading.newest(store, Contact, _decode, records)
        found = {records[plain.record]: one for one, plain in newest if one is not None}
        return {user: found[user] for user in records.values() if user in found}


def _decode(payload: bytes) -> Contact | None:
    record = decode_record(Contact.kind, payload) if payload else None  # empty: it was taken out
    return record if isinstance(record, Contact) else None


def _view_of(one: Guardian) -> Guardian:
    return Guardian(printable(one.relation), printable(one.name), printable(one.kana), _phones(*one.phones))


def _of_user(user: User, contact: Contact | None) -> Guardian:
    phones = _phones(contact.phone, contact.sms) if contact else ()
    return Guardian("", printable(user.name), printable(user.kana), phones)


def _add(told: list[Guardian], one: Guardian) -> None:
    """Add a guardian, or what is new of one who stands there already."""
    for place, there in enumerate(told):
        if same_guardian(there, one):
            phones = _phones(*there.phones, *one.phones)
            told[place] = Guardian(there.relation, there.name or one.name, there.kana or one.kana, phones)
            return
    told.append(one)


def _phones(*told: str) -> tuple[str, ...]:
    """Return the telephone numbers among some texts, each once."""
    found: dict[str, str] = {}
    for text in told:
        found.setdefault(digits(text), printable(text.strip()))
    return tuple(text for figures, text in found.items() if figures)
