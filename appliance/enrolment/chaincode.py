"""The code of a box's hash chain: what people compare to see that two logs are one.

Invariant: it follows from every entry up to its number, so box and board give the same code, or one of them
lacks or has altered an entry.
"""

import base64
from typing import Final

from crypto.signing import VerifyKey
from sync.ids import Site
from sync.leases import find_box
from sync.reader import Reader

_LETTERS: Final = 24


def chain_code(reader: Reader, root: VerifyKey, seq: int | None = None) -> dict[str, object]:
    """Return school, epoch, seq and code of the box's log as this store holds it; `code` null without."""
    box = reader.origin if reader.origin.site == Site.BOX else find_box(reader, root)
    if box is None:
        return {"school": reader.origin.school, "epoch": None, "seq": seq, "code": None}
    at = reader.position(box).seq if seq is None else seq
    chain = reader.chain_at(box, at)
    return {"school": box.school, "epoch": box.epoch, "seq": at, "code": letters(chain) if chain else None}


def letters(digest: bytes) -> str:
    """Return the beginning of a hash as 24 letters and digits in groups of four."""
    text = base64.b32encode(digest).decode()[:_LETTERS]
    return "-".join(text[at : at + 4] for at in range(0, _LETTERS, 4))
