"""Documents are found by who may see them, opened from memory, renewed, reclassified and destroyed."""

import io
import os
from collections.abc import Iterator
from typing import BinaryIO

import pytest

from appliance.classification.model import Line
from appliance.documents.book import DocumentBook
from appliance.documents.desk import DocumentDesk, DocumentElsewhereError, FoundDocuments
from appliance.documents.door import UnknownDocumentError
from appliance.documents.filing import FilingDesk, SecondPersonError
from appliance.documents.intake import Incoming, Read
from appliance.documents.records import DocumentFile
from appliance.office import Office
from appliance.policy import ApprovalNeededError, PolicyDeniedError
from appliance.session import Session
from crypto.errors import DocumentSourceError
from crypto.importance import Importance
from crypto.streaming import read_document_header
from sync.blobnotes import wishes
from sync.blobs import Blobs
from sync.client import KeeperClient
from sync.sealed import Draft
from tests.school import PASSPHRASE, School

WORDS = "校外学習のしおり\n集合は８時二十分、持ち物はレインコートと水筒。".encode()
II, III = Importance.II, Importance.III


def reading(source: BinaryIO, length: int, name: str) -> Read:
    """Take everything for text in UTF-8."""
    return Read("text/plain", source.read(length).decode(errors="replace"))


class Files:
    """The two desks of one person."""

    def __init__(self, office: Office) -> None:
        self.office, self.session = office, office._session
        self.looking, self.filing = DocumentDesk(self.session), FilingDesk(self.session, reading)

    def add(self, data: bytes = WORDS, importance: Importance = III, title: str = "しおり") -> str:
        incoming = Incoming(io.BytesIO(data), len(data), "shiori.txt", importance, title)
        return self.filing.add(incoming)[0]

    def titles(self) -> set[str]:
        return {view.title for view in self.looking.find().views}


@pytest.fixture
def people(own: School, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Files]]:
    monkeypatch.setattr(Session, "_line_now", lambda session: Line.ONLINE)
    opened = {name: Files(own.office(name)) for name in ("kocho", "sato", "shien")}
    yield opened
    for files in opened.values():
        files.office.logout()


def test_a_document_comes_back_as_it_was_and_is_sealed_on_disk(own: School, people: dict[str, Files]) -> None:
    data = os.urandom(700_000)
    told: list[int] = []
    incoming = Incoming(io.BytesIO(data), len(data), "写真.bin", III)
    document, saved = people["sato"].filing.add(incoming, told.append)
    opened = people["shien"].looking.open(document)
    assert (opened.data, opened.title, opened.name, opened.importance) == (data, "写真.bin", "写真.bin", III)
    assert told[-1] == len(data) and saved.last_seq > saved.first_seq
    sealed = [path.read_bytes() for path in own.paths.blobs.rglob("*") if path.is_file()]
    assert any(len(blob) > len(data) for blob in sealed)
    assert not any(data[:64] in blob for blob in sealed)


def test_it_is_to_be_sent_before_it_is_recorded(people: dict[str, Files], monkeypatch: pytest.MonkeyPatch) -> None:
    sato = people["sato"]

    def refuse(*_: object) -> None:
        raise DocumentSourceError(operation="put")

    monkeypatch.setattr(sato.session.store, "put", refuse)
    before = sato.titles()
    with pytest.raises(DocumentSourceError):
        sato.add(title="記録の前に倒れた")
    blobs, client = Blobs(sato.session.site.paths.blobs), sato.session.store.client
    assert client is not None
    noted = {wish.digest for wish in wishes(client)}
    assert set(blobs.names()) <= noted and sato.titles() == before


def test_who_holds_no_key_sees_not_even_a_title(people: dict[str, Files]) -> None:
    document = people["sato"].add(importance=II, title="支援会議の記録")
    assert "支援会議の記録" in people["kocho"].titles()
    assert "支援会議の記録" not in people["shien"].titles()
    assert people["shien"].looking.find("支援会議").count == 0
    with pytest.raises(UnknownDocumentError):
        people["shien"].looking.open(document)
    with pytest.raises(PolicyDeniedError):
        people["shien"].add(importance=II)


def test_opening_importance_two_is_written_down_first(people: dict[str, Files]) -> None:
    document = people["sato"].add(importance=II, title="支援計画")
    before = len(people["kocho"].office.audit.lines())
    people["sato"].looking.open(document)
    line = people["kocho"].office.audit.lines()[0]
    assert len(people["kocho"].office.audit.lines()) == before + 1
    assert line.who.startswith("佐藤") and (line.what, line.whose) == ("文書の閲覧", "支援計画")


def ids(found: FoundDocuments) -> set[str]:
    return {view.document_id for view in found.views}


def test_words_are_found_in_title_name_and_text(people: dict[str, Files]) -> None:
    sato = people["sato"]
    by_title = sato.add(b"", title="ﾚｲﾝｺｰﾄ の注文書")
    by_text = sato.add(title="お知らせ")
    for typed in ("れいんこーと", "レインコート", "ﾚｲﾝ 注文", "ﾚｲﾝｺｰﾄの注文書"):
        assert ids(sato.looking.find(typed)) == {by_title}
    found = sato.looking.find_in_text("れいんこーと")
    assert by_text in ids(found) and by_title not in ids(found)
    assert "レインコート" in next(view.found for view in found.views if view.document_id == by_text)
    assert by_text in ids(sato.looking.find_in_text("水筒 8時"))
    for none in (sato.looking.find("水筒 ペンギン"), sato.looking.find_in_text("水筒 ペンギン")):
        assert none.count == 0
    assert sato.looking.find_in_text("").count == 0 and sato.looking.find("").count > 2
    assert len(sato.looking.find("", most=1).views) == 1


def test_a_new_version_replaces_and_keeps_the_former(people: dict[str, Files]) -> None:
    sato = people["sato"]
    document = sato.add(title="時間割")
    new = "時間割の第二版".encode()
    sato.filing.renew(document, io.BytesIO(new), len(new), "jikanwari2.txt")
    newest, first = sato.looking.versions(document)
    assert sato.looking.open(document).data == new and newest.title == first.title == "時間割"
    assert sato.looking.open(document, first.blob).data == WORDS
    assert ids(sato.looking.find_in_text("第二版")) == {document}
    assert document not in ids(sato.looking.find_in_text("水筒"))
    sato.filing.rename(document, "時間割（後期）")
    assert "時間割（後期）" in sato.titles() and sato.looking.open(document).data == new


def test_another_importance_means_another_key(own: School, people: dict[str, Files]) -> None:
    kocho, shien = people["kocho"], people["shien"]
    document = kocho.add(title="部活動の記録")
    before = kocho.looking.versions(document)[0].blob
    kocho.filing.reclassify(document, II)
    after = kocho.looking.versions(document)[0].blob
    blobs = Blobs(own.paths.blobs)
    with blobs.open(after) as sealed:
        assert read_document_header(sealed).class_key.importance is II
    assert blobs.size(before) is None
    client = KeeperClient(own.paths.socket)
    assert before not in {wish.digest for wish in wishes(client)} and after in {w.digest for w in wishes(client)}
    client.close()
    assert kocho.looking.open(document).data == WORDS and document in ids(kocho.looking.find_in_text("水筒"))
    assert "部活動の記録" not in shien.titles()
    assert any("Ⅲ→Ⅱ" in line.purpose for line in kocho.office.audit.lines())


def test_only_managers_lower_a_class(people: dict[str, Files]) -> None:
    document = people["sato"].add(importance=II, title="面談の記録")
    with pytest.raises(PolicyDeniedError):
        people["sato"].filing.reclassify(document, III)
    assert people["sato"].looking.versions(document)[0].importance is II
    people["kocho"].filing.reclassify(document, III)
    assert people["shien"].looking.open(document).data == WORDS


def test_destroying_takes_a_second_manager_and_every_version(own: School, people: dict[str, Files]) -> None:
    kocho = people["kocho"]
    document = kocho.add(importance=II, title="廃棄する記録")
    kocho.filing.renew(document, io.BytesIO("第二の版".encode()), 12, "two.txt")
    blobs = [version.blob for version in kocho.looking.versions(document)]
    with pytest.raises(ApprovalNeededError):
        kocho.filing.destroy(document)
    for wrong in ("kocho", "jimu"):
        with pytest.raises(SecondPersonError):
            kocho.filing.destroy(document, wrong, PASSPHRASE)
    assert kocho.looking.open(document).data == "第二の版".encode()
    kocho.filing.destroy(document, "kyoto", PASSPHRASE)
    assert [Blobs(own.paths.blobs).size(blob) for blob in blobs] == [None, None]
    assert "廃棄する記録" not in kocho.titles() and kocho.looking.find_in_text("第二の版").count == 0
    with pytest.raises(UnknownDocumentError):
        kocho.looking.open(document)
    told = DocumentBook(kocho.session.store).versions(bytes.fromhex(document))
    assert told[0].file.blob == b"" and told[0].author == kocho.session.person.id


def test_what_is_not_here_is_asked_for(own: School, people: dict[str, Files]) -> None:
    sato = people["sato"]
    document = sato.add(title="よそにある")
    blob = sato.looking.versions(document)[0].blob
    assert sato.looking.whereabouts(document).here
    Blobs(own.paths.blobs).remove(blob)
    with pytest.raises(DocumentElsewhereError):
        sato.looking.open(document)
    assert not sato.looking.whereabouts(document).here
    client = sato.session.store.client
    assert client is not None and ("fetch", blob) in {(wish.way, wish.digest) for wish in wishes(client)}


def test_a_record_that_no_desk_kept_is_passed_over(people: dict[str, Files]) -> None:
    sato = people["sato"]
    before = sato.titles()
    sato.session.store.put([Draft(DocumentFile.kind, os.urandom(16), III, b"\xc1")])
    assert sato.titles() == before
    for nonsense in ("", "zz", "ab" * 16):
        with pytest.raises(UnknownDocumentError):
            sato.looking.open(nonsense)
