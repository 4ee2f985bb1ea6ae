"""What goes to the school system: receipts, attendance, totals, meetings, working hours, the roster, a manifest.

Invariant: everything handed over went through the gate, which is asked before a file is made; the very same is not
handed over twice unless somebody wants it again. The same state gives the same bytes.
"""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from hashlib import sha256
from typing import Final, NamedTuple

from appliance.attendance.desk import AttendanceDesk
from appliance.attendance.records import Mark
from appliance.attendance.schoolsystem import SystemMapping, system_sheet
from appliance.classification.model import Action
from appliance.exchange.desk import ExchangeDesk
from appliance.exchange.errors import NothingNewError
from appliance.exchange.mapping import ExchangeMapping, TableMapping
from appliance.exchange.receipt import receipt_sheet
from appliance.exchange.records import Receipt, Sent
from appliance.exchange.tables import Row, hours_rows, meeting_rows, month_rows, months_between
from appliance.hours.desk import HoursDesk
from appliance.hours.records import DayRecord
from appliance.meetings.desk import MeetingDesk
from appliance.meetings.records import Meeting
from appliance.oneroster.writing import roster_rows, write_zip
from appliance.permits.gate import Lock, Released, ReleaseGate, Wanted
from appliance.release.columns import mapped_sheet
from appliance.release.csvfile import Encoding, csv_file
from appliance.release.sheet import Column, Sheet
from appliance.roster import User
from appliance.rosterdesk import RosterDesk
from crypto.importance import Importance

RECEIPTS: Final = "受領書"
OUT: Final = "書出"
_MANIFEST: Final = ("ファイル名", "SHA-256", "大きさ", "件数", "種類", "始め", "終わり", "重要性分類")


class What(StrEnum):
    """What goes out."""

    ATTENDANCE = "attendance"
    MONTHS = "months"
    MEETINGS = "meetings"
    HOURS = "hours"
    ROSTER = "roster"


WORDS: Final = {
    What.ATTENDANCE: "出欠（日ごと）",
    What.MONTHS: "出欠の月の集計",
    What.MEETINGS: "会議の議題と決定",
    What.HOURS: "勤務時間",
    What.ROSTER: "名簿（OneRoster）",
}
_ASSETS: Final = {
    What.ATTENDANCE: (Mark.kind, Mark.importance),
    What.MONTHS: (Mark.kind, Mark.importance),
    What.MEETINGS: (Meeting.kind, Meeting.importance),
    What.HOURS: (DayRecord.kind, Importance.II),
    What.ROSTER: (User.kind, User.importance),
}


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to go out, of which time (both days included); `again` also when it is what went out last."""

    what: What
    first: date
    last: date
    again: bool = False
    permit: str = ""


@dataclass(frozen=True, slots=True)
class Mappings:
    """How the school system wants its tables."""

    attendance: SystemMapping
    others: ExchangeMapping


class Outgoing(NamedTuple):
    """A file that may be handed over, and what is written down once it was."""

    released: Released
    sent: Sent


class _Made(NamedTuple):
    data: bytes
    rows: int
    ending: str


@dataclass(frozen=True, slots=True)
class Sources:
    """The desks that what goes out is read through."""

    attendance: AttendanceDesk
    meetings: MeetingDesk
    hours: HoursDesk
    roster: RosterDesk
    school: str


class ExchangeReleases:
    """Lets things out to the school system, over one session."""

    def __init__(self, gate: ReleaseGate, desk: ExchangeDesk, sources: Sources) -> None:
        self._gate, self._desk, self._from = gate, desk, sources

    def receipt(self, receipt_id: str, name: str = "") -> Released:
        """Release the receipt of a file, for whoever gave it; raises UnknownArrivalError, what the gate raises."""
        what = (Receipt.kind, Receipt.importance, "受領書（取り込みの結果）")
        cleared = self._gate.clear(Wanted(Action.EXPORT, *what, subject=receipt_id))
        view = self._desk.receipt(receipt_id)
        data = csv_file(receipt_sheet(view, name), cleared.label)
        return self._gate.release(cleared, f"receipt-{view.receipt.sha256.hex()[:12]}.csv", data)

    def make(self, asked: Asked, mappings: Mappings, lock: Lock) -> Outgoing:
        """Release what was asked for.

        Raises NothingNewError, UnmappedCodeError, NotInCp932Error and what the gate raises.
        """
        what = asked.what
        former = self._desk.last_sent(what, asked.first, asked.last)
        made = self._making(asked, mappings)
        plain = sha256(made.data).digest()
        if former is not None and former.plain == plain and not asked.again:
            raise NothingNewError(operation="write for school system", subject=what, what=what)
        kind, importance = _ASSETS[what]
        words = f"校務支援システムへ {WORDS[what]} {asked.first}～{asked.last}"
        wanted = Wanted(Action.EXPORT, kind, importance, words, permit=asked.permit, lock=lock)
        cleared = self._gate.clear(wanted)
        stem = f"{what}-{asked.first:%Y%m%d}-{asked.last:%Y%m%d}-{importance.name}-{plain.hex()[:8]}"
        released = self._gate.release(cleared, f"{stem}.{made.ending}", made.data)
        return Outgoing(released, _sent(asked, plain, released, made.rows))

    def manifest(self, first: date, last: date) -> Released:
        """Release the list of what went out for a time, with SHA-256 of each file."""
        cleared = self._gate.clear(Wanted(Action.EXPORT, Sent.kind, Sent.importance, "校務支援システムへの一覧"))
        views = sorted(self._desk.sent(), key=lambda one: one.what)
        rows = tuple(
            (
                one.name,
                one.sha256,
                one.size,
                one.rows,
                one.what,
                f"{one.first}",
                f"{one.last}",
                one.importance.label,
            )
            for one in views
            if (one.first, one.last) == (first, last)
        )
        data = csv_file(Sheet("manifest", tuple(map(Column, _MANIFEST)), rows), None)
        stem = f"manifest-{first:%Y%m%d}-{last:%Y%m%d}-{sha256(data).hexdigest()[:8]}"
        return self._gate.release(cleared, f"{stem}.csv", data)

    def _making(self, asked: Asked, mappings: Mappings) -> _Made:
        makers: dict[What, Callable[[Asked, Mappings], _Made]] = {
            What.ATTENDANCE: self._attendance,
            What.MONTHS: self._months,
            What.MEETINGS: self._meetings,
            What.HOURS: self._hours,
            What.ROSTER: self._roster,
        }
        return makers[asked.what](asked, mappings)

    def _attendance(self, asked: Asked, mappings: Mappings) -> _Made:
        mapping = mappings.attendance
        rows = self._from.attendance.rows_between(asked.first, asked.last, present=mapping.present)
        data = csv_file(system_sheet(mapping, rows, WORDS[asked.what]), None, mapping.encoding)
        return _Made(data, len(rows), "csv")

    def _months(self, asked: Asked, mappings: Mappings) -> _Made:
        rows: list[Row] = []
        for month in months_between(asked.first, asked.last):
            for view, totals in self._from.attendance.month_totals(month):
                rows += month_rows(self._from.school, view, totals, month)
        return _table(mappings.others.months, rows, mappings.others.encoding)

    def _meetings(self, asked: Asked, mappings: Mappings) -> _Made:
        rows = meeting_rows(mappings.others, self._from.meetings.every(), asked.first, asked.last)
        return _table(mappings.others.meetings, rows, mappings.others.encoding)

    def _hours(self, asked: Asked, mappings: Mappings) -> _Made:
        desk = self._from.hours
        months = [one for at in months_between(asked.first, asked.last) for one in desk.all_months(at)]
        return _table(mappings.others.hours, hours_rows(mappings.others, months), mappings.others.encoding)

    def _roster(self, asked: Asked, mappings: Mappings) -> _Made:
        rows, out = roster_rows(self._from.roster.standing()), io.BytesIO()
        write_zip(rows, out, ("Kurabako", "kurabako"))
        return _Made(out.getvalue(), sum(map(len, rows.values())), "zip")


def _table(table: TableMapping, rows: Sequence[Row], encoding: Encoding) -> _Made:
    return _Made(csv_file(mapped_sheet("", table.column, rows), None, encoding), len(rows), "csv")


def _sent(asked: Asked, plain: bytes, released: Released, rows: int) -> Sent:
    return Sent(
        what=asked.what,
        first=asked.first,
        last=asked.last,
        plain=plain,
        sha256=sha256(released.data).digest(),
        size=len(released.data),
        rows=rows,
        graded=released.importance,
        name=released.name,
    )
