"""The audit record under an insider who writes entries that no desk would have written."""

import json
import os
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner

from appliance.audit import AuditEntry
from appliance.auditdesk import REWRITTEN, UNREADABLE, AuditLine, every_entry, held_entries
from appliance.classification.decision import Policy
from appliance.classification.rules import PolicyFileError, read_policy, shipped_policy
from appliance.cli import cli
from appliance.exits import Exit
from appliance.office import Office
from sync.authority import ROLE
from sync.errors import BadBatchError
from sync.ids import change_id
from sync.sealed import Draft, SealedStore
from tests.school import PASSPHRASE, School, enrol

GOOD: dict[str, Any] = {"action": "view", "asset": "meeting", "graded": 3, "verdict": "allow"}


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[School]:
    made = enrol(tmp_path_factory.mktemp("hostile"), imported=False)
    yield made
    made.close()


@pytest.fixture
def office(own: School) -> Iterator[Office]:
    opened = own.office("kocho")
    yield opened
    opened.logout()


@pytest.fixture
def teacher(own: School) -> Iterator[SealedStore]:
    opened = own.office("sato")
    yield opened._session.store
    opened.logout()


def put(store: SealedStore, payload: bytes, record: bytes = b"", base: tuple[bytes, ...] = ()) -> bytes:
    record = record or os.urandom(16)
    store.put([Draft(AuditEntry.kind, record, AuditEntry.importance, payload, base)])
    return record


def by_sato(office: Office) -> list[AuditLine]:
    return [line for line in office.audit.lines() if line.who == "佐藤 葵"]


@pytest.mark.parametrize(
    "payload",
    [
        msgspec.msgpack.encode({**GOOD, "graded": 9}),
        msgspec.msgpack.encode({**GOOD, "verdict": "perhaps"}),
        msgspec.msgpack.encode({**GOOD, "graded": "II"}),
        msgspec.msgpack.encode(GOOD).replace(b"meeting", b"\xff\xfe\xfd\xfc\xfb\xfa\xf9"),
        b"\xc1",
        b"",
    ],
    ids=["importance", "verdict", "type", "utf8", "msgpack", "empty"],
)
def test_nobody_blinds_the_record_with_an_entry_that_no_desk_writes(
    office: Office, teacher: SealedStore, payload: bytes
) -> None:
    before = by_sato(office)
    put(teacher, payload)
    (line,) = by_sato(office)[: len(by_sato(office)) - len(before)]
    assert line.verdict == UNREADABLE and line.refused, "it is listed with who wrote it, not left out"
    assert by_sato(office)[1:] == before


def test_words_from_an_entry_cannot_draw_on_the_terminal(
    own: School, office: Office, teacher: SealedStore
) -> None:
    put(teacher, msgspec.msgpack.encode({**GOOD, "purpose": "x\x1b[2K\r\n2026-01-01 偽の行", "source": "a\x9bb"}))
    line = by_sato(office)[0]
    assert line.purpose.isprintable() and "偽の行" in line.purpose and line.source.isprintable()
    arguments = ["audit", "show", str(own.site), "--passphrase-stdin", "--login", "kocho", "--text", "偽の行"]
    told = CliRunner().invoke(cli, arguments, input=PASSPHRASE + "\n", standalone_mode=False, color=True)
    assert told.return_value == Exit.OK and "\x1b" not in told.output and "\x9b" not in told.output
    assert sum("偽の行" in row for row in told.output.splitlines()) == 1


def test_nobody_back_dates_an_entry_to_pass_for_the_first(
    office: Office, teacher: SealedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = put(teacher, msgspec.msgpack.encode({**GOOD, "purpose": "本物"}))
    put(teacher, msgspec.msgpack.encode({**GOOD, "purpose": "並べた偽物"}), record)  # beside it, not over it
    told = {line.purpose: line.verdict for line in by_sato(office) if line.purpose in ("本物", "並べた偽物")}
    assert told == {"本物": "", "並べた偽物": REWRITTEN}
    early = (office._session.now_ms() - 86_400_000) << 16
    payload = msgspec.msgpack.encode({**GOOD, "purpose": "古い偽物"})
    ids = iter(range(1, 9))
    monkeypatch.setattr(teacher, "_next_id", lambda: change_id(early + next(ids), teacher._tag, teacher._writer))
    put(teacher, payload, record)
    told = {line.purpose: line.verdict for line in by_sato(office) if line.purpose in ("本物", "古い偽物")}
    assert told == {"本物": "", "古い偽物": REWRITTEN}
    assert len([row for row in every_entry(teacher.reader) if row.record == record]) == 3


def test_two_changes_that_replace_each_other_do_not_take_an_entry_out_of_sight(
    own: School, office: Office, teacher: SealedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = put(teacher, msgspec.msgpack.encode({**GOOD, "purpose": "消したい"}))
    (victim,) = teacher.reader.heads(AuditEntry.kind, [record])
    start = teacher.clock.last + (1000 << 16)
    ids = [change_id(start + n, teacher._tag, teacher._writer) for n in range(2)]
    given = iter(ids)
    monkeypatch.setattr(teacher, "_next_id", lambda: next(given))
    with pytest.raises(BadBatchError) as refused:
        put(teacher, msgspec.msgpack.encode({**GOOD, "purpose": "輪1"}), record, (victim.change_id, ids[1]))
    assert refused.value.params["fault"] == "base of the future"
    assert [row.id for row in teacher.reader.heads(AuditEntry.kind, [record])] == [victim.id]
    assert {line.purpose: line.verdict for line in by_sato(office)}["消したい"] == ""


def test_verify_counts_what_was_put_over_entries_and_what_is_held_back(own: School, office: Office) -> None:
    store = office._session.store
    told = CliRunner().invoke(cli, ["audit", "verify", str(own.site), "--json"], standalone_mode=False)
    before = json.loads(told.stdout)
    assert before["held"] == held_entries(store.reader) == 0
    record = put(store, msgspec.msgpack.encode(GOOD))
    (row,) = store.reader.heads(AuditEntry.kind, [record])
    assert store.client is not None
    store.client.judge({row.id: ROLE}, ())
    try:
        assert held_entries(store.reader) == 1
    finally:
        store.client.judge({}, (row.id,))
    assert held_entries(store.reader) == 0


def test_one_day_can_be_asked_for(office: Office, teacher: SealedStore) -> None:
    put(teacher, msgspec.msgpack.encode({**GOOD, "purpose": "きょう"}))
    today = office.today()
    assert any(line.purpose == "きょう" for line in office.audit.lines(on=today))
    assert office.audit.lines(on=today - timedelta(days=300)) == ()


def test_the_policy_says_how_far_back_and_never_less_than_six_months() -> None:
    text = shipped_policy().source
    assert shipped_policy().audit_days == 365
    assert read_policy(text.replace("version = 1", "version = 1\naudit_days = 730", 1)).audit_days == 730
    with pytest.raises(PolicyFileError, match="APP-240"):
        read_policy(text.replace("version = 1", "version = 1\naudit_days = 182", 1))


def test_the_listing_goes_back_as_far_as_the_policy_in_force_says(
    office: Office, teacher: SealedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(teacher, msgspec.msgpack.encode({**GOOD, "purpose": "二百日前"}))
    now = office._session.now_ms()
    monkeypatch.setattr(office._session, "now_ms", lambda: now + 200 * 86_400_000)
    assert any(line.purpose == "二百日前" for line in office.audit.lines())
    text = shipped_policy().source.replace("version = 1", "version = 1\naudit_days = 190", 1)
    monkeypatch.setattr(office._session, "policy", Policy(read_policy(text)))
    assert not any(line.purpose == "二百日前" for line in office.audit.lines())
    assert any(line.purpose == "二百日前" for line in office.audit.lines(201))
