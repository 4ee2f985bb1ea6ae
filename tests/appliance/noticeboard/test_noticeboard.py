"""From the sealed store to the page: by somebody's act, notices of importance IV, and nothing else."""

import json
import os
import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import msgspec
import pytest

from appliance.audit import AuditEntry
from appliance.classification.model import Action, Asset, Verdict
from appliance.classification.rules import PROFILES
from appliance.classification.table import ROWS, actor_of, every_circumstance
from appliance.ledger.ledger import standard
from appliance.noticeboard.desk import (
    NoticeboardFolderError,
    NoticeboardFullError,
    NoticeTextError,
    NoticeView,
    Shown,
    UnknownNoticeError,
)
from appliance.noticeboard.place import noticeboard_folder
from appliance.noticeboard.records import MOST_TITLE, NoticeItem
from appliance.noticeboard.snapshot import FILE, read_snapshot
from appliance.office import Office
from appliance.policy import PolicyDeniedError, shipped
from appliance.site import open_site
from crypto.importance import Importance
from sync.sealed import Draft
from tests.appliance.noticeboard.notices import notice, serving
from tests.hubside import as_board, to_box, to_hub
from tests.school import School, enrol


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[School]:
    school = enrol(tmp_path_factory.mktemp("noticeboard"), imported=False)
    yield school
    school.close()


@pytest.fixture
def own(made: School) -> School:
    """The school with an empty noticeboard."""
    folder = noticeboard_folder(open_site(made.site))
    folder.unlink() if folder.is_file() else shutil.rmtree(folder, ignore_errors=True)
    with made.opened() as office:
        for view in office.noticeboard.listed():
            if not view.item.withdrawn:
                office.noticeboard.withdraw(view.notice_id)
    return made


def listed(office: Office) -> list[NoticeView]:
    """Return what is not over."""
    return [view for view in office.noticeboard.listed() if view.shown is not Shown.OVER]


def on_page(school: School) -> list[str]:
    """Return the titles that were released."""
    found = read_snapshot(noticeboard_folder(open_site(school.site)))
    return [one.title for one in found.notices] if found else []


def test_a_notice_is_on_the_page_as_soon_as_it_is_kept_and_its_release_written_down(own: School) -> None:
    with own.opened() as office:
        own_id, saved = office.noticeboard.keep(notice("読書週間"))
        assert saved.last_seq and on_page(own) == ["読書週間"]
        (view,) = listed(office)
        assert (view.notice_id, view.shown, view.by) == (own_id, Shown.POSTED, "佐藤 葵")
    with own.opened("kocho") as office, serving(noticeboard_folder(open_site(own.site))) as board:
        assert "読書週間" in board.get().text
        store = office._session.store
        told = [msgspec.msgpack.decode(one.payload, type=AuditEntry) for one in store.heads(AuditEntry.kind)]
        (shared,) = [one for one in told if one.action == Action.SHARE_LEARNERS and one.subject == own_id]
        assert (shared.asset, shared.graded) == (NoticeItem.kind, Importance.IV)


def test_a_change_replaces_it_and_a_withdrawal_takes_it_away(own: School) -> None:
    with own.opened() as office:
        own_id, _ = office.noticeboard.keep(notice("読書週間"))
        office.noticeboard.keep(notice("読書月間"), own_id)
        assert on_page(own) == ["読書月間"]
        other, _ = office.noticeboard.keep(notice("献立"))
        office.noticeboard.withdraw(own_id)
        assert on_page(own) == ["献立"]
        shown = {view.notice_id: view.shown for view in office.noticeboard.listed()}
        assert (shown[own_id], shown[other]) == (Shown.OVER, Shown.POSTED)
        office.noticeboard.withdraw(own_id, withdrawn=False)
        assert sorted(on_page(own)) == ["献立", "読書月間"]


def test_what_the_board_writes_waits_until_somebody_at_the_school_releases_it(own: School) -> None:
    to_hub(own)
    with as_board(own) as board:
        board_id, _ = board.noticeboard.keep(notice("市の水泳大会"))
        assert board.noticeboard.waiting() == 0, "a hub has no page"
    to_box(own)
    with own.opened() as office:
        assert on_page(own) == [] and office.noticeboard.waiting() == 1
        office.noticeboard.keep(notice("読書週間"))
        assert on_page(own) == ["読書週間"], "the other one was not meant"
        assert office.noticeboard.release() == 1 and office.noticeboard.waiting() == 0
        assert sorted(on_page(own)) == ["市の水泳大会", "読書週間"]
    to_hub(own)
    with as_board(own) as board:
        board.noticeboard.withdraw(board_id)
    to_box(own)
    with own.opened() as office:
        assert office.noticeboard.waiting() == 1, "it still stands on the page"
        office.noticeboard.keep(notice("献立"))
        assert sorted(on_page(own)) == ["献立", "読書週間"], "any release takes away what was withdrawn"


def test_a_page_that_was_lost_is_made_again(own: School) -> None:
    with own.opened() as office:
        office.noticeboard.keep(notice("読書週間"))
        office.noticeboard.keep(notice("済んだ行事", until=date(2021, 1, 1)))
        (noticeboard_folder(open_site(own.site)) / FILE).unlink()
        assert office.noticeboard.waiting() == 1
        assert office.noticeboard.release() == 1 and on_page(own) == ["読書週間"]


def test_where_the_page_cannot_be_written_the_notice_is_kept_and_it_is_said(own: School) -> None:
    folder = noticeboard_folder(open_site(own.site))
    shutil.rmtree(folder, ignore_errors=True)
    folder.write_text("in the way")
    with own.opened() as office:
        with pytest.raises(NoticeboardFolderError):
            office.noticeboard.keep(notice("読書週間"))
        assert [view.shown for view in listed(office)] == [Shown.WAITING]


@pytest.fixture
def another(tmp_path: Path) -> Iterator[School]:
    """A school of its own: what is written into it makes a mess of its screens."""
    school = enrol(tmp_path, imported=False)
    yield school
    school.close()


def test_nothing_but_notices_of_importance_iv_ever_gets_out(another: School) -> None:
    """Every kind in every importance is written, by a program that goes past the desks; one may be seen."""
    kinds = sorted({entry.kind for entry in standard() if entry.kind} - {"policy.signed"})
    marks = {(kind, importance): f"印{number:05}" for number, (kind, importance) in enumerate(all_of(kinds))}
    with another.opened("kocho") as office:
        drafts = []
        for (kind, importance), mark in marks.items():
            payload = msgspec.msgpack.encode(notice(mark, mark))
            drafts.append(Draft(kind, os.urandom(16), importance, payload))
        office._session.store.put(drafts)
        office.noticeboard.release()
        office.noticeboard.keep(notice("読書週間"))
    folder = noticeboard_folder(open_site(another.site))
    with serving(folder) as board:
        pages = board.get().text + board.get("/released.json").text
    raw = b"".join(file.read_bytes() for file in folder.iterdir()).decode()
    seen = {place for place, mark in marks.items() if mark in pages or mark in raw}
    assert seen == {(NoticeItem.kind, Importance.IV)}
    assert {one["importance"] for one in json.loads((folder / FILE).read_bytes())["notices"]} == {"IV"}


def all_of(kinds: list[str]) -> Iterator[tuple[str, Importance]]:
    for kind in kinds:
        for importance in Importance:
            yield kind, importance


@pytest.mark.parametrize("profile", PROFILES)
def test_the_policy_lets_nobody_write_a_graver_notice_below_the_office_nor_share_one(profile: str) -> None:
    policy = shipped(profile)
    for row in ROWS:
        for now in every_circumstance():
            for importance in (Importance.I, Importance.II, Importance.III):
                asset = Asset(NoticeItem.kind, importance)
                shared = policy.decide(actor_of(row), Action.SHARE_LEARNERS, asset, now).verdict
                assert shared is not Verdict.ALLOW, (row, importance)
                written = policy.decide(actor_of(row), Action.EDIT, asset, now).verdict
                assert written is not Verdict.ALLOW or importance is Importance.I, (row, importance)


@pytest.mark.parametrize("name", ["shien"])
def test_who_may_not_share_keeps_and_releases_nothing(own: School, name: str) -> None:
    with own.opened() as office:
        own_id, _ = office.noticeboard.keep(notice("読書週間"))
    with own.opened(name) as office:
        before = office._session.store.reader.position().seq
        for act in (
            lambda: office.noticeboard.keep(notice("だめ")),
            lambda: office.noticeboard.withdraw(own_id),
        ):
            with pytest.raises(PolicyDeniedError):
                act()
        (noticeboard_folder(open_site(own.site)) / FILE).unlink()
        with pytest.raises(PolicyDeniedError):
            office.noticeboard.release()
        assert [view.item.title for view in listed(office)] == ["読書週間"], "reading is for all"
        told = office._session.store.reader.since(before)
        assert {row.kind for row in told} <= {AuditEntry.kind, "key.batch"}, "the refusal is written down, no more"
    assert on_page(own) == []


@pytest.mark.parametrize(
    ("fault", "wrong"),
    [
        ("title", notice("　")),
        ("title", notice("長" * (MOST_TITLE + 1))),
        ("body", notice(body="長" * 1_001)),
        ("audience", notice(audience="長" * 21)),
        ("section", notice(section="秘密")),
        ("days", notice(first=date(2026, 11, 24), until=date(2026, 11, 23))),
    ],
)
def test_a_notice_that_makes_no_sense_is_refused_whole(own: School, fault: str, wrong: NoticeItem) -> None:
    with own.opened() as office:
        with pytest.raises(NoticeTextError) as refused:
            office.noticeboard.keep(wrong)
        assert refused.value.params["fault"] == fault
        assert listed(office) == [] and on_page(own) == []


def test_the_page_never_grows_too_large_for_an_old_tablet(another: School) -> None:
    with another.opened() as office, pytest.raises(NoticeboardFullError):
        for number in range(300):
            office.noticeboard.keep(notice(f"{number}", "<&>あ\n" * 200, audience="3年"))
    folder = noticeboard_folder(open_site(another.site))
    kept = read_snapshot(folder)
    assert kept is not None and 10 < len(kept.notices) < 300
    with serving(folder) as board:
        assert 50_000 < len(board.get().body) < 100_000
    with another.opened() as office:
        office.noticeboard.withdraw(office.noticeboard.listed()[0].notice_id)
        office.noticeboard.keep(notice("また一つ", "<&>あ\n" * 200))


@pytest.mark.parametrize("notice_id", ["", "zz", "00" * 16])
def test_what_is_not_there_is_not_changed(own: School, notice_id: str) -> None:
    with own.opened() as office, pytest.raises(UnknownNoticeError):
        office.noticeboard.withdraw(notice_id)
