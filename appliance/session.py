"""One logged-in person over one site: the store, the opened roster, and the question to the policy.

Invariant: whoever wants to open, keep or release anything goes through `ask` first; what the rules want written
down is on disk when it returns.
"""

import contextlib
import time
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from functools import cached_property
from typing import Final

from appliance.audit import AuditLog
from appliance.classification.decision import Policy
from appliance.classification.model import (
    Action,
    Actor,
    Asset,
    Circumstances,
    Decision,
    Duty,
    Line,
    Place,
    Verdict,
)
from appliance.classification.signed import policy_heads, policy_in_force
from appliance.config import Config
from appliance.emergency.disclosure import in_force
from appliance.policy import PolicyDeniedError, require
from appliance.roster import User
from appliance.rosterindex import RosterIndex
from appliance.site import SiteFolder
from appliance.views import Saved
from crypto.importance import Importance
from crypto.people import Person
from sync.clock import change_clock, clock_ms, wall_ms
from sync.errors import KeeperGoneError, NotClearedError
from sync.ids import Site
from sync.leaseguard import LeaseState, LeaseView
from sync.sealed import Plain, Put, SealedStore
from sync.status import LinkState, read_status

JST: Final = timezone(timedelta(hours=9), "JST")
_LINE_S: Final = 1.0  # so long an answer about the line counts
_LEASE_S: Final = 10.0
_LINES: Final = {LinkState.ONLINE: Line.ONLINE, LinkState.DEGRADED: Line.DEGRADED}
_WATCHED: Final = frozenset((Importance.I, Importance.II))


class Session:
    """What the desks of an office share."""

    def __init__(self, site: SiteFolder, store: SealedStore, person: Person) -> None:
        self.site = site
        self.store = store
        self.person = person
        self.audit = AuditLog(store)
        self._actor = Actor(person.roles, store.keyring.clearance)
        self._place = _place_of(site.config)
        self._line = (-_LINE_S, Line.OFFLINE)
        self._lease = (-_LEASE_S, LeaseView(LeaseState.UNLEASED))
        self.policy: Policy = policy_in_force(store, site.root)
        self._policy_heads = policy_heads(store)

    @cached_property
    def roster(self) -> RosterIndex:
        """Return the opened roster; asked for once, when first wanted. Raises PolicyDeniedError."""
        self.ask(Action.VIEW, User.kind, User.importance)
        return RosterIndex(self.store)

    def refresh(self) -> None:
        """Read again what may have come in meanwhile: the policy and the roster."""
        standing = policy_heads(self.store)
        if standing != self._policy_heads:
            self._policy_heads = standing
            self.policy = policy_in_force(self.store, self.site.root)
        if "roster" in self.__dict__:
            self.roster.refresh()

    @property
    def actor(self) -> Actor:
        """Return who asks, with what the keyring opens now."""
        cleared = self.store.keyring.clearance
        if cleared is not self._actor.cleared or self.person.roles is not self._actor.roles:
            self._actor = Actor(self.person.roles, cleared)
        return self._actor

    def circumstances(self, importance: Importance) -> Circumstances:
        """Return how things stand at this site; whether 非常時開示 stands matters to importance I only."""
        glass = importance is Importance.I and in_force(self.store, self.now_ms()) is not None
        return Circumstances(self._line_now(), self.lease().opens, glass, self._place)

    def lease(self) -> LeaseView:
        """Return the state of the board's lease on this box; once it ends, importance I and II are forgotten."""
        asked, view = self._lease
        now = time.monotonic()
        if now - asked >= _LEASE_S and not self.store.closed:
            with contextlib.suppress(KeeperGoneError):  # then nothing can be kept either; asked again in a moment
                view = self.store.lease_state()
            self._lease = (now, view)
            if not view.opens:
                self.store.forget(_WATCHED)
        return view

    def may(self, action: Action, kind: str, importance: Importance, group: str = "") -> Decision:
        """Say what the policy would answer, to show or hide a way in; it opens nothing and writes nothing."""
        return self.policy.decide(
            self.actor, action, Asset(kind, importance, group), self.circumstances(importance)
        )

    def ask(
        self,
        action: Action,
        kind: str,
        importance: Importance,
        *,
        group: str = "",
        subject: str = "",
        met: frozenset[Duty] = frozenset(),
        **more: str,
    ) -> Decision:
        """Ask the policy. What it wants written down, and a refusal of importance I or II, is on disk on return.

        `group` is the class id that the thing belongs to, `subject` its id, `met` the approvals that were given;
        `more` are `permit` and `purpose`. Raises PolicyDeniedError, ApprovalNeededError.
        """
        asset = Asset(kind, importance, group)
        if self.store.closed:
            raise NotClearedError(operation=f"{action} {kind}", subject="logged out", importance=importance.label)
        try:
            decision = require(self.policy, self.actor, action, asset, self.circumstances(importance), met)
        except PolicyDeniedError:
            if importance in _WATCHED or action not in (Action.VIEW, Action.EDIT):
                self.audit.write(action, asset, self.may(action, kind, importance, group), subject, **more)
            raise
        if Duty.BREAK_GLASS in decision.duties and decision.verdict is Verdict.ALLOW:
            told = in_force(self.store, self.now_ms())
            more.setdefault("purpose", told.purpose if told else "")
        if Duty.AUDIT in decision.duties or decision.verdict is Verdict.APPROVAL:
            done = replace(decision, verdict=Verdict.ALLOW)  # its approvals are met: it is done, not waited for
            self.audit.write(action, asset, done, subject, **more)
        return decision

    def today(self) -> date:
        """Return the day in Japan."""
        return local_time(self.now_ms()).date()

    def now_ms(self) -> int:
        """Return the time in ms since 1970: of this clock, or of the log where the clock stands behind it."""
        return max(wall_ms(), clock_ms(self.store.clock.last))

    def author_name(self, plain: Plain) -> str:
        """Return the name of who made a change."""
        return self.roster.display_name(plain.author)

    def saved(self, put: Put, undo: object | None = None) -> Saved:
        """Return the proof that an entry was kept."""
        at_ms = clock_ms(change_clock(put.names[-1]))
        return Saved(put.first_seq, put.last_seq, local_time(at_ms), undo)

    def _line_now(self) -> Line:
        asked, line = self._line
        now = time.monotonic()
        if now - asked >= _LINE_S:
            told = read_status(self.site.paths)
            line = Line.OFFLINE if told is None else _LINES.get(told.link, Line.OFFLINE)
            self._line = (now, line)
        return line


def _place_of(config: Config) -> Place:
    if config.standby.host:  # whoever uses a standby is not at the school
        return Place.AWAY
    return Place.SCHOOL if config.site.kind == Site.BOX else Place.BOARD


def local_time(at_ms: int) -> datetime:
    """Return ms since 1970 as a time in Japan."""
    return datetime.fromtimestamp(at_ms / 1000, JST)
