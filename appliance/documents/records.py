"""What is kept of a document: its versions, and the text that it is found by.

Invariant: both records of a version are sealed as high as the document itself and go in one batch; a version names
its bytes by the SHA-256 of the sealed blob. A later version is a change over the one before, so all of them stay.
"""

from typing import ClassVar

import msgspec

from sync.ids import public_record


class DocumentFile(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One version of a document. The record's id is the document's own, random (16 bytes).

    `blob` is the SHA-256 of the sealed bytes, empty once the document was destroyed; `size` counts its plain
    bytes; `media` is what its bytes say it is; `group` the class id that it belongs to; `labelled` is False where
    nobody chose the importance; `unread` says why its text is not searched, if it is not.
    """

    kind: ClassVar[str] = "document.file"
    title: str
    name: str
    media: str
    size: int
    blob: bytes
    group: str = ""
    note: str = ""
    labelled: bool = True
    unread: str = ""


class DocumentText(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The text of one version, for searching: a record of its own (`text_record`).

    `text` is `unfussy`: one line. `cut`: there was more.
    """

    kind: ClassVar[str] = "document.text"
    blob: bytes
    text: str
    cut: bool = False


def text_record(blob: bytes) -> bytes:
    """Return the record of a version's text. No two versions share bytes, so it is never in conflict."""
    return public_record(DocumentText.kind, blob)


def encode(record: DocumentFile | DocumentText) -> bytes:
    """Return a record's bytes."""
    return msgspec.msgpack.encode(record)
