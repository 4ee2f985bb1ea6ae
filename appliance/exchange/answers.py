"""The receipt that the school system gives for what we sent: a CSV that names files by their SHA-256.

Invariant: a row without a whole SHA-256 is passed over; what stands beside it is told, never judged further than
taken or not.
"""

import csv
import io
import re
import unicodedata
from typing import Final, NamedTuple

from appliance.exchange.errors import AnswerUnreadableError
from appliance.oneroster.encoding import decode
from appliance.text import printable

_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_HASHES: Final = frozenset({"sha256", "sha-256", "ハッシュ", "ハッシュ値"})
_RESULTS: Final = frozenset({"result", "status", "結果", "状態", "処理結果"})
_ROWS: Final = frozenset({"rows", "count", "件数", "行数", "取込件数"})
_NOTES: Final = frozenset({"message", "note", "備考", "理由", "メッセージ"})
_NOT_TAKEN: Final = frozenset(
    {"error", "failed", "refused", "rejected", "ng", "エラー", "失敗", "拒否", "不可", "取込不可"}
)
_TOLD: Final = 200
_MOST: Final = 1_000


class AnsweredFile(NamedTuple):
    """What was said of a file that went out."""

    sha256: bytes
    taken: bool
    rows: int
    told: str


def is_answer(data: bytes) -> bool:
    """Say whether a file's first line has a column for SHA-256, which no roster has."""
    line = data[:4096].removeprefix(b"\xef\xbb\xbf").split(b"\n", 1)[0]
    for encoding in ("utf-8", "cp932"):
        try:
            headings = next(csv.reader([line.decode(encoding)]), [])
        except (UnicodeDecodeError, csv.Error):
            continue
        return any(_folded(heading) in _HASHES for heading in headings)
    return False


def read_answer(data: bytes, name: str) -> tuple[AnsweredFile, ...]:
    """Read a receipt; raises AnswerUnreadableError, and UndecodableError of the importer."""
    rows = csv.reader(io.StringIO(decode(data, name).text, newline=""))
    try:
        headings = [_folded(heading) for heading in next(rows, [])]
        places = [_place(headings, names) for names in (_HASHES, _RESULTS, _ROWS, _NOTES)]
        if places[0] < 0:
            raise AnswerUnreadableError(operation="read receipt", subject=name, file=name)
        found = [_answered(row, places) for _, row in zip(range(_MOST), rows, strict=False)]
    except csv.Error as exc:
        raise AnswerUnreadableError(operation="read receipt", subject=name, cause=exc, file=name) from exc
    return tuple(one for one in found if one is not None)


def _answered(row: list[str], places: list[int]) -> AnsweredFile | None:
    digest, result, rows, note = (row[at].strip() if 0 <= at < len(row) else "" for at in places)
    if not _DIGEST.fullmatch(digest.lower()):
        return None
    count = unicodedata.normalize("NFKC", rows)
    return AnsweredFile(
        bytes.fromhex(digest),
        _folded(result) not in _NOT_TAKEN,
        int(count) if count.isdecimal() and len(count) < 9 else 0,
        printable(" ".join(part for part in (result, note) if part))[:_TOLD],
    )


def _place(headings: list[str], names: frozenset[str]) -> int:
    return next((at for at, heading in enumerate(headings) if heading in names), -1)


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).strip().lower().replace(" ", "").replace("_", "")
