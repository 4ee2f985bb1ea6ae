"""Sealed documents that may not stay on this box go, once they are proven to be in the store.

Invariant: nothing is removed that was not proven to be elsewhere as a whole; it stays an hour for whoever has just
kept or fetched it. What may not stay is what a session last wrote down of its policy, else what the shipped one
says.
"""

import os
from collections.abc import Callable
from typing import Final, Protocol

import msgspec

from appliance.classification.decision import Policy
from appliance.classification.model import Action, Actor, Asset, Role, Verdict
from appliance.documents.records import DocumentFile
from appliance.policy import shipped
from crypto.errors import KurabakoError
from crypto.importance import Importance
from crypto.streaming import read_document_header
from sync.blobnotes import sent_at_ms
from sync.blobs import Blobs
from sync.clock import wall_ms
from sync.errors import BlobFolderError

DISCARD: Final = ("documents", "discard")
STAYS_MS: Final = 3_600_000


class Notes(Protocol):
    """What is needed of a keeper."""

    def local_get(self, space: str, key: str) -> bytes | None:
        """Return a value that never leaves the box."""
        ...

    def local_put(self, space: str, key: str, value: bytes | None) -> None:
        """Write a value that never leaves the box."""
        ...

    def local_keys(self, space: str) -> tuple[str, ...]:
        """Return the keys of a space."""
        ...


def discarded(notes: Notes) -> frozenset[Importance]:
    """Return the importances whose documents may not stay on this box."""
    try:
        raw = notes.local_get(*DISCARD)
        if raw is not None:
            return frozenset(map(Importance, msgspec.msgpack.decode(raw, type=list[int])))
    except (msgspec.DecodeError, ValueError):  # of another version: then the rules that came with this one
        pass
    return _denied(shipped())


def note_rules(notes: Notes, policy: Policy, kept: bool) -> None:
    """Write down what a session's policy and ledger say, for the janitor, who can open neither; durable on return.

    `kept` is whether the ledger lets sealed documents stay at the school at all.
    """
    denied = _denied(policy) if kept else Importance
    value = msgspec.msgpack.encode(sorted(map(int, denied)))
    if notes.local_get(*DISCARD) != value:
        notes.local_put(*DISCARD, value)


def _denied(policy: Policy) -> frozenset[Importance]:
    site = Actor((Role.SITE,), ())
    kept = {i: policy.decide(site, Action.KEEP_LOCALLY, Asset(DocumentFile.kind, i)) for i in Importance}
    return frozenset(i for i, decision in kept.items() if decision.verdict is Verdict.DENY)


class Janitor:
    """Removes what may not stay; remembers of which importance each sealed document is, which never changes."""

    def __init__(self, blobs: Blobs, now_ms: Callable[[], int] = wall_ms) -> None:
        self._blobs, self._now_ms = blobs, now_ms
        self._importances: dict[bytes, Importance | None] = {}

    def turn(self, notes: Notes) -> int:
        """Remove what may go now; return how many. Raises KeeperGoneError, BlobFolderError."""
        discard = discarded(notes)
        present = list(self._blobs.names()) if discard else []
        self._importances = {digest: self._importance(digest) for digest in present}
        return sum(
            self._blobs.remove(d) for d in present if self._importances[d] in discard and self._may_go(notes, d)
        )

    def _may_go(self, notes: Notes, digest: bytes) -> bool:
        sent, now = sent_at_ms(notes, digest), self._now_ms()
        if sent is None or now - sent < STAYS_MS:
            return False
        try:
            with self._blobs.open_unproven(digest) as file:
                return now - os.fstat(file.fileno()).st_mtime_ns // 1_000_000 >= STAYS_MS
        except KurabakoError:
            return False

    def _importance(self, digest: bytes) -> Importance | None:
        """Return what a sealed document says of itself in clear; None when it says nothing."""
        if digest in self._importances:
            return self._importances[digest]
        try:
            with self._blobs.open_unproven(digest) as file:
                return read_document_header(file).class_key.importance
        except BlobFolderError:
            raise
        except KurabakoError:  # no sealed document, or gone meanwhile
            return None
