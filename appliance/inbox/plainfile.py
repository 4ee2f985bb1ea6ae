"""One plain file on its way in: noted, sealed, recorded, proven unchanged, removed.

Invariant: a plain file is removed only when a document with exactly its bytes is on disk, sealed, with its record
and its entry in the audit record acknowledged; while it is proven and removed it has no name that anybody knows,
and the kernel holds whoever would write it. Whatever dies in between, the next turn goes on from the note.
"""

import contextlib
import hashlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

import msgspec

from appliance.audit import AuditEntry, AuditLog
from appliance.classification.model import Action, Actor, Asset, Role
from appliance.documents.intake import Incoming, Intake, Read, Reading
from appliance.documents.media import Media
from appliance.documents.records import DocumentFile
from appliance.exchange.records import Arrival, form_of
from appliance.inbox.folders import Place
from appliance.inbox.naming import read_name
from appliance.inbox.refusals import LeftoverFileError
from appliance.inbox.settled import Writer, held, wanted, writer_of
from appliance.inbox.source import Source
from appliance.inbox.taking import Taking, forget, note, noted, now_taking
from appliance.inbox.walking import Found, move_out, remove
from appliance.policy import shipped
from crypto.errors import DocumentSizeError, DocumentSourceError, KurabakoError
from crypto.importance import Importance
from crypto.streaming import DOCUMENT_BYTES
from sync.blobnotes import withdraw
from sync.blobs import Blobs
from sync.client import KeeperClient
from sync.errors import KeeperGoneError
from sync.sealed import Draft, SealedStore

SOURCE: Final = "受け箱"
SITE: Final = Actor((Role.SITE,), ())
_TITLE: Final = 200
_BEGIN: Final = 4096


class ChangedError(Exception):
    """The file is not what it was when it was read: it is looked at again from the begin. Nothing is lost."""


class TakenBeforeError(ChangedError):
    """It changed after it was recorded: what stands there now becomes another document."""


@dataclass(frozen=True, slots=True)
class Tools:
    """What taking needs: the site's own session, its keeper, its blobs, and what reads texts.

    `step` is told after each stage, by its name.
    """

    store: SealedStore
    client: KeeperClient
    blobs: Blobs
    reading: Reading
    step: Callable[[str], None] = lambda step: None


def take(tools: Tools, root: int, found: Found, descriptor: int, place: Place) -> None:
    """Take an open plain file in and remove it; on return it is a document.

    Raises ChangedError, LeftoverFileError, OSError when reading fails, and what sealing and keeping raise.
    """
    taking = _read(tools, descriptor, place)
    if not taking.recorded:
        taking = _record(tools, found, descriptor, place, taking)
    _remove(tools, root, found, descriptor, taking)
    forget(tools.client, taking)
    tools.step("forgotten")


def _read(tools: Tools, descriptor: int, place: Place) -> Taking:
    """Return what is noted of the file if it is the same still, else a new note that is not kept yet."""
    before = os.fstat(descriptor)
    digest = _digest(descriptor)
    _same_shape(before, os.fstat(descriptor))
    fresh = now_taking(before, digest, os.urandom(DOCUMENT_BYTES), place.importance)
    known = noted(tools.client, fresh.key)
    return known if known is not None and known.same_as(fresh) else fresh


def _record(tools: Tools, found: Found, descriptor: int, place: Place, taking: Taking) -> Taking:
    """Seal and record the file under the noted id, unless a former life did; return the note that says so."""
    kept = bool(tools.store.base_of(DocumentFile.kind, [taking.document]))
    if not kept:
        note(tools.client, taking)
        tools.step("noted")
        sealed = _seal(tools, found, descriptor, place, taking)
        taking = msgspec.structs.replace(taking, sha256=sealed)
        tools.step("kept")
    if place.exchange:
        _announce(tools, descriptor, taking)
        tools.step("announced")
    _write_down(tools, place, taking)
    tools.step("audited")
    taking = msgspec.structs.replace(taking, recorded=True)
    note(tools.client, taking)
    tools.step("recorded")
    return taking


def _announce(tools: Tools, descriptor: int, taking: Taking) -> None:
    """Tell the office that a file of the school system waits, once; nothing of it is opened here."""
    if tools.store.base_of(Arrival.kind, [taking.document]):
        return
    begin = os.pread(descriptor, _BEGIN, 0)
    arrival = Arrival(sha256=taking.sha256, size=taking.size, form=form_of(begin))
    tools.store.put([Draft(Arrival.kind, taking.document, Arrival.importance, msgspec.msgpack.encode(arrival))])


def _write_down(tools: Tools, place: Place, taking: Taking) -> None:
    """Keep the entry in the audit record."""
    decision = shipped().decide(SITE, Action.EDIT, Asset(DocumentFile.kind, place.importance))
    AuditLog(tools.store).keep(
        AuditEntry(
            action=Action.EDIT,
            asset=DocumentFile.kind,
            graded=place.importance,
            verdict=decision.verdict,
            rule=decision.rule,
            subject=taking.document.hex(),
            source=SOURCE,
        )
    )


def _seal(tools: Tools, found: Found, descriptor: int, place: Place, taking: Taking) -> bytes:
    """Take the file in as a document; return the SHA-256 of exactly the bytes that were sealed."""
    name = read_name(found.name)
    folders = [read_name(part) for part in place.under]
    words = "/".join([*(part.text for part in folders), name.text])
    with Source(descriptor) as source:
        incoming = Incoming(
            source=source,
            length=taking.size,
            name=name.text,
            importance=place.importance,
            title=words if len(words) <= _TITLE else "…" + words[-_TITLE + 1 :],
            note=_note(found),
            labelled=place.labelled,
        )
        reading = _unread if place.exchange else tools.reading
        intake = _Intake(tools.store, tools.client, tools.blobs, reading)
        try:
            intake.take(incoming, taking.document)
        except KeeperGoneError:
            raise  # whether it was recorded is unknown: the sealed bytes stay
        except KurabakoError as error:
            intake.undo(tools)
            _as_read(error)
            raise
        return source.digest()


def _unread(source: BinaryIO, length: int, name: str) -> Read:
    """Read nothing: a whole roster would turn up in every search for a name."""
    return Read(Media.BINARY)


def _as_read(error: KurabakoError) -> None:
    """Raise what an error of sealing says of the plain file, if it says anything of it."""
    if isinstance(error, DocumentSourceError | DocumentSizeError):
        if isinstance(error.__cause__, OSError):
            raise error.__cause__ from error
        raise ChangedError from error  # shorter or longer than it was


class _Intake(Intake):
    """Remembers what it sealed: tried again and again, a record that is refused must not fill the disk."""

    _sealed: bytes = b""

    def seal(self, source: BinaryIO, length: int, importance: Importance, document: bytes) -> bytes:
        """Put the sealed bytes of a source on disk and have them sent; return their SHA-256."""
        self._sealed = super().seal(source, length, importance, document)
        return self._sealed

    def undo(self, tools: Tools) -> None:
        """Remove sealed bytes that no record names."""
        if self._sealed:
            with contextlib.suppress(KurabakoError):
                withdraw(tools.client, self._sealed)
                tools.blobs.remove(self._sealed)


def _note(found: Found) -> str:
    """Say that it came from here, and what stood there where a name had to be guessed."""
    parts = [read_name(part) for part in (*found.folders, found.name)]
    if not any(part.guessed for part in parts):
        return SOURCE
    raw = "/".join(part.shown_raw for part in parts)
    return f"{SOURCE}（元の名前: {raw}）"


def _remove(tools: Tools, root: int, found: Found, descriptor: int, taking: Taking) -> None:
    """Remove the plain file if it is still the one that was sealed; raises ChangedError, LeftoverFileError."""
    try:
        moved = move_out(root, found)
        tools.step("moved")
        if not os.path.samestat(moved.stat, os.fstat(descriptor)):
            raise ChangedError  # another file got its name just now: that one is out of sight, and found there
        with _unwritten(descriptor) as leased:
            stat = os.fstat(descriptor)
            if (stat.st_size, stat.st_mtime_ns, _digest(descriptor)) != taking.shape:
                raise TakenBeforeError
            if leased and wanted(descriptor):  # would write into nothing when it was gone
                raise ChangedError
            tools.step("proven")
            remove(root, moved)
    except OSError as exc:
        raise LeftoverFileError(operation="remove file", retry_safe=True, cause=exc) from exc
    tools.step("removed")


@contextlib.contextmanager
def _unwritten(descriptor: int) -> Iterator[bool]:
    """Keep writers out where the kernel can, and say whether it does; raises ChangedError while there is one."""
    with contextlib.ExitStack() as stack:
        leased = True
        try:
            stack.enter_context(held(descriptor))
        except BlockingIOError as exc:
            raise ChangedError from exc
        except OSError as exc:  # no leases here: then at least nobody may have it open now
            leased = False
            if writer_of(descriptor) is Writer.SOME:
                raise ChangedError from exc
        yield leased


def _digest(descriptor: int) -> bytes:
    with Source(descriptor) as source:
        return hashlib.file_digest(source, "sha256").digest()


def _same_shape(before: os.stat_result, after: os.stat_result) -> None:
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise ChangedError
