"""One pass over a store's log: everything that follows from the changes, computed anew and compared.

Invariant: every change of every origin is looked at once; signatures that the site's own newest checkpoint covers
are vouched for by the chain, every other one is checked. Reads only; used by `verify` inside one transaction.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from crypto.errors import BadSignatureError, KurabakoError
from sync.authority import ROLE, SIGNATURE, UNKNOWN, Authority, Rules
from sync.change import BATCH_DOMAIN, CHAIN_START, batch_payload, chain_hash, digest_parts, entry_digest
from sync.checkpoint import Checkpoint, heads_digest, read_checkpoint, site_person
from sync.clock import change_clock, clock_ms
from sync.errors import BrokenChainError, ForgedChangeError, HeadsMismatchError, MixedEpochsError
from sync.heads import split_ids
from sync.ids import Origin
from sync.log import ORIGIN_SHIFT, SEQ_MASK
from sync.openrecords import CHECKPOINT, checkpoint_record
from sync.reader import Reader

Progress = Callable[[int, int], None]
Stored = tuple[Any, ...]  # the columns of _ALL, in their order
_STEP: Final = 4096
_UNSIGNED: Final = (None,) * 4  # size, writer, number and signature stand on the first change of a batch only
_HELD: Final = (
    "SELECT q.id, q.reason, c.change_id, c.author, c.kind FROM quarantine q LEFT JOIN change c ON c.id = q.id"
    " WHERE c.id IS NOT NULL"
)
_ALL: Final = (
    "SELECT id, change_id, author, kind, record, base, replaced, importance, key_id, body, hash, size, writer,"
    " number, signature FROM change ORDER BY id"
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
    others: tuple[tuple[Origin, int], ...] = ()

    @property
    def changes(self) -> int:
        """Return how many changes were looked at, of all origins."""
        return self.seq + sum(seq for _, seq in self.others)


@dataclass(frozen=True, slots=True)
class Options:
    """`full` checks every signature; `rules` are what the site judges by, None: what it held back is believed.

    `proven` is what was proven of this store a moment ago: it vouches for the signatures before its end.
    """

    full: bool
    rules: Rules | None
    progress: Progress | None
    proven: Verified | None = None


@dataclass
class _Batch:
    size: int
    writer: bytes
    number: int
    author: bytes
    signature: bytes
    first: int
    digests: list[bytes] = field(default_factory=list)


@dataclass
class _Run:
    """One origin's log as far as the pass has come. Signatures up to `covered` are vouched for."""

    origin: Origin
    covered: int
    tag: bytes
    seq: int = 0
    chain: bytes = CHAIN_START
    batch: _Batch | None = None


class Pass:
    """One pass over the log; recomputes everything that follows from the changes."""

    def __init__(self, reader: Reader, authority: Authority, options: Options) -> None:
        self._reader = reader
        self._authority = authority
        self._keys = authority.keys
        self._options = options
        self._held = reader.quarantined()
        self._replaced: set[tuple[str, bytes, bytes]] = set()
        self._reached: list[tuple[bytes, bytes, int]] = []
        self._known: dict[bytes, tuple[int, str, bytes]] = {}
        self._newest = b""
        self._signatures = 0
        self._checkpoint = None if options.full else self._newest_checkpoint()
        self._own = _Run(reader.origin, 0, reader.origin.tag)
        self._runs = {number: self._begin(origin) for origin, number in reader.origins().items()}

    def run(self) -> Verified:
        """Go over every change, then compare the heads."""
        total, done, run = self._reader.changes(), 0, self._own
        number = 0
        for row in self._reader.rows(_ALL):
            if row[0] >> ORIGIN_SHIFT != number:
                number = row[0] >> ORIGIN_SHIFT
                run = self._next_run(run, number)
            self._change(run, row)
            done += 1
            if self._options.progress and done % _STEP == 0:
                self._options.progress(done, total)
        _check_whole(run)
        self._compare_checkpoint()
        self._compare_quarantine()
        self._compare_heads()
        self._compare_history()
        if self._options.progress:
            self._options.progress(done, total)
        own, covered = self._own, self._checkpoint.seq if self._checkpoint else 0
        newest_ms = clock_ms(change_clock(self._newest)) if self._newest else 0
        others = tuple((run.origin, run.seq) for run in self._runs.values() if run is not own)
        return Verified(own.origin, own.seq, own.chain, newest_ms, covered, self._signatures, others)

    def _begin(self, origin: Origin) -> _Run:
        known = self._checkpoint
        if origin == self._reader.origin:
            self._own = _Run(origin, max(known.seq if known else 0, self._proven(origin)), origin.tag)
            return self._own
        others = known.others if known else ()
        covered = next((other.seq for other in others if other.prefix == origin.prefix), 0)
        return _Run(origin, max(covered, self._proven(origin)), origin.tag)

    def _proven(self, origin: Origin) -> int:
        """Return up to where an earlier proof vouches for an origin: what it saw must be what stands here."""
        proven = self._options.proven
        if proven is None or self._options.full or proven.origin != origin:
            return 0
        return proven.seq if self._reader.chain_at(origin, proven.seq) == proven.chain else 0

    def _next_run(self, before: _Run, number: int) -> _Run:
        _check_whole(before)
        if number not in self._runs:
            raise BrokenChainError(operation="verify store", subject=f"origin {number}", seq=0)
        return self._runs[number]

    def _change(self, run: _Run, row: Stored) -> None:
        seq = run.seq = run.seq + 1
        if row[0] & SEQ_MASK != seq:
            raise BrokenChainError(operation="verify store", subject=f"gap at {seq}", seq=seq)
        digest = digest_parts(row[2], row[1], row[3], row[4], row[5], row[7], row[8], row[9])
        run.chain = chain_hash(run.chain, seq, digest)
        if run.chain != row[10]:
            raise BrokenChainError(operation="verify store", subject=f"hash at {seq}", seq=seq)
        if row[1][8:16] != run.tag:
            raise MixedEpochsError(operation="verify store", subject=f"{run.origin.prefix} {seq}", seq=seq)
        run.batch = self._collect(run, row, digest)
        self._newest = max(self._newest, row[1])
        if row[0] not in self._held:
            self._known.setdefault(row[1], (row[0], row[3], row[4]))
            if row[5]:
                self._replaced.update((row[3], row[4], base) for base in split_ids(row[5]))
                self._reached.append((row[6], row[5], seq))

    def _collect(self, run: _Run, row: Stored, digest: bytes) -> _Batch | None:
        batch, seq = run.batch, run.seq
        if batch is None:
            if row[14] is None:
                raise ForgedChangeError(operation="verify store", subject=f"unsigned change {seq}", seq=seq)
            batch = _Batch(row[11], row[12], row[13], row[2], row[14], seq)
        elif row[11:] != _UNSIGNED or row[2] != batch.author:
            raise ForgedChangeError(operation="verify store", subject=f"torn batch at {seq}", seq=seq)
        batch.digests.append(digest)
        if len(batch.digests) < batch.size:
            return batch
        if seq > run.covered or self._held.get(row[0]) == SIGNATURE:
            self._check_signature(run.origin, batch, row[0])
        return None

    def _check_signature(self, origin: Origin, batch: _Batch, last_id: int) -> None:
        key = self._keys.get(batch.author)
        rows = range(last_id - batch.size + 1, last_id + 1)
        if key is None:
            if all(self._held.get(row_id) == UNKNOWN for row_id in rows):
                return  # held back until the board says who that is
            raise ForgedChangeError(operation="verify store", subject=f"author of {batch.first}", seq=batch.first)
        payload = batch_payload(origin.tag, batch.writer, batch.number, batch.author, batch.digests)
        try:
            key.verify(BATCH_DOMAIN, payload, batch.signature)
        except BadSignatureError as exc:
            if all(self._held.get(row_id) == SIGNATURE for row_id in rows):
                return  # held back: it counts for nothing
            raise ForgedChangeError(
                operation="verify store", subject=f"signature of {batch.first}", cause=exc, seq=batch.first
            ) from exc
        if any(self._held.get(row_id) == SIGNATURE for row_id in rows):  # held back for what is not so: hidden
            raise HeadsMismatchError(
                operation="verify store", subject=f"held back: {batch.first}", seq=batch.first
            )
        self._signatures += 1

    def _compare_checkpoint(self) -> None:
        known = self._checkpoint
        if known is None:
            return
        stated = [(self._reader.origin.prefix, known.seq, known.chain)]
        stated += [(other.prefix, other.seq, other.chain) for other in known.others]
        origins = {origin.prefix: origin for origin in self._reader.origins()}
        for prefix, seq, chain in stated:
            if prefix not in origins or self._reader.chain_at(origins[prefix], seq) != chain:
                raise BrokenChainError(operation="verify store", subject="checkpoint", seq=known.seq)
        covered = {prefix: seq for prefix, seq, _ in stated}  # nothing of an origin that it did not know yet
        if not any(
            self._reader.content_after(covered.get(prefix, 0), origin) for prefix, origin in origins.items()
        ) and known.heads != heads_digest(self._reader.heads_by_name()):
            raise HeadsMismatchError(operation="verify store", subject="checkpoint", seq=known.seq)

    def _compare_quarantine(self) -> None:
        """See that nothing was hidden: what is held back must be what the rosters do not allow."""
        for row in self._reader.rows(_HELD):
            row_id, reason, change_id, author, kind = row
            origin, at_ms = self._runs[row_id >> ORIGIN_SHIFT].origin, clock_ms(change_clock(change_id))
            fault = self._authority.fault(origin, author, at_ms, kind)
            believed = reason == SIGNATURE or (reason == ROLE and self._options.rules is None)
            if not fault and not believed:
                raise HeadsMismatchError(
                    operation="verify store", subject=f"held back: {row_id & SEQ_MASK}", seq=row_id & SEQ_MASK
                )

    def _compare_heads(self) -> None:
        stored = 0
        for kind, record, change_id, row_id in self._reader.rows("SELECT kind, record, change_id, id FROM head"):
            stored += 1
            known = self._known.get(change_id)
            if known != (row_id, kind, record) or (kind, record, change_id) in self._replaced:
                seq = row_id & SEQ_MASK if isinstance(row_id, int) else 0
                raise HeadsMismatchError(operation="verify store", subject="heads", seq=seq)
        gone = sum(
            self._known.get(name, (0, "", b""))[1:] == (kind, record) for kind, record, name in self._replaced
        )
        if stored != len(self._known) - gone:
            raise HeadsMismatchError(operation="verify store", subject="heads", seq=self._own.seq)

    def _compare_history(self) -> None:
        """See that every change that was replaced is reached by what replaced it, and nothing else is."""
        names = {known[0]: name for name, known in self._known.items()}
        reached = {row_id for (row_id,) in self._reader.rows("SELECT id FROM late WHERE id IS NOT NULL")}
        for replaced, base, seq in self._reached:
            for at in range(0, len(replaced), 8):
                row_id = int.from_bytes(replaced[at : at + 8], "big")
                reached.add(row_id)
                name = names.get(row_id, b"")
                if row_id not in self._held and (not name or name not in split_ids(base)):
                    raise HeadsMismatchError(operation="verify store", subject=f"history of {seq}", seq=seq)
        for kind, record, name in self._replaced:
            known = self._known.get(name)
            if known is not None and known[1:] == (kind, record) and known[0] not in reached:
                raise HeadsMismatchError(operation="verify store", subject="history", seq=known[0] & SEQ_MASK)

    def _newest_checkpoint(self) -> Checkpoint | None:
        """Return the newest checkpoint whose own batch carries the site's valid signature."""
        origin = self._reader.origin
        author, key = site_person(origin), self._keys.get(site_person(origin))
        if key is None:
            return None
        for row in self._reader.heads(CHECKPOINT, [checkpoint_record(origin)]):
            signed = self._reader.signature_of(row.id)
            if row.author != author or signed is None:
                continue
            batch, _ = self._reader.batch_of(row.id)
            digests = [entry_digest(author, change) for change in batch.changes]
            payload = batch_payload(origin.tag, signed.writer, signed.number, author, digests)
            try:
                key.verify(BATCH_DOMAIN, payload, signed.signature)
                checkpoint = read_checkpoint(row.body)
            except KurabakoError:
                continue  # not a statement of the site: then every signature is checked instead
            if checkpoint.of(origin) and checkpoint.seq < row.seq:
                return checkpoint
        return None


def _check_whole(run: _Run) -> None:
    if run.batch is not None:
        raise BrokenChainError(operation="verify store", subject=f"batch cut at {run.seq}", seq=run.seq)
