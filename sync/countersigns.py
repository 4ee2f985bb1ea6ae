"""What the other side vouches for of this site's log: the only source of 確認済.

Invariant: a countersign counts only when it was signed by a site that the board granted, merged from its log, and
fits the chain here; the newest one is kept where a rolled-back database cannot take it along.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import msgspec

from sync.checkpoint import heads_digest, read_checkpoint, site_person
from sync.client import Keeping
from sync.clock import wall_ms
from sync.errors import RolledBackError, WrongStoreError
from sync.ids import Origin
from sync.openrecords import CHECKPOINT, COUNTERSIGN, checkpoint_record, countersign_record
from sync.reader import Reader
from sync.sitevoice import Countersign

SPACE: Final = "sync"
_KEY: Final = "countersigned"


@dataclass(frozen=True, slots=True)
class Confirmed:
    """How far another side vouches for this log, and when it did (its clock, ms since 1970)."""

    seq: int = 0
    chain: bytes = b""
    at_ms: int | None = None
    heads_agree: bool | None = None


def read_countersign(body: bytes) -> Countersign:
    """Read a countersign's body; raises WrongStoreError when it is none."""
    try:
        return msgspec.msgpack.decode(body, type=Countersign)
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise WrongStoreError(operation="read countersign", cause=exc) from exc


def newest_confirmed(reader: Reader, of: Origin, peers: Iterable[Origin]) -> Confirmed:
    """Return the newest countersign over the log of `of` that one of `peers` made.

    Raises RolledBackError when it vouches for something else than what is here.
    """
    newest = Confirmed()
    for peer in peers:
        for row in reader.heads(COUNTERSIGN, [countersign_record(peer, of)]):
            told = read_countersign(row.body)
            if row.author == site_person(peer) and told.prefix == of.prefix and told.seq > newest.seq:
                newest = Confirmed(told.seq, told.chain, told.at_ms, told.heads_agree)
    check_against(reader, of, newest)
    return newest


def check_against(reader: Reader, of: Origin, confirmed: Confirmed) -> None:
    """Return when this store holds what was countersigned; raises RolledBackError."""
    if confirmed.seq and reader.chain_at(of, confirmed.seq) != confirmed.chain:
        raise RolledBackError(operation="compare with countersign", subject=of.prefix, seq=confirmed.seq)


def keep_confirmed(client: Keeping, confirmed: Confirmed) -> None:
    """Keep the newest countersign in `local.db`."""
    client.local_put(SPACE, _KEY, msgspec.msgpack.encode((confirmed.seq, confirmed.chain, confirmed.at_ms)))


def kept_confirmed(client: Keeping) -> Confirmed:
    """Return the newest countersign that `local.db` holds."""
    raw = client.local_get(SPACE, _KEY)
    if raw is None:
        return Confirmed()
    seq, chain, at_ms = msgspec.msgpack.decode(raw, type=tuple[int, bytes, int | None])
    return Confirmed(seq, chain, at_ms)


def owed_countersigns(
    reader: Reader, peers: Iterable[Origin], *, checkpoints: bool = True
) -> list[tuple[Origin, Countersign]]:
    """Return what this site should vouch for now: logs with news in them. A countersign alone is no news.

    Without `checkpoints`, only what people made is: what sites say to each other can wait.
    """
    owed = []
    for peer in peers:
        position, signed = reader.position(peer), _signed_upto(reader, peer)
        news = reader.news_after if checkpoints else reader.content_after
        if position.seq > signed and news(signed, peer):
            agree = heads_agree(reader, peer)
            owed.append((peer, Countersign(peer.prefix, position.seq, position.chain, wall_ms(), agree)))
    return owed


def heads_agree(reader: Reader, peer: Origin) -> bool | None:
    """Say whether a peer's newest checkpoint states our heads; None while they cannot be compared."""
    for row in reader.heads(CHECKPOINT, [checkpoint_record(peer)]):
        if row.author != site_person(peer):
            continue
        checkpoint = read_checkpoint(row.body)
        known = {known.prefix: known.seq for known in checkpoint.others} | {peer.prefix: checkpoint.seq}
        if any(reader.content_after(known.get(origin.prefix, 0), origin) for origin in reader.origins()):
            return None  # one side knows people's work that the other did not when it spoke
        return heads_digest(reader.heads_by_name()) == checkpoint.heads
    return None


def _signed_upto(reader: Reader, peer: Origin) -> int:
    own = reader.origin
    rows = reader.heads(COUNTERSIGN, [countersign_record(own, peer)])
    return max((read_countersign(row.body).seq for row in rows), default=0)
