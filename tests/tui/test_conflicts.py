"""競合 at the screen: two sites wrote, somebody looks at both and decides."""

from collections.abc import Iterator
from datetime import date

import msgspec
import pytest
from textual.widgets import DataTable, Input, OptionList, Static, TextArea

from appliance.attendance.records import Mark, natural
from appliance.roster import User
from crypto.importance import Importance
from sync.client import KeeperClient
from sync.sealed import Draft
from tests.hubside import as_board, both_mark, to_box, to_hub
from tests.school import School, enrol
from tests.tui.conftest import freeze
from tests.tui.driving import SIZES, SMALL, Driver, at_home, screen_of, sees, shown, until
from tests.tui.test_actions import check_fits
from tui.screens.ask import TextScreen, YesNoScreen
from tui.screens.conflicts import ConflictsScreen
from tui.screens.history import HistoryScreen
from tui.screens.home import HomeScreen
from tui.screens.markvalue import MarkScreen
from tui.screens.problem import ProblemScreen
from tui.screens.quarantine import QuarantineScreen

DAY = date(2026, 10, 28)


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[School]:
    """A school whose board writes too."""
    made = enrol(tmp_path_factory.mktemp("two"))
    yield made
    made.close()


@pytest.fixture(autouse=True)
def settled(two: School) -> Iterator[None]:
    """Settle what a test leaves behind."""
    yield
    office = two.office("jimu")
    while left := office.conflicts.all():
        office.conflicts.settle(left[0], 0)
    office.logout()


@pytest.fixture(autouse=True)
def day(monkeypatch: pytest.MonkeyPatch) -> None:
    freeze(monkeypatch, DAY)


async def open_conflicts(pilot: Driver, count: int) -> ConflictsScreen:
    await pilot.press("f6")
    screen = await screen_of(pilot, ConflictsScreen)
    await until(pilot, lambda: screen.query_one(OptionList).option_count == count)
    return screen


def panels(screen: ConflictsScreen) -> list[str]:
    return [str(panel.query_one(Static).content) for panel in screen.query(".side")]


def chosen(screen: ConflictsScreen) -> str:
    (panel,) = screen.query(".side.chosen")
    return str(panel.query_one(Static).content)


async def agree(pilot: Driver) -> None:
    await screen_of(pilot, YesNoScreen)
    await pilot.press("right", "enter")
    await screen_of(pilot, ConflictsScreen)


def row_of(school: School, class_id: str, pupil: str) -> tuple[str | None, bool]:
    office = school.office("suzuki")
    rows = office.attendance.day(class_id, DAY).rows
    office.logout()
    return next((row.code, row.conflict) for row in rows if row.pupil_id == pupil)


def focused_side(screen: ConflictsScreen) -> int | None:
    """Return the place of the value that the cursor is in."""
    return next((place for place, side in enumerate(screen.query(".side")) if side.has_focus), None)


@pytest.mark.parametrize("size", SIZES)
async def test_home_counts_and_opens_them_and_both_values_stand_side_by_side(
    two: School, size: tuple[int, int]
) -> None:
    class_id, pupil = both_mark(two, 0 if size == SMALL else 9, DAY)
    async with at_home(two, size) as pilot:
        await sees(pilot, "競合 1件")
        table = pilot.app.screen.query_one(DataTable)
        assert table.cursor_row == 1  # at the first class, below the line
        await pilot.press("up")
        await pilot.press("enter")
        screen = await screen_of(pilot, ConflictsScreen)
        await until(pilot, lambda: len(panels(screen)) == 2)
        check_fits(pilot)
        first, second = panels(screen)
        assert first.startswith("佐藤 葵（教諭）\n") and "学校の端末" in first and first.endswith("遅刻")
        assert second.startswith("教育委員会\n") and "欠席（病欠）・理由あり" in second.replace("\n", "")
        assert chosen(screen) == second and "▶ 2（表示中）" in shown(pilot)
        for key, place in (("left", 0), ("left", 0), ("right", 1), ("1", 0), ("２", 1), ("9", 1), ("1", 0)):
            await pilot.press(key)
            await until(pilot, lambda place=place: chosen(screen) == panels(screen)[place])  # type: ignore[misc]
        await pilot.press("tab", "f1")
        await sees(pilot, "▶ 並んでいる記入の一つ")
        await pilot.press("escape")
        await until(pilot, lambda: pilot.app.screen is screen and focused_side(screen) == 0)
        await pilot.press("shift+tab", "enter")
        await screen_of(pilot, YesNoScreen)
        check_fits(pilot)
        await sees(pilot, "遅刻・理由あり")
        await pilot.press("enter")  # the careful answer has the focus
        await screen_of(pilot, ConflictsScreen)
        assert row_of(two, class_id, pupil) == ("sick", True)
        await pilot.press("enter")
        await agree(pilot)
        await sees(pilot, "競合はありません")
        check_fits(pilot)
        assert row_of(two, class_id, pupil) == ("late", False)
        await pilot.press("escape")
        await screen_of(pilot, HomeScreen)
        await until(pilot, lambda: "競合 1件" not in shown(pilot))
        assert "競合" not in str([table.get_row_at(n)[0] for n in range(table.row_count)])


async def test_a_third_mark_is_written_with_the_letters_of_the_book(two: School) -> None:
    class_id, pupil = both_mark(two, 1, DAY)
    async with at_home(two) as pilot:
        await open_conflicts(pilot, 1)
        await pilot.press("e")
        await screen_of(pilot, MarkScreen)
        check_fits(pilot)
        await pilot.press("c")
        line = pilot.app.screen.query_one(Input)
        await until(pilot, lambda: line.has_focus)
        await pilot.press(*"99", "enter")
        await sees(pilot, "時刻は 9:40 のように書いてください")
        line.value = ""
        await pilot.press(*"855", "enter")
        await screen_of(pilot, YesNoScreen)
        await sees(pilot, "遅刻 8:55・理由あり")
        await agree(pilot)
        await sees(pilot, "競合はありません")
    assert row_of(two, class_id, pupil) == ("late", False)


async def test_a_letter_without_a_time_is_enough_and_escape_writes_nothing(two: School) -> None:
    class_id, pupil = both_mark(two, 2, DAY)
    async with at_home(two) as pilot:
        await open_conflicts(pilot, 1)
        await pilot.press("e")
        await screen_of(pilot, MarkScreen)
        await pilot.press("escape")
        await screen_of(pilot, ConflictsScreen)
        await pilot.press("e")
        await screen_of(pilot, MarkScreen)
        await pilot.press("k")
        await screen_of(pilot, YesNoScreen)
        await sees(pilot, "出席停止・忌引等（忌引）・理由あり")
        await agree(pilot)
        await sees(pilot, "競合はありません")
    assert row_of(two, class_id, pupil) == ("mourning", False)


async def test_a_text_is_written_in_several_lines(two: School) -> None:
    to_hub(two)
    office = two.office("sato")
    meeting = office.meetings.all()[0].meeting_id
    item = office.meetings.open(meeting).items[0].item_id
    office.minutes.decide(meeting, item, "学校の決定")
    with as_board(two) as board:
        board.minutes.decide(meeting, item, "委員会の決定\n二行目")
    to_box(two)
    async with at_home(two) as pilot:
        await open_conflicts(pilot, 1)
        await pilot.press("1", "e")
        await screen_of(pilot, TextScreen)
        area = pilot.app.screen.query_one(TextArea)
        assert area.text == "学校の決定"
        area.text = "両方を合わせた決定"
        await pilot.press("f4")
        await screen_of(pilot, YesNoScreen)
        await sees(pilot, "両方を合わせた決定")
        await agree(pilot)
        await sees(pilot, "競合はありません")
    assert office.meetings.open(meeting).items[0].decision == "両方を合わせた決定"
    office.logout()


async def test_a_record_that_changes_meanwhile_is_not_settled_but_shown_anew(two: School) -> None:
    class_id, pupil = both_mark(two, 3, DAY)
    async with at_home(two) as pilot:
        screen = await open_conflicts(pilot, 1)
        await pilot.press("1", "enter")
        await screen_of(pilot, YesNoScreen)
        with as_board(two) as board:
            board.attendance.mark(class_id, DAY, pupil, "mourning")
        to_box(two)
        await pilot.press("right", "enter")
        problem = await screen_of(pilot, ProblemScreen)
        assert problem.told.code == "APP-230"
        await pilot.press("escape")
        await screen_of(pilot, ConflictsScreen)
        await until(pilot, lambda: "忌引" in "".join(panels(screen)))
        assert row_of(two, class_id, pupil) == ("mourning", True)
        await pilot.press("enter")
        await agree(pilot)
        await sees(pilot, "競合はありません")


async def test_news_of_the_other_side_keeps_the_place_and_the_choice(two: School) -> None:
    first = both_mark(two, 4, DAY)
    async with at_home(two) as pilot:
        screen = await open_conflicts(pilot, 1)
        await pilot.press("1")
        await until(pilot, lambda: chosen(screen) == panels(screen)[0])
        both_mark(two, 5, DAY)
        options = screen.query_one(OptionList)
        await until(pilot, lambda: options.option_count == 2)
        assert options.highlighted == 1 and chosen(screen) == panels(screen)[0]  # the newer one stands above
        await pilot.press("enter")
        await agree(pilot)
        await until(pilot, lambda: options.option_count == 1)
        assert row_of(two, *first) == ("late", False)
        await pilot.press("enter")
        await agree(pilot)
        await sees(pilot, "競合はありません")


@pytest.mark.parametrize("size", SIZES)
async def test_five_values_are_shown_a_few_at_a_time_with_the_chosen_one(
    two: School, size: tuple[int, int]
) -> None:
    office = two.office("sato")
    class_id = office.attendance.classes(DAY)[6].class_id
    pupil = office.attendance.day(class_id, DAY).rows[size[0] % 7].pupil_id
    store = office._session.store
    record = store.record_id(Mark.kind, Importance.III, *natural(pupil, DAY))
    codes = ("late", "sick", "mourning", "suspended", "present")
    for code in codes:
        payload = msgspec.msgpack.encode(Mark(pupil=pupil, on=DAY, code=code))
        store.put([Draft(Mark.kind, record, Mark.importance, payload)])
    async with at_home(two, size) as pilot:
        screen = await open_conflicts(pilot, 1)
        await sees(pilot, "5つの記入があります")
        assert len(panels(screen)) == size[0] // 26 and "（表示中）" in shown(pilot)
        for place in reversed(range(4)):
            await pilot.press("left")
            await until(pilot, lambda place=place: f"▶ {place + 1}" in shown(pilot))  # type: ignore[misc]
            check_fits(pilot)
        await pilot.press("3", "enter")
        await agree(pilot)
        await sees(pilot, "競合はありません")
    assert row_of(two, class_id, pupil) == ("mourning", False)
    office.logout()


async def test_history_names_everybody_and_marks_what_stands(two: School) -> None:
    both_mark(two, 7, DAY)
    async with at_home(two) as pilot:
        await open_conflicts(pilot, 1)
        await pilot.press("h")
        await screen_of(pilot, HistoryScreen)
        await sees(pilot, "教育委員会  教育委員会  ▶ 欠席（病欠）・理由あり")
        await sees(pilot, "佐藤 葵（教諭）  学校の端末  ▶ 遅刻")
        await pilot.press("escape")
        await screen_of(pilot, ConflictsScreen)
        await pilot.press("enter")
        await agree(pilot)
        await sees(pilot, "競合はありません")


async def test_who_may_not_read_or_write_sees_that_there_is_a_conflict_and_no_more(two: School) -> None:
    to_hub(two)
    office = two.office("sato")
    class_id = office.attendance.classes(DAY)[8].class_id
    pupil = office.attendance.day(class_id, DAY).rows[0].pupil_id
    office.attendance.mark(class_id, DAY, pupil, "sick", reason="ひみつの頭痛")
    with as_board(two) as board:
        board.attendance.mark(class_id, DAY, pupil, "sick", reason="ひみつの発熱")
    to_box(two)
    async with at_home(two, SMALL, "shien") as pilot:
        screen = await open_conflicts(pilot, 2)
        options = screen.query_one(OptionList)
        for _each in range(2):
            await sees(pilot, "この記録を書き換える役割ではありません。")
            assert "ひみつ" not in shown(pilot)
            await pilot.press("enter")
            await pilot.press("e")
            assert isinstance(pilot.app.screen, ConflictsScreen)
            before = options.highlighted
            await pilot.press("down")
            await until(pilot, lambda before=before: options.highlighted != before or before == 1)  # type: ignore[misc]
        assert "（重要性II：開けません）" in "".join("".join(panels(screen)).split())
    office.logout()


async def test_odd_names_and_a_kind_without_text_are_shown_as_they_are(two: School) -> None:
    clerk = two.office("jimu")
    store = clerk._session.store
    user = next(r for r in clerk._session.roster.records() if isinstance(r, User) and "student" in r.roles)
    record = store.record_id(User.kind, Importance.III, user.id)
    base = store.base_of(User.kind, [record])[record]
    for name in ("[/x]山田", "[red]鈴木"):
        changed = msgspec.structs.replace(user, family_name=name, preferred_family="")
        store.put([Draft(User.kind, record, Importance.III, msgspec.msgpack.encode(changed), base)])
    async with at_home(two, SMALL, "jimu") as pilot:
        await open_conflicts(pilot, 1)
        await sees(pilot, "[/x]山田")
        await sees(pilot, "[red]鈴木")
        await pilot.press("e")
        await sees(pilot, "この記録は、並んでいる値")
        await pilot.press("enter")
        await sees(pilot, "の名簿の人を、次のとおり")
        await agree(pilot)
        await sees(pilot, "競合はありません")
    clerk.logout()


async def test_what_is_held_back_is_listed_with_its_reason(two: School) -> None:
    store = two.office("shien")._session.store
    payload = msgspec.msgpack.encode(Mark(pupil="p", on=DAY, code="sick"))
    store.put([Draft(Mark.kind, bytes(16), Mark.importance, payload)])
    row = (store.reader.number_of(store.reader.origin) or 0) << 40 | store.reader.position().seq
    client = KeeperClient(two.paths.socket)
    async with at_home(two) as pilot:
        assert "要確認" not in shown(pilot)
        client.judge({row: "role"}, ())
        await sees(pilot, "⚠ 要確認（隔離） 1件")
        await pilot.press("up")
        await pilot.press("enter")
        await screen_of(pilot, QuarantineScreen)
        await sees(pilot, "森 遥（支援員）  学校の端末  出欠")
        await sees(pilot, "→ この記録を書ける役割ではありません")
        check_fits(pilot)
        client.judge({}, (row,))
        await until(pilot, lambda: "⚠ 要確認" not in shown(pilot))
    client.close()
    store.close()
