"""Every dialog of the screens: found in the code, so that none is forgotten, and made with something in it."""

import importlib
import pkgutil
from collections.abc import Callable, Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

from textual.screen import ModalScreen
from textual.widgets import Static

import tui.screens
from appliance.attendance.reasons import ToldReason
from appliance.classification.model import Action
from appliance.documents.desk import DocumentView, VersionView
from appliance.fleet.boxview import BoxView
from appliance.hours.reckoning import Staff
from appliance.hours.views import StaffEntry
from appliance.ledger.ledger import Entry
from appliance.office import Office
from appliance.permits.handing import HandedOut
from appliance.permits.views import PermitState, PermitView, TakeOutView
from appliance.session import JST
from appliance.surveys.records import SurveyForm, SurveyQuestion
from appliance.surveys.results import Results
from appliance.views import HistoryLine, PeriodTotals
from crypto.importance import Importance
from sync.errors import KeeperGoneError
from tests.school import SCHOOL_DAY
from tui.door import Door
from tui.screens.ask import DetailScreen, KeepTextScreen, TextScreen, YesNoScreen
from tui.screens.boxchecks import ChecksScreen
from tui.screens.choosing import document_choice
from tui.screens.closures import ClosureForm
from tui.screens.correction import CorrectionScreen
from tui.screens.dialog import Dialog
from tui.screens.emergency import OpeningScreen
from tui.screens.filing import AddScreen, ClassScreen, DestroyScreen, VersionsScreen
from tui.screens.find import FindScreen
from tui.screens.history import HistoryScreen
from tui.screens.hoursday import HoursDayScreen
from tui.screens.hourstrend import TrendScreen
from tui.screens.ledgerform import LedgerForm
from tui.screens.markvalue import MarkScreen
from tui.screens.meetingforms import TaskScreen, TemplateScreen
from tui.screens.noticeboard import NoticeForm
from tui.screens.permitforms import AnswerScreen, RequestScreen, ReturnScreen
from tui.screens.problem import ProblemScreen
from tui.screens.recorder import FileForm
from tui.screens.release import EncryptScreen, HandedOutScreen, ReleaseScreen
from tui.screens.shifts import ShiftForm
from tui.screens.surveyanswer import SurveyAnswerForm
from tui.screens.surveyresults import SurveyResultsScreen
from tui.screens.totals import TotalsScreen

AT = datetime(2026, 11, 24, 8, 25, tzinfo=JST)
_DOCUMENT = DocumentView(
    "d", "名簿", "meibo.pdf", "application/pdf", 9, Importance.II, "佐藤 葵", AT, True, False, "", ""
)
_VERSION = VersionView(b"", "名簿", "meibo.pdf", 9, Importance.II, "佐藤 葵", AT, False)
_REQUEST = PermitView(
    *("r", "佐藤 葵", True, AT, Action.EXPORT, "document.file", Importance.II, "", "d", "文書", "会議", "市役所"),
    *(SCHOOL_DAY, PermitState.WAITING, "", None, ""),
)
_OUT = TakeOutView("t", "佐藤 葵", AT, "1", "d", "文書", Importance.II, "PDF", SCHOOL_DAY, "", False)
_ENTRY = Entry(
    name="",
    importance=Importance.II,
    place="locked",
    handlers=(),
    takeout="permit",
    retention="5y",
    kept_locally=False,
    source="",
)
_TOLD = DetailScreen.field_help["reason"]  # what a text is for says who asks for it: any sentence will do
_SURVEY = SurveyForm(
    title="行事",
    note="",
    named=False,
    until=SCHOOL_DAY,
    questions=(
        SurveyQuestion("どれがよいですか", "one", ("春", "秋")),
        SurveyQuestion("どれとどれですか", "many", ("春", "秋")),
        SurveyQuestion("ほかには", "text"),
    ),
)


def kinds() -> list[type[ModalScreen[Any]]]:
    """Return every class of a dialog, whoever wrote it."""
    for module in pkgutil.iter_modules(tui.screens.__path__, "tui.screens."):
        importlib.import_module(module.name)
    found = [kind for kind in _below(ModalScreen) if kind.__module__.startswith("tui.") and kind is not Dialog]
    return sorted(found, key=lambda kind: kind.__name__)


def _below(kind: type[Any]) -> Iterator[type[Any]]:
    for one in kind.__subclasses__():
        yield one
        yield from _below(one)


def hides_its_end(dialog: ModalScreen[Any]) -> bool:
    """Return whether the line that names the keys, or a button, is not wholly on the screen."""
    room = dialog.query_one(".dialog").content_region
    ends = [one for one in dialog.query(".hint, .buttons") if not isinstance(one, Static) or str(one.content)]
    return any(not one.region or not room.contains_region(one.region) for one in ends)


async def _kept(_told: object) -> bool:
    return False


async def _nothing(_of: object) -> None:
    return None


def dialogs(office: Office, door: "Door[Office]") -> list[Callable[[], Dialog[Any]]]:
    """Return a way to make each dialog."""
    item = office.meetings.open(f"demo-{SCHOOL_DAY.isoformat()}").items[0]
    day = office.hours.own_month(SCHOOL_DAY.replace(day=1)).days[0]
    targets, codes = office.closures.targets(), office.attendance.codes()
    staff = StaffEntry("p", "佐藤 葵", ("teacher",), "A", Staff.TEACHING, "", ())
    totals = PeriodTotals("c", "1年1組", "11月", date(2026, 11, 1), (), ())
    return [
        lambda: YesNoScreen("「名簿」を取り下げますか。", "取り下げる"),
        lambda: DetailScreen("佐藤 葵", None, "", readable=True),
        lambda: TextScreen("決定", "", told=_TOLD),
        lambda: KeepTextScreen("決定", "", _kept, "一行に一つ書きます。", told=_TOLD),
        lambda: ChecksScreen(BoxView("s", "緑ヶ丘小学校", "box1"), lambda: []),
        lambda: document_choice(door, "どの文書ですか"),
        lambda: ClosureForm(targets, "", SCHOOL_DAY),
        lambda: CorrectionScreen("1年1組 11月24日", [ToldReason("wrong", "記入の誤り")]),
        OpeningScreen,
        AddScreen,
        lambda: ClassScreen(_DOCUMENT),
        lambda: DestroyScreen(_DOCUMENT),
        lambda: VersionsScreen("名簿", [_VERSION]),
        lambda: FindScreen(door, SCHOOL_DAY, _nothing),
        lambda: HistoryScreen("佐藤 葵", [HistoryLine(AT, "田中 望", "病欠")]),
        lambda: HoursDayScreen(day),
        lambda: TrendScreen("佐藤 葵", ()),
        lambda: LedgerForm(_ENTRY, _kept),
        lambda: MarkScreen("佐藤 葵", codes),
        lambda: TaskScreen(item, SCHOOL_DAY, _kept),
        TemplateScreen,
        lambda: NoticeForm(None, SCHOOL_DAY, _kept),
        lambda: RequestScreen(SCHOOL_DAY),
        lambda: AnswerScreen(_REQUEST),
        lambda: ReturnScreen(_OUT),
        lambda: ProblemScreen(KeeperGoneError(operation="ask keeper")),
        FileForm,
        lambda: ReleaseScreen("名簿", Importance.II, ["PDF", "Excel"], Path("/released")),
        lambda: EncryptScreen(Importance.II),
        lambda: HandedOutScreen(HandedOut(Path("/released/meibo.pdf"), Importance.II, True)),
        lambda: ShiftForm(staff, office.hours.patterns(), "2026-04-01"),
        lambda: SurveyAnswerForm(_SURVEY, _kept),
        lambda: SurveyResultsScreen(_SURVEY, Results("行事", False, 5, 6, ()), ()),
        lambda: TotalsScreen(totals, _nothing),
    ]
