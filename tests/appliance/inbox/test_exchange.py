"""取込: what the school system exported is sealed like everything else, and announced without its name."""

import hashlib
import os
import signal

import msgspec
import pytest

from appliance.documents.records import DocumentText
from appliance.exchange.records import Arrival
from crypto.importance import Importance
from tests.appliance.inbox.boxing import Box, die, in_child, until

ZIP = b"PK\x03\x04 the roster of \xe4\xbd\x90\xe8\x97\xa4"


def arrivals(box: Box) -> dict[bytes, Arrival]:
    """Return document → what was announced of it."""
    heads = box.session.store.heads(Arrival.kind)
    known = {version.document for version in box.taken}
    return {p.record: msgspec.msgpack.decode(p.payload, type=Arrival) for p in heads if p.record in known}


@pytest.mark.parametrize(
    ("data", "form"), [(ZIP, "zip"), ("氏名,組\r\n".encode("cp932"), "text"), (b"\x7fELF\0\0", "other")]
)
def test_it_is_sealed_as_importance_two_and_waits_for_somebody(box: Box, data: bytes, form: str) -> None:
    box.put("取込/名簿.zip", data)
    box.settle()
    (version,) = box.taken
    assert (version.importance, version.file.labelled, version.file.name) == (Importance.II, True, "名簿.zip")
    assert box.plain == [] and box.contents == [data]
    told = arrivals(box)[version.document]
    assert told == Arrival(sha256=hashlib.sha256(data).digest(), size=len(data), form=form)


def test_its_text_is_in_no_search_and_nothing_is_announced_of_other_folders(box: Box) -> None:
    box.put("取込/a.csv", "佐藤 花子".encode())
    box.put("II/b.csv", "佐藤 花子".encode())
    box.settle()
    roster, other = sorted(box.taken, key=lambda version: version.file.name)
    assert box.book.text(roster.file.blob) == DocumentText(blob=roster.file.blob, text="")
    assert box.book.text(other.file.blob).text == "佐藤 花子"
    assert set(arrivals(box)) == {roster.document}


@pytest.mark.parametrize("at", ["kept", "announced", "audited", "moved"])
def test_killed_at_a_step_it_is_announced_once(box: Box, at: str) -> None:
    box.put("取込/a.zip", ZIP)

    def work() -> None:
        worker = box.new_worker(step=die(at))
        until(lambda: worker.turn() is None, "never taken")

    _, status = in_child(work)
    assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    box.settle()
    (version,) = box.taken
    assert len(box.session.store.history(Arrival.kind, version.document)) == 1 and box.plain == []
