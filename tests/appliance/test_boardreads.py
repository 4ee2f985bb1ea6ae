"""The board at its hub: standard lines of its own for a school's ledger, and reading the school's audit record."""

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner

from appliance.cli import cli
from appliance.exits import Exit
from appliance.ledger.ledger import LedgerStandard, read_ledger
from appliance.ledger.published import board_lines
from appliance.policy import PolicyDeniedError
from sync.sealed import Draft
from tests.hubside import as_board, hub, to_box, to_hub
from tests.school import BOARD_PASSPHRASE, PASSPHRASE, School, enrol

LINE = """
[[asset]]
name = "{name}"
{kind}importance = "{importance}"
place = "staff_room"
handlers = ["all_staff", "board"]
takeout = "general_permit"
retention = "{retention}"
kept_locally = true
source = "教育委員会の標準台帳"
"""
ON = date(2026, 12, 10)


def line(name: str = "通学路の地図", importance: str = "III", retention: str = "3y", kind: str = "") -> str:
    told = f'kind = "{kind}"\n' if kind else ""
    return LINE.format(name=name, importance=importance, retention=retention, kind=told)


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[School]:
    made = enrol(tmp_path_factory.mktemp("board-reads"))
    to_hub(made)
    yield made
    made.close()


def board(school: School, *words: str, passphrase: str = BOARD_PASSPHRASE) -> Any:
    arguments = ["board", "--board", str(school.board.path), *words, "--passphrase-stdin"]
    return CliRunner().invoke(cli, arguments, input=passphrase + "\n")


def publish(school: School, folder: Path, text: str) -> Any:
    file = folder / "ledger.toml"
    file.write_text(text, "utf-8")
    return board(school, "publish", "ledger", school.made.code, str(file))


def shown(school: School, name: str) -> tuple[str, bool]:
    office = school.office("kocho")
    found = next(line for line in office.ledger.all() if line.name == name)
    office.logout()
    return found.retention, found.own


def test_the_boards_lines_are_standard_lines_and_the_schools_own_still_win(own: School, tmp_path: Path) -> None:
    told = publish(own, tmp_path, line() + line("会議の年間計画", retention="1y"))
    assert told.exit_code == 0 and told.output == "公開しました（標準台帳 2項目）。\n"
    to_box(own)
    assert shown(own, "通学路の地図") == ("3年", False)
    office = own.office("kocho")
    office.ledger.keep(read_ledger(line(retention="5y"))[0])
    office.logout()
    assert shown(own, "通学路の地図") == ("5年", True)
    assert (
        publish(own, tmp_path, line() + line("会議の年間計画", retention="1y")).output
        == "変わるものはありません。\n"
    )
    assert publish(own, tmp_path, line(retention="4y")).exit_code == 0
    to_box(own)
    office = own.office("kocho")
    names = [found.name for found in office.ledger.all()]
    office.logout()
    assert shown(own, "通学路の地図") == ("5年", True) and "会議の年間計画" not in names


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (line(importance="I"), "APP-260"),
        (line("出席簿の記号（出欠・遅刻・早退）", "IV", kind="attendance.mark"), "APP-261"),
        (line("知らない記録", kind="no.such"), "APP-262"),
        (line() + line(), "APP-260"),
        ("[[asset", "APP-260"),
    ],
)
def test_a_file_with_one_wrong_line_is_refused_whole(own: School, tmp_path: Path, text: str, code: str) -> None:
    with as_board(own) as office:
        store = office._session.store
        before, position = board_lines(store), store.reader.position()
    told = publish(own, tmp_path, line("正しい項目") + text)
    assert told.exit_code != 0 and getattr(told.exception, "code", "") == code
    with as_board(own) as office:
        store = office._session.store
        assert board_lines(store) == before and store.reader.position() == position


def test_what_a_manager_puts_over_the_boards_lines_changes_nothing(own: School, tmp_path: Path) -> None:
    publish(own, tmp_path, line("学校要覧の原稿", retention="7y"))
    to_box(own)
    office = own.office("kocho")
    store = office._session.store
    (plain,) = store.heads(LedgerStandard.kind)
    forged = msgspec.msgpack.encode(LedgerStandard(entries=read_ledger(line("学校要覧の原稿", retention="1m"))))
    store.put([Draft(LedgerStandard.kind, plain.record, LedgerStandard.importance, forged, plain.heads)])
    assert store.head(LedgerStandard.kind, plain.record).payload == forged  # type: ignore[union-attr]
    office.logout()
    assert shown(own, "学校要覧の原稿") == ("7年", False)


def test_the_board_reads_who_was_refused_and_that_it_read_is_written_down(own: School) -> None:
    helper = own.office("shien")
    pupil = helper.attendance.day(helper.attendance.classes(ON)[3].class_id, ON).rows[0]
    with pytest.raises(PolicyDeniedError):
        helper.attendance.reason(pupil.pupil_id, ON)
    helper.logout()
    office = own.office("kocho")
    office.emergency.open(PASSPHRASE, "kyoto", PASSPHRASE, "大雨のため", 30)
    office.emergency.close()
    office.logout()
    to_hub(own)
    told = board(own, "audit", own.made.code, "--refused", "--days", "3650")
    assert told.exit_code == 0
    assert "出欠の理由の閲覧（Ⅱ）" in told.output and pupil.name in told.output and "【拒否】" in told.output
    assert "非常時開示  " in told.output and "髙橋 誠・田中 望  目的:大雨のため" in told.output
    found = json.loads(board(own, "audit", own.made.code, "--json").output)
    assert set(found) == {"disclosures", "audit"}
    (one,) = found["disclosures"]
    assert one["purpose"] == "大雨のため" and one["opened"] <= one["until"]
    newest = found["audit"][0]
    assert (newest["who"], newest["what"], newest["place"]) == ("教育委員会", "監査記録の閲覧", "教育委員会")
    to_box(own)
    office = own.office("kyoto")
    assert [line for line in office.audit.lines() if line.who == "教育委員会" and line.what == "監査記録の閲覧"]
    office.logout()


def test_without_the_boards_passphrase_nothing_is_read_or_published(own: School, tmp_path: Path) -> None:
    before = {file: file.read_bytes() for file in hub(own).path.glob("school.db")}
    told = board(own, "audit", own.made.code, passphrase=PASSPHRASE)
    assert (
        told.exit_code != Exit.OK and told.output == "" and type(told.exception).__name__ == "WrongPassphraseError"
    )
    assert {file: file.read_bytes() for file in hub(own).path.glob("school.db")} == before
