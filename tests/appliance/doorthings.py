"""What the calls of every door are made with: real arguments, and what makes them anew each time."""

import io
import os
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from openpyxl import Workbook
from pyrage import x25519

from appliance.attendance.closures import ClosureTarget
from appliance.attendance.noticedesk import Compared, Match
from appliance.attendance.notices import Notice
from appliance.classification.model import Action
from appliance.documents.intake import Incoming
from appliance.exchange.incoming import Examined, Form
from appliance.exchange.records import Sent
from appliance.hours.importing import ClockPlan, PlannedRow
from appliance.hours.reckoning import Way
from appliance.hours.records import Correction, Press, Punch, Shift
from appliance.noticeboard.records import NoticeItem
from appliance.office import Office
from appliance.oneroster.container import Held
from appliance.oneroster.errors import ContainerBrokenError
from appliance.oneroster.plan import ImportPlan
from appliance.permits.gate import Lock
from appliance.permits.records import TakeOut
from appliance.views import Saved
from crypto.importance import Importance
from tests.school import School

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
    arrival: str


LOCK = Lock((str(x25519.Identity.generate().to_public()),))
TAKEN = TakeOut(number="2026-0001", what="監査記録", graded=2, form="csv.age", size=1, sha256=bytes(32))
QUESTIONS = "# 係\n記名: 記名\n締切: 2099-01-01\n1. できますか（一つ）\n- はい\n- いいえ"
TORN = Examined(
    "torn.zip",
    b"PK",
    bytes(32),
    Form.ONEROSTER,
    refusal=ContainerBrokenError(operation="open export", file="torn.zip"),
)
SENT = Sent(
    what="roster",
    first=ON,
    last=ON,
    plain=bytes(32),
    sha256=bytes(32),
    size=1,
    rows=1,
    graded=3,
    name="roster.zip",
)
NOTICE = NoticeItem(title="献立", body="カレー", first=ON, until=ON)


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


def workbook() -> Held:
    """Return a roster workbook with one pupil whom the roster does not know."""
    book, out = Workbook(), io.BytesIO()
    sheet = book.create_sheet("1年1組", 0)
    for row in (("学年", "組", "氏名", "ふりがな"), (1, 1, "試験 花", "しけん はな")):
        sheet.append(row)
    book.save(out)
    return Held("meibo.xlsx", out.getvalue())


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


def made_things(school: School, office: Office, again: ImportPlan, arrival: str, folder: Path) -> Things:
    """Make one of everything through a principal's office.

    `again` is a plan that keeps what stands already, `arrival` a file of the school system that waits.
    """
    view = office.attendance.classes(ON)[12]
    pupil = office.attendance.day(view.class_id, ON).rows[0].pupil_id
    saved = office.attendance.mark(view.class_id, ON, pupil, "late", why="連絡")
    meeting, other = (written(office, what) for what in ("企画委員会", "学年会"))
    item, task = (item.item_id for item in office.meetings.open(meeting).items)
    office.minutes.assign(meeting, task, "予定表", "教務部", None)
    cards = folder / "cards.csv"
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
    told = (request, takeout, clock, colleague, correction, other, task, asked_and_closed(office))
    office.exchange.turn_away(TORN)
    return Things(*plain, *told, arrival)
