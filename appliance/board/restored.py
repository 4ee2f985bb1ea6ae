"""Restoring a school on the cloud side, and opening what was restored.

Invariant: a restored store is only opened under the board's root identity and only for reading; the board
remembers the newest position it ever verified, so a replica that was rolled back is noticed.
"""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import msgspec

from appliance.board.folder import BoardFolder, ReplicaPlace
from appliance.policy import writing_rules
from crypto.identity import Identity
from crypto.secret import Secret
from crypto.signing import VerifyKey
from sync.atomic import atomic_write
from sync.ids import Origin, Site
from sync.keyring import open_keyring
from sync.objectstore import StoreConfig
from sync.reader import Reader
from sync.restore import Restorer, RestoreReport, Stage, Wanted
from sync.sealed import SealedStore


class _Seen(msgspec.Struct, frozen=True):
    """The newest position that the board verified for a school."""

    epoch: int
    seq: int


@dataclass(frozen=True, slots=True)
class RestoreRequest:
    """Which school, to which second (None: now), into which empty folder."""

    school: str
    target: Path
    at: datetime | None = None
    full: bool = False


def restore_school(board: BoardFolder, request: RestoreRequest, stage: Stage | None = None) -> RestoreReport:
    """Restore and verify; raises UnknownSchoolError and what `Restorer.run` raises."""
    place = board.place(request.school)
    report = restore_place(place, board.root, known_seq(board, place), request, stage)
    if request.at is None:
        remember_seq(board, place, report.verified.seq)
    return report


def restore_place(
    place: ReplicaPlace, root: VerifyKey, known: int, request: RestoreRequest, stage: Stage | None = None
) -> RestoreReport:
    """Restore and verify without the board's folder, on any machine; raises what `Restorer.run` raises."""
    at_ms = None if request.at is None else int(request.at.timestamp() * 1000)
    wanted = Wanted(
        Origin(place.school, Site.BOX, place.epoch),
        root,
        at_ms,
        known_seq=known,
        full=request.full,
        rules=writing_rules(),  # without them what a bucket's owner says is held back would be believed
    )
    return Restorer(store_of(place), wanted, request.target, stage).run()


def known_seq(board: BoardFolder, place: ReplicaPlace) -> int:
    """Return the newest position that the board ever verified of a school's box; 0 of none."""
    return _read_seen(board, place).seq


def remember_seq(board: BoardFolder, place: ReplicaPlace, seq: int) -> None:
    """Note what was verified, unless more was before."""
    if seq > _read_seen(board, place).seq:
        atomic_write(_seen_file(board, place), msgspec.json.encode(_Seen(place.epoch, seq)))


def open_restored(folder: Path, root: Identity) -> SealedStore:
    """Open a restored store for reading, with everything that the board may see."""
    reader = Reader(folder / "school.db")
    return SealedStore(reader, None, root, open_keyring(reader, root, root.sign.verify_key))


def store_of(place: ReplicaPlace) -> StoreConfig:
    """Return how the board reaches a school's object store."""
    secret = Secret(place.secret_key.encode())
    return StoreConfig(place.endpoint, place.bucket, place.region, place.access_key, secret)


def _seen_file(board: BoardFolder, place: ReplicaPlace) -> Path:
    return board.path / "schools" / f"{place.school}.seen.json"


def _read_seen(board: BoardFolder, place: ReplicaPlace) -> _Seen:
    try:
        seen = msgspec.json.decode(_seen_file(board, place).read_bytes(), type=_Seen)
    except FileNotFoundError:
        return _Seen(place.epoch, 0)
    return seen if seen.epoch == place.epoch else _Seen(place.epoch, 0)
