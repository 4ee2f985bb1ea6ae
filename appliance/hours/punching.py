"""The terminal at the entrance: somebody holds a card to it or types a short code, and the punch is kept.

Invariant: the terminal opens importance IV only. It seals punches that it can never read, so what it was told is
safe from whoever takes it away; whose card it is was published by the office with the shifts.
"""

from dataclasses import dataclass
from datetime import datetime
from os import urandom
from typing import Final

from appliance.classification.model import Action
from appliance.errors import ApplianceError
from appliance.hours.book import HoursBook
from appliance.hours.cards import badge_of
from appliance.hours.reckoning import Way
from appliance.hours.records import Badge, Press, Punch
from appliance.lights import light_of
from appliance.session import Session, local_time
from appliance.views import Light, Saved
from crypto.importance import Importance

ROLE: Final = "timeclock"
_TWICE_MS: Final = 120_000  # whoever holds the card up again within so long did not see the first answer


class UnknownCardError(ApplianceError):
    """The card or code is nobody's today."""

    code = "APP-440"


@dataclass(frozen=True, slots=True)
class Punched:
    """Who punched when; `again`: it stood there already, and nothing new was kept."""

    name: str
    way: Way
    at: datetime
    saved: Saved
    again: bool = False


class PunchDesk:
    """Takes punches over the session of a terminal."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._book = HoursBook(session.store)
        self._newest: dict[str, tuple[int, Punched]] = {}

    @property
    def school_name(self) -> str:
        """Return the school's name."""
        return self._session.site.config.site.name

    def light(self) -> Light:
        """Return how far the punches have got."""
        return light_of(self._session)

    def punch(self, card: str, way: Way) -> Punched:
        """Keep that the holder of a card comes or goes now; raises UnknownCardError, PolicyDeniedError."""
        session = self._session
        session.ask(Action.VIEW, Badge.kind, Badge.importance)
        session.ask(Action.EDIT, Punch.kind, Importance.II)
        at_ms = session.now_ms()
        now = local_time(at_ms)
        badge = self._book.badge(badge_of(card)) if badge_of(card) else None
        holder = badge.holder(now.date()) if badge else None
        if holder is None:
            raise UnknownCardError(operation="punch")  # the card's number is told to nobody
        last_ms, last = self._newest.get(holder.person, (0, None))
        if last is not None and last.way is way and at_ms - last_ms < _TWICE_MS:
            return Punched(last.name, way, last.at, last.saved, again=True)
        press = Press(now.hour * 60 + now.minute, way)
        kept = Punch(person=holder.person, on=now.date(), presses=(press,), recorder=True)
        saved = session.saved(self._book.keep([(urandom(16), kept)]))
        told = Punched(holder.name, way, now, saved)
        self._newest[holder.person] = at_ms, told
        return told

    def logout(self) -> None:
        """Forget the keys."""
        self._session.store.close()
