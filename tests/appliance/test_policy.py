"""The one door: no desk reads or keeps anything before it asked, and what is watched is written down first."""

import inspect
import io
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace as replace_entry
from pyrage import x25519

from appliance.attendance.absences import Absence, AbsenceDesk
from appliance.attendance.closures import ClosureDesk, ClosureTarget
from appliance.attendance.desk import AttendanceDesk
from appliance.attendance.noticedesk import Compared, Match, NoticeDesk
from appliance.attendance.notices import Notice
from appliance.attendance.schoolsystem import read_mapping
from appliance.audit import AuditLog
from appliance.auditdesk import AuditDesk
from appliance.classification.model import Action, Asset, Decision, Line
from appliance.conflictdesk import ConflictDesk
from appliance.demo.agenda import demo_agenda
from appliance.devices.desk import DeviceDesk
from appliance.documents.desk import DocumentDesk
from appliance.documents.filing import FilingDesk
from appliance.documents.intake import Incoming
from appliance.emergency.cards import EmergencyCard
from appliance.emergency.desk import EmergencyDesk
from appliance.hours.desk import HoursDesk
from appliance.hours.importing import ClockPlan, PlannedRow
from appliance.hours.reckoning import Way
from appliance.hours.records import Correction, Press, Punch, Shift
from appliance.ledger.desk import LedgerDesk
from appliance.ledger.ledger import standard
from appliance.meetings.desk import MeetingDesk
from appliance.meetings.floordesk import FloorDesk
from appliance.meetings.minutesdesk import MinutesDesk
from appliance.meetings.sharedtext import SharedText
from appliance.noticeboard.desk import NoticeboardDesk
from appliance.noticeboard.records import NoticeItem
from appliance.office import Office
from appliance.oneroster.plan import ImportPlan, plan_import
from appliance.permits.desk import PermitDesk
from appliance.permits.gate import Lock
from appliance.permits.records import TakeOut
from appliance.permits.releases import Form, ReleaseDesk
from appliance.policy import PolicyDeniedError, require
from appliance.roster import School as SchoolRecord
from appliance.rosterdesk import RosterDesk
from appliance.rosterindex import RosterIndex
from appliance.schoolcalendar import CalendarDesk
from appliance.schooldays import default_year
from appliance.session import Session
from appliance.surveys.desk import SurveyDesk
from appliance.views import Saved, Span
from crypto.importance import Importance
from sync.client import KeeperClient
from sync.reader import Reader
from tests.school import PASSPHRASE, School

ON = date(2026, 12, 1)
WORKED = date(2026, 6, 2)
EMPTY = date(2027, 8, 1)  # no day of it is a school day
CLOSED = date(2027, 2, 3)
WHOLE = ClosureTarget("school", "", "全校")
GIVEN_OUT_DAY = date(2026, 5, 18)
MEETING_DAY = date(2026, 5, 11)  # older than the shared school's own meeting, which stays the newest


@dataclass(frozen=True)
class Things:
    """Real arguments for every method."""

    class_id: str
    pupil: str
    meeting: str
    item: str
    saved: Saved
    plan: ImportPlan
    cards: Path
    document: str
    request: str
    takeout: str
    clock: ClockPlan
    colleague: str
    correction: Correction
    other_meeting: str
    task: str
    survey: str


LOCK = Lock((str(x25519.Identity.generate().to_public()),))
TAKEN = TakeOut(number="2026-0001", what="監査記録", graded=2, form="csv.age", size=1, sha256=bytes(32))
QUESTIONS = "# 係\n記名: 記名\n締切: 2099-01-01\n1. できますか（一つ）\n- はい\n- いいえ"
NOTICE = NoticeItem(title="献立", body="カレー", first=ON, until=ON)
Call = Callable[[Office, School, Things], object]
CALLS: dict[tuple[type, str], Call] = {
    (AttendanceDesk, "classes"): lambda o, s, t: o.attendance.classes(ON),
    (AttendanceDesk, "day"): lambda o, s, t: o.attendance.day(t.class_id, ON),
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
            "light",
            "left_in_inbox",
            "look",
            "keep_look",
            "logout",
            "released_into",
            "system_mapping",
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
    EmergencyDesk: "emergency.",
    LedgerDesk: "ledger.",
    AuditDesk: "audit.",
    DeviceDesk: "device.",
    HoursDesk: "hours.",
    NoticeboardDesk: "notice.",
    SurveyDesk: "survey.",
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
}
EDITS = {
    *KEEPS,
    (LedgerDesk, "to_change"),
    (DeviceDesk, "seen"),
    (RosterDesk, "plan"),
    (EmergencyDesk, "plan"),
    (HoursDesk, "plan_import"),
    (HoursDesk, "plan_rows"),
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
READS: tuple[tuple[type, str], ...] = (
    *((Reader, name) for name in ("heads", "history", "since", "rows")),
    *((RosterIndex, name) for name in ("classes", "school_class", "user", "members", "enrollments", "records")),
)
EVERY = pytest.mark.parametrize("door", CALLS, ids=lambda door: f"{door[0].__name__}.{door[1]}")


@pytest.fixture(scope="module")
def again(school: School) -> ImportPlan:
    """Return a plan that keeps one record which stands there already."""
    plan = plan_import(school.zip, school.made.code)
    return replace(plan, put=tuple(r for r in plan.put if isinstance(r, SchoolRecord)), remove=())


@pytest.fixture
def office(school: School, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    monkeypatch.setattr(Session, "_line_now", lambda session: Line.ONLINE)
    opened = school.office("kocho")
    opened.emergency.open(PASSPHRASE, "kyoto", PASSPHRASE, "試験のため", 5)  # for `close` to end
    yield opened
    monkeypatch.undo()
    while opened.emergency.close() is not None:
        pass
    opened.logout()


@pytest.fixture
def things(school: School, office: Office, again: ImportPlan, tmp_path: Path) -> Things:
    view = office.attendance.classes(ON)[12]
    pupil = office.attendance.day(view.class_id, ON).rows[0].pupil_id
    saved = office.attendance.mark(view.class_id, ON, pupil, "late", why="連絡")
    meeting, other = (written(office, what) for what in ("企画委員会", "学年会"))
    item, task = (item.item_id for item in office.meetings.open(meeting).items)
    office.minutes.assign(meeting, task, "予定表", "教務部", None)
    cards = tmp_path / "cards.csv"
    cards.write_text("学級,番号,氏名\n", "utf-8")
    document, _ = office.filing.add(incoming())
    ask_for_the_audit(office)
    office.permits.grant(office.permits.all()[0].request_id, date(2099, 1, 1))
    ask_for_the_audit(office)
    office.permits.keep_takeout(TAKEN)
    request, takeout = office.permits.all()[0].request_id, office.permits.takeouts()[0].takeout_id
    plain = (view.class_id, pupil, meeting, item, saved, again, cards, document)
    teacher = school.office("sato")
    colleague = teacher._session.person.id.hex()
    correction = Correction(reason=os.urandom(8).hex(), spans=((480, 1020),))
    teacher.hours.declare(WORKED, correction=correction)
    teacher.logout()
    row = Punch(person=colleague, on=WORKED, presses=(Press(480, Way.IN),), recorder=True)
    clock = ClockPlan(1, 1, True, (PlannedRow(2, os.urandom(16), row),), 0, (), ())
    return Things(*plain, request, takeout, clock, colleague, correction, other, task, asked_and_closed(office))


def written(office: Office, what: str) -> str:
    """Keep a meeting that no other test looks at; return its id."""
    title = f"{what} {os.urandom(4).hex()}"
    office.meetings.write(f"# {title}\n日時: 2026-05-12 15:00\n- 運動会\n- 予定")
    return next(m.meeting_id for m in office.meetings.all() if m.title == title)


def attached_and_detached(office: Office, town: Things) -> None:
    """Put a document beside an item and take it away."""
    office.meetings.attach(town.meeting, town.item, town.document)
    office.meetings.detach(town.meeting, town.item, town.document)


def asked_and_closed(office: Office) -> str:
    """Ask something by name and close it; return its id."""
    survey, _ = office.surveys.make(QUESTIONS)
    office.surveys.close(survey)
    return survey


def posted_and_withdrawn(office: Office) -> None:
    """Post a notice and take it away."""
    own, _ = office.noticeboard.keep(NOTICE)
    office.noticeboard.withdraw(own)


def closed_and_lifted(office: Office) -> None:
    """Close the school on a day and open it again."""
    own, _ = office.closures.close(WHOLE, CLOSED, CLOSED, "大雪")
    office.closures.lift(own)


def told_of(pupil: str) -> Compared:
    """Return a message of the parents' app about a pupil."""
    notice = Notice(2, "山田 欠席", ON, pupil, "sick", reason="発熱")
    return Compared(Match.NEW, "山田", ON, "sick", notice=notice)


def event() -> bytes:
    """Return a calendar file with one new meeting."""
    lines = (
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//x//",
        "BEGIN:VEVENT",
        f"UID:{os.urandom(8).hex()}",
        "DTSTAMP:20260501T000000Z",
        "DTSTART:20260511T060000Z",
        "SUMMARY:PTA",
        "END:VEVENT",
        "END:VCALENDAR",
    )
    return "\r\n".join((*lines, "")).encode()


def shift_of(person: str) -> Shift:
    """Return a shift to keep."""
    return Shift(person=person, since=date(2026, 4, 1), name="A", begin=480, end=990, rest=45)


def ask_for_the_audit(office: Office) -> Saved:
    """Ask for a permit to take the audit record out."""
    due = date(2099, 1, 1)
    return office.permits.request(
        Action.EXPORT, "audit.entry", Importance.II, "監査記録", "調査のため", "教育委員会", due
    )


def incoming() -> Incoming:
    """Return a document to be taken in."""
    return Incoming(io.BytesIO("水筒".encode()), 6, "shiori.txt", Importance.III, "遠足のしおり")


def watch(monkeypatch: pytest.MonkeyPatch, verdict: Callable[[Action, Asset], None]) -> list[str]:
    """Write down, in order, each question to the policy, each audit entry and each touch of the store."""
    events: list[str] = []

    def spied(policy: Any, actor: Any, action: Action, asset: Asset, *more: Any) -> Decision:
        events.append(f"ask {action} {asset.kind}")
        verdict(action, asset)
        return require(policy, actor, action, asset, *more)

    monkeypatch.setattr("appliance.session.require", spied)
    for owner, name in (*READS, (KeeperClient, "submit")):
        _spy(monkeypatch, events, owner, name)
    _spy_audit(monkeypatch, events)
    return events


def _spy_audit(monkeypatch: pytest.MonkeyPatch, events: list[str]) -> None:
    real = AuditLog.keep

    def kept(log: AuditLog, entry: Any) -> None:
        before = len(events)
        real(log, entry)
        events[before:] = [f"audit {entry.verdict} {entry.asset}"]  # in place of the keeping that it is itself

    monkeypatch.setattr(AuditLog, "keep", kept)


def _spy(monkeypatch: pytest.MonkeyPatch, events: list[str], owner: type, name: str) -> None:
    real = getattr(owner, name)

    def touched(*args: Any, **more: Any) -> Any:
        kind = args[1] if len(args) > 1 and isinstance(args[1], str) and owner is Reader else ""
        events.append("keep" if name == "submit" else f"read {name} {kind}".rstrip())
        return real(*args, **more)

    monkeypatch.setattr(owner, name, touched)


def test_every_public_method_is_in_the_table() -> None:
    public = {
        (owner, name)
        for owner in AREAS
        for name, member in vars(owner).items()
        if not name.startswith("_") and (inspect.isfunction(member) or isinstance(member, property))
    }
    assert public == {*CALLS, *SILENT}


def test_every_desk_that_an_office_hands_out_is_in_the_table(office: Office) -> None:
    """A desk in a module that is known already would pass tests/appliance/test_doors.py."""
    public = {type(thing) for name, thing in vars(office).items() if not name.startswith("_")}
    desks = {kind for kind in public if kind.__module__.startswith("appliance.")}
    assert desks - {*AREAS} == {ConflictDesk}, "tests/appliance/test_conflictdesk.py asks that one"
    assert {*AREAS} - desks == {Office}


@EVERY
def test_it_asks_the_policy_before_it_touches_the_store(
    door: tuple[type, str], school: School, office: Office, things: Things, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = watch(monkeypatch, let_pass)
    CALLS[door](office, school, things)
    action = OTHER_ACTIONS.get(door, Action.VIEW if door not in EDITS else Action.EDIT)
    area = AREAS[door[0]] if door[0] in OWN_AREA else OTHER_AREAS.get(door[1], AREAS[door[0]])
    area = RELEASED[door[1]] if door[0] is ReleaseDesk else area
    assert without_lookup(events)[0].startswith(f"ask {action} {area}")
    assert ("keep" in events) is (door in KEEPS or door == (ReleaseDesk, "audit"))  # the record of what leaves
    assert [event for event in events if event.startswith(("read", "keep"))] or door[0] is CalendarDesk


@EVERY
def test_when_the_policy_denies_nothing_is_read_or_kept(
    door: tuple[type, str], school: School, office: Office, things: Things, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = office._session.store.reader.position()
    events = watch(monkeypatch, deny)
    with pytest.raises(PolicyDeniedError):
        CALLS[door](office, school, things)
    asked = without_lookup(events)
    assert asked[0].startswith("ask ") and len(asked) == 1 + sum(event.startswith("audit ") for event in asked)
    refusals = len(asked) - 1
    assert office._session.store.reader.position().seq - before.seq <= 2 * refusals  # the entry, and its batch key


def without_lookup(events: list[str]) -> list[str]:
    """Leave out what the question needs: a pupil's class, a document's importance, whether 非常時開示 stands."""
    glass = {f"read heads breakglass.{what}" for what in ("opened", "closed")}
    key = {f"read {how} key.batch" for how in ("heads", "history")}
    importance = {"read heads document.file"}  # which a record says in clear
    asking = {"read classes", "read members", *glass, *key, *importance}
    return [event for event in events if event not in asking]


def let_pass(action: Action, asset: Asset) -> None:
    """Leave the answer to the rules."""


def deny(action: Action, asset: Asset) -> None:
    raise PolicyDeniedError(operation=f"{action} {asset.kind}", subject=asset.importance.label, reason="試験")


def test_a_mark_is_not_kept_without_its_reason(
    school: School, office: Office, things: Things, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_reasons(action: Action, asset: Asset) -> None:
        if asset.importance is Importance.II:
            deny(action, asset)

    events = watch(monkeypatch, no_reasons)
    with pytest.raises(PolicyDeniedError):
        office.attendance.mark(things.class_id, ON, things.pupil, "sick", reason="発熱")
    assert "keep" not in events
    office.attendance.mark(things.class_id, ON, things.pupil, "sick")


def test_a_reason_is_written_down_before_it_is_opened(
    school: School, office: Office, things: Things, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.attendance.mark(things.class_id, ON, things.pupil, "sick", reason="発熱")
    events = watch(monkeypatch, let_pass)
    assert office.attendance.reason(things.pupil, ON) == "発熱"
    told = without_lookup(events)
    assert told[:2] == ["ask view attendance.reason", "audit allow attendance.reason"]
    assert told[2].startswith("read")
