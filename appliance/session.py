"""One logged-in person over one site: the store, the opened roster, and the question to the policy.

Invariant: whoever wants to open or keep anything goes through `ask` first.
"""

from datetime import date, datetime, timedelta, timezone
from typing import Final

from appliance.policy import Action, Subject, require
from appliance.rosterindex import RosterIndex
from appliance.site import SiteFolder
from appliance.views import Saved
from crypto.importance import Importance
from crypto.people import Person
from sync.clock import change_clock, clock_ms, wall_ms
from sync.sealed import Plain, Put, SealedStore

JST: Final = timezone(timedelta(hours=9), "JST")


class Session:
    """What the desks of an office share."""

    def __init__(self, site: SiteFolder, store: SealedStore, person: Person) -> None:
        self.site = site
        self.store = store
        self.person = person
        self.roster = RosterIndex(store)
        cleared = tuple(i for i in Importance if store.keyring.cleared(i))
        self._subject = Subject(person.roles, cleared)

    def ask(self, action: Action, kind: str, importance: Importance) -> None:
        """Ask the policy; raises PolicyDeniedError."""
        require(self._subject, action, kind, importance)

    def today(self) -> date:
        """Return the day in Japan: of this clock, or of the log where the clock stands behind it."""
        return local_time(max(wall_ms(), clock_ms(self.store.clock.last))).date()

    def author_name(self, plain: Plain) -> str:
        """Return the name of who made a change."""
        return self.roster.display_name(plain.author)

    def saved(self, put: Put, undo: object | None = None) -> Saved:
        """Return the proof that an entry was kept."""
        at_ms = clock_ms(change_clock(put.names[-1]))
        return Saved(put.first_seq, put.last_seq, local_time(at_ms), undo)


def local_time(at_ms: int) -> datetime:
    """Return ms since 1970 as a time in Japan."""
    return datetime.fromtimestamp(at_ms / 1000, JST)
