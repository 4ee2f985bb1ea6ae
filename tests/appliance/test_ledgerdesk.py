"""The asset ledger at a school: own lines win, every change is kept, commands and CSV show it whole."""

import contextlib
import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner, Result

from appliance.classification.model import Action
from appliance.cli import cli
from appliance.exits import Exit
from appliance.inbox.janitor import discarded
from appliance.ledger.ledger import (
    FixedClassError,
    LedgerEntry,
    LedgerLineError,
    UnknownAssetError,
    standard,
    too_wide,
)
from appliance.ledger.lines import LedgerLine, ledger_sheet
from appliance.office import Office
from appliance.permits.releases import Form
from appliance.policy import PolicyDeniedError
from appliance.release.csvfile import csv_text
from crypto.importance import Importance
from sync.client import KeeperClient
from sync.sealed import Draft
from tests.appliance.ledgerlines import CLUB, LINE, the
from tests.school import PASSPHRASE, School, enrol


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[School]:
    made = enrol(tmp_path_factory.mktemp("ledger"), imported=False)
    yield made
    made.close()


@pytest.fixture
def office(own: School) -> Iterator[Office]:
    opened = own.office("kocho")
    yield opened
    opened.logout()


def told(office: Office, name: str) -> LedgerLine:
    return next(line for line in office.ledger.all() if line.name == name)


def test_the_schools_own_line_wins_and_says_so(office: Office) -> None:
    assert len(office.ledger.all()) == len(standard()) and not any(line.own for line in office.ledger.all())
    timetable = next(entry for entry in standard() if entry.name == "時間割")
    office.ledger.keep(msgspec.structs.replace(timetable, retention="1y", to_set=()))
    office.ledger.keep(CLUB)
    assert (told(office, "時間割").own, told(office, "時間割").retention) == (True, "1年")
    assert told(office, "時間割").to_set == "" and told(office, "座席表・名列表").to_set != ""
    assert office.ledger.all()[-1] == told(office, CLUB.name) and told(office, CLUB.name).own
    assert not told(office, "出席簿").own
    assert len(office.ledger.all()) == len(standard()) + 1


def test_a_new_line_begins_as_ii_and_what_the_school_sets_is_no_proposal(office: Office) -> None:
    new = office.ledger.to_change("")
    assert new.importance is Importance.II and not {new.takeout, *new.handlers} & too_wide(Importance.II)
    seats = office.ledger.to_change("座席表・名列表")
    assert (seats.to_set, seats.source) == ((), "本校の定め") and told(office, "座席表・名列表").to_set != ""
    assert office.ledger.to_change("attendance.mark").kind == "attendance.mark"
    with pytest.raises(UnknownAssetError):
        office.ledger.to_change("だれも知らない")


def test_several_lines_are_kept_together_or_not_at_all(office: Office) -> None:
    before = office.ledger.all()
    clubs = [msgspec.structs.replace(CLUB, name=f"部活動{n}") for n in range(3)]
    with pytest.raises(LedgerLineError):
        office.ledger.keep(*clubs, msgspec.structs.replace(CLUB, name="部活動3", takeout="free"))
    with pytest.raises(FixedClassError):
        office.ledger.keep(*clubs, msgspec.structs.replace(the("emergency.card"), importance=Importance.II))
    assert office.ledger.all() == before
    office.ledger.keep(*clubs)
    assert {line.name for line in office.ledger.all() if line not in before} == {club.name for club in clubs}


def test_the_command_keeps_the_lines_of_a_file(own: School, office: Office, tmp_path: Path) -> None:
    def run(text: str, name: str = "kyoto") -> Result:
        (tmp_path / "own.toml").write_text(text, "utf-8")
        words = [
            "ledger",
            "keep",
            str(own.site),
            str(tmp_path / "own.toml"),
            "--login",
            name,
            "--passphrase-stdin",
        ]
        return CliRunner().invoke(cli, words, input=PASSPHRASE + "\n", standalone_mode=False)

    assert isinstance(run(LINE.replace("all_staff", "anyone")).exception, LedgerLineError)
    assert isinstance(run(LINE.replace("部活動", "図書"), "sato").exception, PolicyDeniedError)
    assert "図書の名簿" not in {line.name for line in office.ledger.all()}
    done = run(LINE.replace("部活動", "図書"))
    assert done.return_value == Exit.OK and "保存済: 1件" in done.output
    assert told(office, "図書の名簿").own and office.ledger.history("図書の名簿")[0].who == "田中 望"


def test_every_change_of_a_line_is_kept(own: School, office: Office) -> None:
    seats = next(entry for entry in standard() if entry.name == "座席表・名列表")
    office.ledger.keep(msgspec.structs.replace(seats, retention="1y"))
    deputy = own.office("kyoto")
    deputy.ledger.keep(msgspec.structs.replace(seats, retention="2y", importance=Importance.II, **_NARROW))
    deputy.logout()
    seen = office.ledger.history("座席表・名列表")
    assert [(change.who, change.line.retention, change.line.importance) for change in seen] == [
        ("田中 望", "2年", "Ⅱ"),
        ("髙橋 誠", "1年", "Ⅲ"),
    ]
    assert office.ledger.history("roster.user") == () and office.ledger.history("職員会議") == ()
    with pytest.raises(UnknownAssetError):
        office.ledger.history("だれも知らない")


_NARROW: dict[str, Any] = {"handlers": ("staff_in_charge",), "takeout": "permit"}


def test_documents_that_a_line_does_not_let_stay_are_noted_for_removal(own: School, office: Office) -> None:
    with contextlib.closing(KeeperClient(own.paths.socket)) as notes:
        for stays, leave in ((False, {*Importance}), (True, {Importance.I})):
            office.ledger.keep(msgspec.structs.replace(the("document.file"), kept_locally=stays))
            own.office("sato").logout()
            assert {*discarded(notes)} == leave


def test_only_managers_and_the_board_write_it_and_all_staff_read_it(own: School) -> None:
    for name in ("sato", "jimu", "shien"):
        other = own.office(name)
        assert len(other.ledger.all()) >= len(standard())
        with pytest.raises(PolicyDeniedError) as caught:
            other.ledger.keep(CLUB)
        assert "校長・教頭と教育委員会" in str(caught.value.params["reason"])
        with pytest.raises(PolicyDeniedError):  # before they type anything
            other.ledger.to_change("時間割")
        other.logout()


def test_the_class_of_a_record_of_this_software_stands_fast(office: Office) -> None:
    card = the("emergency.card")
    with pytest.raises(FixedClassError):
        office.ledger.keep(msgspec.structs.replace(card, importance=Importance.II))
    with pytest.raises(UnknownAssetError):
        office.ledger.keep(msgspec.structs.replace(card, kind="no.such", name="x"))
    office.ledger.keep(msgspec.structs.replace(card, kept_locally=False, retention="1y"))
    assert office.ledger.store_class() is Importance.I, "the box keeps it, whatever the line says"


@pytest.mark.parametrize(
    "entry", [{"name": "職員会議"}, {"name": "meeting"}, {"name": "通知表", "kind": "meeting"}]
)
def test_two_lines_of_one_name_are_refused(office: Office, entry: dict[str, str]) -> None:
    with pytest.raises(LedgerLineError):
        office.ledger.keep(msgspec.structs.replace(CLUB, **entry))


def test_what_no_desk_would_have_kept_counts_for_nothing(office: Office) -> None:
    store, before = office._session.store, office.ledger.all()
    wide = msgspec.structs.replace(the("attendance.reason"), handlers=("anyone",))
    lower = msgspec.structs.replace(the("emergency.card"), importance=Importance.II)
    for key, payload in (
        ("attendance.reason", msgspec.msgpack.encode(LedgerEntry(entry=wide))),
        ("roster.contact", msgspec.msgpack.encode(LedgerEntry(entry=lower))),
        ("emergency.card", msgspec.msgpack.encode(LedgerEntry(entry=lower))),
        ("meeting", msgspec.msgpack.encode(LedgerEntry(entry=CLUB))),
        ("meeting.item", b"\xc1"),
        ("meeting.decision", b""),
    ):
        record = store.record_id(LedgerEntry.kind, LedgerEntry.importance, key)
        base = store.base_of(LedgerEntry.kind, [record]).get(record, ())
        store.put([Draft(LedgerEntry.kind, record, LedgerEntry.importance, payload, base)])
    after = office.ledger.all()
    assert [line.kind for line in after if line not in before] in ([], ["emergency.card"])
    assert told(office, the("emergency.card").name).importance == "Ⅰ"
    assert len(after) == len(before)


@pytest.mark.parametrize("bad", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\n=1"])
def test_no_cell_is_a_formula(office: Office, bad: str) -> None:
    line = msgspec.convert({**msgspec.to_builtins(office.ledger.all()[0]), "name": bad}, LedgerLine)
    rows = list(csv.reader(io.StringIO(csv_text(ledger_sheet([line]), bad)[1:], newline="")))
    assert rows[1][0] == rows[2][0] == "'" + bad


def test_the_csv_is_whole_labelled_and_in_the_audit_record(own: School) -> None:
    office = own.office("kyoto")
    text, lines = office.releases.ledger(Form.CSV).data.decode(), office.ledger.all()
    assert text.startswith("\ufeff情報資産,重要性分類,") and text.count("\r\n") == len(lines) + 2
    rows = list(csv.reader(io.StringIO(text[1:], newline="")))
    assert [row[0] for row in rows[1:-1]] == [line.name for line in lines]
    assert "重要性分類Ⅲ" in rows[-1][0] and "田中 望" in rows[-1][0]
    newest = office.audit.lines(1, text="書き出し")[0]
    assert newest.what.startswith("情報資産台帳の") and newest.who == "田中 望"
    office.logout()
    helper = own.office("shien")
    with pytest.raises(PolicyDeniedError):
        helper.releases.ledger(Form.CSV)
    assert helper._session.may(Action.VIEW, LedgerEntry.kind, LedgerEntry.importance).reason == ""
    helper.logout()


@pytest.mark.parametrize("form", [[], ["--csv"], ["--json"]])
def test_the_command_shows_it(own: School, form: list[str]) -> None:
    arguments = ["ledger", "show", str(own.site), "--login", "sato", "--passphrase-stdin", *form]
    shown = CliRunner().invoke(cli, arguments, input=PASSPHRASE + "\n", standalone_mode=False)
    assert shown.return_value == Exit.OK, shown.output
    if form == ["--json"]:
        answer = json.loads(shown.stdout)
        assert answer["store_class"] == "I" and len(answer["assets"]) >= len(standard())
    elif form:
        assert shown.stdout_bytes.startswith("\ufeff情報資産".encode()) and b"\r\n" in shown.stdout_bytes
    else:
        assert "Ⅰ  指導要録原本" in shown.output and "この装置の保管庫の分類: Ⅰ" in shown.output


def test_a_conflict_over_a_line_is_told_in_words(own: School, office: Office) -> None:
    store = office._session.store
    record = store.record_id(LedgerEntry.kind, LedgerEntry.importance, "学校要覧")
    plan = next(entry for entry in standard() if entry.name == "学校要覧")
    for retention in ("1y", "2y"):
        entry = msgspec.structs.replace(plan, retention=retention)
        payload = msgspec.msgpack.encode(LedgerEntry(entry=entry))
        store.put([Draft(LedgerEntry.kind, record, LedgerEntry.importance, payload)])
    view = next(view for view in office.conflicts.all() if view.record == record)
    assert (view.what, view.whose) == ("情報資産台帳", "学校要覧")
    assert [side.value for side in view.sides] == ["保管期間: 1年", "保管期間: 2年"]
