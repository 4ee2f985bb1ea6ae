"""Emergency cards and 非常時開示: two managers, a limited time, and every opened card in the audit record."""

import os
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from appliance.audit import AuditEntry
from appliance.classification.model import Line
from appliance.cli import cli
from appliance.emergency.cards import CardFileError
from appliance.emergency.desk import NotTwoManagersError, PurposeMissingError
from appliance.emergency.disclosure import Disclosure, DisclosureEnd, in_force, sign_disclosure
from appliance.exits import Exit
from appliance.office import Office
from appliance.policy import ApprovalNeededError, PolicyDeniedError
from appliance.session import Session
from crypto.errors import WrongPassphraseError
from crypto.signing import SigningKey
from sync.sealed import Draft
from tests.school import PASSPHRASE, School

ON = date(2026, 12, 15)
PURPOSE = "地震で保護者へ引き渡し"


@pytest.fixture
def office(own: School) -> Iterator[Office]:
    opened = own.office("kocho")
    yield opened
    opened.emergency.close()
    opened.logout()


def cards_file(folder: Path, office: Office, *more: str, encoding: str = "utf-8-sig") -> Path:
    row = office.attendance.day(office.attendance.classes(ON)[0].class_id, ON).rows[0]
    title = office.attendance.classes(ON)[0].title
    lines = [
        "学級,番号,氏名,連絡先1,続柄1,電話1,連絡先2,続柄2,電話2,アレルギー,健康上の注意",
        f"{title},{row.number},{row.name.replace(' ', '　')},山田 花子,母,090-0000-0001,,,0952-00-0002,卵,喘息",
        *more,
    ]
    file = folder / "cards.csv"
    file.write_bytes("\r\n".join(lines).encode(encoding))
    return file


def connected(office: Office, line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(office._session, "_line_now", lambda: line)


def with_card(folder: Path, office: Office, monkeypatch: pytest.MonkeyPatch) -> str:
    connected(office, Line.ONLINE, monkeypatch)
    plan = office.emergency.plan(cards_file(folder, office), ON)
    assert plan.aside == () and office.emergency.keep(plan.cards) is not None
    return plan.cards[0].pupil


def disclose(office: Office, second: str = "kyoto", purpose: str = PURPOSE, minutes: int = 60) -> None:
    office.emergency.open(PASSPHRASE, second, PASSPHRASE, purpose, minutes)


def test_cards_come_from_a_file_and_open_while_the_line_is_up(
    tmp_path: Path, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    pupil = with_card(tmp_path, office, monkeypatch)
    card = office.emergency.card(pupil)
    assert card is not None and card.allergies == "卵" and card.medication == ""
    assert [(c.name, c.relation, c.phone) for c in card.contacts] == [
        ("山田 花子", "母", "090-0000-0001"),
        ("", "", "0952-00-0002"),
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "cp932"])
def test_rows_that_fit_nobody_are_put_aside_with_their_line(
    tmp_path: Path, office: Office, encoding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    connected(office, Line.ONLINE, monkeypatch)
    twice = cards_file(tmp_path, office).read_text("utf-8-sig").splitlines()[1]
    file = cards_file(tmp_path, office, "9年9組,1,だれでもない,,,,,,,,", twice, encoding=encoding)
    plan = office.emergency.plan(file, ON)
    assert len(plan.cards) == 1
    assert plan.aside == ((3, "名簿にありません"), (4, "同じ児童生徒が二度あります"))


def test_a_file_without_its_columns_is_refused_by_name(
    tmp_path: Path, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    connected(office, Line.ONLINE, monkeypatch)
    (tmp_path / "x.csv").write_text("学級,氏名\n1年1組,だれか\n", "utf-8")
    with pytest.raises(CardFileError) as caught:
        office.emergency.plan(tmp_path / "x.csv", ON)
    assert caught.value.params["column"] == "番号"


def test_offline_a_card_opens_only_under_a_disclosure_and_each_one_is_written_down(
    tmp_path: Path, own: School, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    pupil = with_card(tmp_path, office, monkeypatch)
    connected(office, Line.OFFLINE, monkeypatch)
    with pytest.raises(ApprovalNeededError):
        office.emergency.card(pupil)
    disclose(office)
    standing = office.emergency.disclosure()
    assert standing is not None and standing.purpose == PURPOSE and standing.by == ("髙橋 誠", "田中 望")
    assert office.light().disclosed_until == standing.until
    card = office.emergency.card(pupil)
    assert card is not None and card.health == "喘息"
    found = sorted(office._session.store.heads(AuditEntry.kind), key=lambda plain: plain.change_id)
    entries = [msgspec.msgpack.decode(plain.payload, type=AuditEntry) for plain in found][-2:]
    assert [(e.verdict, e.asset, e.purpose) for e in entries] == [
        ("approval", "emergency.card", ""),
        ("allow", "emergency.card", PURPOSE),
    ]
    assert entries[-1].subject == pupil
    clerk = own.office("jimu")  # on the same box, with a key of their own
    connected(clerk, Line.OFFLINE, monkeypatch)
    assert clerk.emergency.card(pupil) == card
    clerk.logout()
    assert office.emergency.close() is not None and office.emergency.disclosure() is None
    with pytest.raises(ApprovalNeededError):
        office.emergency.card(pupil)


def test_it_ends_by_itself(tmp_path: Path, office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    disclose(office, minutes=5)
    now = office._session.now_ms()
    assert in_force(office._session.store, now + 299_000) is not None
    assert in_force(office._session.store, now + 301_000) is None
    assert in_force(office._session.store, now - 600_000) is None, "set the clock back: not before it began either"


@pytest.mark.parametrize("second", ["kocho", "sato", "jimu", "shien"])
def test_one_manager_alone_or_with_anybody_else_opens_nothing(office: Office, second: str) -> None:
    with pytest.raises(NotTwoManagersError):
        disclose(office, second)
    assert office.emergency.disclosure() is None


def test_both_passphrases_must_be_right(office: Office) -> None:
    with pytest.raises(WrongPassphraseError):
        office.emergency.open("wrong-passphrase", "kyoto", PASSPHRASE, PURPOSE, 60)
    with pytest.raises(WrongPassphraseError):
        office.emergency.open(PASSPHRASE, "kyoto", "wrong-passphrase", PURPOSE, 60)
    assert office.emergency.disclosure() is None


@pytest.mark.parametrize(("purpose", "minutes"), [("", 60), ("   火 ", 60), (PURPOSE, 0), (PURPOSE, 481)])
def test_a_purpose_and_a_sensible_time_are_needed(office: Office, purpose: str, minutes: int) -> None:
    with pytest.raises(PurposeMissingError):
        disclose(office, purpose=purpose, minutes=minutes)


def test_others_may_neither_open_nor_end_nor_read(
    tmp_path: Path, own: School, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    pupil = with_card(tmp_path, office, monkeypatch)
    disclose(office)
    for name in ("sato", "shien", "jimu"):
        other = own.office(name)
        connected(other, Line.OFFLINE, monkeypatch)
        with pytest.raises(PolicyDeniedError):
            disclose(other)
        with pytest.raises(PolicyDeniedError):
            other.emergency.close()
        if name != "jimu":
            with pytest.raises(PolicyDeniedError):
                other.emergency.card(pupil)
        assert other.light().disclosed_until is not None, "everybody sees the banner"
        other.logout()


def test_a_record_that_was_made_up_counts_for_nothing(own: School, office: Office) -> None:
    store, now = office._session.store, office._session.now_ms()
    people = {person.login: person.id for person in store.keyring.people.people}
    plain = Disclosure(
        id=os.urandom(16),
        purpose=PURPOSE,
        opened_ms=now,
        until_ms=now + 3_600_000,
        first=people["kocho"],
        second=people["kyoto"],
    )
    school = store.keyring.school
    long = msgspec.structs.replace(plain, until_ms=now + 9 * 3_600_000)
    for forged in (
        plain,
        sign_disclosure(plain, school, SigningKey.generate()),
        sign_disclosure(long, school, SigningKey.generate()),
        msgspec.structs.replace(plain, second=people["sato"]),
        msgspec.structs.replace(plain, first=people["kyoto"], second=people["kocho"]),
    ):
        payload = msgspec.msgpack.encode(forged)
        store.put([Draft(Disclosure.kind, os.urandom(16), Disclosure.importance, payload)])
    assert office.emergency.disclosure() is None


def test_what_cannot_be_read_keeps_no_screen_from_opening_and_ends_nothing(own: School, office: Office) -> None:
    disclose(office)
    teacher = own.office("sato")  # with a program of their own, before the site has judged it
    store = teacher._session.store
    for told in (Disclosure, DisclosureEnd):
        for payload in (b"", b"\xc1", msgspec.msgpack.encode({"id": "text"})):
            store.put([Draft(told.kind, os.urandom(16), told.importance, payload)])
    for seen in (teacher, office):
        assert seen.home() and seen.light().disclosed_until is not None
    teacher.logout()
    assert office.emergency.disclosures() and office.emergency.close() is not None
    assert office.emergency.disclosure() is None


def test_the_command_imports_a_file_and_tells_what_it_left_out(
    tmp_path: Path, own: School, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Session, "_line_now", lambda session: Line.ONLINE)
    file = cards_file(tmp_path, office, "9年9組,1,だれでもない,,,,,,,,")
    arguments = ["emergency", "import", str(own.site), str(file), "--login", "jimu", "--yes", "--passphrase-stdin"]
    told = CliRunner().invoke(cli, arguments, input=PASSPHRASE + "\n", standalone_mode=False)
    assert told.return_value == Exit.INCOMPLETE
    assert "カード 1件、取り込まない行 1件" in told.output and "3行目: 名簿にありません" in told.output
    assert "保存済" in told.output and "だれでもない" not in told.output
