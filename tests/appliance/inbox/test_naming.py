"""Names from Windows, old Unix, ZIP programs and hostile hands become one readable line."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.inbox.folders import FOLDERS, Kind, Place, kind_of, place_of
from appliance.inbox.naming import LONGEST, NAMELESS, read_name
from crypto.importance import Importance

NAMES = (
    "校外学習のしおり.docx",
    "出席簿（2年1組）.xlsx",
    "個人面談記録_齋藤.txt",
    "手紙.pdf",
    "保健だより１１月号.pdf",
    "ＰＴＡだより第３号.pdf",
    "テスト.txt",
)
WRONG = (("cp932", "cp437"), ("utf-8", "cp437"), ("cp932", "latin-1"), ("utf-8", "latin-1"))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("encoding", ["cp932", "euc_jp", "iso2022_jp"])
def test_bytes_of_another_encoding_are_read(name: str, encoding: str) -> None:
    raw = name.encode(encoding)
    found = read_name(raw)
    assert (found.text, found.guessed, found.raw) == (name, True, raw) and found.shown_raw.isascii()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("right", "wrong"), WRONG)
def test_what_an_unpacking_program_made_of_a_name_is_repaired(name: str, right: str, wrong: str) -> None:
    found = read_name(name.encode(right).decode(wrong).encode())
    assert (found.text, found.guessed) == (name, True)


@pytest.mark.parametrize(
    "name",
    [
        *NAMES,
        "髙橋①.pdf",
        "ﾌﾟﾘﾝﾄ.pdf",
        "résumé.pdf",
        "Résultat âge.pdf",
        "Привет.txt",
        "中文文件.txt",
        "한국어.txt",
    ],
)
def test_right_names_stay_as_they_are(name: str) -> None:
    found = read_name(name.encode())
    assert (found.text, found.guessed) == (name, False)


def test_decomposed_names_of_another_system_are_composed() -> None:
    name = "プリント「ガ」.pdf"
    assert read_name(unicodedata.normalize("NFD", name).encode()).text == name


def test_half_width_katakana_of_old_programs_is_read() -> None:
    assert read_name("ﾌﾟﾘﾝﾄ.pdf".encode("cp932")).text == "ﾌﾟﾘﾝﾄ.pdf"


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("a\u202egpj.exe", "agpj.exe"),
        ("x\ny\x1b[2J.txt", "xy[2J.txt"),
        ("しおり.docx. . ", "しおり.docx"),
        (" . ", NAMELESS),
        ("\u200b\u200b", NAMELESS),
    ],
)
def test_what_turns_hides_or_moves_is_taken_out_and_the_name_counts_as_guessed(raw: str, text: str) -> None:
    found = read_name(raw.encode())
    assert (found.text, found.guessed) == (text, True)


def test_a_name_that_is_too_long_keeps_its_ending() -> None:
    found = read_name(("あ" * 300 + ".pdf").encode())
    assert len(found.text) == LONGEST and found.text.endswith("…….pdf"[1:]) and found.guessed


@given(st.binary(min_size=1, max_size=255))
def test_any_bytes_give_a_printable_line(raw: bytes) -> None:
    found = read_name(raw)
    assert found.text and found.text.isprintable() and len(found.text) <= LONGEST
    assert unicodedata.is_normalized("NFC", found.text)
    found.text.encode()


def test_labels_and_what_is_none() -> None:
    for number, words in enumerate(
        (("I", "Ⅰ", "1", "１", " i "), ("II", "Ⅱ", "2", "２"), ("III", "Ⅲ", "3"), ("IV",))
    ):
        for word in words:
            place = place_of((word.encode(), b"sub"))
            assert (place.importance, place.labelled, place.under) == (Importance(number + 1), True, (b"sub",))
    for word in ("", "V", "5", "I I", "極秘", "I-1"):
        assert place_of((word.encode(),)) == place_of((word.encode(),)) and not place_of((word.encode(),)).labelled
    assert place_of(()).importance is Importance.II and place_of((b"\xff",)).under == (b"\xff",)
    assert FOLDERS == ("I", "II", "III", "IV", "取込")
    place = place_of(("取込".encode(), b"sub"))
    assert place == Place(Importance.II, True, (b"sub",), exchange=True)
    assert not any(place_of((word.encode(),)).exchange for word in ("II", "2", "取り込み"))


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("Thumbs.db", Kind.JUNK),
        ("THUMBS.DB", Kind.JUNK),
        ("._a", Kind.JUNK),
        ("~$a.docx", Kind.TEMPORARY),
        (".~lock.a.odt#", Kind.TEMPORARY),
        ("a.TMP", Kind.TEMPORARY),
        ("a.pdf.crdownload", Kind.TEMPORARY),
        (".a.pdf.Xy12", Kind.TEMPORARY),
        ("a.pdf", Kind.DOCUMENT),
        ("tmp", Kind.DOCUMENT),
        ("part.docx", Kind.DOCUMENT),
    ],
)
def test_names_of_programs(name: str, kind: Kind) -> None:
    assert kind_of(name.encode()) is kind
