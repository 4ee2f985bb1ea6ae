"""What goes to the school system: the same state, the same bytes, no new file; hours only with a permit."""

import csv
import hashlib
import io
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import msgspec
import pytest
from pyrage import decrypt, x25519

from appliance.attendance.schoolsystem import MappingFileError
from appliance.audit import AuditEntry
from appliance.classification.model import Action
from appliance.config import load_config, write_config
from appliance.exchange.errors import NothingNewError
from appliance.exchange.mapping import read_exchange_mapping
from appliance.exchange.outgoing import WORDS, Asked, What
from appliance.exchange.tables import months_between
from appliance.exits import Exit
from appliance.office import Office
from appliance.oneroster.plan import plan_import
from appliance.permits.gate import Lock, LockMissingError
from appliance.policy import ApprovalNeededError, PolicyDeniedError
from appliance.roster import Contact
from crypto.importance import Importance
from tests.appliance.exchange.townexchange import dropped
from tests.appliance.test_cli import run
from tests.school import PASSPHRASE, SCHOOL_DAY, School, enrol

DAYS = (date(2026, 11, 1), date(2026, 11, 30))
OWNER = x25519.Identity.generate()
LOCK = Lock((str(OWNER.to_public()),))


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[School]:
    made = enrol(tmp_path_factory.mktemp("outgoing"), seed=32)
    yield made
    made.close()


@pytest.fixture
def kocho(own: School) -> Iterator[Office]:
    office = own.office("kocho")
    yield office
    office.logout()


def asked(what: What, **more: bool | str) -> Asked:
    return Asked(what, *DAYS, **more)  # type: ignore[arg-type]


def table(path: Path, encoding: str = "utf-8-sig") -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text(encoding))))


def a_mark(office: Office, code: str = "late") -> str:
    view = office.attendance.classes(SCHOOL_DAY)[0]
    row = office.attendance.day(view.class_id, SCHOOL_DAY).rows[0]
    office.attendance.mark(view.class_id, SCHOOL_DAY, row.pupil_id, code, reason="発熱" if code == "sick" else "")
    return row.name


@pytest.mark.parametrize("what", [What.ATTENDANCE, What.MONTHS, What.MEETINGS, What.ROSTER])
def test_the_same_state_gives_the_same_bytes_and_no_new_file(kocho: Office, tmp_path: Path, what: What) -> None:
    a_mark(kocho)
    first = kocho.send_out(asked(what, again=True), folder=tmp_path)
    with pytest.raises(NothingNewError):
        kocho.send_out(asked(what), folder=tmp_path)
    assert list(tmp_path.iterdir()) == [first.path]
    again = kocho.send_out(asked(what, again=True), folder=tmp_path)
    assert again.path.read_bytes() == first.path.read_bytes() and again.path != first.path
    assert first.importance is Importance.III and not first.encrypted
    assert first.path.name.startswith(f"{what}-20261101-20261130-III-")


def test_a_change_goes_out_anew_and_the_list_has_the_hashes_of_what_lies_there(
    kocho: Office, tmp_path: Path
) -> None:
    name = a_mark(kocho, "sick")
    days = kocho.send_out(asked(What.ATTENDANCE, again=True), folder=tmp_path).path
    assert any(row["氏名"] == name and row["出欠区分"] == "病欠" for row in table(days, "cp932"))
    assert "発熱" not in days.read_text("cp932")
    months = kocho.send_out(asked(What.MONTHS, again=True), folder=tmp_path).path
    before = next(row for row in table(months) if row["氏名"] == name)
    a_mark(kocho, "late")
    days = kocho.send_out(asked(What.ATTENDANCE), folder=tmp_path).path
    months = kocho.send_out(asked(What.MONTHS), folder=tmp_path).path
    after = next(row for row in table(months) if row["氏名"] == name)
    assert (before["年月"], int(before["欠席日数"]) - int(after["欠席日数"])) == ("2026-11", 1)
    listed = {row["ファイル名"]: row for row in table(kocho.list_sent(*DAYS, tmp_path).path)}
    for path in (days, months):
        row = listed[path.name]
        assert row["SHA-256"] == hashlib.sha256(path.read_bytes()).hexdigest()
        assert int(row["大きさ"]) == path.stat().st_size
    assert kocho.list_sent(*DAYS, tmp_path).path.read_bytes() == kocho.list_sent(*DAYS, tmp_path).path.read_bytes()


def test_meetings_go_out_with_decisions_and_nothing_above_importance_three(kocho: Office, tmp_path: Path) -> None:
    kocho.meetings.write("# 企画委員会\n日時: 2026-11-11 15:00\n## 協議\n- 運動会\n- 児童Aの件（生徒指導・Ⅱ）")
    meeting = next(one for one in kocho.meetings.all() if one.title == "企画委員会")
    items = kocho.meetings.open(meeting.meeting_id).items
    for item in items:
        kocho.minutes.decide(meeting.meeting_id, item.item_id, f"決定{item.number}")
    grave = [item for item in items if item.importance is Importance.II]
    kocho.minutes.assign(meeting.meeting_id, items[0].item_id, "体育部", "準備", date(2026, 11, 20))
    rows = table(kocho.send_out(asked(What.MEETINGS, again=True), folder=tmp_path).path)
    found = [row for row in rows if row["会議名"] == "企画委員会"]
    assert [row["議題"] for row in found] == [i.title for i in items if i not in grave]
    assert (found[0]["決定事項"], found[0]["担当"], found[0]["期限"]) == ("決定1", "準備", "2026/11/20")
    assert grave and all(item.title not in str(rows) for item in grave)


def test_the_roster_goes_out_as_it_stands_without_contacts(kocho: Office, own: School, tmp_path: Path) -> None:
    path = kocho.send_out(asked(What.ROSTER, again=True), folder=tmp_path).path
    standing = [one for one in kocho._session.roster.records() if not isinstance(one, Contact)]
    assert any(isinstance(one, Contact) for one in kocho._session.roster.records())
    back = plan_import(path, own.made.code, standing)
    assert (back.put, back.remove, back.quarantined) == ((), (), ())
    phones = [p.phone for p in own.made.guardians if p.phone]
    assert phones and not any(phone.encode() in path.read_bytes() for phone in phones)
    assert back.version == "1.2_JP" and plan_import(path, own.made.code).totals.pupils > 500


def test_hours_leave_only_with_a_permit_and_encrypted(kocho: Office, own: School, tmp_path: Path) -> None:
    with pytest.raises(ApprovalNeededError):
        kocho.send_out(asked(What.HOURS), LOCK, tmp_path)
    why = ("校務支援システムへ 勤務時間", "集計のため", "教育委員会", date(2099, 1, 1))
    kocho.permits.request(Action.EXPORT, "hours.day", Importance.II, *why)
    number = kocho.permits.grant(kocho.permits.all()[0].request_id, date(2099, 1, 1))
    with pytest.raises(LockMissingError):
        kocho.send_out(asked(What.HOURS), folder=tmp_path)
    assert list(tmp_path.iterdir()) == []
    handed = kocho.send_out(asked(What.HOURS, permit=number), LOCK, tmp_path)
    assert handed.encrypted and handed.path.name.endswith(".csv.age") and "-II-" in handed.path.name
    rows = list(csv.DictReader(io.StringIO(decrypt(handed.path.read_bytes(), [OWNER]).decode("utf-8-sig"))))
    assert {row["氏名"] for row in rows} >= {"佐藤 葵", "鈴木 航"} and {row["年月"] for row in rows} == {"2026-11"}
    with pytest.raises(NothingNewError):  # though the same encrypted twice is other bytes
        kocho.send_out(asked(What.HOURS, permit=number), LOCK, tmp_path)
    out = kocho.permits.takeouts()[0]
    assert out.number == number and "勤務時間" in out.what
    with own.opened("jimu") as jimu, pytest.raises(PolicyDeniedError):
        jimu.send_out(asked(What.HOURS, again=True), LOCK, tmp_path)


def test_only_the_office_sends_and_what_left_is_written_down_before(
    kocho: Office, own: School, tmp_path: Path
) -> None:
    with own.opened("sato") as sato:
        for what in What:
            with pytest.raises(PolicyDeniedError):
                sato.send_out(asked(what, again=True), LOCK, tmp_path)
    assert list(tmp_path.iterdir()) == []
    store = kocho._session.store
    before = len(store.heads(AuditEntry.kind))
    kocho.send_out(asked(What.MEETINGS, again=True), folder=tmp_path)
    heads = sorted(store.heads(AuditEntry.kind), key=lambda plain: plain.change_id)[before:]
    entries = [msgspec.msgpack.decode(plain.payload, type=AuditEntry) for plain in heads]
    assert ("export", "meeting") in [(entry.action, entry.asset) for entry in entries]


def test_the_receipt_of_the_school_system_is_noted_when_it_is_put_back(
    kocho: Office, own: School, tmp_path: Path
) -> None:
    a_mark(kocho)
    path = kocho.send_out(asked(What.ATTENDANCE, again=True), folder=tmp_path).path
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    lines = ("ファイル名,SHA-256,結果,件数,備考", f"a,{digest.upper()},取込済,１２,", f"x,{'0' * 64},エラー,,", "")
    text = "\r\n".join(lines)
    seen = kocho.exchange.examine(dropped(kocho, own, "受領.csv", text.encode("cp932")).document_id)
    assert [one.sha256.hex() for one in seen.answers] == [digest, "0" * 64]
    assert kocho.exchange.settle(seen).receipt.outcome == "answer"
    view = next(one for one in kocho.exchange.sent() if one.sha256 == digest)
    assert view.answer is not None and (view.answer.taken, view.answer.rows) == (True, 12)
    refusal = text.replace("取込済,１２,", "エラー,０,学級がない")
    kocho.exchange.settle(kocho.exchange.examine(dropped(kocho, own, "b.csv", refusal.encode()).document_id))
    view = next(one for one in kocho.exchange.sent() if one.sha256 == digest)
    assert view.answer is not None and not view.answer.taken and view.answer.told.startswith("エラー")
    stranger = f"sha256,result\r\n{'1' * 64},ok\r\n".encode()
    settled = kocho.exchange.settle(kocho.exchange.examine(dropped(kocho, own, "c.csv", stranger).document_id))
    assert (settled.receipt.outcome, settled.receipt.code) == ("refused", "APP-686")


def test_columns_and_codes_are_the_schools_to_set(kocho: Office, own: School, tmp_path: Path) -> None:
    config = load_config(own.site)
    (own.site / "ours.toml").write_text(
        'minutes = "minutes"\nday = "%m/%d"\n'
        '[months]\n[[months.column]]\nheading = "P"\nvalue = "pupil"\n'
        '[meetings.codes]\n"協議" = "D"\n[[meetings.column]]\nheading = "S"\nvalue = "section"\n'
        '[[meetings.column]]\nheading = "X"\ntext = "K"\n'
        '[hours]\n[[hours.column]]\nheading = "N"\nvalue = "at_work"\n',
        "utf-8",
    )
    office = msgspec.structs.replace(config.office, exchange="ours.toml")
    write_config(own.site, msgspec.structs.replace(config, office=office))
    try:
        with own.opened("kocho") as again:
            rows = table(again.send_out(asked(What.MEETINGS, again=True), folder=tmp_path).path)
        assert set(rows[0]) == {"S", "X"} and {row["X"] for row in rows} == {"K"}
        assert "協議" not in {row["S"] for row in rows}
    finally:
        write_config(own.site, config)
    (tmp_path / "bad.toml").write_text('[hours]\n[[hours.column]]\nheading = "N"\nvalue = "diagnosis"\n', "utf-8")
    with pytest.raises(MappingFileError):
        read_exchange_mapping(tmp_path / "bad.toml")


def test_months_and_minutes() -> None:
    assert [f"{m:%Y-%m}" for m in months_between(date(2026, 11, 30), date(2027, 2, 1))] == [
        "2026-11",
        "2026-12",
        "2027-01",
        "2027-02",
    ]
    usual = read_exchange_mapping()
    told = [msgspec.structs.replace(usual, minutes=how).span(-125) for how in ("hm", "minutes", "hours")]
    assert told == ["-2:05", -125, "-2.08"] and set(WORDS) == set(What)


def test_the_command_writes_what_is_new_and_its_list_then_nothing(own: School, tmp_path: Path) -> None:
    times = ("--since", "2026-11-01", "--until", "2026-11-30", "--to", tmp_path)
    words = (*times, "--login", "jimu", "--passphrase-stdin")
    first = run("exchange", "out", own.site, "--again", *words, stdin=PASSPHRASE + "\n", lang="ja")
    assert first.code == Exit.OK and first.err == ""
    paths = [Path(line) for line in first.out.splitlines()]
    assert [path.name.split("-")[0] for path in paths] == ["attendance", "months", "meetings", "manifest"]
    second = run("exchange", "out", own.site, *words, stdin=PASSPHRASE + "\n", lang="ja")
    assert (second.code, second.out) == (Exit.OK, "") and "同じ" in second.err
    assert sorted(tmp_path.iterdir()) == sorted(paths)
    login = ("--login", "jimu", "--passphrase-stdin")
    listed = run("exchange", "sent", own.site, *login, stdin=PASSPHRASE + "\n", lang="ja").out
    assert hashlib.sha256(paths[0].read_bytes()).hexdigest() in listed
