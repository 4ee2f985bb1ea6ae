"""A roster workbook: headings as schools write them, every refused row named, nobody lost by a guess."""

import io
import zipfile
from collections import Counter
from datetime import UTC, date, datetime
from random import Random
from typing import Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from appliance.exchange.dates import read_day
from appliance.exchange.errors import WorkbookHeadingsError, WorkbookUnreadableError
from appliance.exchange.headings import find_headings, letter
from appliance.exchange.incoming import Form, form_of
from appliance.exchange.pupilrows import grade_code, phone_of
from appliance.exchange.sheets import OLE, read_sheets
from appliance.exchange.workbook import Place, plan_workbook
from appliance.generator.school import MadeClass, MadePerson, make_school
from appliance.generator.writer import write_school
from appliance.oneroster.container import Held
from appliance.oneroster.errors import RefusedExportError
from appliance.oneroster.plan import ImportPlan, plan_import
from appliance.roster import Contact, Enrollment, Guardian, RosterRecord, SchoolClass, User
from tests.appliance.exchange.workbooks import C4TH, Cells, book, c4th, class_list, listed
from tests.appliance.guardians import told

SCHOOL: Final = make_school(33, 2026)
PLACE: Final = Place(SCHOOL.code, SCHOOL.name, date(2026, 11, 24))


@pytest.fixture(scope="module")
def roster(tmp_path_factory: pytest.TempPathFactory) -> list[RosterRecord]:
    path = tmp_path_factory.mktemp("roster") / "roster.zip"
    write_school(SCHOOL, path)
    found = list(plan_import(path, SCHOOL.code).put)
    for data in (c4th(SCHOOL), *(class_list(one) for one in SCHOOL.classes if not one.special_needs)):
        found = applied(found, plan(data, found))  # the guardians that these workbooks name
    return found


def plan(data: bytes, roster: list[RosterRecord]) -> ImportPlan:
    return plan_workbook(Held("meibo.xlsx", data), roster, PLACE)


def applied(roster: list[RosterRecord], done: ImportPlan) -> list[RosterRecord]:
    standing = {(one.kind, one.id): one for one in roster} | {(one.kind, one.id): one for one in done.put}
    for one in done.remove:
        del standing[one.kind, one.id]
    return list(standing.values())


def unique(of_class: MadeClass) -> MadePerson:
    """Return a pupil whose name nobody else has."""
    names = Counter((p.name.family, p.name.given) for c in SCHOOL.classes for p in c.pupils)
    return next(p for p in of_class.pupils if names[p.name.family, p.name.given] == 1)


FIRST: Final = SCHOOL.classes[0]
ONE: Final = unique(FIRST)


def contacts(plan: ImportPlan) -> list[Contact]:
    return [one for one in plan.put if isinstance(one, Contact)]


def users(plan: ImportPlan) -> list[User]:
    return [one for one in plan.put if isinstance(one, User)]


def test_a_c4th_export_of_the_whole_school_changes_nothing_where_nothing_is_new(
    roster: list[RosterRecord],
) -> None:
    done = plan(c4th(SCHOOL), roster)
    assert done.put == () and done.remove == ()
    twins = {found.rule for found in done.quarantined}
    assert twins <= {"workbook.name.twins"}, "namesakes of one year are nobody's guess"
    assert done.totals.rows == sum(len(c.pupils) for c in SCHOOL.classes)


def test_a_new_name_and_a_telephone_number_come_in_and_the_guardian_is_not_the_pupil(
    roster: list[RosterRecord],
) -> None:
    cells: dict[str, object] = {"正式名前": "新姓　" + ONE.name.given, "電話番号1": "０９５２－１２－３４５６"}
    done = plan(c4th(SCHOOL, change={ONE.id: cells}), roster)
    (user,) = users(done)
    assert (user.id, user.family_name, user.preferred_family) == (ONE.id, "新姓", ONE.name.family)
    assert user.name == f"{ONE.name.family} {ONE.name.given}", "lists go on showing the usual name"
    assert [one.home_phone for one in contacts(done)] == ["0952-12-3456"]
    assert plan(c4th(SCHOOL, change={ONE.id: cells}), applied(roster, done)).put == ()


def test_a_class_list_with_merged_headings_is_read(roster: list[RosterRecord]) -> None:
    assert plan(class_list(FIRST), roster).put == ()
    rows = [listed(pupil) for pupil in FIRST.pupils]
    place = FIRST.pupils.index(ONE)
    rows[place][0], rows[place][6] = "９９", "0952-12-3456"
    done = plan(class_list(FIRST, rows), roster)
    numbers = [one.number for one in done.put if isinstance(one, Enrollment)]
    kept = [(one.id, one.home_phone, one.guardians) for one in contacts(done)]
    guardian = Guardian("", "保護者 一郎", "", ("0952-12-3456",))
    assert (numbers, kept, users(done), done.remove) == ([99], [(ONE.id, "", (guardian,))], [], ())


def test_guardians_come_in_with_relation_reading_and_numbers(roster: list[RosterRecord]) -> None:
    first = ("父", "試験　一郎", "ｼｹﾝ ｲﾁﾛｳ", "０９０−００００−０００１／0952-00-0001", "0952-00-0001")
    done = plan(told(ONE, "なし", first, ("母", "試験 花子", "", "知らない")).data, roster)
    (contact,) = contacts(done)
    assert (contact.home_phone, contact.guardians) == (
        "",
        (
            Guardian("父", "試験 一郎", "シケン イチロウ", ("090-0000-0001", "0952-00-0001")),
            Guardian("母", "試験 花子"),
        ),
    )
    standing = next(one for one in roster if isinstance(one, Contact) and one.id == ONE.id)
    assert (contact.phone, contact.sms, contact.agents) == (standing.phone, standing.sms, standing.agents)
    assert plan(told(ONE, "", first, ("母", "試験 花子")).data, applied(roster, done)).put == ()


def test_a_list_with_one_guardian_a_row_takes_no_other_away(roster: list[RosterRecord]) -> None:
    two = told(ONE, "", ("父", "試験 一郎", "", "090-0000-0001"), ("母", "試験 花子", "", "090-0000-0002"))
    standing = applied(roster, plan(two.data, roster))
    rows = [listed(pupil) for pupil in FIRST.pupils]
    rows[FIRST.pupils.index(ONE)][5:] = ["試験　花子", None]
    after = applied(standing, plan(class_list(FIRST, rows), standing))
    (contact,) = (one for one in after if isinstance(one, Contact) and one.id == ONE.id)
    assert [(one.relation, one.phones) for one in contact.guardians] == [
        ("母", ("090-0000-0002",)),  # who is rung first is another; what the list has no column for stays
        ("父", ("090-0000-0001",)),
    ]
    assert plan(class_list(FIRST, rows), after).put == ()
    gone = contacts(plan(told(ONE, "", ("父", "試験 一郎")).data, after))
    assert [one.name for one in gone[0].guardians] == ["試験 一郎"], "it has room for two, and names one"
    assert plan(told(ONE, "").data, after).put == (), "an empty row says nothing"


def test_a_cell_of_a_guardian_that_cannot_be_used_keeps_no_pupil_out(roster: list[RosterRecord]) -> None:
    done = plan(told(ONE, "", ("父", "長" * 61, "", "090-0000-0001")).data, roster)
    assert done.quarantined == ()
    assert [(one.column, one.rule) for one in done.warnings] == [
        ("F 保護者1 名前", "workbook.guardian1_name.control")
    ]
    assert [one.guardians for one in contacts(done)] == [(Guardian("父", phones=("090-0000-0001",)),)]


def test_who_is_missing_from_a_class_leaves_it_and_who_moved_is_moved(roster: list[RosterRecord]) -> None:
    rest = [listed(pupil) for pupil in FIRST.pupils if pupil is not ONE]
    done = plan(class_list(FIRST, rest), roster)
    assert {(one.kind, one.id) for one in done.remove if one.kind == User.kind} == {(User.kind, ONE.id)}
    assert done.leavers == 1 and done.put == ()
    other = SCHOOL.classes[1]
    moved = plan(class_list(other, [*map(listed, other.pupils), listed(ONE)]), roster)
    assert moved.leavers == 0
    (new,) = [one for one in moved.put if isinstance(one, Enrollment)]
    (old,) = [one for one in moved.remove if isinstance(one, Enrollment)]
    assert (new.class_id, old.class_id, new.user_id) == (other.id, FIRST.id, ONE.id)


def test_guests_from_a_special_needs_class_stay_in_the_class_that_receives_them(
    roster: list[RosterRecord],
) -> None:
    guest = next(c for c in SCHOOL.classes if c.special_needs).pupils[0]
    home = Enrollment(id="guest", class_id=FIRST.id, user_id=guest.id, role="student")
    assert plan(class_list(FIRST), [*roster, home]).remove == ()


def test_a_refused_row_is_named_by_sheet_row_and_column_and_then_nobody_leaves(
    roster: list[RosterRecord],
) -> None:
    rows = [listed(pupil) for pupil in FIRST.pupils]
    place = FIRST.pupils.index(ONE)
    rows[place][1] = rows[place][2] = None
    done = plan(class_list(FIRST, rows), roster)
    (found,) = done.quarantined
    assert (found.file, found.line, found.column, found.rule) == (
        "Sheet1",
        5 + place,
        "B 姓",
        "workbook.name.missing",
    )
    assert done.remove == () and done.leavers == 0


def test_the_same_workbook_twice_changes_nothing_the_second_time(roster: list[RosterRecord]) -> None:
    rows: list[Cells] = [("学年", "組", "番号", "氏名", "ふりがな", "入学日")]
    rows += [(1, 9, n, f"試験　{'一二三'[n]}", f"しけん {'いろは'[n]}", "令和8年4月6日") for n in range(3)]
    first = plan(book({"名簿": rows}), roster)
    (made,) = [one for one in first.put if isinstance(one, SchoolClass)]
    assert (made.title, made.grades) == ("1年9組", ("P1",)) and len(users(first)) == 3
    entries = [one for one in first.put if isinstance(one, Enrollment)]
    assert {one.begins for one in entries} == {date(2026, 4, 6)} and {one.number for one in entries} == {
        None,
        1,
        2,
    }
    standing = applied(roster, first)
    again = plan(book({"名簿": rows, "空": []}), standing)
    assert (again.put, again.remove) == ((), ())


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 23)), max_size=40), st.randoms(use_true_random=False))
def test_whatever_a_workbook_lists_it_changes_nothing_the_second_time(
    roster: list[RosterRecord], listed_places: list[tuple[int, int]], shuffled: Random
) -> None:
    """Any pupils in any of three classes, in any order, some of them twice."""
    rows: list[Cells] = [("学年", "組", "番号", "氏名", "ふりがな")]
    for number, (place, who) in enumerate(listed_places):
        pupil = SCHOOL.classes[0].pupils[who % len(SCHOOL.classes[0].pupils)]
        name, kana = (
            f"{pupil.name.family} {pupil.name.given}",
            f"{pupil.name.kana_family} {pupil.name.kana_given}",
        )
        rows.append((1, place + 1, number % 40 + 1, name, kana))
    body = rows[1:]
    shuffled.shuffle(body)
    data = book({"名簿": [rows[0], *body]})
    done = plan(data, roster)
    standing = applied(roster, done)
    again = plan(data, standing)
    assert (again.put, again.remove) == ((), ())
    users = {one.id for one in standing if isinstance(one, User)}
    assert all(one.user_id in users for one in standing if isinstance(one, Enrollment))


def test_into_an_empty_roster_it_brings_school_year_and_classes() -> None:
    rows: list[Cells] = [("生徒コード", "学年", "組", "番号", "名前", "ふりがな")]
    rows += [(100 + n, f"{n + 1}年", "１組", n, f"試験　{n}郎", "しけん じろう") for n in range(9)]
    done = plan(book({"全校": rows}), [])
    kinds = Counter(one.kind for one in done.put)
    assert kinds["roster.class"] == kinds["roster.user"] == 9
    assert kinds["roster.school"] == kinds["roster.session"] == 1
    grades = sorted(one.grades[0] for one in done.put if isinstance(one, SchoolClass))
    assert grades == ["J1", "J2", "J3", "P1", "P2", "P3", "P4", "P5", "P6"]
    again = plan(book({"全校": rows}), applied([], done))
    assert (again.put, again.remove) == ((), ())


def test_a_pupil_keeps_the_code_and_may_have_another_name(roster: list[RosterRecord]) -> None:
    head = ("生徒コード", "学年", "組", "番号", "名前", "ふりがな")
    first = plan(book({"a": [head, (7, 1, 1, 30, "旧姓 花", "きゅうせい はな")]}), [])
    later = plan(book({"a": [head, (7, 1, 1, 30, "新姓 花", "しんせい はな")]}), applied([], first))
    (user,) = users(later)
    assert (user.family_name, user.kana_family, later.remove) == ("新姓", "シンセイ", ())
    variant = plan(book({"a": [head, (7, 1, 1, 30, "旧\U000e0100姓　花", "ｷｭｳｾｲ ﾊﾅ")]}), applied([], first))
    assert variant.put == (), "a variant of a character and another kind of kana are no new name"


def test_namesakes_and_rows_without_a_class_are_refused(roster: list[RosterRecord]) -> None:
    head = ("学年", "組", "番号", "名前")
    two = [head, (1, 1, 1, "同姓 同名"), (1, 2, 1, "同姓 同名")]
    standing = applied([], plan(book({"a": two}), []))
    assert len([one for one in standing if isinstance(one, User)]) == 2
    done = plan(book({"a": [("学年", "名前"), (1, "同姓 同名"), (2, "見知らぬ 人"), (1, "同姓 同名")]}), standing)
    assert [(f.line, f.rule) for f in done.quarantined] == [
        (2, "workbook.name.twins"),
        (3, "workbook.class.class"),
        (4, "workbook.name.duplicate"),
    ]
    assert (done.put, done.remove) == ((), ())


def test_values_that_do_not_fit_are_told_and_never_repeated(roster: list[RosterRecord]) -> None:
    head = ("学年", "組", "番号", "氏名", "生年月日", "入学日")
    rows = [head, ("12年", 1, 1, "試験 一", "", ""), (1, 1, 100, "試験二", "平成20年1月1日", "そのうち")]
    done = plan(book({"名簿": rows}), [])
    assert [(f.line, f.column, f.rule) for f in done.quarantined] == [(2, "A 学年", "workbook.grade.grade")]
    assert {(f.column, f.rule) for f in done.warnings} == {
        ("C 番号", "workbook.number.range"),
        ("D 氏名", "workbook.name.undivided"),
        ("E 生年月日", "workbook.birth.age"),
        ("F 入学日", "workbook.begins.date"),
    }
    text = " ".join(f"{f.message_ja}{f.message_en}{f.column}" for f in (*done.quarantined, *done.warnings))
    assert "試験" not in text and "そのうち" not in text


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (book({"成績": [("国語", "算数"), (1, 2)]}), WorkbookHeadingsError),
        (OLE + bytes(100), WorkbookUnreadableError),
        (book({"a": [C4TH]})[:-40], RefusedExportError),
    ],
    ids=["other headings", "the old format", "cut off"],
)
def test_what_is_no_roster_is_refused_as_a_whole(data: bytes, error: type[RefusedExportError]) -> None:
    assert form_of(Held("a", data)) is Form.WORKBOOK
    with pytest.raises(error):
        plan(data, [])


@pytest.mark.parametrize("name", ["名簿.xlsx", "名簿.XLS"])
def test_what_only_calls_itself_a_workbook_is_told_so(name: str) -> None:
    junk = Held(name, b"not what it says" * 30)
    assert form_of(junk) is Form.WORKBOOK
    with pytest.raises(WorkbookUnreadableError):
        read_sheets(junk)


def test_hostile_xml_in_a_workbook_is_refused_and_not_worked_out() -> None:
    bomb = b'<!DOCTYPE z [<!ENTITY a "ha">' + b"".join(
        b'<!ENTITY %c "%s">' % (65 + n, b"&%c;" % (64 + n if n else 97) * 10) for n in range(25)
    )
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(book({"a": [C4TH]}))) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            if name == "xl/worksheets/sheet1.xml":
                data = bomb + b"]>" + data.replace(b"<worksheet", b"<!-- &Y; --><worksheet")
            new.writestr(name, data)
    try:
        plan(out.getvalue(), [])
    except RefusedExportError as error:
        assert error.code in ("APP-683", "APP-684")


@pytest.mark.parametrize(
    ("text", "day"),
    [
        *(
            (text, date(2016, 4, 2))
            for text in ("平成28年4月2日", "H28.4.2", "Ｈ２８／４／２", "2016/4/2", "2016-04-02")
        ),
        *(
            (text, date(2016, 4, 2))
            for text in ("20160402", "2016年4月2日", "42462", datetime(2016, 4, 2, tzinfo=UTC))
        ),
        ("令和元年5月1日", date(2019, 5, 1)),
        ("平成31年12月31日", date(2019, 12, 31)),
        ("昭和64年1月7日", date(1989, 1, 7)),
        *((text, None) for text in ("R1.4.30", "平成32年1月1日", "2016/13/1", "平和1.1.1", "4月2日", "", "x")),
    ],
)
def test_days_as_japanese_forms_write_them(text: object, day: date | None) -> None:
    assert read_day(text) == day


@pytest.mark.parametrize(
    ("text", "kind", "code"),
    [
        ("1", "B1", "P1"),
        ("６年", "B1", "P6"),
        ("7", "B1", ""),
        ("１", "C1", "J1"),
        ("7", "C2", "J1"),
        ("第３学年", "C2", "P3"),
        ("中２", "C2", "J2"),
        ("小6", "C1", "P6"),
        ("J3", "C2", "J3"),
        ("中4", "C2", ""),
        ("年長", "C2", ""),
        ("10", "C2", ""),
    ],
)
def test_years_by_the_kind_of_school(text: str, kind: str, code: str) -> None:
    assert grade_code(text, kind) == code


def test_headings_are_found_among_titles_and_repeated_on_each_page() -> None:
    rows = [("秘", None), ("出席番号", "氏 名"), (1, "試験 一"), ("出席番号", "氏　名"), (2, "試験 二")]
    done = plan(book({"2年3組": rows}), [])
    assert len(users(done)) == 2 and done.quarantined == ()
    assert [one.title for one in done.put if isinstance(one, SchoolClass)] == ["2年3組"]
    found = find_headings([(4, C4TH)])
    assert found is not None and found.row == 4 and found.place("name") == "C 名前"
    assert [letter(at) for at in (0, 25, 26, 701, 702)] == ["A", "Z", "AA", "ZZ", "AAA"]
    assert [phone_of(text) for text in ("０９５２ー１２ー３４５６", "なし", "1; DROP")] == ["0952-12-3456", "", ""]
    assert [phone_of(text) for text in ("9000000001", "952123456", "123456")] == [
        "09000000001",
        "0952123456",
        "123456",
    ]
