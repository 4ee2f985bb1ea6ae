"""Proof that a store is whole: gapless, chained, headed and signed as its writers left it.

Invariant: a store passes only when every change was looked at. Signatures up to the newest checkpoint that its
site validly signed are covered by the chain; those after it (with `full`, all) are checked one by one.
"""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from crypto.errors import BadSignatureError, KurabakoError
from crypto.people import PeopleRoster
from crypto.signing import VerifyKey
from sync.change import BATCH_DOMAIN, CHAIN_START, batch_payload, chain_hash, digest_parts
from sync.checkpoint import Checkpoint, heads_digest, read_checkpoint, site_person
from sync.clock import change_clock, clock_ms
from sync.database import DatabaseError, check_integrity
from sync.errors import (
    BrokenChainError,
    ForgedChangeError,
    HeadsMismatchError,
    WrongSchoolError,
    WrongStoreError,
)
from sync.ids import CHANGE_ID_BYTES, Origin
from sync.keyring import read_people
from sync.log import SEQ_MASK
from sync.openrecords import CHECKPOINT, checkpoint_record
from sync.reader import Reader

Progress = Callable[[int, int], None]
Stored = tuple[Any, ...]  # the columns of _ALL, in their order
_STEP: Final = 4096
_UNSIGNED: Final = (None,) * 4  # size, writer, number and signature stand on the first change of a batch only
_ALL: Final = (
    "SELECT id, change_id, author, kind, record, base, replaced, importance, key_id, body, hash, size, writer,"
    " number, signature FROM change ORDER BY id"
)


# The column types that the file cannot be trusted to have: without them a hash could not even be computed.
_MISSHAPEN: Final = (
    "SELECT id FROM change WHERE typeof(change_id)<>'blob' OR length(change_id)<>24 OR typeof(author)<>'blob'"
    " OR length(author)<>16 OR typeof(kind)<>'text' OR length(kind) NOT BETWEEN 1 AND 48"
    " OR typeof(record)<>'blob' OR length(record)<>16 OR typeof(base)<>'blob' OR length(base)%24<>0"
    " OR length(base)>1536 OR typeof(replaced)<>'blob' OR importance NOT IN (1,2,3,4) OR typeof(key_id)<>'blob'"
    " OR length(key_id) NOT IN (0,16) OR typeof(body)<>'blob' OR typeof(hash)<>'blob'"
    " OR (signature IS NOT NULL AND (typeof(signature)<>'blob' OR length(signature)<>64 OR typeof(writer)<>'blob'"
    " OR length(writer)<>8 OR typeof(number)<>'integer' OR number<0 OR typeof(size)<>'integer' OR size<1))"
    " ORDER BY id LIMIT 1"
)


@dataclass(frozen=True, slots=True)
class Verified:
    """What was proven. `checkpoint_seq` is how far the newest valid checkpoint covers; 0 without one."""

    origin: Origin
    seq: int
    chain: bytes
    newest_ms: int
    checkpoint_seq: int
    signatures: int


def verify_store(
    path: Path, root: VerifyKey, school: str, *, full: bool = False, progress: Progress | None = None
) -> Verified:
    """Verify the store at `path` in one pass, while SQLite checks its own structures beside it.

    Raises WrongStoreError (also for a damaged file), WrongSchoolError, BrokenChainError, ForgedChangeError, HeadsMismatchError,
    PeopleMissingError, CryptoError; each names the sequence number where it can.
    """
    try:
        reader = Reader(path)
    except DatabaseError as exc:
        raise WrongStoreError(operation="verify store", cause=exc) from exc
    with ThreadPoolExecutor(1, "integrity") as beside:
        structure = beside.submit(check_integrity, path)  # SQLite works outside the interpreter's lock
        try:
            verified = _verify(reader, root, school, full, progress)
            _sound(structure)
        except DatabaseError as exc:
            raise WrongStoreError(operation="verify store", cause=exc) from exc
        finally:
            reader.close()
    return verified


def _verify(reader: Reader, root: VerifyKey, school: str, full: bool, progress: Progress | None) -> Verified:
    if reader.origin.school != school:
        found = reader.origin.school
        raise WrongSchoolError(operation="verify store", subject=found, found=found, wanted=school)
    with reader.snapshot():
        _check_shapes(reader)
        people = read_people(reader, root, school)
        return _Pass(reader, people, full, progress).run()


def _sound(structure: "Future[str]") -> None:
    fault = structure.result()
    if fault:
        raise WrongStoreError(operation="verify store", subject=fault)


def _check_shapes(reader: Reader) -> None:
    for (row_id,) in reader.rows(_MISSHAPEN):
        seq = row_id & SEQ_MASK
        raise BrokenChainError(operation="verify store", subject=f"shape of {seq}", seq=seq)


@dataclass
class _Batch:
    size: int
    writer: bytes
    number: int
    author: bytes
    signature: bytes
    first: int
    digests: list[bytes] = field(default_factory=list)


class _Pass:
    """One pass over the log; recomputes everything that follows from the changes."""

    def __init__(self, reader: Reader, people: PeopleRoster, full: bool, progress: Progress | None) -> None:
        self._reader = reader
        self._keys: dict[bytes, VerifyKey] = {person.id: person.verify_key for person in people.people}
        self._full = full
        self._progress = progress
        self._heads: dict[tuple[str, bytes, bytes], int] = {}
        self._signatures = 0
        self._tag = reader.origin.tag
        self._covered = self._newest_checkpoint()

    def run(self) -> Verified:
        """Go over every change, then compare the heads."""
        total = self._reader.position().seq
        seq, chain, newest, batch = 0, CHAIN_START, 0, None
        for row in self._reader.rows(_ALL):
            seq += 1
            if row[0] & SEQ_MASK != seq or row[0] >> 40 != 1:
                raise BrokenChainError(operation="verify store", subject=f"gap at {seq}", seq=seq)
            digest = digest_parts(row[2], row[1], row[3], row[4], row[5], row[7], row[8], row[9])
            chain = chain_hash(chain, seq, digest)
            if chain != row[10]:
                raise BrokenChainError(operation="verify store", subject=f"hash at {seq}", seq=seq)
            batch = self._collect(batch, row, seq, digest)
            self._head(row, seq)
            newest = max(newest, change_clock(row[1]))
            if self._covered and seq == self._covered.seq:
                self._compare_checkpoint(self._covered, chain)
            if self._progress and seq % _STEP == 0:
                self._progress(seq, total)
        if batch is not None:
            raise BrokenChainError(operation="verify store", subject=f"batch cut at {seq}", seq=seq)
        self._compare_heads(seq)
        if self._progress:
            self._progress(seq, total)
        covered = self._covered.seq if self._covered else 0
        return Verified(self._reader.origin, seq, chain, clock_ms(newest), covered, self._signatures)

    def _collect(self, batch: _Batch | None, row: Stored, seq: int, digest: bytes) -> _Batch | None:
        if batch is None:
            if row[14] is None:
                raise ForgedChangeError(operation="verify store", subject=f"unsigned change {seq}", seq=seq)
            batch = _Batch(row[11], row[12], row[13], row[2], row[14], seq)
        elif row[11:] != _UNSIGNED or row[2] != batch.author:
            raise ForgedChangeError(operation="verify store", subject=f"torn batch at {seq}", seq=seq)
        batch.digests.append(digest)
        if len(batch.digests) < batch.size:
            return batch
        if self._full or self._covered is None or seq > self._covered.seq:
            self._check_signature(batch)
        return None

    def _check_signature(self, batch: _Batch) -> None:
        key = self._keys.get(batch.author)
        if key is None:
            raise ForgedChangeError(operation="verify store", subject=f"author of {batch.first}", seq=batch.first)
        payload = batch_payload(self._tag, batch.writer, batch.number, batch.author, batch.digests)
        try:
            key.verify(BATCH_DOMAIN, payload, batch.signature)
        except BadSignatureError as exc:
            raise ForgedChangeError(
                operation="verify store", subject=f"signature of {batch.first}", cause=exc, seq=batch.first
            ) from exc
        self._signatures += 1

    def _head(self, row: Stored, seq: int) -> None:
        kind, record, base = row[3], row[4], row[5]
        replaced = b""
        for at in range(0, len(base), CHANGE_ID_BYTES):
            taken = self._heads.pop((kind, record, base[at : at + CHANGE_ID_BYTES]), None)
            if taken is not None:
                replaced += taken.to_bytes(8, "big")
        if replaced != row[6]:
            raise HeadsMismatchError(operation="verify store", subject=f"history of {seq}", seq=seq)
        self._heads[kind, record, row[1]] = row[0]

    def _compare_checkpoint(self, checkpoint: Checkpoint, chain: bytes) -> None:
        if chain != checkpoint.chain or heads_digest(sorted(self._heads)) != checkpoint.heads:
            raise BrokenChainError(operation="verify store", subject="checkpoint", seq=checkpoint.seq)

    def _compare_heads(self, seq: int) -> None:
        stored = {row[:3]: row[3] for row in self._reader.rows("SELECT kind, record, change_id, id FROM head")}
        if stored != self._heads:
            raise HeadsMismatchError(operation="verify store", subject="heads", seq=seq)

    def _newest_checkpoint(self) -> Checkpoint | None:
        """Return the newest checkpoint whose own batch carries the site's valid signature."""
        origin = self._reader.origin
        author, key = site_person(origin), self._keys.get(site_person(origin))
        if key is None:
            return None
        for row in self._reader.heads(CHECKPOINT, [checkpoint_record(origin)]):
            signed = self._reader.signature_of(row.id)
            if row.author != author or signed is None or signed.size != 1:
                continue
            digest = digest_parts(
                row.author, row.change_id, row.kind, row.record, row.base, row.importance, row.key_id, row.body
            )
            payload = batch_payload(self._tag, signed.writer, signed.number, author, [digest])
            try:
                key.verify(BATCH_DOMAIN, payload, signed.signature)
                checkpoint = read_checkpoint(row.body)
            except KurabakoError:
                continue  # not a statement of the site: then every signature is checked instead
            if checkpoint.of(origin) and checkpoint.seq < row.seq:
                return checkpoint
        return None
