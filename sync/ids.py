"""Names of places, changes and records.

Invariant: a change id sorts by bytes as (clock, site, writer), which is the order that decides which of two
heads is shown.
"""

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from hashlib import sha256
from typing import Final

from crypto.framing import frame

CHANGE_ID_BYTES: Final = 24
RECORD_BYTES: Final = 16
PERSON_BYTES: Final = 16
WRITER_BYTES: Final = 8


class Site(StrEnum):
    """A place that writes."""

    BOX = "box"
    HUB = "hub"
    STANDBY = "standby"


@dataclass(frozen=True, slots=True)
class Origin:
    """One life of one site of one school: who wrote a change. `epoch` counts from 1."""

    school: str
    site: Site
    epoch: int

    @property
    def tag(self) -> bytes:
        """Return the 8 bytes that stand for this origin inside change ids."""
        return _tag(self.school, self.site, self.epoch)

    @property
    def prefix(self) -> str:
        """Return the path in the object store, `<school>/<site>/<epoch>`."""
        return f"{self.school}/{self.site}/{self.epoch}"


@lru_cache(4096)  # the keeper asks for every batch; a process meets a handful of origins
def _tag(school: str, site: str, epoch: int) -> bytes:
    return sha256(frame(school.encode(), site.encode(), str(epoch).encode())).digest()[:8]


def change_id(clock: int, tag: bytes, writer: bytes) -> bytes:
    """Return 24 bytes: clock (8), origin tag (8), writer (8)."""
    return clock.to_bytes(8, "big") + tag + writer


def public_record(kind: str, *parts: bytes) -> bytes:
    """Return the 16-byte record id of an open envelope (keys, people): a plain hash, since it is no secret."""
    return sha256(frame(kind.encode(), *parts)).digest()[:RECORD_BYTES]
