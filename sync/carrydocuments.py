"""Sealed documents by hand: the same parts on a medium, when a box has no line to the object store any more.

Invariant: a document counts as brought in only when its SHA-256 as a whole was verified and, where it is kept for
others, the store gave it back. What is wrong with one holds up no other. A medium may come twice, late or in part.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Final

from crypto.errors import KurabakoError
from sync.blobdownload import Download
from sync.blobmanifest import manifest_name
from sync.blobnotes import Notes, Way, wishes
from sync.blobs import DIGEST_BYTES, Blobs
from sync.blobupload import Upload
from sync.errors import StoreRefusedError, StoreUnreachableError
from sync.ids import Origin
from sync.stores import Store

_OF_ALL: Final = (StoreUnreachableError, StoreRefusedError)


@dataclass(slots=True)
class Carried:
    """How many documents came whole where they were to go, and the code of what was wrong with others, by hash."""

    count: int = 0
    faults: dict[str, str] = field(default_factory=dict)

    def carry(self, digest: bytes, *steps: Upload | Download) -> bool:
        """Take one document through its steps; say whether it came. Raises what is wrong with a store."""
        try:
            for work in steps:
                while not work.done:
                    work.step()
        except _OF_ALL:
            raise
        except KurabakoError as error:
            self.faults[digest.hex()] = error.code
            return False
        self.count += 1
        return True


def export_documents(blobs: Blobs, notes: Notes, origin: Origin, medium: Store) -> Carried:
    """Put every document of this site that is not proven to be in the object store on a medium."""
    done = Carried()
    for wish in wishes(notes):
        if wish.way is Way.SEND:
            done.carry(wish.digest, Upload(blobs, medium, origin, wish.digest))
    return done


def import_documents(blobs: Blobs, peers: Iterable[Origin], medium: Store, keep: Store | None = None) -> Carried:
    """Take in the documents of other sites that a medium holds.

    With `keep`, each is stored there as its own site would have stored it, and does not stay here: how the board
    brings in what an old box could not send.
    """
    done = Carried()
    for origin in peers:
        for digest in _documents(medium, origin):
            if keep is None:
                if blobs.size(digest) is None:
                    done.carry(digest, Download(blobs, medium, origin, digest))
            elif keep.get(manifest_name(origin, digest)) is None:
                done.carry(digest, Download(blobs, medium, origin, digest), Upload(blobs, keep, origin, digest))
                blobs.remove(digest)
    return done


def _documents(medium: Store, origin: Origin) -> list[bytes]:
    """Return the documents of a site that a medium names."""
    names = {PurePosixPath(name).parent.name for name in medium.sizes(f"{origin.prefix}/blobs")}
    return sorted(bytes.fromhex(name) for name in names if _is_digest(name))


def _is_digest(name: str) -> bool:
    return len(name) == 2 * DIGEST_BYTES and not set(name) - set("0123456789abcdef")
