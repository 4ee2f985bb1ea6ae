"""What may be released: ledger, audit record, a class's day or month, hours, minutes, totals, a document.

Invariant: the gate is asked before anything is read, and everything handed over went through it; a document that
can carry no label on its pages leaves only encrypted.
"""

import re
from datetime import date
from enum import StrEnum
from pathlib import PurePath
from typing import Final

from appliance.attendance.desk import AttendanceDesk
from appliance.attendance.monthsheet import month_sheet
from appliance.attendance.records import Mark
from appliance.attendance.schoolsystem import SystemMapping, system_sheet
from appliance.attendance.sheetform import SheetForm
from appliance.audit import AuditEntry
from appliance.auditdesk import AuditDesk
from appliance.classification.model import Action
from appliance.documents.desk import DocumentDesk, OpenedDocument
from appliance.documents.media import Media
from appliance.documents.records import DocumentFile
from appliance.hours.desk import HoursDesk
from appliance.hours.report import ASSET as HOURS_REPORT
from appliance.hours.report import ASSET_IMPORTANCE, sheet_of
from appliance.ledger.desk import LedgerDesk
from appliance.ledger.ledger import LedgerEntry
from appliance.ledger.lines import ledger_sheet
from appliance.meetings.desk import MeetingDesk
from appliance.meetings.ics import ics_file
from appliance.meetings.records import AgendaItem, Meeting
from appliance.meetings.writing import minutes_sheet, minutes_text
from appliance.permits.gate import Clearance, Lock, Released, ReleaseGate, Wanted
from appliance.release.chart import chart_html, chart_pdf
from appliance.release.csvfile import cells_file, csv_file
from appliance.release.pdf import sheet_pdf
from appliance.release.sheet import Column, Sheet
from appliance.release.stamp import document_pdf
from appliance.release.typeset import Paper
from appliance.release.xlsx import xlsx_file
from appliance.surveys.desk import RESULT as SURVEY_RESULT
from appliance.surveys.desk import SurveyDesk
from appliance.surveys.results import chart_of, result_sheet
from crypto.importance import Importance


class Form(StrEnum):
    """The form of a released table."""

    CSV = "csv"
    XLSX = "xlsx"
    PDF = "pdf"
    MARKDOWN = "md"
    HTML = "html"
    CELLS = "tsv"  # to be pasted into a spreadsheet


_AUDIT: Final = ("日時", "だれが", "役割", "何を", "対象", "分類", "判定", "規則", "目的", "場所")
_DAY: Final = ("番号", "氏名", "よみ", "出欠", "時刻", "記入者")
_NOTHING: Final = Lock()
_NOT_IN_NAME: Final = re.compile(r"[^\w-]")
_ENDING: Final = re.compile(r"\.[A-Za-z0-9]{1,5}")


class ReleaseDesk:
    """Everything that may leave, over one session."""

    def __init__(
        self,
        gate: ReleaseGate,
        ledger: LedgerDesk,
        audit: AuditDesk,
        attendance: AttendanceDesk,
        documents: DocumentDesk,
        hours: HoursDesk,
        meetings: MeetingDesk,
        surveys: SurveyDesk,
        form: SheetForm,
    ) -> None:
        self._gate = gate
        self._ledger, self._audit, self._attendance, self._documents = ledger, audit, attendance, documents
        self._hours, self._meetings, self._form = hours, meetings, form
        self._surveys = surveys

    def ledger(self, form: Form, lock: Lock = _NOTHING) -> Released:
        """Release the asset ledger; raises what the gate raises, and CellTooLongError."""
        wanted = Wanted(_act(form), LedgerEntry.kind, LedgerEntry.importance, "情報資産台帳", lock=lock)
        cleared = self._gate.clear(wanted)
        return self._table(cleared, ledger_sheet(self._ledger.all()), form, "ledger")

    def audit(self, form: Form, days: int | None = None, permit: str = "", lock: Lock = _NOTHING) -> Released:
        """Release the audit record of the last days; raises what the gate raises."""
        wanted = Wanted(_act(form), AuditEntry.kind, AuditEntry.importance, "監査記録", permit=permit, lock=lock)
        cleared = self._gate.clear(wanted)
        columns = tuple(map(Column, _AUDIT))
        rows = tuple(
            (
                f"{line.at:%Y-%m-%d %H:%M:%S}",
                line.who,
                line.role,
                line.what,
                line.whose,
                line.importance,
                line.verdict,
                line.rule,
                line.purpose,
                f"{line.place} {line.source}",
            )
            for line in self._audit.lines(days)
        )
        return self._table(cleared, Sheet("監査記録", columns, rows), form, "audit")

    def day(self, class_id: str, on: date, form: Form, permit: str = "", lock: Lock = _NOTHING) -> Released:
        """Release the marks of a class on a day, without their reasons; raises what the gate raises."""
        what = f"出欠 {on:%Y-%m-%d}"
        wanted = Wanted(_act(form), Mark.kind, Mark.importance, what, class_id, permit, lock)
        cleared = self._gate.clear(wanted)
        day = self._attendance.day(class_id, on)
        names = {code.code: code.name for code in self._attendance.codes()}
        columns = tuple(map(Column, _DAY))
        rows = tuple(
            (
                row.number if row.number is not None else "",
                row.name,
                row.kana,
                names.get(row.code or "", "未記入"),
                f"{row.at_time:%H:%M}" if row.at_time else "",
                row.entered_by,
            )
            for row in day.own
        )
        sheet = Sheet(f"{day.title} 出欠 {on:%Y年%m月%d日}", columns, rows)
        return self._table(cleared, sheet, form, f"attendance-{on}-{_title(day.title)}")

    def hours(self, year: int, form: Form, lock: Lock = _NOTHING) -> Released:
        """Release the report of the working hours of a 年度: means only; raises what the gate raises."""
        wanted = Wanted(_act(form), HOURS_REPORT, ASSET_IMPORTANCE, f"勤務時間の集計 {year}年度", lock=lock)
        cleared = self._gate.clear(wanted)
        return self._table(cleared, sheet_of(self._hours.report(year)), form, f"hours-{year}")

    def month(
        self,
        class_id: str,
        month: date,
        form: Form,
        permit: str = "",
        lock: Lock = _NOTHING,
        paper: Paper = Paper.A4_LANDSCAPE,
    ) -> Released:
        """Release a class's month, day by day with the totals, without reasons; raises what the gate raises."""
        what = f"出席簿 {month:%Y-%m}"
        wanted = Wanted(_act(form), Mark.kind, Mark.importance, what, class_id, permit, lock)
        cleared = self._gate.clear(wanted)
        grid, codes = self._attendance.month(class_id, month), self._attendance.codes()
        teachers = {view.class_id: view.teacher for view in self._attendance.classes(month)}
        sheet = month_sheet(grid, codes, self._form, cleared.label.school, teachers.get(class_id, ""))
        return self._table(cleared, sheet, form, f"attendance-{month:%Y-%m}-{_title(grid.title)}", paper)

    def for_system(self, mapping: SystemMapping, first: date, last: date, lock: Lock = _NOTHING) -> Released:
        """Release what was entered from `first` to `last` as the school system imports it, without reasons.

        Raises UnmappedCodeError, NotInCp932Error and what the gate raises.
        """
        what = f"出欠の取り込み用 {first}～{last}"
        wanted = Wanted(Action.EXPORT, Mark.kind, Mark.importance, what, lock=lock)
        cleared = self._gate.clear(wanted)
        rows = self._attendance.rows_between(first, last, present=mapping.present)
        data = csv_file(system_sheet(mapping, rows, what), None, mapping.encoding)
        name = f"attendance-{first:%Y%m%d}-{last:%Y%m%d}-{cleared.wanted.importance.name}.csv"
        return self._gate.release(cleared, name, data)

    def minutes(self, meeting_id: str, form: Form, permit: str = "", lock: Lock = _NOTHING) -> Released:
        """Release a meeting's minutes 会議録 in the gravest importance of its items; raises what the gate does."""
        grave = self._meetings.importance(meeting_id)
        what = (AgendaItem.kind, grave, "会議録")
        wanted = Wanted(_act(form), *what, permit=permit, lock=lock, subject=meeting_id)
        cleared = self._gate.clear(wanted)
        detail = self._meetings.open(meeting_id)
        name = f"minutes-{detail.meeting.starts:%Y-%m-%d}"
        if form is not Form.MARKDOWN:
            return self._table(cleared, minutes_sheet(detail), form, name, Paper.A4)
        text = f"{minutes_text(detail)}\n---\n{cleared.label.line()}\n"
        return self._gate.release(cleared, f"{name}.{form}", text.encode())

    def survey(self, survey: str, form: Form, lock: Lock = _NOTHING) -> Released:
        """Release the totals of a questionnaire, as bars or a table; raises ResultsHiddenError too."""
        wanted = Wanted(_act(form), SURVEY_RESULT, Importance.III, "アンケートの結果", lock=lock, subject=survey)
        cleared = self._gate.clear(wanted)
        results, name = self._surveys.results(survey), f"survey-{survey[:8]}"
        if form is Form.HTML:
            return self._gate.release(cleared, f"{name}.html", chart_html(chart_of(results), cleared.label))
        if form is Form.PDF:
            return self._gate.release(cleared, f"{name}.pdf", chart_pdf(chart_of(results), cleared.label).pdf)
        return self._table(cleared, result_sheet(results), form, name)

    def calendar(self, lock: Lock = _NOTHING) -> Released:
        """Release all meetings as an iCalendar file, nothing above importance III in it."""
        wanted = Wanted(Action.EXPORT, Meeting.kind, Meeting.importance, "会議の予定", lock=lock)
        cleared = self._gate.clear(wanted)
        return self._gate.release(cleared, "meetings.ics", ics_file(cleared.label, self._meetings.every()))

    def document(
        self, document_id: str, permit: str = "", lock: Lock = _NOTHING, *, outside: bool = False
    ) -> Released:
        """Release a document: a PDF with label and watermark on every page, anything else only encrypted.

        `outside`: it is sent to somebody outside (外部送信). A file of importance I or II gets a name that tells
        nothing: names are not encrypted. Raises UnknownDocumentError, DocumentElsewhereError, LockMissingError,
        UnreadablePdfError and what the gate raises.
        """
        view = self._documents.facts(document_id)
        act = Action.SEND_OUTSIDE if outside else Action.EXPORT
        what = (DocumentFile.kind, view.importance, "文書", view.group)
        wanted = Wanted(act, *what, permit, lock, document_id, bare=view.media != Media.PDF)
        cleared = self._gate.clear(wanted)
        opened = self._documents.open(document_id)
        data = document_pdf(opened.data, cleared.label).pdf if view.media == Media.PDF else opened.data
        return self._gate.release(cleared, _name(opened, document_id), data)

    def _table(
        self, cleared: Clearance, sheet: Sheet, form: Form, name: str, paper: Paper = Paper.A4_LANDSCAPE
    ) -> Released:
        match form:
            case Form.CSV:
                data = csv_file(sheet, cleared.label)
            case Form.CELLS:
                data = cells_file(sheet, cleared.label)
            case Form.XLSX:
                data = xlsx_file(sheet, cleared.label)
            case Form.PDF | Form.MARKDOWN | Form.HTML:
                data = sheet_pdf(sheet, cleared.label, paper).pdf
        return self._gate.release(cleared, f"{name}.{form}", data)


def _name(opened: OpenedDocument, document_id: str) -> str:
    """Return what a released document is called."""
    if opened.importance in (Importance.III, Importance.IV):
        return opened.name
    ending = PurePath(opened.name).suffix
    return f"document-{document_id[:8]}{ending if _ENDING.fullmatch(ending) else ''}"


def _title(of_class: str) -> str:
    """Return a class's title as it may stand in a file's name."""
    return _NOT_IN_NAME.sub("", of_class)


def _act(form: Form) -> Action:
    """Return what releasing in a form is: a PDF is a print."""
    return Action.PRINT if form is Form.PDF else Action.EXPORT
