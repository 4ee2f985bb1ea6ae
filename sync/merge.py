"""Merging: another site's changes, proven and judged, into this site's log.

Invariant: nothing is taken whose chain or signature does not fit; what its author was not allowed to make is kept
but held back; what is held back follows from the board's rosters alone, so sites that know the same agree.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from crypto.errors import BadSignatureError, CryptoError
from crypto.people import PeopleRoster, open_people
from crypto.signing import VerifyKey
from sync.authority import SIGNATURE, UNKNOWN, Authority, Rules
from sync.change import BATCH_DOMAIN, CHAIN_START, Batch, batch_payload, chain_hash, entry_digest
from sync.client import Keeping
from sync.clock import change_clock, clock_ms
from sync.errors import BrokenSegmentChainError, ForgedChangeError
from sync.ids import Origin
from sync.keyring import read_rosters
from sync.log import ORIGIN_SHIFT, SEQ_MASK
from sync.openrecords import PEOPLE
from sync.reader import Reader
from sync.segment import SEGMENT_BYTES, Segment, segment_name

_SLICE: Final = 250  # changes in one transaction: an entry at the screen waits no longer than one of these


class Merger:
    """Judges and keeps changes for one site. Used by one thread at a time.

    `judged` is up to which seq its own changes were judged before.
    """

    def __init__(self, reader: Reader, client: Keeping, root: VerifyKey, rules: Rules, judged: int = 0) -> None:
        self._reader = reader
        self._client = client
        self._root = root
        self._rules = rules
        self._own_judged = judged
        self._looked_at = range(0), False
        self.authority = self._read_authority()

    def take(self, segment: Segment) -> int:
        """Keep a segment's changes; return how many were new.

        Raises BrokenSegmentChainError, ForgedChangeError, and what the keeper refuses with; what came before the
        fault is kept.
        """
        origin, position = segment.origin, self._reader.position(segment.origin)
        check_continuity(self._reader, segment)
        if segment.last <= position.seq:
            self._judge_rosters(segment)  # the keeper may have gone between taking and judging
            return 0
        known = set(self.authority.keys)
        self._learn(segment.batches)
        for first, batches in _slices(segment.first, segment.batches):
            withheld = self._judge_batches(origin, first, batches, known)
            self._client.take(origin, first, batches, withheld)
        self._judge_rosters(segment)
        return segment.last - position.seq

    def judge_own(self) -> frozenset[str]:
        """Judge this site's own new changes by the rules of the others; return the kinds that were among them."""
        origin, withheld, kinds = self._reader.origin, {}, set()
        forged, judged, batch_ends = False, self._own_judged, self._own_judged
        for row in self._reader.since(self._own_judged):
            kinds.add(row.kind)
            if row.seq > batch_ends:
                batch, first = self._reader.batch_of(row.id)
                forged, batch_ends = self._forged(origin, batch), first + len(batch.changes) - 1
            fault = SIGNATURE if forged else self.authority.fault(origin, row.author, row.at_ms, row.kind)
            if fault:
                withheld[row.id] = fault
            judged = row.seq
        if withheld:
            self._client.judge(withheld, ())
        if PEOPLE in kinds:
            self.judge_all()
        self._own_judged = max(self._own_judged, judged)
        return frozenset(kinds)

    def judge_all(self) -> None:
        """Judge every change anew, after the board's roster changed."""
        self.authority = self._read_authority()
        origins = {number: origin for origin, number in self._reader.origins().items()}
        end = self._reader.position().seq
        held, withheld, released = self._reader.quarantined(), {}, []
        self._looked_at = range(0), False  # by the keys of before
        for row_id, change_id, author, kind in self._doubtful(origins, end):
            before, origin = held.get(row_id, ""), origins[row_id >> ORIGIN_SHIFT]
            fault = self.authority.fault(origin, author, clock_ms(change_clock(change_id)), kind)
            unproven = before in (UNKNOWN, SIGNATURE)  # whose author, or whose author's new key, came only now
            unproven |= origin == self._reader.origin and row_id & SEQ_MASK > self._own_judged
            if unproven and fault != UNKNOWN and self._forged_row(origin, row_id):
                fault = SIGNATURE
            if fault and fault != before:
                withheld[row_id] = fault
            elif before and not fault:
                released.append(row_id)
        if withheld or released:
            self._client.judge(withheld, released)
        self._own_judged = max(self._own_judged, end)

    def _doubtful(self, origins: Mapping[int, Origin], end: int) -> list[tuple[int, bytes, bytes, str]]:
        """Return (id, change id, author, kind) of what may have to be held back or released, in the log's order.

        That is nothing of those who may make such changes at all times, so it is little of a log of years; and
        what this site itself made up to `end` and did not judge yet.
        """
        found = self._reader.rows("SELECT DISTINCT id >> ?, author, kind FROM change", (ORIGIN_SHIFT,))
        always = self.authority.always_allows
        authors = {author for number, author, kind in found if not always(origins[number], author, kind)}
        own = (self._reader.number_of(self._reader.origin) or 0) << ORIGIN_SHIFT
        rows = self._reader.rows(
            "SELECT id, change_id, author, kind FROM change"  # noqa: S608 - question marks
            f" WHERE author IN ({','.join('?' * len(authors))}) OR id BETWEEN ? AND ?"
            " OR id IN (SELECT id FROM quarantine) ORDER BY id",
            (*authors, own + self._own_judged + 1, own + end),
        )
        return list(rows)

    def _judge_batches(
        self, origin: Origin, first: int, batches: Sequence[Batch], known: set[bytes]
    ) -> dict[int, str]:
        """Return what is to be held back; `known` are the authors of whom changes before this one spoke.

        A forged batch of one of them stops the merge. One of somebody who was a stranger then is held back, as it
        would have been had the roster that names them come in a later segment.
        """
        withheld, seq = {}, first
        for batch in batches:
            forged = self._forged(origin, batch)
            if forged and batch.author in known:
                raise ForgedChangeError(operation="merge", subject=f"{origin.prefix} {seq}", seq=seq)
            for roster in rosters_in((batch,), self._root, self._reader.origin.school):
                known.update(person.id for person in roster.people)
            for change in batch.changes:
                at_ms = clock_ms(change_clock(change.id))
                fault = SIGNATURE if forged else self.authority.fault(origin, batch.author, at_ms, change.kind)
                if fault:
                    withheld[seq] = fault
                seq += 1
        return withheld

    def _judge_rosters(self, segment: Segment) -> None:
        """Judge everything anew if a roster of people came with a segment."""
        if any(change.kind == PEOPLE for batch in segment.batches for change in batch.changes):
            self.judge_all()

    def _forged_row(self, origin: Origin, row_id: int) -> bool:
        """Say whether the batch of a kept change is forged. The last one is remembered: batches can be large."""
        rows, forged = self._looked_at
        if row_id not in rows:
            batch, first = self._reader.batch_of(row_id)
            start = row_id - (row_id & SEQ_MASK) + first
            rows, forged = range(start, start + len(batch.changes)), self._forged(origin, batch)
            self._looked_at = rows, forged
        return forged

    def _forged(self, origin: Origin, batch: Batch) -> bool:
        """Say whether a batch is not signed by its author; of an author who is not known, nobody can tell."""
        keys = self.authority.keys.get(batch.author)
        if keys is None:
            return False
        digests = [entry_digest(batch.author, change) for change in batch.changes]
        payload = batch_payload(origin.tag, batch.writer, batch.number, batch.author, digests)
        try:
            keys.verify(BATCH_DOMAIN, payload, batch.signature)
        except BadSignatureError:
            return True
        return False

    def _learn(self, batches: Sequence[Batch]) -> None:
        """Take the board's rosters that come with the changes into account before judging them."""
        found = list(rosters_in(batches, self._root, self._reader.origin.school))
        if found:
            self.authority = Authority([*self.authority.rosters, *found], self._rules)

    def _read_authority(self) -> Authority:
        return Authority(read_rosters(self._reader, self._root, self._reader.origin.school), self._rules)


def copy_log(source: Reader, origin: Origin, merger: Merger, after: int = 0) -> int:
    """Merge an origin's log from another store on this machine; return how many changes were new."""
    new, chain = 0, source.chain_at(origin, after) or CHAIN_START
    while batches := source.batches(origin, after, SEGMENT_BYTES):
        last = after + sum(len(batch.changes) for batch in batches)
        end = source.chain_at(origin, last) or chain
        new += merger.take(Segment(origin, 0, after + 1, last, chain, end, tuple(batches), b""))
        after, chain = last, end
    return new


def rosters_in(batches: Sequence[Batch], root: VerifyKey, school: str) -> Iterator[PeopleRoster]:
    """Yield the rosters among changes that the board signed."""
    for batch in batches:
        for change in batch.changes:
            if change.kind == PEOPLE:
                try:
                    yield open_people(change.body, root, school)
                except CryptoError:
                    continue  # not vouched for: as if it were not there


def check_continuity(reader: Reader, segment: Segment) -> None:
    """Check that a segment agrees with what is here of its origin; raises BrokenSegmentChainError."""
    tail = reader.position(segment.origin)
    fits = segment.first <= tail.seq + 1 and _chain_at(reader, segment.origin, segment.first - 1) == segment.before
    if fits and segment.first <= tail.seq:
        upto = min(tail.seq, segment.last)
        fits = _chain_at(reader, segment.origin, upto) == _chain_in(segment, upto)
    if not fits:
        name = segment_name(segment.origin, segment.number)
        raise BrokenSegmentChainError(operation="merge", subject=name, seq=segment.first)


def _chain_at(reader: Reader, origin: Origin, seq: int) -> bytes | None:
    return CHAIN_START if seq == 0 else reader.chain_at(origin, seq)  # also of an origin that is not here yet


def _chain_in(segment: Segment, upto: int) -> bytes:
    chain, seq = segment.before, segment.first - 1
    for batch in segment.batches:
        for change in batch.changes:
            if seq == upto:
                return chain
            seq += 1
            chain = chain_hash(chain, seq, entry_digest(batch.author, change))
    return chain


def _slices(first: int, batches: Sequence[Batch]) -> Iterator[tuple[int, list[Batch]]]:
    """Yield runs of whole batches with their first sequence number."""
    run: list[Batch] = []
    size = 0
    for batch in batches:
        run.append(batch)
        size += len(batch.changes)
        if size >= _SLICE:
            yield first, run
            first, run, size = first + size, [], 0
    if run:
        yield first, run
