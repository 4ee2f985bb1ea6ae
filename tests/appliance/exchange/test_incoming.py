"""What the school system exported: looked at, agreed to, applied once, each time with a receipt."""

import csv
import hashlib
import io
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from appliance.audit import AuditEntry
from appliance.exchange.errors import AgreementNeededError, RosterChangedError, UnknownArrivalError
from appliance.exchange.incoming import FEW, Agreement, Caution, Form
from appliance.exchange.receipt import examined_lines, receipt_lines
from appliance.exchange.records import Receipt
from appliance.exits import Exit
from appliance.office import Office
from appliance.policy import PolicyDeniedError
from appliance.roster import RosterRecord, User
from tests.appliance.exchange.townexchange import dropped
from tests.appliance.exchange.workbooks import book, class_list, listed
from tests.appliance.exports import Rows, export
from tests.appliance.test_cli import Ran, run
from tests.school import PASSPHRASE, School, enrol

OLD, NEW = "2026-04-05T00:00:00Z", "2026-05-01T09:00:00+09:00"


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[School]:
    made = enrol(tmp_path_factory.mktemp("exchange"), seed=31)
    yield made
    made.close()


@pytest.fixture
def jimu(own: School) -> Iterator[Office]:
    office = own.office("jimu")
    office.roster.commit(office.roster.plan(own.zip))
    yield office
    office.logout()


def everything(office: Office) -> list[RosterRecord]:
    return sorted(office._session.roster.records(), key=lambda one: (one.kind, one.id))


def renamed(parts: dict[str, Rows]) -> None:
    parts["users"][0]["familyName"] = f"改{os.urandom(2).hex()}"


def without(count: int, parts: dict[str, Rows]) -> None:
    pupils = {row["userSourcedId"] for row in parts["roles"] if row["role"] == "student"}
    gone = sorted(pupils)[:count]
    for name, key in (("users", "sourcedId"), ("roles", "userSourcedId"), ("enrollments", "userSourcedId")):
        parts[name] = [row for row in parts[name] if row[key] not in gone]
    parts["demographics"] = [row for row in parts["demographics"] if row["sourcedId"] not in gone]


def test_a_file_is_looked_at_without_keeping_anything_then_applied_with_its_receipt(
    jimu: Office, own: School
) -> None:
    data = export(own.zip, renamed)
    before, waiting = everything(jimu), jimu.exchange.count()
    arrival = dropped(jimu, own, "名簿.zip", data)
    assert jimu.exchange.count() == waiting + 1 and arrival.form == "zip"
    seen = jimu.exchange.examine(arrival.document_id)
    assert (seen.name, seen.form, seen.refusal, seen.cautions) == ("名簿.zip", Form.ONEROSTER, None, ())
    assert everything(jimu) == before and seen.plan is not None and len(seen.plan.put) == 1
    view = jimu.exchange.settle(seen)
    assert (view.receipt.outcome, view.receipt.put, view.receipt.removed) == ("applied", 1, 0)
    assert (view.receipt.sha256, view.document_id) == (hashlib.sha256(data).digest(), arrival.document_id)
    assert len([one for one in everything(jimu) if one not in before]) == 1
    assert jimu.exchange.count() == waiting


def test_the_same_file_and_the_same_content_in_another_file_change_nothing(jimu: Office, own: School) -> None:
    data = export(own.zip, renamed)
    jimu.exchange.settle(jimu.exchange.examine(dropped(jimu, own, "a.zip", data).document_id))
    standing, seq = everything(jimu), jimu._session.store.reader.changes()
    other = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(other, "w") as new:
        for name in reversed(old.namelist()):
            new.writestr(f"書き出し/{name}", old.read(name))
    for name, again in (("b.zip", data), ("c.zip", other.getvalue())):
        seen = jimu.exchange.examine(dropped(jimu, own, name, again).document_id)
        assert not seen.changes and seen.cautions == ()
        assert jimu.exchange.settle(seen).receipt.outcome == "nothing"
    assert everything(jimu) == standing and jimu._session.store.reader.changes() > seq


def test_who_leaves_is_taken_out_only_by_a_yes_to_just_that_number(jimu: Office, own: School) -> None:
    few = export(own.zip, lambda parts: without(FEW, parts))
    many = export(own.zip, lambda parts: without(FEW + 1, parts))
    assert jimu.exchange.examine(dropped(jimu, own, "few.zip", few).document_id).cautions == ()
    seen = jimu.exchange.examine(dropped(jimu, own, "many.zip", many).document_id)
    before = everything(jimu)
    assert seen.cautions == (Caution.PEOPLE,) and seen.plan is not None
    gone = [one.name for one in seen.plan.remove if isinstance(one, User)]
    assert len(gone) == FEW + 1 and all(name in "\n".join(examined_lines(seen, "ja")) for name in gone)
    for agreement in (None, Agreement(old=True), Agreement(FEW), Agreement(FEW + 2)):
        with pytest.raises(AgreementNeededError) as raised:
            jimu.exchange.settle(seen, agreement)
        assert raised.value.params["count"] == FEW + 1
    assert everything(jimu) == before
    view = jimu.exchange.settle(seen, Agreement(FEW + 1))
    assert view.receipt.people == FEW + 1 and view.receipt.removed > FEW
    assert not any(name in "\n".join(receipt_lines(view, "ja")) for name in gone)
    users = {one.id for one in everything(jimu) if isinstance(one, User)}
    assert len(users) == len([one for one in before if isinstance(one, User)]) - FEW - 1


def test_an_old_file_does_not_bring_the_old_state_back_unasked(jimu: Office, own: School) -> None:
    first, second = export(own.zip, renamed), export(own.zip, renamed)
    for data in (first, second):
        jimu.exchange.settle(jimu.exchange.examine(dropped(jimu, own, "x.zip", data).document_id))
    standing = everything(jimu)
    seen = jimu.exchange.examine(dropped(jimu, own, "x.zip", first).document_id)
    assert seen.cautions == (Caution.AGAIN,)
    with pytest.raises(AgreementNeededError):
        jimu.exchange.settle(seen)
    assert everything(jimu) == standing
    assert jimu.exchange.settle(seen, Agreement(old=True)).receipt.outcome == "applied"


def delta(own: School, status: str, at: str, name: str) -> bytes:
    def change(parts: dict[str, Rows]) -> None:
        row = parts["users"][-1]
        row |= {"status": status, "dateLastModified": at, "familyName": name}
        parts["users"] = [row]

    return export(own.zip, change, "delta", "users")


def test_a_delta_touches_only_what_it_names_and_an_older_one_is_asked_about(jimu: Office, own: School) -> None:
    before = everything(jimu)
    newer = jimu.exchange.examine(dropped(jimu, own, "d.zip", delta(own, "active", NEW, "新")).document_id)
    assert newer.plan is not None and newer.plan.mode == "delta"
    assert [one for one in newer.plan.put if isinstance(one, User)] and not newer.plan.remove
    assert jimu.exchange.settle(newer).receipt.newest == "2026-05-01T00:00:00+00:00"
    changed = [one for one in everything(jimu) if one not in before]
    assert [one.family_name for one in changed if isinstance(one, User)] == ["新"]
    older = jimu.exchange.examine(dropped(jimu, own, "e.zip", delta(own, "active", OLD, "旧")).document_id)
    assert older.cautions == (Caution.OLDER,)
    gone = jimu.exchange.examine(dropped(jimu, own, "f.zip", delta(own, "tobedeleted", NEW, "新")).document_id)
    assert gone.plan is not None and gone.plan.leavers == 1 and gone.cautions == ()
    jimu.exchange.settle(gone)
    assert (
        len([one for one in everything(jimu) if isinstance(one, User)])
        == len([one for one in before if isinstance(one, User)]) - 1
    )


@pytest.mark.parametrize(
    ("name", "data", "code"),
    [
        ("broken.zip", b"PK\x03\x04 torn", "APP-101"),
        ("letter.pdf", b"%PDF-1.7 a letter", "APP-107"),
        ("other.csv", "組,人数\r\n1,30\r\n".encode("cp932"), "APP-108"),
        ("old.csv", "sourcedId\n\xff\xfe".encode("utf-16"), "APP-110"),
    ],
)
def test_a_bad_file_changes_nothing_and_its_receipt_says_what_to_do(
    jimu: Office, own: School, tmp_path: Path, name: str, data: bytes, code: str
) -> None:
    before = everything(jimu)
    seen = jimu.exchange.examine(dropped(jimu, own, name, data).document_id)
    assert seen.plan is None and seen.refusal is not None and seen.refusal.code == code
    view = jimu.exchange.settle(seen)
    assert (view.receipt.outcome, view.receipt.code) == ("refused", code)
    assert everything(jimu) == before
    rows = told(jimu.give_receipt(view.receipt_id, name, tmp_path).path)
    assert rows["ファイル名"] == name and rows["SHA-256"] == hashlib.sha256(data).hexdigest()
    assert rows["結果"].startswith("取り込みませんでした") and rows["わけ"] and rows["すること"]


def test_rows_that_stay_out_are_in_the_receipt_with_line_and_code_and_no_value(
    jimu: Office, own: School, tmp_path: Path
) -> None:
    def spoil(parts: dict[str, Rows]) -> None:
        parts["users"][3]["familyName"] = ""
        parts["users"][5]["metadata.jp.kanaGivenName"] = "ﾊﾅｺ"

    seen = jimu.exchange.examine(dropped(jimu, own, "spoilt.zip", export(own.zip, spoil)).document_id)
    view = jimu.exchange.settle(seen)
    assert {(f.file, f.line, f.rule) for f in view.receipt.findings} >= {
        ("users.csv", 5, "users.familyName.missing"),
        ("users.csv", 7, "users.kana.halfwidth"),
    }
    text = jimu.give_receipt(view.receipt_id, "spoilt.zip", tmp_path).path.read_text("utf-8-sig")
    assert "users.kana.halfwidth" in text and "ﾊﾅｺ" not in text


def test_a_file_is_settled_once_and_only_as_it_was_shown(jimu: Office, own: School) -> None:
    arrival = dropped(jimu, own, "a.zip", export(own.zip, renamed))
    seen = jimu.exchange.examine(arrival.document_id)
    between = export(own.zip, lambda parts: parts["users"][1].update(givenName="間"))
    jimu.roster.commit(jimu.roster.plan(write(own, "between.zip", between)))
    with pytest.raises(RosterChangedError):
        jimu.exchange.settle(seen)
    seen = jimu.exchange.examine(arrival.document_id)
    jimu.exchange.turn_away(seen)
    for again in (jimu.exchange.settle, jimu.exchange.turn_away):
        with pytest.raises(UnknownArrivalError):
            again(seen)
    with pytest.raises(UnknownArrivalError):
        jimu.exchange.examine(arrival.document_id)


def test_only_the_office_takes_in_and_nobody_announces_but_the_box(jimu: Office, own: School) -> None:
    arrival = dropped(jimu, own, "a.zip", export(own.zip))
    with own.opened("sato") as sato:
        assert arrival in sato.exchange.waiting()  # that something waits is no secret
        with pytest.raises(PolicyDeniedError):
            sato.exchange.examine(arrival.document_id)
        with pytest.raises(PolicyDeniedError):
            sato.exchange.turn_away(jimu.exchange.examine(arrival.document_id))
    with own.opened("shien") as shien, pytest.raises(PolicyDeniedError):
        shien.exchange.examine_file(own.zip)
    jimu.exchange.turn_away(jimu.exchange.examine(arrival.document_id))


def test_a_roster_workbook_goes_the_same_way(jimu: Office, own: School) -> None:
    of_class = own.made.classes[3]
    rest = [listed(pupil) for pupil in of_class.pupils[1:]]
    seen = jimu.exchange.examine(dropped(jimu, own, "名簿.xlsx", class_list(of_class, rest)).document_id)
    assert (seen.form, seen.refusal) == (Form.WORKBOOK, None) and seen.plan is not None
    assert [one.id for one in seen.plan.remove if isinstance(one, User)] == [of_class.pupils[0].id]
    assert jimu.exchange.settle(seen).receipt.people == 1
    bad = jimu.exchange.examine(dropped(jimu, own, "成績.xlsx", book({"成績": [("国語",), (1,)]})).document_id)
    assert jimu.exchange.settle(bad).receipt.code == "APP-684"


def test_a_receipt_leaves_through_the_gate(jimu: Office, own: School) -> None:
    view = jimu.exchange.turn_away(jimu.exchange.examine(dropped(jimu, own, "a.zip", export(own.zip)).document_id))
    handed = jimu.give_receipt(view.receipt_id, "a.zip")
    assert handed.path.parent == jimu.released_into / "受領書"
    assert handed.path.parent.stat().st_mode == jimu.released_into.stat().st_mode
    entries = [
        msgspec.msgpack.decode(p.payload, type=AuditEntry) for p in jimu._session.store.heads(AuditEntry.kind)
    ]
    assert [e for e in entries if (e.asset, e.action, e.subject) == (Receipt.kind, "export", view.receipt_id)]


def test_the_command_takes_a_waiting_file_and_a_file_of_a_medium(
    jimu: Office, own: School, tmp_path: Path
) -> None:
    arrival = dropped(jimu, own, "a.zip", export(own.zip, renamed))
    listed = exchange(own, "waiting")
    assert listed.code == Exit.OK and arrival.document_id[:8] in listed.out
    out = ("--to", tmp_path, "--yes")
    taken = exchange(own, "take", arrival.document_id[:8], *out)
    assert taken.code == Exit.OK and taken.err == ""
    assert "取り込みました" in taken.out and len(list(tmp_path.glob("receipt-*.csv"))) == 1
    many = write(own, "many.zip", export(own.zip, lambda parts: without(FEW + 1, parts)))
    refused = exchange(own, "take", many, *out)
    assert refused.code == Exit.USAGE and "APP-681" in refused.err and f"{FEW + 1}人" in refused.err
    assert exchange(own, "take", many, "--leaving", FEW + 1, *out).code == Exit.OK
    bad = write(own, "bad.zip", b"PK\x03\x04")
    broken = exchange(own, "take", bad, *out)
    assert broken.code == Exit.FAILED and "APP-101" in broken.err and "hint:" in broken.err
    away = exchange(own, "take", own.zip, "--refuse", *out)
    assert away.code == Exit.FAILED and "取り込みませんでした" in away.out
    shown = exchange(own, "receipts").out.splitlines()
    assert "APP-101" in shown[1]
    once_more = exchange(own, "receipt", shown[1].split("\t")[0], "--to", tmp_path)
    assert once_more.code == Exit.OK and told(Path(once_more.out.strip()))["結果"].startswith("取り込みません")


def exchange(own: School, command: str, *words: object) -> Ran:
    what, options = words[:1], words[1:]
    if str(*what).startswith("--"):
        what, options = (), words
    login = ("--login", "jimu", "--passphrase-stdin")
    return run("exchange", command, own.site, *what, *options, *login, stdin=PASSPHRASE + "\n", lang="ja")


def told(path: Path) -> dict[str, str]:
    """Return the facts of a receipt."""
    rows = csv.reader(io.StringIO(path.read_text("utf-8-sig")))
    return {row[0]: row[4] for row in rows if len(row) > 4}


def write(own: School, name: str, data: bytes) -> Path:
    path = own.folder / name
    path.write_bytes(data)
    return path
