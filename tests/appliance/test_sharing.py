"""City-wide sharing: the board gives documents, meetings and notices to schools, to each its own sealed copy."""

import contextlib
import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from appliance.board.enrolment import NewSchool, enrol_school
from appliance.board.folder import ReplicaPlace
from appliance.board.hubs import hub_path, open_hub
from appliance.board.publishing import PublishFileError
from appliance.board.sharing import document_of, meeting_of, notice_of, share
from appliance.cli import cli
from appliance.config import StoreSection
from appliance.documents.desk import DocumentElsewhereError
from appliance.documents.filing import FileUnreadableError
from appliance.documents.intake import Incoming
from appliance.generator.school import make_school
from appliance.office import Office
from appliance.people import StaffMember
from appliance.policy import writing_rules
from crypto.identity import KdfProfile
from crypto.importance import Importance
from crypto.secret import Secret
from sync.authority import ROLE, Authority
from sync.blobcopies import Copies
from sync.blobnotes import Way, Wish, progress_of, wishes
from sync.blobs import Blobs
from sync.client import KeeperClient
from sync.ids import Site
from sync.keyring import read_rosters
from sync.openrecords import COPY
from sync.reader import Reader
from tests.hubside import as_board, to_box, to_hub
from tests.school import BOARD_PASSPHRASE, PASSPHRASE, School, enrol

OTHER = make_school(4, 2026)
MEETING = """title = "校長会"
starts = 2026-12-02T15:30:00
place = "第一会議室"
[[item]]
section = "連絡"
title = "大雪への備え"
body = "各校の備えを持ち寄る。"
papers = ["備え.txt"]
[[item]]
section = "報告"
title = "給食"
"""
NOTICE = """title = "市の水泳大会"
body = "八月に行います。"
first = 2026-11-01
until = 2099-03-31
section = "行事"
"""


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[School]:
    """A board with two schools; the box of the first one runs here."""
    made = enrol(tmp_path_factory.mktemp("sharing"), imported=False)
    place = ReplicaPlace(OTHER.code, OTHER.name, "http://127.0.0.1:9", "tests", "us-east-1", "a", "secret-secret")
    staff = [StaffMember("kocho", "山本 恵", ("principal",), Secret(PASSPHRASE.encode()))]
    new = NewSchool(OTHER.code, OTHER.name, place, StoreSection("http://127.0.0.1:9", "tests"))
    enrol_school(made.board, made.root, new, staff, made.folder / "other", KdfProfile.QUICK)
    to_hub(made)
    yield made
    made.close()


def titles(office: Office) -> list[str]:
    return [view.title for view in office.documents.find().views]


def told(own: School, *words: str) -> tuple[int, list[list[str]]]:
    """Run `board share` and return its exit code and lines."""
    command = ["board", "--board", str(own.board.path), "share", *words, "--passphrase-stdin"]
    done = CliRunner().invoke(cli, command, input=f"{BOARD_PASSPHRASE}\n", standalone_mode=False)
    lines = [line.split("\t") for line in done.stdout.splitlines() if "\t" in line]
    assert isinstance(done.return_value, int), done.exception
    return done.return_value, lines


def test_a_document_goes_to_every_school_once_and_its_next_version_over_it(own: School, tmp_path: Path) -> None:
    file = tmp_path / "手引き.txt"
    file.write_text("一版", "utf-8")
    code, lines = told(own, "document", str(file), "--all", "--title", "学校安全の手引き")
    assert (code, {line[0]: line[2] for line in lines}) == (
        0,
        dict.fromkeys((own.made.code, OTHER.code), "配りました"),
    )
    code, lines = told(own, "document", str(file), "--all", "--title", "学校安全の手引き")
    assert {line[2] for line in lines} == {"変わりません"}
    file.write_text("二版", "utf-8")
    code, lines = told(own, "document", str(file), "--school", own.made.code, "--title", "学校安全の手引き")
    assert [line[2] for line in lines] == ["配りました"], "and the other school is left as it was"
    with as_board(own) as board:
        (view,) = [one for one in board.documents.find().views if one.title == "学校安全の手引き"]
        assert board.documents.open(view.document_id).data.decode() == "二版"
        assert len(board.documents.versions(view.document_id)) == 2
        assert view.by == "教育委員会"
    to_box(own)
    with own.opened() as office:
        assert titles(office).count("学校安全の手引き") == 1


def test_each_school_has_a_copy_that_only_its_own_keys_open(own: School, tmp_path: Path) -> None:
    file = tmp_path / "共通.txt"
    file.write_text("どの学校にも同じ文", "utf-8")
    assert [one.new for one in share(own.board, own.root, (), document_of(file, Importance.III, ""))] == [
        True,
        True,
    ]
    copies = [
        {path.name for path in (hub_path(own.board, code) / "blobs").iterdir()}
        for code in (own.made.code, OTHER.code)
    ]
    assert copies[0] and copies[1] and not copies[0] & copies[1], "no two schools' sealed bytes are alike"
    for code in (own.made.code, OTHER.code):
        for path in (hub_path(own.board, code) / "blobs").iterdir():
            assert path.is_dir() or "どの学校にも".encode() not in path.read_bytes()


def test_the_box_asks_for_its_copy_with_nobody_logged_in_and_once(own: School, tmp_path: Path) -> None:
    file = tmp_path / "暦.txt"
    file.write_text("来年度の暦", "utf-8")
    assert all(
        one.new for one in share(own.board, own.root, [own.made.code], document_of(file, Importance.II, ""))
    )
    to_box(own)
    with (
        contextlib.closing(Reader(own.paths.store)) as reader,
        contextlib.closing(KeeperClient(own.paths.socket)) as client,
    ):
        blobs = Blobs(own.paths.blobs)
        wanted = {row.body for row in reader.heads(COPY)}
        asked = Copies(reader, client, blobs).look()
        fetching = {wish.digest for wish in wishes(client) if wish.way is Way.FETCH}
        assert asked and wanted <= fetching
        assert Copies(reader, client, blobs).look() == 0, "another start of the process asks for nothing twice"
        at_hub = Blobs(open_hub(own.board, own.made.code).paths.blobs)
        assert all(at_hub.size(digest) is not None for digest in wanted), "it lies where it is fetched from"


def test_bytes_are_asked_of_who_sealed_them_whoever_changed_the_title_since(own: School, tmp_path: Path) -> None:
    file = tmp_path / "様式.txt"
    file.write_text("届けの様式", "utf-8")
    (shared,) = share(own.board, own.root, [own.made.code], document_of(file, Importance.III, ""))
    assert shared.new
    to_box(own)
    with own.opened("kocho") as office, contextlib.closing(KeeperClient(own.paths.socket)) as client:
        (view,) = office.documents.find("様式").views
        office.filing.rename(view.document_id, "様式（改）")
        blob = office.documents.versions(view.document_id)[0].blob
        with pytest.raises(DocumentElsewhereError):
            office.documents.open(view.document_id)
        asked = progress_of(client, Wish(Way.FETCH, blob))
        assert (asked.site, asked.epoch) == (Site.HUB, 1)
        with pytest.raises(DocumentElsewhereError):
            office.documents.open(view.document_id)
        assert progress_of(client, Wish(Way.FETCH, blob)) == asked


def test_nobody_but_the_board_has_copies_kept(own: School) -> None:
    with own.opened("kocho") as office:
        before = {row.body for row in office._session.store.reader.heads(COPY)}
        office.filing.give_out(Incoming(io.BytesIO(b"x"), 1, "x.txt", Importance.III))
        assert {row.body for row in office._session.store.reader.heads(COPY)} == before
    with contextlib.closing(Reader(own.paths.store)) as reader:
        authority = Authority(read_rosters(reader, own.board.root, own.made.code), writing_rules())
        people = {person.login: person for roster in authority.rosters for person in roster.people}
        at = max(roster.issued_ms for roster in authority.rosters) + 1
        assert authority.fault(reader.origin, people["kocho"].id, at, COPY) == ROLE
        assert authority.fault(reader.origin, own.root.person, at, COPY) == ""


def test_importance_i_is_not_kept_at_a_school(own: School, tmp_path: Path) -> None:
    file = tmp_path / "原本.txt"
    file.write_text("指導要録", "utf-8")
    with as_board(own) as board:
        before = {row.body for row in board._session.store.reader.heads(COPY)}
        with file.open("rb") as source:
            board.filing.give_out(Incoming(source, file.stat().st_size, file.name, Importance.I))
        assert {row.body for row in board._session.store.reader.heads(COPY)} == before


def test_a_meeting_comes_with_its_papers_and_what_the_school_changed_stays(own: School, tmp_path: Path) -> None:
    file, paper = tmp_path / "kocho.toml", tmp_path / "備え.txt"
    file.write_text(MEETING, "utf-8")
    paper.write_text("毛布 二十枚", "utf-8")
    code, lines = told(own, "meeting", str(file), "--all")
    assert (code, [line[2] for line in lines]) == (0, ["配りました", "配りました"])
    to_box(own)
    with own.opened("kocho") as office:
        (meeting,) = [one.meeting_id for one in office.meetings.all() if one.title == "校長会"]
        first, second = office.meetings.open(meeting).items
        assert [one.title for one in (first, second)] == ["大雪への備え", "給食"]
        assert [office.documents.facts(one).name for one in first.documents] == ["備え.txt"]
        office.meetings.rewrite(meeting, second.item_id, "本校の分")
    to_hub(own)
    assert [line[2] for line in told(own, "meeting", str(file), "--all")[1]] == ["変わりません", "変わりません"]
    file.write_text(MEETING.replace("各校の備え", "各校の計画"), "utf-8")
    assert [line[2] for line in told(own, "meeting", str(file), "--all")[1]] == ["配りました", "配りました"]
    to_box(own)
    with own.opened("kocho") as office:
        first, second = office.meetings.open(meeting).items
        assert (first.body, second.body) == ("各校の計画を持ち寄る。", "本校の分")


def test_a_notice_waits_for_each_school(own: School, tmp_path: Path) -> None:
    file = tmp_path / "notice.toml"
    file.write_text(NOTICE, "utf-8")
    assert [line[2] for line in told(own, "notice", str(file), "--all")[1]] == ["配りました", "配りました"]
    assert [line[2] for line in told(own, "notice", str(file), "--all")[1]] == ["変わりません", "変わりません"]
    to_box(own)
    with own.opened() as office:
        assert office.noticeboard.waiting() == 1
        office.noticeboard.release()


def test_one_school_that_fails_stops_no_other(own: School, tmp_path: Path) -> None:
    file = tmp_path / "遅れ.txt"
    file.write_text("あとから", "utf-8")
    store = hub_path(own.board, OTHER.code) / "school.db"
    away = store.with_name("away")
    store.rename(away)
    try:
        code, lines = told(own, "document", str(file), "--all")
    finally:
        away.rename(store)
    said = {line[0]: line[2] for line in lines}
    assert code == 3 and said[own.made.code] == "配りました" and "APP-017" in said[OTHER.code]
    code, lines = told(own, "document", str(file), "--all")
    assert code == 0 and {line[0]: line[2] for line in lines} == {
        own.made.code: "変わりません",
        OTHER.code: "配りました",
    }


def test_what_cannot_be_read_is_refused_before_any_school_gets_it(own: School, tmp_path: Path) -> None:
    file = tmp_path / "bad.toml"
    for text, error in (("title = 1", PublishFileError), (MEETING, FileUnreadableError)):
        file.write_text(text, "utf-8")
        with pytest.raises(error):
            meeting_of(file)
    with pytest.raises(PublishFileError):
        notice_of(file)
    with pytest.raises(FileUnreadableError):
        document_of(tmp_path, Importance.III, "")


@pytest.mark.parametrize("words", [(), ("--all", "--school", "x")])
def test_who_gets_it_must_be_said(own: School, tmp_path: Path, words: tuple[str, ...]) -> None:
    file = tmp_path / "x.txt"
    file.write_text("x", "utf-8")
    done = CliRunner().invoke(
        cli,
        ["board", "--board", str(own.board.path), "share", "document", str(file), *words, "--passphrase-stdin"],
    )
    assert done.exit_code == 2 and "--all" in done.output
