from pathlib import Path

import pytest

from appliance.oneroster.encoding import decode
from appliance.oneroster.errors import MojibakeError, UndecodableError
from appliance.oneroster.plan import plan_import
from tests.appliance.oneroster.samples import CODE, clean

TEXT = "sourcedId,kana\r\n1,ヤマダタロウ\r\n2,スズキハナコ\r\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp932"])
def test_the_encodings_of_the_field_give_the_same_plan(tmp_path: Path, encoding: str) -> None:
    sample = clean()
    sample.encoding = encoding
    plan = sample.plan(tmp_path)
    assert plan.encoding == encoding
    assert plan.put == clean().plan(tmp_path).put
    assert (plan.quarantined, plan.warnings) == ((), ())


def test_files_of_two_encodings_are_both_named(tmp_path: Path) -> None:
    folder = clean().write(tmp_path / "e")
    (folder / "orgs.csv").write_bytes((folder / "orgs.csv").read_text("utf-8").encode("cp932"))
    assert plan_import(folder, CODE).encoding == "cp932+utf-8"


@pytest.mark.parametrize(
    "data",
    [
        TEXT.encode().decode("cp932", "replace").encode(),
        TEXT.encode().decode("latin-1").encode(),
        TEXT.encode("cp932").decode("latin-1").encode(),
        TEXT.encode("cp932").decode("utf-8", "replace").encode(),
        "name\r\n山田太郎".encode().decode("latin-1").encode(),
    ],
    ids=["utf-8 as cp932", "utf-8 as latin-1", "cp932 as latin-1", "replaced", "kanji only"],
)
def test_text_garbled_before_it_came_is_refused_with_the_line(data: bytes) -> None:
    with pytest.raises(MojibakeError) as caught:
        decode(data, "users.csv")
    assert caught.value.params == {"file": "users.csv", "line": 2}


def test_a_file_cut_in_the_middle_of_a_character_is_refused() -> None:
    whole = TEXT.encode()
    for cut in range(len(whole)):
        part = whole[:cut]
        try:
            part.decode("utf-8")
        except UnicodeDecodeError:
            if not part[:-2].isascii():
                with pytest.raises((MojibakeError, UndecodableError)):
                    decode(part, "users.csv")


@pytest.mark.parametrize(
    "data",
    [
        TEXT.encode("utf-16"),
        TEXT.encode("euc_jp"),
        b"a,b\n\0\0\0\0",
        b"\xef\xbb\xbfa\n\xff",
        b"a,b\n1,\x81\xff",
    ],
    ids=["utf-16", "euc-jp", "binary", "bad utf-8 after its mark", "bad cp932"],
)
def test_what_is_no_known_encoding_is_refused(data: bytes) -> None:
    with pytest.raises(UndecodableError):
        decode(data, "users.csv")


@pytest.mark.parametrize(
    "name", ["João", "José Ángel", "Nguyễn", "Müller", "𠮷野家", "葛\U000e0100城", "髙橋", "①"]
)
def test_real_names_are_not_taken_for_garble(name: str) -> None:
    text = f"familyName\r\n{name}\r\n{name}\r\n{name}\r\n"
    assert decode(text.encode(), "users.csv").text == text


@pytest.mark.parametrize("name", ["髙橋", "﨑山", "①", "㈱", "齋藤", "表", "ソ連"])
def test_characters_of_windows_are_read(name: str) -> None:
    text = f"familyName\r\n{name}\r\nヤマダ\r\n"
    assert decode(text.encode("cp932"), "users.csv") == (text, "cp932")
