"""What cannot be read is passed over and told, and what this person may not read is refused as ever."""

import os
from typing import ClassVar

import msgspec
import pytest

from crypto.importance import Importance
from sync import reading
from sync.errors import NotClearedError
from sync.sealed import Draft, SealedStore
from tests.badchanges import keep_damaged
from tests.sync.site import TestSite


class Note(msgspec.Struct, frozen=True):
    """A kind of importance III."""

    kind: ClassVar[str] = "note"
    importance: ClassVar[Importance] = Importance.III
    text: str


class Hidden(Note, frozen=True):
    """A kind of importance II."""

    kind: ClassVar[str] = "hidden"
    importance: ClassVar[Importance] = Importance.II


READ_NOTE, READ_HIDDEN = reading.decoder(Note), reading.decoder(Hidden)


def draft(of: type[Note], record: bytes, text: str, base: tuple[bytes, ...] = ()) -> Draft:
    return Draft(of.kind, record, of.importance, msgspec.msgpack.encode(of(text)), base)


def bad(store: SealedStore, how: str, record: bytes, base: tuple[bytes, ...] = ()) -> None:
    """Keep a change that nobody can read, or not those who may read its kind."""
    good = draft(Note, record, "bad", base)
    if how == "damaged":
        keep_damaged(store, good)
    elif how == "nonsense":
        store.put([msgspec.structs.replace(good, payload=b"\x81\xa4text\xc0")])
    elif how == "not utf-8":
        store.put([msgspec.structs.replace(good, payload=b"\x81\xa4text\xa1\xff")])
    else:
        store.put([msgspec.structs.replace(good, importance=Importance.II)])


BAD = pytest.mark.parametrize("how", ["damaged", "nonsense", "not utf-8", "another importance"])


@BAD
def test_a_bad_record_hides_no_other(site: TestSite, how: str) -> None:
    writer, store = site.session("sato"), site.session("suzuki")
    good, other = os.urandom(16), os.urandom(16)
    writer.put([draft(Note, good, "good")])
    bad(writer, how, other)
    assert [note.text for note, _ in reading.newest(store, Note, READ_NOTE)] == ["good"]
    assert reading.one(store, Note, READ_NOTE, other) is None
    assert [row.record for row in reading.unread(store)] == [other]
    writer.close()
    store.close()


@BAD
def test_over_what_stood_it_counts_for_nothing_and_the_next_entry_replaces_it(site: TestSite, how: str) -> None:
    writer, store = site.session("sato"), site.session("suzuki")
    record = os.urandom(16)
    for text in ("first", "second"):
        writer.put([draft(Note, record, text, writer.base_of(Note.kind, [record]).get(record, ()))])
    bad(writer, how, record, writer.base_of(Note.kind, [record])[record])
    found = reading.one(store, Note, READ_NOTE, record)
    assert found is not None and found[0].text == "second"
    assert found[1].heads == store.base_of(Note.kind, [record])[record] != (found[1].change_id,)
    assert [note.text for note, _ in reading.history(store, Note, READ_NOTE, record)] == ["second", "first"]

    store.put([draft(Note, record, "third", found[1].heads)])
    mended = reading.one(writer, Note, READ_NOTE, record)
    assert mended is not None and mended[0].text == "third" and not mended[1].conflict
    assert reading.unread(store) == [] == reading.unread(writer)
    writer.close()
    store.close()


def test_of_two_heads_the_one_that_can_be_read_stands(site: TestSite) -> None:
    store = site.session("sato")
    record = os.urandom(16)
    store.put([draft(Note, record, "good")])
    bad(store, "damaged", record)
    found = reading.one(store, Note, READ_NOTE, record)
    assert found is not None and found[0].text == "good" and found[1].conflict
    store.close()


def test_what_is_held_back_does_not_come_up_from_below(site: TestSite) -> None:
    store = site.session("sato")
    record = os.urandom(16)
    held = store.put([draft(Note, record, "held back")])
    bad(store, "damaged", record, held.names)
    row = store.reader.history(Note.kind, record)[-1]
    assert store.client is not None
    store.client.judge({row.id: "held.role"}, frozenset())
    assert reading.one(store, Note, READ_NOTE, record) is None
    store.close()


def test_whoever_is_not_cleared_for_a_kind_is_refused_however_many_rows_there_are(site: TestSite) -> None:
    writer, store = site.session("sato"), site.session("suzuki")
    record = os.urandom(16)
    writer.put([draft(Hidden, record, "secret")])
    for read in (
        lambda: list(reading.newest(store, Hidden, READ_HIDDEN)),
        lambda: reading.history(store, Hidden, READ_HIDDEN, record),
        lambda: reading.read(store, READ_HIDDEN, store.reader.heads(Hidden.kind)[0]),
    ):
        with pytest.raises(NotClearedError):
            read()
    assert reading.unread(store) == [], "what is not theirs is not broken"
    writer.close()
    store.close()
