"""A day's attendance of a restored school, for the board officer who carries on for it.

Invariant: reads only; what is shown comes from the restored store and nowhere else.
"""

from datetime import date

from appliance.attendance.book import AttendanceBook
from appliance.attendance.codes import load_codes
from appliance.attendance.records import Mark
from appliance.classification.model import Action, Actor, Asset, Circumstances, Place, Role
from appliance.classification.signed import policy_in_force
from appliance.policy import require
from appliance.rosterindex import RosterIndex
from appliance.session import local_time
from crypto.importance import Importance
from crypto.signing import VerifyKey
from sync.sealed import SealedStore


def attendance_lines(store: SealedStore, root: VerifyKey, on: date) -> list[str]:
    """Return one line for every class, one for every mark below it, and their sums; raises PolicyDeniedError."""
    cleared = tuple(importance for importance in Importance if store.keyring.cleared(importance))
    officer = Actor((Role.BOARD,), cleared)
    asset = Asset(Mark.kind, Mark.importance)
    require(policy_in_force(store, root), officer, Action.VIEW, asset, Circumstances(place=Place.BOARD))
    roster, book = RosterIndex(store), AttendanceBook(store)
    names = {code.code: code.name for code in load_codes()}
    classes = roster.classes()
    days = book.class_days([(c.id, on) for c in classes])
    lines, confirmed, entered = [f"{on.isoformat()} の出席簿"], 0, 0
    for school_class in classes:
        members = roster.members(school_class.id, on)
        marks = book.marks([member.user.id for member in members], on)
        whole = days[school_class.id, on][0].confirmed
        state = "確定" if whole else "未確定"
        confirmed, entered = confirmed + bool(whole), entered + len(marks)
        lines.append(f"{school_class.title}  {len(members)}名  {state}  記入 {len(marks)}件")
        for member in members:
            opened = marks.get(member.user.id)
            if opened is not None:
                who, at = roster.display_name(opened.plain.author), local_time(opened.plain.at_ms)
                code = names.get(opened.mark.code, opened.mark.code)
                lines.append(f"    {member.number or '-':>2} {member.user.name}  {code}  {who} {at:%H:%M:%S}")
    return [*lines, f"{on.isoformat()}  {len(classes)}学級  確定 {confirmed}学級  記入 {entered}件"]
