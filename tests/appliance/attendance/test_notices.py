"""The parents' app's list is read as it is pasted; what is not sure is not guessed."""

from datetime import date, time
from pathlib import Path

import pytest

from appliance.attendance.notices import (
    Candidate,
    NoticesFileError,
    NoticesTableError,
    Unread,
    load_notice_form,
    read_notices,
)

TODAY = date(2026, 10, 6)
PUPILS = (
    Candidate("a", "1年1組", 1, "青木 陽菜"),
    Candidate("b", "1年1組", 2, "石川 蓮"),
    Candidate("c", "2年1組", 7, "石川 蓮"),
    Candidate("d", "3年2組", 12, "髙橋 悠真"),
)
FORM = load_notice_form()


def read(text: str) -> list[tuple[str, str, date | None, Unread | None]]:
    return [(n.pupil_id, n.code, n.on, n.unread) for n in read_notices(text, FORM, TODAY, lambda on: PUPILS)]


def test_a_table_of_a_spreadsheet_is_read() -> None:
    lines = (
        "日付\tクラス\t出席番号\t氏名\t区分\t時刻\t理由",
        "2026/10/05\t1年1組\t1\t青木　陽菜\t欠席\t\t発熱",
        "10月6日\t3年2組\t012\t髙橋悠真\t遅刻\t９：４０\t通院",
    )
    first, second = read_notices("\r\n".join(lines), FORM, TODAY, lambda on: PUPILS)
    assert (first.pupil_id, first.on, first.code, first.reason) == ("a", date(2026, 10, 5), "sick", "発熱")
    assert (second.pupil_id, second.on, second.code, second.at_time) == ("d", TODAY, "late", time(9, 40))


def test_commas_quotes_and_a_byte_order_mark() -> None:
    assert read('\ufeff"氏名","種別"\n"青木 陽菜","病欠"\n') == [("a", "sick", TODAY, None)]


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ("10/6\t\t石川 蓮\t欠席\t", Unread.PUPIL),  # two bear the name
        ("10/6\t2年1組\t青木 陽菜\t欠席\t", Unread.PUPIL),  # not in that class
        ("10/6\t1年1組\tだれか\t欠席\t", Unread.PUPIL),
        ("10/6\t1年1組\t\t欠席\t", Unread.PUPIL),
        ("13/40\t1年1組\t青木 陽菜\t欠席\t", Unread.DAY),
        ("あした\t1年1組\t青木 陽菜\t欠席\t", Unread.DAY),
        ("10/6\t1年1組\t青木 陽菜\t早じまい\t", Unread.KIND),
        ("10/6\t1年1組\t青木 陽菜\t\t", Unread.KIND),
        ("10/6\t1年1組\t青木 陽菜\t遅刻\t昼ごろ", Unread.TIME),
        ("10/6\t1年1組\t青木 陽菜\t遅刻\t25:00", Unread.TIME),
    ],
)
def test_what_is_not_sure_is_told_and_never_guessed(row: str, why: Unread) -> None:
    assert [told[3] for told in read(f"日付\t学級\t氏名\t区分\t時刻\n{row}")] == [why]


def test_the_class_decides_between_two_of_one_name() -> None:
    assert [told[0] for told in read("学級\t氏名\t区分\n1-1\t青木 陽菜\t欠席\n２年１組\t石川 蓮\t欠席")] == [
        "",
        "c",
    ]


@pytest.mark.parametrize("text", ["", "\n\n", "こんにちは", "氏名\n青木 陽菜", "区分\n欠席", "氏名,欠席者\na,b"])
def test_what_is_no_such_table_is_refused(text: str) -> None:
    with pytest.raises(NoticesTableError):
        read(text)


def test_too_many_rows_are_refused() -> None:
    with pytest.raises(NoticesTableError):
        read("氏名\t区分\n" + "青木 陽菜\t欠席\n" * 2001)


def test_a_schools_own_file(tmp_path: Path) -> None:
    file = tmp_path / "notices.toml"
    file.write_text('[headings]\nname = ["なまえ"]\nkind = ["れんらく"]\n[kinds]\n"おやすみ" = "sick"\n', "utf-8")
    (told,) = read_notices("なまえ,れんらく\n青木 陽菜,おやすみ", load_notice_form(file), TODAY, lambda on: PUPILS)
    assert told.code == "sick"


@pytest.mark.parametrize("text", ["[headings", '[headings]\ncolour = ["x"]\n[kinds]\n', "x = 1", ""])
def test_a_file_that_cannot_be_used_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "notices.toml"
    file.write_text(text, "utf-8")
    with pytest.raises(NoticesFileError):
        load_notice_form(file)
