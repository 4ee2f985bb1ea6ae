"""The roster desk: plan an import, look at it, then keep it whole.

Invariant: an import is one sealed batch, so a school has the old roster or the new one and never half of each;
nothing is kept before somebody saw the counts. Who left is kept in history: a removal is a new, empty change.
"""

from collections.abc import Callable, Sequence
from typing import Final

from appliance.classification.model import Action
from appliance.exchange.workbook import Place, plan_workbook
from appliance.oneroster.container import Held, Source
from appliance.oneroster.plan import ImportPlan, plan_import
from appliance.roster import Contact, RosterRecord, School, User, encode_record
from appliance.session import Session
from appliance.views import Saved
from crypto.importance import Importance
from sync.sealed import Draft

_REMOVED: Final = b""


class RosterDesk:
    """Imports over one session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def plan(self, source: Source, progress: Callable[[int, int], None] | None = None) -> ImportPlan:
        """Read a OneRoster file and say what it would change; changes nothing. Raises the importer's errors."""
        self._session.ask(Action.EDIT, School.kind, School.importance)
        self._session.ask(Action.VIEW, Contact.kind, Contact.importance)
        code = self._session.site.config.site.school
        return plan_import(source, code, self._session.roster.records(), progress=progress)

    def plan_workbook(self, held: Held) -> ImportPlan:
        """Read a roster workbook and say what it would change; changes nothing. Raises as `plan` does."""
        self._session.ask(Action.EDIT, School.kind, School.importance)
        self._session.ask(Action.VIEW, Contact.kind, Contact.importance)
        site = self._session.site.config.site
        place = Place(site.school, site.name, self._session.today())
        return plan_workbook(held, self._session.roster.records(), place)

    def standing(self) -> list[RosterRecord]:
        """Return the roster as it stands, without contacts and guardianship (importance II)."""
        self._session.ask(Action.VIEW, User.kind, User.importance)
        return [one for one in self._session.roster.records() if one.importance is Importance.III]

    def commit(self, plan: ImportPlan, more: Sequence[Draft] = ()) -> Saved | None:
        """Keep what was planned, and `more` with it in one batch; None when there is nothing to keep."""
        self._session.ask(Action.EDIT, School.kind, School.importance)
        self._session.ask(Action.EDIT, Contact.kind, Contact.importance)
        drafts = [*self._drafts(plan.put, False), *self._drafts(plan.remove, True), *more]
        if not drafts:
            return None
        saved = self._session.saved(self._session.store.put(drafts))
        self._session.roster.refresh()
        return saved

    def _drafts(self, records: Sequence[RosterRecord], remove: bool) -> list[Draft]:
        store = self._session.store
        names = {(r.kind, r.id): store.record_id(r.kind, Importance.III, r.id) for r in records}
        bases: dict[bytes, tuple[bytes, ...]] = {}
        for kind in {record.kind for record in records}:
            bases |= store.base_of(kind, [name for (of, _), name in names.items() if of == kind])
        return [
            Draft(
                record.kind,
                names[record.kind, record.id],
                record.importance,
                _REMOVED if remove else encode_record(record),
                bases.get(names[record.kind, record.id], ()),
            )
            for record in records
        ]
