"""What is kept of the exchange with the school system: that a file came, what became of it, what went out.

Invariant: none of these names a file or a person: all staff may read them. A file is known by the SHA-256 of its
plain bytes; a finding names a table, a line, a column and a rule, never a value.
"""

from datetime import date
from typing import ClassVar, Final

import msgspec

from crypto.importance import Importance

MOST_FINDINGS: Final = 1_000
"""So many findings of one file are kept; the counts are of all."""


def form_of(begin: bytes) -> str:
    """Say what the first bytes of a file are: "zip", "text" or "other"."""
    if begin.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return "zip"
    return "other" if b"\0" in begin or not begin else "text"


class Arrival(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A file came into 取込 and was sealed. The record's id is that of its document.

    `form` is what its first bytes say: "zip" (also a workbook), "text", "other". Kept by the drop folder, which
    holds no key that opens anything.
    """

    kind: ClassVar[str] = "exchange.arrival"
    importance: ClassVar[Importance] = Importance.III
    sha256: bytes
    size: int
    form: str


class Found(msgspec.Struct, frozen=True, array_like=True):
    """A row that stayed out: table or sheet, line (0: the whole), column, rule."""

    file: str
    line: int
    column: str
    rule: str


class Receipt(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of a file: `outcome` is "applied", "nothing", "refused" or "answer" (for something we sent).

    The record's id is the document's, or random for a file that did not come by 取込. `code` says why it was
    refused; `newest` is the greatest dateLastModified of a delta; `people` counts the people who left by it.
    """

    kind: ClassVar[str] = "exchange.receipt"
    importance: ClassVar[Importance] = Importance.III
    sha256: bytes
    size: int
    form: str
    outcome: str
    code: str = ""
    newest: str = ""
    put: int = 0
    removed: int = 0
    unchanged: int = 0
    people: int = 0
    quarantined: int = 0
    warnings: int = 0
    findings: tuple[Found, ...] = ()


class Sent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What went out last for one thing and one time: `what` is "attendance", "meetings", "hours" or "roster".

    `plain` is the SHA-256 of what was said, so that the same is not sent twice; `sha256` and `size` are of the
    file as it left, encrypted or not.
    """

    kind: ClassVar[str] = "exchange.sent"
    importance: ClassVar[Importance] = Importance.III
    what: str
    first: date
    last: date
    plain: bytes
    sha256: bytes
    size: int
    rows: int
    graded: int
    name: str


class Answer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the school system said of a file that went out, named by its SHA-256, from which the id follows."""

    kind: ClassVar[str] = "exchange.answer"
    importance: ClassVar[Importance] = Importance.III
    sha256: bytes
    taken: bool
    rows: int = 0
    told: str = ""
