"""The audit record as people read it: who, what, whose, refused or not, and nothing hidden by a later change."""

import json
import os
from collections.abc import Iterator
from datetime import date

import msgspec
import pytest
from click.testing import CliRunner

from appliance.audit import AuditEntry
from appliance.auditdesk import REWRITTEN, UNREADABLE, every_entry, rewritten
from appliance.cli import cli
from appliance.exits import Exit
from appliance.office import Office
from appliance.policy import PolicyDeniedError
from sync.sealed import Draft
from tests.school import PASSPHRASE, School

ON = date(2026, 12, 9)


@pytest.fixture
def office(own: School) -> Iterator[Office]:
    opened = own.office("kocho")
    yield opened
    opened.logout()


def look_at_a_reason(own: School, name: str, place: int) -> str:
    """Let somebody try to read a reason; return whose it is."""
    office = own.office(name)
    row = office.attendance.day(office.attendance.classes(ON)[place].class_id, ON).rows[0]
    try:
        office.attendance.reason(row.pupil_id, ON)
    except PolicyDeniedError:
        pass
    finally:
        office.logout()
    return row.name


def test_it_is_told_in_words_newest_first(own: School, office: Office) -> None:
    seen = look_at_a_reason(own, "sato", 2)
    refused = look_at_a_reason(own, "shien", 3)
    lines = office.audit.lines()
    assert [line.at for line in lines] == sorted((line.at for line in lines), reverse=True)
    yes = next(line for line in lines if line.whose == seen)
    no = next(line for line in lines if line.whose == refused)
    assert (yes.role, yes.who, yes.what, yes.importance) == ("教諭", "佐藤 葵", "出欠の理由の閲覧", "Ⅱ")
    assert not yes.refused and yes.verdict == "" and yes.rule == "T-40" and yes.place == "学校の端末"
    assert no.refused and no.verdict == "拒否" and no.who == "森 遥"
    assert not lines[0].whose and lines[0].what == "監査記録の閲覧", "reading it is an entry too"


def test_it_can_be_narrowed(own: School, office: Office) -> None:
    refused = look_at_a_reason(own, "shien", 4)
    only = office.audit.lines(refused_only=True)
    assert only and all(line.refused for line in only)
    assert {line.whose for line in office.audit.lines(text=refused)} == {refused}
    assert office.audit.lines(text="だれでもない") == ()
    assert office.audit.lines(0) == ()


@pytest.mark.parametrize("name", ["sato", "jimu", "shien"])
def test_only_managers_read_it_and_who_tries_is_in_it(own: School, office: Office, name: str) -> None:
    other = own.office(name)
    with pytest.raises(PolicyDeniedError) as caught:
        other.audit.lines()
    who = other.who.display_name
    other.logout()
    assert "校長・教頭と教育委員会" in str(caught.value.params["reason"])
    assert any(line.who == who and line.refused and "監査記録" in line.what for line in office.audit.lines())


def test_what_is_put_over_an_entry_is_seen_and_hides_nothing(own: School, office: Office) -> None:
    seen = look_at_a_reason(own, "sato", 5)
    store = office._session.store
    (row,) = [
        row
        for row in every_entry(store.reader)
        if office._session.roster.user(
            msgspec.msgpack.decode(store.open_row(row).payload, type=AuditEntry).subject or "-"
        )
        and office.audit._line(row, rewritten=False).whose == seen
    ]
    cover = msgspec.msgpack.encode(AuditEntry(action="view", asset="meeting", graded=3, verdict="allow"))
    store.put([Draft(AuditEntry.kind, row.record, AuditEntry.importance, cover, (row.change_id,))])
    lines = office.audit.lines()
    assert any(line.whose == seen and not line.rewritten for line in lines)
    (forged,) = [line for line in lines if line.rewritten]
    assert forged.verdict == REWRITTEN and forged.who == "髙橋 誠"
    assert len(rewritten(every_entry(store.reader))) == 1
    told = CliRunner().invoke(cli, ["audit", "verify", str(own.site), "--json"], standalone_mode=False)
    assert told.return_value == Exit.UNSOUND
    assert json.loads(told.stdout)["rewritten"] == 1 and json.loads(told.stdout)["verified"] is True


def test_an_entry_that_cannot_be_read_hides_no_other(own: School, office: Office) -> None:
    store = office._session.store
    before = len(office.audit.lines())
    store.put([Draft(AuditEntry.kind, os.urandom(16), AuditEntry.importance, b"\xc1")])
    assert len(office.audit.lines()) == before + 1 and office.audit.lines()[0].verdict == UNREADABLE


def test_the_command_shows_it_and_a_teacher_is_refused(own: School, office: Office) -> None:
    look_at_a_reason(own, "shien", 6)
    arguments = ["audit", "show", str(own.site), "--passphrase-stdin", "--refused", "--login"]
    told = CliRunner().invoke(cli, [*arguments, "kyoto"], input=PASSPHRASE + "\n", standalone_mode=False)
    assert told.return_value == Exit.OK and "【拒否】" in told.output and "支援員 森 遥" in told.output
    data = CliRunner().invoke(cli, [*arguments, "kyoto", "--json"], input=PASSPHRASE + "\n", standalone_mode=False)
    assert all(line["refused"] for line in json.loads(data.stdout))
    refused = CliRunner().invoke(cli, [*arguments, "sato"], input=PASSPHRASE + "\n", standalone_mode=False)
    assert isinstance(refused.exception, PolicyDeniedError)
