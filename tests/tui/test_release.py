"""書き出し: month, minutes, dates and report leave from their screens, through the gate that the command asks."""

import io
import os
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import openpyxl
import pyrage
import pytest
from click.testing import CliRunner
from textual.widgets import DataTable, Input, OptionList, TextArea

from appliance.classification.model import Action
from appliance.cli import cli
from appliance.documents.intake import Incoming
from appliance.exits import Exit
from appliance.permits.handing import NoPlaceError, hand_out
from appliance.session import Session
from crypto.importance import Importance
from tests.school import PASSPHRASE, SCHOOL_DAY, School, enrol
from tests.tui.conftest import freeze
from tests.tui.driving import LARGE, SIZES, SMALL, Driver, at_home, said, screen_of, sees, shown, until
from tests.tui.test_actions import check_fits
from tui.screens.ask import KeepTextScreen, YesNoScreen
from tui.screens.audit import AuditScreen
from tui.screens.base import OfficeScreen
from tui.screens.documents import DocumentsScreen
from tui.screens.hours import HoursScreen
from tui.screens.hoursreport import HoursReportScreen
from tui.screens.ledger import LedgerScreen
from tui.screens.meeting import MeetingScreen
from tui.screens.meetingforms import TemplateScreen
from tui.screens.meetings import MeetingsScreen
from tui.screens.minutes import MinutesScreen
from tui.screens.month import MonthScreen
from tui.screens.permits import PermitsScreen
from tui.screens.problem import ProblemScreen
from tui.screens.release import EncryptScreen, HandedOutScreen, ReleaseScreen
from tui.widgets.monthtable import MonthTable

OCTOBER = date(2026, 10, 6)
GRAVE = "# 生徒指導会議\n日時: 2026-11-25 16:00\n\n## 協議\n- 個別の対応（生徒指導・10分・Ⅱ）\n"


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[School]:
    made = enrol(tmp_path_factory.mktemp("release"), seed=23)
    office = made.office("kocho")
    office.meetings.write(GRAVE)
    office.logout()
    yield made
    made.close()


def released(own: School) -> set[str]:
    folder = own.site / "released"
    return {path.name for path in folder.iterdir()} if folder.exists() else set()


def grave(own: School) -> str:
    office = own.office("kocho")
    try:
        return next(m.meeting_id for m in office.meetings.all() if m.title == "生徒指導会議")
    finally:
        office.logout()


async def month(pilot: Driver, own: School) -> None:
    office = own.office()
    class_id = office.attendance.classes(OCTOBER)[0].class_id
    office.logout()
    await pilot.app.push_screen(MonthScreen(class_id, OCTOBER))
    await screen_of(pilot, MonthScreen)
    await until(pilot, lambda: pilot.app.screen.query_one(MonthTable).place is not None)


async def choose(pilot: Driver, words: str) -> None:
    """Press F7 and choose a form by its words."""
    await pilot.press("f7")
    dialog = await screen_of(pilot, ReleaseScreen)
    check_fits(pilot)
    forms = dialog.query_one(OptionList)
    forms.highlighted = next(n for n in range(forms.option_count) if words in str(forms.options[n].prompt))
    await pilot.press("enter")


async def told(pilot: Driver, importance: str) -> Path:
    """Read where it went and in which class it is, and close that."""
    dialog = await screen_of(pilot, HandedOutScreen)
    check_fits(pilot)
    assert f"重要性分類{importance}" in said(pilot, "#graded")
    path = Path(said(pilot, "#path"))
    await pilot.press("c")
    assert pilot.app.clipboard == str(path) and path.is_file()
    assert dialog is pilot.app.screen
    await pilot.press("enter")
    return path


@pytest.mark.parametrize("size", SIZES)
async def test_a_month_is_printed_with_two_keys_and_says_where_it_went(
    own: School, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    freeze(monkeypatch, OCTOBER)
    async with at_home(own, size, "jimu") as pilot:
        await month(pilot, own)
        pressed = ("f7", "enter")
        await pilot.press(*pressed)
        path = await told(pilot, "Ⅲ")
        assert path.parent == own.site / "released" and path.read_bytes().startswith(b"%PDF")
        assert path.name.startswith("attendance-2026-10-1年1組") and path.stat().st_mode & 0o777 == 0o640
        assert (own.site / "released").stat().st_mode & 0o007 == 0 and len(pressed) == 2
        await screen_of(pilot, MonthScreen)
        await choose(pilot, "Excel")
        book = openpyxl.load_workbook(await told(pilot, "Ⅲ"))
        assert "1年1組" in str(book.worksheets[0]["A2"].value)
        await choose(pilot, "校務支援システム")
        assert (await told(pilot, "Ⅲ")).name.startswith("attendance-20261001-20261006-III")


async def test_what_was_released_before_stays_beside_the_new_one(
    own: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    freeze(monkeypatch, OCTOBER)
    async with at_home(own, SMALL, "jimu") as pilot:
        await month(pilot, own)
        before = released(own)
        paths = []
        for _ in range(2):
            await choose(pilot, "CSV")
            paths.append(await told(pilot, "Ⅲ"))
        assert paths[0] != paths[1] and released(own) == before | {path.name for path in paths}


async def test_minutes_of_importance_ii_ask_for_a_permit_and_leave_encrypted_only(own: School) -> None:
    meeting = grave(own)
    async with at_home(own, SMALL, "kocho") as pilot:
        await pilot.app.push_screen(MeetingScreen(meeting))
        screen = await screen_of(pilot, MeetingScreen)
        await until(pilot, lambda: screen.query_one("#items", OptionList).option_count == 1)
        await choose(pilot, "Excel")
        question = await screen_of(pilot, YesNoScreen)
        await sees(pilot, "校長の許可番号")
        await sees(pilot, "APP-022")
        check_fits(pilot)
        assert question.focused is not None and question.focused.id == "no"
        await pilot.press("right", "enter")
        await screen_of(pilot, PermitsScreen)
        await pilot.press("escape")
        await screen_of(pilot, MeetingScreen)
        before = released(own)
        await choose(pilot, "PDF")
        dialog = await screen_of(pilot, EncryptScreen)
        check_fits(pilot)
        await type_twice(dialog, pilot, "himitsu-no-kotoba", "himitsu-no-kotobu")
        await sees(pilot, "二つが違います")
        await type_twice(dialog, pilot, "mijikai", "mijikai")
        await screen_of(pilot, ProblemScreen)
        await sees(pilot, "APP-283")
        assert released(own) == before, "nothing left in clear on the way"
        await pilot.press("enter")
        await choose(pilot, "PDF")
        dialog = await screen_of(pilot, EncryptScreen)
        await type_twice(dialog, pilot, "himitsu-no-kotoba", "himitsu-no-kotoba")
        path = await told(pilot, "Ⅱ")
        assert path.name.endswith(".pdf.age") and b"%PDF" not in path.read_bytes()
        assert pyrage.passphrase.decrypt(path.read_bytes(), "himitsu-no-kotoba").startswith(b"%PDF")
        assert "個別の対応" not in path.name


async def type_twice(dialog: EncryptScreen, pilot: Driver, first: str, again: str) -> None:
    for name, text in (("first", first), ("again", again)):
        dialog.query_one(f"#{name}", Input).value = text
    dialog.query_one("#again", Input).focus()
    await pilot.press("enter")


async def test_the_recorder_of_the_minutes_lets_them_out_with_what_was_just_typed(own: School) -> None:
    office = own.office("kocho")
    meeting = next(m.meeting_id for m in office.meetings.all() if m.title != "生徒指導会議")
    item = office.meetings.open(meeting).items[0].item_id
    office.logout()
    async with at_home(own, LARGE) as pilot:
        await pilot.app.push_screen(MinutesScreen(meeting, item, "1. はじめ"))
        await screen_of(pilot, MinutesScreen)
        await until(pilot, lambda: "保存済" in said(pilot, "#state"))
        await pilot.press(*"kakitome")
        await choose(pilot, "Markdown")
        text = (await told(pilot, "Ⅲ")).read_text("utf-8")
        assert "kakitome" in text and "重要性分類Ⅲ" in text


async def test_the_dates_leave_and_come_back_on_the_same_screen(own: School) -> None:
    async with at_home(own, SMALL, "kyoto") as pilot:
        await pilot.press("f5")
        await screen_of(pilot, MeetingsScreen)
        await pilot.press("f7", "enter")
        path = await told(pilot, "Ⅲ")
        assert path.name == "meetings.ics"
        told_elsewhere = path.read_text("utf-8").replace("@kurabako", "@elsewhere.example")
        await pilot.press("n")
        await screen_of(pilot, TemplateScreen)
        await pilot.press("enter")
        (await screen_of(pilot, KeepTextScreen)).query_one(TextArea).text = told_elsewhere
        rows = pilot.app.screen_stack[-2].query_one(DataTable)
        before = rows.row_count
        await pilot.press("f4")
        await until(pilot, lambda: rows.row_count == 2 * before, shown(pilot))


async def test_the_report_leaves_from_the_hours_and_a_teacher_is_told_why_not(
    own: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    freeze(monkeypatch, SCHOOL_DAY)
    async with at_home(own, SMALL, "jimu") as pilot:
        await pilot.press("w", "f7", "enter")
        path = await told(pilot, "Ⅲ")
        assert path.name == "hours-2026.pdf" and path.read_bytes().startswith(b"%PDF")
        await screen_of(pilot, HoursScreen)
        await pilot.press("r")
        await screen_of(pilot, HoursReportScreen)
        await sees(pilot, "後期課程")
        await pilot.press("left")
        await sees(pilot, "2025年度")
        await choose(pilot, "CSV")
        assert (await told(pilot, "Ⅲ")).name == "hours-2025.csv"
    async with at_home(own, SMALL, "sato") as pilot:
        before = released(own)
        await pilot.press("w", "f7", "enter")
        await screen_of(pilot, ProblemScreen)
        await sees(pilot, "規則")
        assert released(own) == before


async def test_a_folder_that_is_not_there_is_told_before_anything_is_written_down(
    own: School, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("appliance.office.place_of", lambda _site: tmp_path / "no" / "folder")
    office = own.office("jimu")
    office.logout()
    async with at_home(own, SMALL, "jimu") as pilot:
        await pilot.press("w", "f7", "enter")
        await screen_of(pilot, ProblemScreen)
        await sees(pilot, "APP-273")
        assert "ICT支援員" in shown(pilot).replace("\n", "").replace(" ", "")


def test_nothing_is_made_where_there_is_no_place(tmp_path: Path) -> None:
    def make() -> None:
        raise AssertionError("the gate would have written it down")

    (tmp_path / "file").write_text("no folder")
    with pytest.raises(NoPlaceError):
        hand_out(tmp_path / "file", make)  # type: ignore[arg-type]
    if os.getuid():  # root may write anywhere
        tmp_path.chmod(0o500)
        with pytest.raises(NoPlaceError):
            hand_out(tmp_path, make)  # type: ignore[arg-type]


def test_the_command_writes_to_the_same_place(own: School, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Session, "today", lambda _session: OCTOBER)
    words = ["export", "month", str(own.site), "--class", "1年2組", "--month", "2026-10", "--form", "pdf"]
    done = CliRunner().invoke(
        cli, [*words, "--login", "jimu", "--passphrase-stdin"], input=PASSPHRASE + "\n", standalone_mode=False
    )
    assert done.return_value == Exit.OK, done.output
    assert Path(done.stdout.strip()) == own.site / "released" / "attendance-2026-10-1年2組.pdf"


async def test_a_document_under_a_permit_leaves_from_its_list(own: School) -> None:
    office, before = own.office("sato"), released(own)
    asked = office.filing.add(Incoming(io.BytesIO(b"plan"), 4, "keikaku.txt", Importance.II, "個別の支援計画"))[0]
    texts, due = ("引き継ぎ", "引き継ぎ", "県立高校"), office.today()
    async with at_home(own, SMALL) as pilot:
        await pilot.press("b")
        screen = await screen_of(pilot, DocumentsScreen)
        await until(pilot, lambda: screen.query_one(DataTable).row_count == 1)
        await choose(pilot, "持ち出す")
        await screen_of(pilot, YesNoScreen)  # a permit is missing
        assert released(own) == before
        await pilot.press("escape")
        office.permits.request(Action.EXPORT, "document.file", Importance.II, *texts, due, subject=asked)
        kocho = own.office("kocho")
        number = kocho.permits.grant(kocho.permits.all()[0].request_id, due)
        kocho.logout()
        await choose(pilot, "持ち出す")
        dialog = await screen_of(pilot, EncryptScreen)
        for line in ("first", "again"):
            dialog.query_one(f"#{line}", Input).value = "mochidashi-2026"
        dialog.query_one("#again", Input).focus()
        await pilot.press("enter")
        await screen_of(pilot, HandedOutScreen)
        (name,) = released(own) - before
        assert name.startswith("document-") and "支援" not in name
        data = (own.site / "released" / name).read_bytes()
        assert pyrage.passphrase.decrypt(data, "mochidashi-2026") == b"plan"
        assert office.permits.takeouts()[0].number == number
        await pilot.press("escape")
        await choose(pilot, "外部へ送る")
        problem = await screen_of(pilot, ProblemScreen)
        assert "T-45" in problem.told.sentence, "II is not sent outside, permit or not"
    office.logout()


@pytest.mark.parametrize(("key", "kind", "name"), [("d", LedgerScreen, "ledger"), ("f4", AuditScreen, "audit")])
async def test_ledger_and_audit_record_leave_from_their_screens(
    own: School, key: str, kind: type[OfficeScreen], name: str
) -> None:
    before = released(own)
    async with at_home(own, SMALL, "kyoto") as pilot:
        await pilot.press(key)
        await screen_of(pilot, kind)
        await choose(pilot, "Excel")
        if name == "audit":  # importance II: nothing leaves without the principal's word
            await screen_of(pilot, YesNoScreen)
            assert released(own) == before
            return
        await screen_of(pilot, HandedOutScreen)
        check_fits(pilot)
        (made,) = released(own) - before
        assert made.startswith("ledger") and made.endswith(".xlsx")
