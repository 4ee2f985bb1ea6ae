"""Roster workbooks as C4th and schools write them, made of invented pupils."""

import io
from collections.abc import Sequence

from openpyxl import Workbook
from openpyxl.worksheet.worksheet import Worksheet

from appliance.generator.school import MadeClass, MadePerson, MadeSchool

Cells = Sequence[object]
# The headings of a real C4th export, in their order; the first that matter and some that do not.
C4TH = (
    *("生徒コード", "学年", "名前", "ふりがな", "正式名前", "正式名前ふりがな", "性別", "生年月日", "外国籍"),
    *(
        "郵便番号",
        "都道府県",
        "市区町村",
        "町番地",
        "アパート/マンション名",
        "電話番号1",
        "電話番号2",
        "電話番号3",
    ),
    *(
        "FAX番号",
        "出身校",
        "入学日",
        "保護者1　続柄",
        "保護者1　名前",
        "保護者1　名前ふりがな",
        "保護者1　電話番号1",
    ),
)


def book(sheets: dict[str, Sequence[Cells]], merged: Sequence[tuple[str, str]] = ()) -> bytes:
    """Return a workbook; `merged` are (sheet, range)."""
    made, out = Workbook(), io.BytesIO()
    made.remove(made.worksheets[0])
    for name, rows in sheets.items():
        sheet = made.create_sheet(name)
        assert isinstance(sheet, Worksheet)
        for row in rows:
            sheet.append(list(row))
    for name, cells in merged:
        sheet = made[name]
        assert isinstance(sheet, Worksheet)
        sheet.merge_cells(cells)
    made.save(out)
    return out.getvalue()


def c4th(school: MadeSchool, *, change: dict[str, dict[str, object]] | None = None) -> bytes:
    """Return what C4th exports of a whole school, with (pupil id → heading → other value)."""
    rows: list[Cells] = [C4TH]
    for of_class in school.classes:
        for pupil in of_class.pupils:
            facts: dict[str, object] = {
                "生徒コード": pupil.id[:8],
                "学年": "P1P2P3P4P5P6J1J2J3".index(pupil.grade) // 2 + 1,
                "名前": f"{pupil.name.family}　{pupil.name.given}",
                "ふりがな": hiragana(pupil),
                "正式名前": f"{pupil.name.family}　{pupil.name.given}",
                "保護者1　名前": "保護者 一郎",
                **(change or {}).get(pupil.id, {}),
            }
            rows.append([facts.get(heading) for heading in C4TH])
    return book({"生徒情報": rows})


def class_list(of_class: MadeClass, rows: Sequence[Cells] | None = None) -> bytes:
    """Return a class's list: a title, headings in two rows with merged cells, and the pupils."""
    title = f"令和8年度　{of_class.title}　名簿"
    head: list[Cells] = [
        (title, None, None, None, None, None, None),
        (),
        ("番号", "氏名", None, "フリガナ", "生年月日", "保護者", None),
        (None, "姓", "名", None, None, "氏名", "電話番号"),
    ]
    body = rows if rows is not None else [listed(pupil) for pupil in of_class.pupils]
    areas = ("A1:G1", "A3:A4", "B3:C3", "D3:D4", "E3:E4", "F3:G3")
    return book({"Sheet1": [*head, *body]}, [("Sheet1", area) for area in areas])


def listed(pupil: MadePerson) -> list[object]:
    """Return a pupil's row of a class list."""
    kana = f"{pupil.name.kana_family} {pupil.name.kana_given}"
    return [pupil.number, pupil.name.family, pupil.name.given, kana, None, "保護者 一郎", None]


def hiragana(pupil: MadePerson) -> str:
    """Return a pupil's reading in hiragana."""
    text = f"{pupil.name.kana_family}　{pupil.name.kana_given}"
    return "".join(chr(ord(c) - 0x60) if "ァ" <= c <= "ヶ" else c for c in text)
