"""Documents at the screen: found, opened page by page, added, classed anew, destroyed; nothing stays behind."""

import contextlib
import io
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from textual.widgets import DataTable, Input, OptionList

from appliance.documents.book import DocumentBook
from appliance.documents.intake import Incoming
from appliance.documents.records import DocumentFile
from appliance.office import Office
from crypto.importance import Importance
from sync.blobnotes import note_problem
from sync.blobs import Blobs
from sync.client import KeeperClient
from sync.leaseguard import LeaseState, LeaseView
from sync.sealed import SealedStore
from tests.appliance.documents.test_reading import pdf
from tests.school import PASSPHRASE, School, enrol
from tests.tui.driving import SIZES, SMALL, Driver, at_home, screen_of, sees, shown, type_fast, until
from tests.tui.test_actions import check_fits
from tui.screens.audit import AuditScreen
from tui.screens.base import OfficeScreen
from tui.screens.document import DocumentScreen
from tui.screens.documents import DocumentsScreen, size_text
from tui.screens.emergency import EmergencyScreen
from tui.screens.filing import AddScreen, ClassScreen, DestroyScreen, VersionsScreen
from tui.screens.home import HomeScreen
from tui.screens.hours import HoursScreen

TABLE = "番号,氏名\n1,髙橋 誠\n2,[red]鈴木[/red]\n"
NOTE = "# 引き継ぎ\n\n集合は **8時20分**、体育館。"


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[School]:
    made = enrol(tmp_path_factory.mktemp("screens"))
    office = made.office("kocho")
    keep(office, pdf(), "meibo.pdf", "名簿の写し", Importance.II)
    keep(office, TABLE.encode("cp932"), "toban.csv", "当番表", Importance.III)
    keep(office, NOTE.encode(), "hikitsugi.md", "引き継ぎのメモ", Importance.III)
    keep(office, b"\x1b[2J\x1b]0;title\x07evil", "esc.txt", "端末への命令", Importance.III)
    keep(office, os.urandom(2000), "data.bin", "中身の分からないもの", Importance.III)
    office.logout()
    yield made
    made.close()


def keep(office: Office, data: bytes, name: str, title: str, importance: Importance) -> str:
    return office.filing.add(Incoming(io.BytesIO(data), len(data), name, importance, title))[0]


async def open_list(pilot: Driver, words: str = "") -> DocumentsScreen:
    await pilot.press("b")
    screen = await screen_of(pilot, DocumentsScreen)
    table = screen.query_one(DataTable)
    await until(pilot, lambda: table.row_count >= 4)
    if words:
        screen.query_one(Input).value = words
        await until(pilot, lambda: table.row_count == 1 and words in shown(pilot))
    return screen


async def open_one(pilot: Driver, words: str) -> DocumentScreen:
    await open_list(pilot, words)
    await pilot.press("enter")
    screen = await screen_of(pilot, DocumentScreen)
    await until(pilot, lambda: screen._pages is not None)
    return screen


@pytest.mark.parametrize("size", SIZES)
async def test_the_list_and_a_pdf_fit_and_turn_pages(own: School, size: tuple[int, int]) -> None:
    async with at_home(own, size) as pilot:
        screen = await open_one(pilot, "名簿の写し")
        assert screen._pages is not None
        await sees(pilot, "1／2ページ")
        await sees(pilot, "髙橋 誠")
        check_fits(pilot)
        await pilot.press("right")
        await sees(pilot, "2／2ページ")
        await pilot.press("left", "left")
        await sees(pilot, "1／2ページ")
        pages = screen._pages
        await pilot.press("escape")
        await screen_of(pilot, DocumentsScreen)
        check_fits(pilot)
        await until(pilot, lambda: pages._child.poll() is not None, "the process that read it is gone")


async def test_a_table_a_note_and_what_cannot_be_shown(own: School) -> None:
    async with at_home(own, SMALL) as pilot:
        screen = await open_one(pilot, "当番表")
        await until(pilot, lambda: screen.query_one(DataTable).row_count == 3)
        assert "[red]鈴木[/red]" in shown(pilot)
        await pilot.press("t")
        await sees(pilot, "番号,氏名")
        await pilot.press("escape", "escape")
        await open_one(pilot, "引き継ぎのメモ")
        await sees(pilot, "8時20分")
        assert "**" not in shown(pilot)
        await pilot.press("escape", "escape")
        await open_one(pilot, "中身の分からない")
        await sees(pilot, "ここでは表示できません")
        await pilot.press("escape", "escape")
        await open_one(pilot, "端末への命令")
        await sees(pilot, "evil")
        assert "\x1b" not in shown(pilot) and "\x07" not in shown(pilot)


async def test_what_only_the_text_says_is_found_a_moment_later(own: School) -> None:
    async with at_home(own, SMALL) as pilot:
        screen = await open_list(pilot)
        screen.query_one(Input).value = "たいいく館"
        screen.query_one(Input).value = "体育館"
        await until(pilot, lambda: screen.query_one(DataTable).row_count == 1)
        await sees(pilot, "集合は **8時20分**、体育館")


async def test_who_is_not_cleared_sees_no_title(own: School) -> None:
    async with at_home(own, SMALL, "shien") as pilot:
        await open_list(pilot)
        assert "当番表" in shown(pilot) and "名簿の写し" not in shown(pilot)


async def test_a_file_is_added_under_ten_keys_besides_what_is_typed(own: School, tmp_path: Path) -> None:
    file = tmp_path / "oshirase.txt"
    file.write_text("運動会のお知らせ")
    async with at_home(own, SMALL) as pilot:
        await open_list(pilot)
        await pilot.press("n")
        dialog = await screen_of(pilot, AddScreen)
        check_fits(pilot)
        dialog.query_one("#path", Input).value = str(file)
        await pilot.press("enter")
        await pilot.press(*"undokai")
        await pilot.press("enter", "down", "enter")
        await screen_of(pilot, DocumentsScreen)
        await sees(pilot, "undokai")
        assert file.exists()
        await pilot.press("n")
        dialog = await screen_of(pilot, AddScreen)
        dialog.query_one("#path", Input).value = str(tmp_path)
        await pilot.press("enter", "enter", "enter")
        await sees(pilot, "読めません")


async def test_another_class_versions_and_an_end_with_a_second_person(own: School) -> None:
    office = own.office("kocho")
    document = keep(office, b"one", "a.txt", "期限の過ぎた記録", Importance.III)
    office.filing.renew(document, io.BytesIO(b"the second"), 10, "b.txt")
    async with at_home(own, SMALL, "kocho") as pilot:
        screen = await open_list(pilot, "期限の過ぎた")
        screen.query_one(DataTable).focus()
        await pilot.press("v")
        await screen_of(pilot, VersionsScreen)
        check_fits(pilot)
        await pilot.press("down", "enter")
        await screen_of(pilot, DocumentScreen)
        await sees(pilot, "one")
        await pilot.press("escape")
        await screen_of(pilot, DocumentsScreen)
        await pilot.press("c")
        dialog = await screen_of(pilot, ClassScreen)
        check_fits(pilot)
        await until(pilot, lambda: dialog.query_one(OptionList).highlighted == 2)
        await pilot.press("up", "enter")
        await screen_of(pilot, DocumentsScreen)
        await sees(pilot, "重要性分類Ⅱ")
        await pilot.press("x")
        await screen_of(pilot, DestroyScreen)
        check_fits(pilot)
        await pilot.press(*"kyoto", "enter")
        pilot.app.screen.query_one("#witness-passphrase", Input).value = PASSPHRASE
        await pilot.press("enter")
        type_fast(pilot, "enter")
        assert isinstance(pilot.app.screen, DestroyScreen), "nothing is destroyed without the word"
        pilot.app.screen.query_one("#sure", Input).value = "廃棄"
        await pilot.press("enter")
        await screen_of(pilot, DocumentsScreen)
        table = screen.query_one(DataTable)
        await until(pilot, lambda: table.row_count == 0)
    blobs = Blobs(own.paths.blobs)
    assert all(not file.blob or blobs.size(file.blob) is None for file in book(office, document))
    office.logout()


def book(office: Office, document: str) -> list[DocumentFile]:
    return [version.file for version in DocumentBook(office._session.store).versions(bytes.fromhex(document))]


async def test_what_is_not_here_opens_when_it_comes(own: School) -> None:
    office = own.office("kocho")
    document = keep(office, b"fetched words", "c.txt", "取り寄せるもの", Importance.III)
    blob = office.documents.versions(document)[0].blob
    data = Blobs(own.paths.blobs).path(blob).read_bytes()
    Blobs(own.paths.blobs).remove(blob)
    office.logout()
    async with at_home(own, SMALL) as pilot:
        await open_list(pilot, "取り寄せるもの")
        await sees(pilot, "この装置にありません")
        await pilot.press("enter")
        await screen_of(pilot, DocumentScreen)
        await sees(pilot, "取り寄せています")
        with contextlib.closing(KeeperClient(own.paths.socket)) as notes:
            note_problem(notes, blob, "SYNC-054")
        await sees(pilot, "[SYNC-054]")
        await sees(pilot, blob.hex()[:12])
        check_fits(pilot)
        with Blobs(own.paths.blobs).receive() as incoming:
            incoming.file.write(data)
            incoming.keep(blob)
        await sees(pilot, "fetched words")


@pytest.mark.parametrize("name", ["名簿の写し", "引き継ぎのメモ"])
async def test_what_is_open_goes_when_the_lease_ends(
    own: School, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr("appliance.session._LEASE_S", 0.0)
    async with at_home(own, SMALL, "kocho") as pilot:
        await open_one(pilot, name)
        monkeypatch.setattr(SealedStore, "lease_state", lambda store: LeaseView(LeaseState.REVOKED))
        await sees(pilot, "リース")
        if name == "名簿の写し":  # of importance II
            await screen_of(pilot, DocumentsScreen)
            await until(pilot, lambda: "髙橋 誠" not in shown(pilot))
            await until(pilot, lambda: pilot.app.screen.query_one(DataTable).row_count == 0)
        else:
            await sees(pilot, "8時20分")
            assert isinstance(pilot.app.screen, DocumentScreen), "importance III stays open"


@pytest.mark.parametrize(("key", "kind"), [("f2", EmergencyScreen), ("f4", AuditScreen), ("w", HoursScreen)])
async def test_screens_of_i_and_ii_go_when_the_lease_ends(
    own: School, monkeypatch: pytest.MonkeyPatch, key: str, kind: type[OfficeScreen]
) -> None:
    monkeypatch.setattr("appliance.session._LEASE_S", 0.0)
    async with at_home(own, SMALL, "kocho") as pilot:
        await pilot.press(key)
        screen = await screen_of(pilot, kind)
        await until(pilot, lambda: screen._token >= 0, "it was read")
        monkeypatch.setattr(SealedStore, "lease_state", lambda store: LeaseView(LeaseState.LAPSED))
        await screen_of(pilot, HomeScreen)
        await sees(pilot, "許可（リース）が切れています")


def test_sizes_are_told_as_people_say_them() -> None:
    assert [size_text(size) for size in (0, 999, 1_500, 250_000, 2_340_000, 200_000_000)] == [
        "0 B",
        "999 B",
        "1.5 kB",
        "250 kB",
        "2.3 MB",
        "200 MB",
    ]
