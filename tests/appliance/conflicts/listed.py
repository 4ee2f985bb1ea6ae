"""One conflict out of those that are listed."""

from datetime import date

from appliance.attendance.records import natural
from appliance.office import Office
from appliance.views import ConflictView
from crypto.importance import Importance
from tests.school import SCHOOL_DAY


def of_kind(office: Office, kind: str, whose: str = "") -> ConflictView:
    found = [view for view in office.conflicts.all() if view.kind == kind and whose in view.whose]
    assert len(found) == 1, [(view.what, view.whose) for view in found]
    return found[0]


def the(office: Office, kind: str, pupil: str, on: date = SCHOOL_DAY) -> ConflictView:
    record = office._session.store.record_id(kind, Importance.III, *natural(pupil, on))
    return next(view for view in office.conflicts.all() if (view.kind, view.record) == (kind, record))
