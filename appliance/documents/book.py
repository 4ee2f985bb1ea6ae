"""The documents of a school as one session may see them: newest versions, texts, history.

Invariant: what the session holds no key for is passed over, never half shown, also when it was opened before; a
record that no desk would have kept is as if it were not there.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from appliance.documents.records import DocumentFile, DocumentText, text_record
from appliance.text import unfussy
from crypto.importance import Importance
from sync import reading
from sync.ids import Origin
from sync.reader import Row
from sync.sealed import SealedStore

_Record = TypeVar("_Record", DocumentFile, DocumentText)


@dataclass(frozen=True, slots=True)
class Version:
    """An opened version: `heads` are what a change to it replaces, `names` is what it is searched by."""

    document: bytes
    change_id: bytes
    author: bytes
    at_ms: int
    importance: Importance
    file: DocumentFile
    heads: tuple[bytes, ...]
    names: str


class DocumentBook:
    """Reads documents over one session."""

    def __init__(self, store: SealedStore) -> None:
        self._store = store
        self._files: dict[bytes, DocumentFile | None] = {}
        self._seen: tuple[int, frozenset[Importance]] = (-1, frozenset())
        self._all: list[Version] = []

    def cleared(self) -> frozenset[Importance]:
        """Return the importances of documents that are kept here and that this session holds keys for."""
        rows = self._store.head_rows(DocumentFile.kind)
        found = {Importance(importance) for importance in {row.importance for row, _ in rows}}
        return frozenset(importance for importance in found if self._store.keyring.cleared(importance))

    def all(self, importances: frozenset[Importance]) -> Sequence[Version]:
        """Return the newest version of every document of some importances, newest first."""
        changes = self._store.reader.changes()
        if (changes, importances) != self._seen:
            rows = self._store.head_rows(DocumentFile.kind)
            found = (self._version(row, heads) for row, heads in rows if row.importance in importances)
            self._all = sorted((v for v in found if v is not None), key=lambda v: v.change_id, reverse=True)
            self._seen = (changes, importances)
        return self._all

    def importance(self, document: bytes) -> Importance | None:
        """Return a document's importance, which its record says in clear; None for one that cannot be opened."""
        found = self._store.head_rows(DocumentFile.kind, [document])
        importance = Importance(found[0][0].importance) if found else None
        return importance if importance is not None and self._store.keyring.cleared(importance) else None

    def get(self, document: bytes) -> Version | None:
        """Return a document's newest version."""
        found = self._store.head_rows(DocumentFile.kind, [document])
        return self._version(*found[0]) if found else None

    def versions(self, document: bytes) -> list[Version]:
        """Return every version of a document that can be opened, newest first."""
        found = (self._version(row, ()) for row in self._store.reader.history(DocumentFile.kind, document))
        return [version for version in found if version is not None]

    def sealed_at(self, version: Version) -> Origin:
        """Return the site that sealed a version's bytes and sends them.

        It is whose record names them first: a title that was changed elsewhere since moved no bytes.
        """
        origins = {number: origin for origin, number in self._store.reader.origins().items()}
        rows = self._store.reader.history(DocumentFile.kind, version.document)
        named = [row for row in rows if (v := self._version(row, ())) and v.file.blob == version.file.blob]
        return origins[named[-1].origin_no]

    def texts(self) -> Iterator[DocumentText]:
        """Give the text of every version that can be opened, former ones too."""
        for row, _ in self._store.head_rows(DocumentText.kind):
            if (text := self._text(row)) is not None:
                yield text

    def text(self, blob: bytes) -> DocumentText:
        """Return the text of a version."""
        found = self._store.head_rows(DocumentText.kind, [text_record(blob)])
        text = self._text(found[0][0]) if found else None
        return text or DocumentText(blob=blob, text="")

    def _version(self, row: Row, heads: tuple[bytes, ...]) -> Version | None:
        importance = Importance(row.importance)
        if not self._store.keyring.cleared(importance):
            return None
        if row.change_id not in self._files:
            self._files[row.change_id] = self._read(row, DocumentFile)
        file = self._files[row.change_id]
        if file is None:
            return None
        names = unfussy(f"{file.title} {file.name}")
        return Version(row.record, row.change_id, row.author, row.at_ms, importance, file, heads, names)

    def _text(self, row: Row) -> DocumentText | None:
        if not self._store.keyring.cleared(Importance(row.importance)):
            return None
        return self._read(row, DocumentText)

    def _read(self, row: Row, kind: type[_Record]) -> _Record | None:
        return reading.read(self._store, reading.decoder(kind), row)
