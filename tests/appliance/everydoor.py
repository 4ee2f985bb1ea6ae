"""Every public method of every desk, how to call it, and what it asks the policy: a table that must be whole."""

import io
from collections.abc import Callable
from datetime import date

from msgspec.structs import replace as replace_entry

from appliance.attendance.absences import Absence, AbsenceDesk
from appliance.attendance.closures import ClosureDesk
from appliance.attendance.desk import AttendanceDesk
from appliance.attendance.noticedesk import NoticeDesk
from appliance.attendance.schoolsystem import read_mapping
from appliance.auditdesk import AuditDesk
from appliance.classification.model import Action
from appliance.contacts import ContactDesk
from appliance.demo.agenda import demo_agenda
from appliance.devices.desk import DeviceDesk
from appliance.documents.desk import DocumentDesk
from appliance.documents.filing import FilingDesk
from appliance.emergency.cards import EmergencyCard
from appliance.emergency.desk import EmergencyDesk
from appliance.exchange.desk import ExchangeDesk
from appliance.exchange.mapping import read_exchange_mapping
from appliance.exchange.outgoing import Asked, ExchangeReleases, Mappings, What
from appliance.hours.desk import HoursDesk
from appliance.hours.reckoning import Way
from appliance.ledger.desk import LedgerDesk
from appliance.ledger.ledger import standard
from appliance.meetings.desk import MeetingDesk
from appliance.meetings.floordesk import FloorDesk
from appliance.meetings.minutesdesk import MinutesDesk
from appliance.meetings.sharedtext import SharedText
from appliance.noticeboard.desk import NoticeboardDesk
from appliance.office import Office
from appliance.permits.desk import PermitDesk
from appliance.permits.gate import Lock
from appliance.permits.releases import Form, ReleaseDesk
from appliance.rosterdesk import RosterDesk
from appliance.schoolcalendar import CalendarDesk
from appliance.schooldays import default_year
from appliance.surveys.desk import SurveyDesk
from appliance.views import Span
from crypto.importance import Importance
from tests.appliance.doorthings import (
    CLOSED,
    EMPTY,
    GIVEN_OUT_DAY,
    LOCK,
    MEETING_DAY,
    NOTICE,
    ON,
    QUESTIONS,
    SENT,
    TAKEN,
    TORN,
    WHOLE,
    WORKED,
    Things,
    ask_for_the_audit,
    asked_and_closed,
    attached_and_detached,
    closed_and_lifted,
    event,
    incoming,
    posted_and_withdrawn,
    shift_of,
    told_of,
    workbook,
)
from tests.school import PASSPHRASE, School

Call = Callable[[Office, School, Things], object]
CALLS: dict[tuple[type, str], Call] = {
    (AttendanceDesk, "classes"): lambda o, s, t: o.attendance.classes(ON),
    (AttendanceDesk, "day"): lambda o, s, t: o.attendance.day(t.class_id, ON),
    (AttendanceDesk, "row"): lambda o, s, t: o.attendance.row(t.class_id, ON, t.pupil),
    (AttendanceDesk, "mark"): lambda o, s, t: o.attendance.mark(
        t.class_id, ON, t.pupil, "sick", reason="熱", why="連絡"
    ),
    (AttendanceDesk, "mark_rest_present"): lambda o, s, t: o.attendance.mark_rest_present(t.class_id, ON),
    (AttendanceDesk, "confirm"): lambda o, s, t: o.attendance.confirm(t.class_id, ON),
    (AttendanceDesk, "reopen"): lambda o, s, t: o.attendance.reopen(t.class_id, ON),
    (AttendanceDesk, "undo"): lambda o, s, t: o.attendance.undo(t.saved),
    (AttendanceDesk, "history"): lambda o, s, t: o.attendance.history(t.pupil, ON),
    (AttendanceDesk, "reason"): lambda o, s, t: o.attendance.reason(t.pupil, ON),
    (AttendanceDesk, "month"): lambda o, s, t: o.attendance.month(t.class_id, ON),
    (AttendanceDesk, "totals"): lambda o, s, t: o.attendance.totals(t.class_id, ON, Span.TERM),
    (AttendanceDesk, "rows_between"): lambda o, s, t: o.attendance.rows_between(ON, ON, present=True),
    (AttendanceDesk, "attention"): lambda o, s, t: o.attendance.attention(),
    (AttendanceDesk, "mark_many"): lambda o, s, t: o.attendance.mark_many(
        t.class_id, [(t.pupil, ON, "sick")], "連絡"
    ),
    (AttendanceDesk, "close_month"): lambda o, s, t: o.attendance.close_month(t.class_id, EMPTY),
    (AttendanceDesk, "reopen_month"): lambda o, s, t: o.attendance.reopen_month(t.class_id, EMPTY, "直すため"),
    (AttendanceDesk, "find_pupils"): lambda o, s, t: o.attendance.find_pupils("さ", ON),
    (ClosureDesk, "targets"): lambda o, s, t: o.closures.targets(),
    (ClosureDesk, "listed"): lambda o, s, t: o.closures.listed(ON),
    (ClosureDesk, "foresee"): lambda o, s, t: o.closures.foresee(WHOLE, CLOSED, CLOSED, "大雪"),
    (ClosureDesk, "close"): lambda o, s, t: closed_and_lifted(o),
    (ClosureDesk, "lift"): lambda o, s, t: closed_and_lifted(o),
    (AbsenceDesk, "days"): lambda o, s, t: o.absences.days(t.pupil, ON, ON),
    (AbsenceDesk, "keep"): lambda o, s, t: o.absences.keep(Absence(t.pupil, ON, ON, "sick", "発熱")),
    (NoticeDesk, "compare"): lambda o, s, t: o.notices.compare("氏名\t区分\n山田\t欠席"),
    (NoticeDesk, "take"): lambda o, s, t: o.notices.take([told_of(t.pupil)]),
    (MeetingDesk, "all"): lambda o, s, t: o.meetings.all(),
    (MeetingDesk, "open"): lambda o, s, t: o.meetings.open(t.meeting),
    (MeetingDesk, "add"): lambda o, s, t: o.meetings.add(*demo_agenda(MEETING_DAY)),
    (MeetingDesk, "give_out"): lambda o, s, t: o.meetings.give_out(*demo_agenda(GIVEN_OUT_DAY)),
    (MeetingDesk, "every"): lambda o, s, t: o.meetings.every(),
    (MeetingDesk, "title"): lambda o, s, t: o.meetings.title(t.meeting),
    (MeetingDesk, "importance"): lambda o, s, t: o.meetings.importance(t.meeting),
    (MeetingDesk, "write"): lambda o, s, t: o.meetings.write("# 学年会\n日時: 2026-05-11 15:00\n- 様子"),
    (MeetingDesk, "take_ics"): lambda o, s, t: o.meetings.take_ics(event()),
    (MeetingDesk, "template"): lambda o, s, t: o.meetings.template(""),
    (MeetingDesk, "propose"): lambda o, s, t: o.meetings.propose(t.meeting, "- 落とし物"),
    (MeetingDesk, "accept"): lambda o, s, t: o.meetings.accept(t.meeting, t.item),
    (MeetingDesk, "move"): lambda o, s, t: o.meetings.move(t.meeting, t.item, up=False),
    (MeetingDesk, "attach"): lambda o, s, t: o.meetings.attach(t.meeting, t.item, t.document),
    (MeetingDesk, "detach"): lambda o, s, t: attached_and_detached(o, t),
    (MeetingDesk, "rewrite"): lambda o, s, t: o.meetings.rewrite(t.meeting, t.item, "別紙のとおり"),
    (MeetingDesk, "tasks"): lambda o, s, t: o.meetings.tasks(),
    (MeetingDesk, "search"): lambda o, s, t: o.meetings.search("運動会"),
    (MinutesDesk, "decide"): lambda o, s, t: o.minutes.decide(t.meeting, t.item, "原案どおり"),
    (MinutesDesk, "assign"): lambda o, s, t: o.minutes.assign(t.meeting, t.item, "係", "体育部", None),
    (MinutesDesk, "tick"): lambda o, s, t: o.minutes.tick(t.task),
    (MinutesDesk, "text"): lambda o, s, t: o.minutes.text(t.item),
    (MinutesDesk, "write"): lambda o, s, t: o.minutes.write(t.meeting, t.item, SharedText()),
    (MinutesDesk, "write_note"): lambda o, s, t: o.minutes.write_note(t.item, "あとで聞く"),
    (MinutesDesk, "confirm"): lambda o, s, t: o.minutes.confirm(t.other_meeting),
    (MinutesDesk, "add_later"): lambda o, s, t: o.minutes.add_later(t.item, "追記"),
    (FloorDesk, "ask"): lambda o, s, t: o.floor.ask(t.meeting, t.item, "雨のときは"),
    (FloorDesk, "answer"): lambda o, s, t: o.floor.answer(t.meeting, t.item, "question", "翌日"),
    (FloorDesk, "mark_read"): lambda o, s, t: o.floor.mark_read(t.task),
    (FloorDesk, "lead"): lambda o, s, t: o.floor.lead(t.meeting, t.item),
    (FloorDesk, "page"): lambda o, s, t: o.floor.page(t.meeting),
    (CalendarDesk, "year"): lambda o, s, t: o.calendar.year(date(2030, 5, 1)),
    (CalendarDesk, "status"): lambda o, s, t: o.calendar.status(date(2030, 5, 1)),
    (CalendarDesk, "keep"): lambda o, s, t: o.calendar.keep(default_year(2030)),
    (RosterDesk, "plan"): lambda o, s, t: o.roster.plan(s.zip),
    (RosterDesk, "commit"): lambda o, s, t: o.roster.commit(t.plan),
    (RosterDesk, "plan_workbook"): lambda o, s, t: o.roster.plan_workbook(workbook()),
    (ContactDesk, "of_pupil"): lambda o, s, t: o.contacts.of_pupil(t.pupil, ON),
    (EmergencyDesk, "card"): lambda o, s, t: o.emergency.card(t.pupil),
    (EmergencyDesk, "plan"): lambda o, s, t: o.emergency.plan(t.cards, ON),
    (EmergencyDesk, "keep"): lambda o, s, t: o.emergency.keep([EmergencyCard(pupil=t.pupil, allergies="卵")]),
    (EmergencyDesk, "open"): lambda o, s, t: o.emergency.open(PASSPHRASE, "kyoto", PASSPHRASE, "試験のため", 5),
    (EmergencyDesk, "disclosures"): lambda o, s, t: o.emergency.disclosures(),
    (EmergencyDesk, "close"): lambda o, s, t: o.emergency.close(),
    (DocumentDesk, "find"): lambda o, s, t: o.documents.find("遠足"),
    (DocumentDesk, "find_in_text"): lambda o, s, t: o.documents.find_in_text("水筒"),
    (DocumentDesk, "open"): lambda o, s, t: o.documents.open(t.document),
    (DocumentDesk, "facts"): lambda o, s, t: o.documents.facts(t.document),
    (DocumentDesk, "versions"): lambda o, s, t: o.documents.versions(t.document),
    (DocumentDesk, "whereabouts"): lambda o, s, t: o.documents.whereabouts(t.document),
    (FilingDesk, "add"): lambda o, s, t: o.filing.add(incoming()),
    (FilingDesk, "give_out"): lambda o, s, t: o.filing.give_out(incoming()),
    (FilingDesk, "add_file"): lambda o, s, t: o.filing.add_file(t.cards, Importance.III),
    (FilingDesk, "renew"): lambda o, s, t: o.filing.renew(t.document, io.BytesIO(b"two"), 3, "two.txt"),
    (FilingDesk, "rename"): lambda o, s, t: o.filing.rename(t.document, "遠足のしおり（改）"),
    (FilingDesk, "reclassify"): lambda o, s, t: o.filing.reclassify(t.document, Importance.II),
    (FilingDesk, "destroy"): lambda o, s, t: o.filing.destroy(t.document),
    (LedgerDesk, "all"): lambda o, s, t: o.ledger.all(),
    (LedgerDesk, "keeps"): lambda o, s, t: o.ledger.keeps("document.file"),
    (LedgerDesk, "store_class"): lambda o, s, t: o.ledger.store_class(),
    (LedgerDesk, "to_change"): lambda o, s, t: o.ledger.to_change("時間割"),
    (LedgerDesk, "keep"): lambda o, s, t: o.ledger.keep(replace_entry(standard()[-1], retention="2y")),
    (LedgerDesk, "history"): lambda o, s, t: o.ledger.history("meeting"),
    (PermitDesk, "all"): lambda o, s, t: o.permits.all(),
    (PermitDesk, "granted"): lambda o, s, t: o.permits.granted(),
    (PermitDesk, "takeouts"): lambda o, s, t: o.permits.takeouts(),
    (PermitDesk, "counts"): lambda o, s, t: o.permits.counts(),
    (PermitDesk, "request"): lambda o, s, t: ask_for_the_audit(o),
    (PermitDesk, "grant"): lambda o, s, t: o.permits.grant(t.request, date(2099, 1, 1)),
    (PermitDesk, "refuse"): lambda o, s, t: o.permits.refuse(t.request, "要らないため"),
    (PermitDesk, "returned"): lambda o, s, t: o.permits.returned(t.takeout, "持ち帰り"),
    (PermitDesk, "keep_takeout"): lambda o, s, t: o.permits.keep_takeout(TAKEN),
    (ReleaseDesk, "ledger"): lambda o, s, t: o.releases.ledger(Form.CSV),
    (ReleaseDesk, "audit"): lambda o, s, t: o.releases.audit(Form.CSV, 1, lock=LOCK),
    (ReleaseDesk, "day"): lambda o, s, t: o.releases.day(t.class_id, ON, Form.PDF),
    (ReleaseDesk, "month"): lambda o, s, t: o.releases.month(t.class_id, ON, Form.XLSX),
    (ReleaseDesk, "document"): lambda o, s, t: o.releases.document(t.document, lock=LOCK),
    (AuditDesk, "lines"): lambda o, s, t: o.audit.lines(),
    (DeviceDesk, "seen"): lambda o, s, t: o.devices.seen(),
    (HoursDesk, "punch"): lambda o, s, t: o.hours.punch(Way.IN),
    (HoursDesk, "own_month"): lambda o, s, t: o.hours.own_month(ON),
    (HoursDesk, "own_trend"): lambda o, s, t: o.hours.own_trend(ON),
    (HoursDesk, "month_of"): lambda o, s, t: o.hours.month_of(t.colleague, ON),
    (HoursDesk, "trend_of"): lambda o, s, t: o.hours.trend_of(t.colleague, ON),
    (HoursDesk, "all_months"): lambda o, s, t: o.hours.all_months(ON),
    (HoursDesk, "waiting"): lambda o, s, t: o.hours.waiting(),
    (HoursDesk, "declare"): lambda o, s, t: o.hours.declare(date(2026, 6, 1), rest=15),
    (HoursDesk, "approve"): lambda o, s, t: o.hours.approve(t.colleague, WORKED, t.correction),
    (HoursDesk, "refuse"): lambda o, s, t: o.hours.refuse(t.colleague, WORKED, t.correction, "記録と違うため"),
    (HoursDesk, "staff"): lambda o, s, t: o.hours.staff(),
    (HoursDesk, "set_shifts"): lambda o, s, t: o.hours.set_shifts([shift_of(t.colleague)]),
    (HoursDesk, "plan_import"): lambda o, s, t: o.hours.plan_import(t.cards),
    (HoursDesk, "plan_rows"): lambda o, s, t: o.hours.plan_rows(t.cards.read_bytes()),
    (HoursDesk, "commit_import"): lambda o, s, t: o.hours.commit_import(t.clock),
    (HoursDesk, "report"): lambda o, s, t: o.hours.report(2026),
    (NoticeboardDesk, "listed"): lambda o, s, t: o.noticeboard.listed(),
    (NoticeboardDesk, "waiting"): lambda o, s, t: o.noticeboard.waiting(),
    (NoticeboardDesk, "keep"): lambda o, s, t: o.noticeboard.keep(NOTICE),
    (NoticeboardDesk, "withdraw"): lambda o, s, t: posted_and_withdrawn(o),
    (NoticeboardDesk, "release"): lambda o, s, t: o.noticeboard.release(),
    (SurveyDesk, "listed"): lambda o, s, t: o.surveys.listed(),
    (SurveyDesk, "get"): lambda o, s, t: o.surveys.get(t.survey),
    (SurveyDesk, "make"): lambda o, s, t: o.surveys.make(QUESTIONS),
    (SurveyDesk, "close"): lambda o, s, t: asked_and_closed(o),
    (SurveyDesk, "answer"): lambda o, s, t: o.surveys.answer(o.surveys.make(QUESTIONS)[0], ((0,),)),
    (SurveyDesk, "results"): lambda o, s, t: o.surveys.results(t.survey),
    (SurveyDesk, "named_answers"): lambda o, s, t: o.surveys.named_answers(t.survey),
    (ReleaseDesk, "survey"): lambda o, s, t: o.releases.survey(t.survey, Form.CSV),
    (ReleaseDesk, "hours"): lambda o, s, t: o.releases.hours(2026, Form.CSV),
    (ReleaseDesk, "for_system"): lambda o, s, t: o.releases.for_system(read_mapping(), ON, ON),
    (ReleaseDesk, "minutes"): lambda o, s, t: o.releases.minutes(t.meeting, Form.MARKDOWN),
    (ReleaseDesk, "calendar"): lambda o, s, t: o.releases.calendar(),
    (ExchangeDesk, "waiting"): lambda o, s, t: o.exchange.waiting(),
    (ExchangeDesk, "count"): lambda o, s, t: o.exchange.count(),
    (ExchangeDesk, "receipts"): lambda o, s, t: o.exchange.receipts(),
    (ExchangeDesk, "receipt"): lambda o, s, t: o.exchange.receipt(o.exchange.receipts()[0].receipt_id),
    (ExchangeDesk, "sent"): lambda o, s, t: o.exchange.sent(),
    (ExchangeDesk, "examine"): lambda o, s, t: o.exchange.examine(t.arrival),
    (ExchangeDesk, "examine_file"): lambda o, s, t: o.exchange.examine_file(s.zip),
    (ExchangeDesk, "settle"): lambda o, s, t: o.exchange.settle(TORN),
    (ExchangeDesk, "turn_away"): lambda o, s, t: o.exchange.turn_away(TORN),
    (ExchangeDesk, "last_sent"): lambda o, s, t: o.exchange.last_sent("roster", ON, ON),
    (ExchangeDesk, "keep_sent"): lambda o, s, t: o.exchange.keep_sent(SENT),
    (ExchangeReleases, "make"): lambda o, s, t: o.outgoing.make(
        Asked(What.ROSTER, ON, ON, again=True), Mappings(read_mapping(), read_exchange_mapping()), Lock()
    ),
    (ExchangeReleases, "manifest"): lambda o, s, t: o.outgoing.manifest(ON, ON),
    (AttendanceDesk, "month_totals"): lambda o, s, t: o.attendance.month_totals(ON),
    (RosterDesk, "standing"): lambda o, s, t: o.roster.standing(),
    (ExchangeReleases, "receipt"): lambda o, s, t: o.outgoing.receipt(o.exchange.receipts()[0].receipt_id),
    (Office, "home"): lambda o, s, t: o.home(),
}
# They open no record: configuration, the log's position, the daemon's status, the person's own name; and that
# 非常時開示 stands, which everybody is told. Of refused devices home shows nothing to whom the policy denies them.
SILENT = {
    (SurveyDesk, "template"),
    (SurveyDesk, "may_see_names"),
    (DeviceDesk, "refused"),
    (EmergencyDesk, "disclosure"),
    (EmergencyDesk, "until"),
    (AttendanceDesk, "codes"),
    (AttendanceDesk, "corrections"),
    (AbsenceDesk, "choices"),
    (HoursDesk, "patterns"),
    *(
        (Office, name)
        for name in (
            "who",
            "school_name",
            "lock_after_s",
            "today",
            "changed_since",
            "since_entry",
            "light",
            "left_in_inbox",
            "look",
            "keep_look",
            "logout",
            "released_into",
            "system_mapping",
            "give_receipt",
            "send_out",
            "list_sent",
            "exchange_mapping",
            "hand_out",  # puts down what the gate has made already, and what `make` asks for itself
        )
    ),
}
AREAS: dict[type, str] = {
    AttendanceDesk: "attendance.",
    AbsenceDesk: "attendance.",
    NoticeDesk: "attendance.",
    MeetingDesk: "meeting",
    MinutesDesk: "meeting.",
    FloorDesk: "meeting.",
    DocumentDesk: "document.",
    FilingDesk: "document.",
    PermitDesk: "permit.",
    ReleaseDesk: "document.",
    CalendarDesk: "calendar.",
    ClosureDesk: "calendar.",
    RosterDesk: "roster.",
    ContactDesk: "roster.",
    EmergencyDesk: "emergency.",
    LedgerDesk: "ledger.",
    AuditDesk: "audit.",
    DeviceDesk: "device.",
    HoursDesk: "hours.",
    NoticeboardDesk: "notice.",
    SurveyDesk: "survey.",
    ExchangeDesk: "exchange.",
    ExchangeReleases: "exchange.",
    Office: "attendance.",
}
OWN_AREA = (MeetingDesk, DocumentDesk, ClosureDesk, SurveyDesk)
OTHER_AREAS = {"find_pupils": "roster", "open": "breakglass", "disclosures": "breakglass", "close": "breakglass"}
KEEPS = {
    *((AttendanceDesk, name) for name in ("mark", "mark_many", "mark_rest_present", "confirm", "reopen", "undo")),
    *((AttendanceDesk, name) for name in ("close_month", "reopen_month")),
    *((ClosureDesk, name) for name in ("close", "lift")),
    (AbsenceDesk, "keep"),
    (NoticeDesk, "take"),
    *(
        (MeetingDesk, name)
        for name in ("add", "give_out", "write", "take_ics", "propose", "accept", "move", "rewrite")
    ),
    *((MeetingDesk, name) for name in ("attach", "detach")),
    *((MinutesDesk, name) for name in ("decide", "assign", "tick", "write", "write_note", "confirm", "add_later")),
    *((FloorDesk, name) for name in ("ask", "answer", "mark_read", "lead")),
    (CalendarDesk, "keep"),
    (LedgerDesk, "keep"),
    *((PermitDesk, name) for name in ("request", "grant", "refuse", "returned", "keep_takeout")),
    *((FilingDesk, name) for name in ("add", "add_file", "give_out", "renew", "rename", "reclassify", "destroy")),
    (RosterDesk, "commit"),
    *((HoursDesk, name) for name in ("punch", "declare", "approve", "refuse", "set_shifts", "commit_import")),
    *((EmergencyDesk, name) for name in ("keep", "open", "close")),
    *((NoticeboardDesk, name) for name in ("keep", "withdraw")),
    *((SurveyDesk, name) for name in ("make", "close", "answer")),
    *((ExchangeDesk, name) for name in ("settle", "turn_away", "keep_sent")),
}
EDITS = {
    *KEEPS,
    (LedgerDesk, "to_change"),
    (DeviceDesk, "seen"),
    (RosterDesk, "plan"),
    (RosterDesk, "plan_workbook"),
    (EmergencyDesk, "plan"),
    (HoursDesk, "plan_import"),
    (HoursDesk, "plan_rows"),
    (ExchangeDesk, "examine"),
    (ExchangeDesk, "examine_file"),
    (ExchangeDesk, "last_sent"),
    (ExchangeReleases, "make"),
}
OTHER_ACTIONS = {
    (FloorDesk, "mark_read"): Action.VIEW,
    (ReleaseDesk, "minutes"): Action.VIEW,  # to learn in which importance they leave
    (ReleaseDesk, "calendar"): Action.EXPORT,
    (ReleaseDesk, "for_system"): Action.EXPORT,
    (ReleaseDesk, "ledger"): Action.EXPORT,
    (ReleaseDesk, "month"): Action.EXPORT,
    (ReleaseDesk, "hours"): Action.EXPORT,
    (ReleaseDesk, "survey"): Action.EXPORT,
    (ReleaseDesk, "day"): Action.PRINT,
    (ExchangeReleases, "receipt"): Action.VIEW,  # the id is looked up first, here
    (ExchangeReleases, "manifest"): Action.EXPORT,
    (FilingDesk, "destroy"): Action.DESTROY,
}
RELEASED = {
    "hours": "hours.",
    "survey": "survey.",
    "ledger": "ledger.",
    "audit": "permit.",
    "day": "attendance.",
    "month": "attendance.",
    "for_system": "attendance.",
    "minutes": "meeting",
    "calendar": "meeting",
    "document": "document.",
}
