"""A roster workbook that names guardians, for pupils whom the roster knows already."""

from collections.abc import Sequence

from appliance.generator.school import MadePerson
from appliance.oneroster.container import Held
from tests.appliance.exchange.workbooks import book, hiragana

HEAD = (
    *("学年", "氏名", "ふりがな", "電話番号1"),
    *(
        f"保護者{place}　{heading}"
        for place in (1, 2, 3)
        for heading in ("続柄", "名前", "名前ふりがな", "電話番号1", "電話番号2")
    ),
)


def told(pupil: MadePerson, home: str, *guardians: Sequence[str]) -> Held:
    """Return a workbook of one pupil; a guardian is 続柄, 名前, ふりがな, two numbers, or the first of these."""
    grade = "P1P2P3P4P5P6J1J2J3".index(pupil.grade) // 2 + 1
    row: list[object] = [grade, f"{pupil.name.family}　{pupil.name.given}", hiragana(pupil), home]
    for guardian in guardians:
        row += [*guardian, *[None] * (5 - len(guardian))]
    return Held("meibo.xlsx", book({"保護者": [HEAD, row]}))
