"""Permits: asked for, given by the principal alone, used once or until their day, and what left is looked for."""

import csv
import io
from collections.abc import Iterator
from datetime import date, timedelta
from hashlib import sha256
from pathlib import Path

import pyrage
import pytest
from click.testing import CliRunner, Result
from pypdfium2 import PdfDocument

from appliance.classification.model import Action, Line
from appliance.cli import cli
from appliance.documents.intake import Incoming
from appliance.exits import Exit
from appliance.office import Office
from appliance.permits.desk import PermitDesk, PermitFormError, UnknownPermitError
from appliance.permits.gate import Lock, LockMissingError
from appliance.permits.records import PermitGrant, PermitRequest, TakeOut
from appliance.permits.releases import Form
from appliance.permits.views import PermitState
from appliance.policy import ApprovalNeededError, PolicyDeniedError
from appliance.session import Session
from crypto.importance import Importance
from sync.errors import KeeperGoneError
from sync.ids import Origin, Site
from sync.sealed import Draft
from tests.appliance.documents.test_reading import pdf
from tests.school import PASSPHRASE, SCHOOL_DAY, School

II, III = Importance.II, Importance.III
KEY = pyrage.x25519.Identity.generate()
LOCK = Lock((str(KEY.to_public()),))
MARCH = date(2027, 3, 31)


@pytest.fixture
def people(own: School, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Office]]:
    monkeypatch.setattr(Session, "_line_now", lambda session: Line.ONLINE)
    monkeypatch.setattr(Session, "today", lambda session: SCHOOL_DAY)
    opened = {name: own.office(name) for name in ("kocho", "sato", "suzuki", "shien")}
    yield opened
    for office in opened.values():
        office.logout()


def add(office: Office, data: bytes, name: str, importance: Importance = II) -> str:
    return office.filing.add(Incoming(io.BytesIO(data), len(data), name, importance, name))[0]


def asked(office: Office, document: str, due: date = SCHOOL_DAY, action: Action = Action.EXPORT) -> str:
    graded = office.documents.facts(document).importance
    texts = ("引き継ぎの資料", "引き継ぎ", "県立高校")
    office.permits.request(action, "document.file", graded, *texts, due, subject=document)
    return office.permits.all()[0].request_id


def test_from_the_request_to_the_return(people: dict[str, Office]) -> None:
    sato, kocho = people["sato"], people["kocho"]
    document = add(sato, pdf(1), "keikaku.pdf")
    with pytest.raises(ApprovalNeededError):
        sato.releases.document(document, lock=LOCK)
    request = asked(sato, document)
    assert kocho.permits.counts().waiting == 1 and kocho.permits.all()[0].state is PermitState.WAITING
    assert kocho.permits.all()[0].title == "keikaku.pdf", "the principal sees which document it is"
    number = kocho.permits.grant(request, SCHOOL_DAY)
    assert number.startswith("2026-") and sato.permits.all()[0].number == number
    with pytest.raises(LockMissingError):
        sato.releases.document(document)
    released = sato.releases.document(document, lock=LOCK)
    assert released.name == f"document-{document[:8]}.pdf.age", "a name is not encrypted"
    opened = PdfDocument(pyrage.decrypt(released.data, [KEY]))
    pages = [page.get_textpage().get_text_bounded() for page in opened]
    assert pages and all(number in page and "佐藤 葵" in page for page in pages)
    left = kocho.permits.takeouts()[0]
    assert (left.number, left.what, left.title, left.back) == (number, "文書", "keikaku.pdf", "")
    done, refused = kocho.audit.lines(text="書き出し")[:2]
    assert (done.permit, done.who, done.whose, done.verdict) == (number, "佐藤 葵", "keikaku.pdf", "")
    assert not done.refused and (refused.verdict, refused.permit) == ("承認待ち", "")
    assert kocho.permits.counts().out == 1
    sato.permits.returned(left.takeout_id, "廃棄", "消去した")
    assert kocho.permits.counts().out == 0 and kocho.permits.takeouts()[0].back == "廃棄 消去した"
    with pytest.raises(UnknownPermitError):
        sato.permits.returned(left.takeout_id, "廃棄")


def test_a_permit_is_for_one_person_one_thing_and_its_days(
    people: dict[str, Office], monkeypatch: pytest.MonkeyPatch
) -> None:
    suzuki, kocho = people["suzuki"], people["kocho"]
    document = add(suzuki, b"text", "a.txt")
    kocho.permits.grant(asked(suzuki, document, SCHOOL_DAY + timedelta(2)), SCHOOL_DAY + timedelta(2))
    assert suzuki.releases.document(document, lock=LOCK).name.endswith(".txt.age")
    another = add(suzuki, b"another text", "b.txt")
    with pytest.raises(ApprovalNeededError):
        suzuki.releases.document(another, lock=LOCK)
    with pytest.raises(ApprovalNeededError):
        suzuki.releases.document(another, permit=suzuki.permits.all()[0].number, lock=LOCK)
    with pytest.raises(ApprovalNeededError):
        people["sato"].releases.document(document, permit=suzuki.permits.all()[0].number, lock=LOCK)
    with pytest.raises(PolicyDeniedError):
        suzuki.releases.audit(Form.CSV, lock=LOCK)
    monkeypatch.setattr(Session, "today", lambda session: SCHOOL_DAY + timedelta(3))
    with pytest.raises(ApprovalNeededError):
        suzuki.releases.document(document, lock=LOCK)
    assert suzuki.permits.all()[0].state is PermitState.OVER
    late = [view for view in kocho.permits.takeouts() if view.overdue]
    assert [view.who for view in late] == ["鈴木 航"] and kocho.permits.counts().overdue == 1
    assert kocho.permits.takeouts()[0] == late[0], "what is overdue stands first"
    suzuki.permits.returned(late[0].takeout_id, "持ち帰り")


def test_only_the_principal_answers_and_only_once(people: dict[str, Office]) -> None:
    sato, kocho = people["sato"], people["kocho"]
    request = asked(sato, add(sato, b"text", "c.txt"))
    for name in ("sato", "suzuki"):
        with pytest.raises(PolicyDeniedError):
            people[name].permits.grant(request, SCHOOL_DAY)
    kocho.permits.refuse(request, "校内で見てください")
    answered = next(view for view in sato.permits.all() if view.request_id == request)
    assert (answered.state, answered.reason, answered.number) == (PermitState.REFUSED, "校内で見てください", "")
    with pytest.raises(UnknownPermitError):
        kocho.permits.grant(request, SCHOOL_DAY)
    with pytest.raises(PolicyDeniedError):
        people["shien"].permits.request(Action.EXPORT, "audit.entry", II, "a", "b", "c", SCHOOL_DAY)


def test_what_lacks_something_is_refused(people: dict[str, Office]) -> None:
    sato, kocho = people["sato"], people["kocho"]
    document = add(sato, b"text", "d.txt")
    for what, due, subject in (
        ("", SCHOOL_DAY, document),
        ("名簿", SCHOOL_DAY - timedelta(1), document),
        ("どれでも", SCHOOL_DAY, ""),
    ):
        with pytest.raises(PermitFormError):
            sato.permits.request(Action.EXPORT, "document.file", II, what, "b", "c", due, subject=subject)
    with pytest.raises(PermitFormError):
        sato.permits.request(Action.EXPORT, "meeting.item", II, "会議録", "b", "c", SCHOOL_DAY)
    request = asked(sato, document)
    with pytest.raises(PermitFormError):
        kocho.permits.grant(request, SCHOOL_DAY - timedelta(1))
    with pytest.raises(PermitFormError):
        kocho.permits.refuse(request, " ")
    kocho.permits.refuse(request, "重複")
    taken = TakeOut(number="", what="鍵", graded=2, form="csv", size=1, sha256=bytes(32))
    sato.permits.keep_takeout(taken)
    lost = sato.permits.takeouts()[0].takeout_id
    for how, note in (("忘れた", ""), ("紛失", "")):
        with pytest.raises(PermitFormError):
            sato.permits.returned(lost, how, note)
    sato.permits.returned(lost, "紛失", "電車に置き忘れ、届け出た")


def test_numbers_begin_anew_in_april_and_two_sites_never_share_one(
    people: dict[str, Office], monkeypatch: pytest.MonkeyPatch
) -> None:
    kocho = people["kocho"]
    given, document = [], add(kocho, b"text", "e.txt")
    for on in (MARCH, MARCH, MARCH + timedelta(1)):
        monkeypatch.setattr(Session, "today", lambda session, on=on: on)
        given.append(kocho.permits.grant(asked(kocho, document, on), on))
    assert given[2] == "2027-0001" and int(given[1][-4:]) == int(given[0][-4:]) + 1
    hub = Origin(kocho._session.store.reader.origin.school, Site.HUB, 1)
    monkeypatch.setattr(kocho._session.store.reader, "origin", hub)
    assert PermitDesk(kocho._session)._next_number() == "2027-B0001"


def test_the_record_is_kept_before_the_bytes_are_handed_over(
    people: dict[str, Office], monkeypatch: pytest.MonkeyPatch
) -> None:
    kocho = people["kocho"]
    request = kocho.permits
    request.request(Action.EXPORT, "audit.entry", II, "監査記録", "調査", "教育委員会", SCHOOL_DAY)
    number = kocho.permits.grant(kocho.permits.all()[0].request_id, SCHOOL_DAY)
    released = kocho.releases.audit(Form.XLSX, permit=number, lock=LOCK)
    left = next(view for view in kocho.permits.takeouts() if view.number == number)
    assert left.form == "xlsx.age" and released.data.startswith(b"age-encryption.org")
    plain = next(p for p in kocho._session.store.heads(TakeOut.kind) if p.record.hex() == left.takeout_id).payload
    assert sha256(released.data).digest() in plain

    def gone(*_: object) -> None:
        raise KeeperGoneError(operation="put")

    monkeypatch.setattr(PermitDesk, "keep_takeout", gone)
    with pytest.raises(KeeperGoneError):
        kocho.releases.audit(Form.CSV, permit=number, lock=LOCK)


def test_a_day_of_a_class_leaves_as_a_table_with_its_label(people: dict[str, Office]) -> None:
    sato = people["sato"]
    view = sato.attendance.classes(SCHOOL_DAY)[0]
    released = sato.releases.day(view.class_id, SCHOOL_DAY, Form.CSV)
    rows = list(csv.reader(io.StringIO(released.data.decode("utf-8-sig"), newline="")))
    assert rows[0][:2] == ["番号", "氏名"] and len(rows) == view.pupils + 2
    assert "重要性分類Ⅲ" in rows[-1][0] and "佐藤 葵" in rows[-1][0]
    printed = sato.releases.day(view.class_id, SCHOOL_DAY, Form.PDF)
    assert printed.data.startswith(b"%PDF") and printed.name.endswith(".pdf")
    assert sato.releases.day(view.class_id, SCHOOL_DAY, Form.XLSX).data.startswith(b"PK")


def test_a_grant_that_nobody_should_have_kept_is_as_if_it_were_not_there(people: dict[str, Office]) -> None:
    sato = people["sato"]
    request = asked(sato, add(sato, b"text", "f.txt"))
    sato._session.store.put([Draft(PermitGrant.kind, bytes.fromhex(request), III, b"\xc1")])
    assert next(v for v in sato.permits.all() if v.request_id == request).state is PermitState.WAITING


def test_the_command_writes_a_file_and_never_over_another(
    own: School, people: dict[str, Office], tmp_path: Path
) -> None:
    def run(*words: str) -> Result:
        told = ["--login", "sato", "--to", str(tmp_path), "--passphrase-stdin"]
        return CliRunner().invoke(cli, ["export", *words, *told], input=PASSPHRASE + "\n", standalone_mode=False)

    title = people["sato"].attendance.classes(SCHOOL_DAY)[0].title
    day = ["day", str(own.site), "--class", title, "--on", f"{SCHOOL_DAY}", "--form", "pdf"]
    done = run(*day)
    assert done.return_value == Exit.OK, done.output
    file = tmp_path / f"attendance-{SCHOOL_DAY}-{title}.pdf"
    assert done.stdout.strip() == str(file) and file.read_bytes().startswith(b"%PDF")
    assert file.stat().st_mode & 0o777 == 0o600
    first = file.read_bytes()
    assert run(*day).stdout.strip() == str(tmp_path / f"attendance-{SCHOOL_DAY}-{title}-2.pdf")
    assert file.read_bytes() == first
    document = add(people["sato"], b"plain text", "text.txt", III)
    assert isinstance(run("document", str(own.site), document).exception, LockMissingError)
    sealed = run("document", str(own.site), document, "--recipient", LOCK.recipients[0])
    assert sealed.return_value == Exit.OK
    assert pyrage.decrypt((tmp_path / "text.txt.age").read_bytes(), [KEY]) == b"plain text"


def test_a_title_is_told_to_nobody_who_could_not_open_the_document(people: dict[str, Office]) -> None:
    sato, kocho, shien = people["sato"], people["kocho"], people["shien"]
    document = add(sato, b"text", "himitsu.txt")
    kocho.permits.grant(asked(sato, document), SCHOOL_DAY)
    released = sato.releases.document(document, lock=LOCK)
    assert "himitsu" not in released.name
    assert [view.title for view in shien.permits.takeouts() if view.subject == document] == [""]
    assert [view.title for view in shien.permits.all() if view.subject == document] == [""]
    store = shien._session.store
    for kind in (TakeOut.kind, PermitRequest.kind):
        assert not any(b"himitsu" in plain.payload for plain in store.heads(kind)), "its class key opens these"


def test_looking_at_the_titles_of_what_left_is_written_down(people: dict[str, Office]) -> None:
    sato, kocho = people["sato"], people["kocho"]
    document = add(sato, b"text", "g.txt")
    asked(sato, document)
    kyoto = people["suzuki"]
    kyoto._session.audit._last.clear()
    assert kyoto.permits.all()[0].title == "g.txt"
    seen = kocho.audit.lines()[1]  # the first is that the principal reads it
    assert (seen.who, seen.what, seen.importance) == ("鈴木 航", "文書の閲覧", "Ⅱ")


def test_minutes_of_two_leave_under_a_permit_for_that_meeting_alone(people: dict[str, Office]) -> None:
    sato, kocho = people["sato"], people["kocho"]
    for title in ("生徒指導委員会", "特別支援委員会"):
        kocho.meetings.write(f"# {title}\n日時: 2026-05-11 15:00\n- 支援の様子（Ⅱ）")
    one, other = (
        next(m.meeting_id for m in kocho.meetings.all() if m.title == title)
        for title in ("生徒指導委員会", "特別支援委員会")
    )
    assert sato.meetings.importance(one) is II
    sato.permits.request(
        Action.EXPORT, "meeting.item", II, "会議録", "記録", "教育委員会", SCHOOL_DAY, subject=one
    )
    assert kocho.permits.all()[0].title == "生徒指導委員会"
    number = kocho.permits.grant(kocho.permits.all()[0].request_id, SCHOOL_DAY)
    assert sato.releases.minutes(one, Form.MARKDOWN, lock=LOCK).name.endswith(".md.age")
    with pytest.raises(ApprovalNeededError):
        sato.releases.minutes(other, Form.MARKDOWN, number, LOCK)


def test_what_is_sent_outside_asks_for_more_than_what_is_taken_along(people: dict[str, Office]) -> None:
    sato, kocho = people["sato"], people["kocho"]
    document = add(sato, b"text", "h.txt", III)
    assert sato.releases.document(document, lock=LOCK).name == "h.txt.age"
    with pytest.raises(ApprovalNeededError):
        sato.releases.document(document, lock=LOCK, outside=True)
    kocho.permits.grant(asked(sato, document, action=Action.SEND_OUTSIDE), SCHOOL_DAY)
    with pytest.raises(LockMissingError):
        sato.releases.document(document, outside=True)
    assert sato.releases.document(document, lock=LOCK, outside=True).data.startswith(b"age-encryption.org")
    graver = add(sato, b"text", "i.txt")
    with pytest.raises(PolicyDeniedError) as caught:
        sato.releases.document(graver, lock=LOCK, outside=True)
    assert "T-45" in str(caught.value.params["reason"])
