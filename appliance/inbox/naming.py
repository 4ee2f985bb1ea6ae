"""File names from anywhere, made readable: 文字化け of Windows, old Unix and ZIP programs, and hostile characters.

Invariant: a name from here is one printable line of NFC text, never empty, at most 200 characters; `guessed` says
that it is not what the bytes said, and then `raw` is to be kept beside it. Nothing is refused.
"""

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

NAMELESS: Final = "名前なし"
LONGEST: Final = 200
_ENDING: Final = 16
_RUN: Final = re.compile(r"[ぁ-ゖァ-ヺー一-鿿㐀-䶿々〆\uff01-\uff60\u3000-\u303f①-⑳]+")
_JAPANESE: Final = re.compile(r"[ぁ-ゖァ-ヺ一-鿿㐀-䶿々〆]")
_HALF: Final = re.compile(r"[｡-ﾟ]")
_ODD: Final = re.compile(r"[\u0370-\u04ff\u2500-\u259f\ue000-\uf8ff\ufffd]")  # what nobody calls a file
_WRONG: Final = (  # taken for the first, in truth the second: the second that reads well is believed
    ("cp437", "utf-8"),
    ("latin-1", "utf-8"),
    ("cp932", "utf-8"),
    ("cp437", "cp932"),
    ("latin-1", "cp932"),
)


@dataclass(frozen=True, slots=True)
class FileName:
    """A readable name; whether it had to be guessed; the bytes that stood there."""

    text: str
    guessed: bool
    raw: bytes

    @property
    def shown_raw(self) -> str:
        """Return the bytes as ASCII, so that whoever wants the original name can have it."""
        return "".join(chr(byte) if 32 <= byte < 127 and byte != 92 else f"\\x{byte:02x}" for byte in self.raw)


def read_name(raw: bytes) -> FileName:
    """Return what a file's name most likely is."""
    decoded, guessed = _decoded(raw)
    text = _cleaned(decoded)
    changed = text != unicodedata.normalize("NFC", decoded)
    return FileName(text, guessed or changed, raw)


def _decoded(raw: bytes) -> tuple[str, bool]:
    """Return the text of the bytes and whether their encoding was guessed."""
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        return _of_old_bytes(raw), True
    if b"\x1b$" in raw or b"\x1b(" in raw:
        try:
            return raw.decode("iso2022_jp"), True
        except UnicodeDecodeError:
            return text, False
    repaired = _repaired(text)
    return (text, False) if repaired is None else (repaired, True)


def _of_old_bytes(raw: bytes) -> str:
    """Decode bytes of Windows (cp932) or of an old Unix (EUC-JP), whichever reads more like Japanese."""
    windows, unix = (_strictly(raw, encoding) for encoding in ("cp932", "euc_jp"))
    if windows is None or unix is None:
        return windows or unix or raw.decode("utf-8", "replace")
    only_half = all(letter.isascii() or _HALF.match(letter) for letter in windows)
    if only_half and not re.search("[ぁ-ゖァ-ヺ]", unix):
        return windows  # half-width katakana, as old Windows programs liked them
    return unix if _strangeness(unix) < _strangeness(windows) else windows


def _strictly(raw: bytes, encoding: str) -> str | None:
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError:
        return None


def _repaired(text: str) -> str | None:
    """Return a name that an unpacking program wrote down in the wrong encoding; None where it is right as it is.

    A ZIP file does not say how its names are encoded: cp932 (Windows) or UTF-8 (macOS) bytes are taken for the
    cp437 of the format's first days, or for Latin-1; or UTF-8 for cp932.
    """
    if text.isascii():
        return None
    for wrong, right in _WRONG:
        try:
            reading = text.encode(wrong).decode(right)
        except UnicodeError:
            continue
        if _believable(reading, text, sure=right == "utf-8"):
            return reading
    return None


def _believable(reading: str, text: str, *, sure: bool) -> bool:
    """Say whether a reading is Japanese where the text is not; bytes fit UTF-8 by chance rarely (`sure`)."""
    if sure:
        foreign = sum(not (letter.isascii() or _HALF.match(letter) or _RUN.match(letter)) for letter in reading)
        return foreign == 0 and len(reading) < len(text)
    longest = max(map(len, _RUN.findall(reading)), default=0)
    return longest >= 2 and bool(_JAPANESE.search(reading)) and not _JAPANESE.search(text)


def _strangeness(text: str) -> float:
    """Return how unlike a Japanese file name a text is."""
    odd = len(_HALF.findall(text)) + 3 * len(_ODD.findall(text))
    return odd - 0.1 * len(re.findall("[ぁ-ゖァ-ヺー]", text))


def _cleaned(text: str) -> str:
    """Remove what moves the cursor, turns the line round or hides; cut what is too long before its ending."""
    normal = unicodedata.normalize("NFC", text)
    kept = "".join(letter for letter in normal if letter.isprintable()).strip().rstrip(". 　")
    if len(kept) > LONGEST:
        stem, dot, ending = kept.rpartition(".")
        tail = dot + ending if stem and len(ending) <= _ENDING else ""
        kept = kept[: LONGEST - len(tail) - 1] + "…" + tail
    return kept or NAMELESS
