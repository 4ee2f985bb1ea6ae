"""Sealed documents that may not stay on the box go once they are proven elsewhere, and not a moment before."""

import contextlib
import os
from collections.abc import Iterator

import msgspec
import pytest

from appliance.inbox.janitor import DISCARD, STAYS_MS, Janitor, discarded, note_rules
from appliance.policy import shipped
from crypto.importance import Importance
from sync.blobnotes import Way, Wish, note_done
from sync.blobs import Blobs
from sync.client import KeeperClient
from sync.clock import wall_ms
from tests.appliance.inbox.boxing import Box

LATER_MS = STAYS_MS + 60_000


@pytest.fixture
def client(box: Box) -> Iterator[KeeperClient]:
    with contextlib.closing(KeeperClient(box.paths.socket)) as opened:
        yield opened
        opened.local_put(*DISCARD, None)


def blobs_of(box: Box) -> dict[str, bytes]:
    """Take one document of each importance in; return their sealed bytes' names."""
    for name in ("I", "II", "III", "IV"):
        box.put(f"{name}/{name}.txt")
    box.settle()
    return {version.importance.name: version.file.blob for version in box.taken}


def test_only_importance_one_goes_and_only_when_it_was_sent_an_hour_ago(box: Box, client: KeeperClient) -> None:
    named, blobs, now = blobs_of(box), Blobs(box.paths.blobs), [wall_ms() + LATER_MS]
    janitor = Janitor(blobs, lambda: now[0])
    assert janitor.turn(client) == 0  # nothing was proven to be sent
    for blob in named.values():
        note_done(client, Wish(Way.SEND, blob))
    now[0] = wall_ms() + STAYS_MS - 60_000
    assert janitor.turn(client) == 0
    now[0] = wall_ms() + LATER_MS
    assert janitor.turn(client) == 1
    assert {name for name, blob in named.items() if blobs.size(blob) is not None} == {"II", "III", "IV"}
    assert janitor.turn(client) == 0


def test_what_was_just_fetched_stays_an_hour(box: Box, client: KeeperClient) -> None:
    named, blobs = blobs_of(box), Blobs(box.paths.blobs)
    note_done(client, Wish(Way.SEND, named["I"]))
    now = wall_ms() + 10 * LATER_MS
    os.utime(blobs.path(named["I"]), (now / 1000, now / 1000))
    assert Janitor(blobs, lambda: now).turn(client) == 0
    assert Janitor(blobs, lambda: now + LATER_MS).turn(client) == 1


def test_a_sessions_word_on_what_may_stay_counts_before_the_shipped_one(box: Box, client: KeeperClient) -> None:
    assert discarded(client) == {Importance.I}
    for raw, expected in (
        (msgspec.msgpack.encode([]), frozenset()),
        (msgspec.msgpack.encode([1, 2]), {Importance.I, Importance.II}),
        (b"\xff", {Importance.I}),
        (msgspec.msgpack.encode([9]), {Importance.I}),
    ):
        client.local_put(*DISCARD, raw)
        assert discarded(client) == expected


def test_a_session_notes_what_its_policy_says(box: Box, client: KeeperClient) -> None:
    client.local_put(*DISCARD, msgspec.msgpack.encode([]))
    note_rules(client, shipped("taku-2018"), kept=True)
    assert discarded(client) == {Importance.I} and client.local_get(*DISCARD) == msgspec.msgpack.encode([1])
    note_rules(client, shipped("taku-2018"), kept=False)
    assert discarded(client) == set(Importance)


def test_what_is_no_sealed_document_is_left_alone(box: Box, client: KeeperClient) -> None:
    blobs, digest = Blobs(box.paths.blobs), bytes(32)
    blobs.path(digest).parent.mkdir(parents=True, exist_ok=True)
    blobs.path(digest).write_bytes(b"nonsense")
    note_done(client, Wish(Way.SEND, digest))
    Janitor(blobs, lambda: wall_ms() + LATER_MS).turn(client)
    assert blobs.size(digest) == 8
    blobs.remove(digest)
