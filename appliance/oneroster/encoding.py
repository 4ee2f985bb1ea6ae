"""From the bytes of one CSV file to text, or a refusal that says which line is garbled.

Invariant: text leaves here only if it was decoded without loss; a guess that would put wrong characters into
children's names is refused instead. Exporters write UTF-8 with or without a byte order mark; Excel adds CP932.
"""

import codecs
from typing import NamedTuple

from appliance.oneroster.errors import MojibakeError, UndecodableError
from appliance.oneroster.values import has_half_katakana

UTF8 = "utf-8"
UTF8_BOM = "utf-8-sig"
CP932 = "cp932"

_WIDE_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
# UTF-8 bytes of kana read as CP932 begin with one of these rare characters.
_UTF8_AS_CP932 = frozenset("縺繧繝")
# CP932 bytes of kana (0x82, 0x83) read as CP1252 or Latin-1.
_CP932_AS_LATIN = frozenset("‚ƒ\x82\x83")
_SIGNS_NEEDED = 3
_SIGN_SHARE = 0.1


class Decoded(NamedTuple):
    """The text of a file and the encoding it was written in."""

    text: str
    encoding: str


def decode(data: bytes, file: str) -> Decoded:
    """Decode one file. Raises UndecodableError or MojibakeError with the line (1-based)."""
    if data.startswith(_WIDE_MARKS):
        raise UndecodableError(operation="decode export", subject=file, file=file, line=1)
    marked = data.startswith(codecs.BOM_UTF8)
    body = data.removeprefix(codecs.BOM_UTF8)
    try:
        decoded = Decoded(body.decode("utf-8"), UTF8_BOM if marked else UTF8)
    except UnicodeDecodeError as exc:
        # UTF-8 that was cut in mid-character would pass as CP932.
        cut = exc.end == len(body) and "unexpected end" in exc.reason and not body[: exc.start].isascii()
        if marked or cut:
            raise _undecodable(body, exc, file) from exc
        decoded = _decode_cp932(body, file)
    _refuse_garbled(decoded.text, file)
    return decoded


def _decode_cp932(body: bytes, file: str) -> Decoded:
    try:
        text = body.decode("cp932")
    except UnicodeDecodeError as exc:
        raise _undecodable(body, exc, file) from exc
    if _is_euc(body, text):
        raise UndecodableError(operation="decode export", subject=file, file=file, line=1)
    return Decoded(text, CP932)


def _is_euc(body: bytes, as_cp932: str) -> bool:
    """EUC-JP read as CP932 is mostly half-width katakana, which no exporter writes so often."""
    wide = [c for c in as_cp932 if ord(c) > 0x7F]
    half = sum(has_half_katakana(c) for c in wide)
    if half * 2 < len(wide):
        return False
    try:
        body.decode("euc_jp")
    except UnicodeDecodeError:
        return False
    return True


def _undecodable(body: bytes, exc: UnicodeDecodeError, file: str) -> UndecodableError:
    line = body.count(b"\n", 0, exc.start) + 1
    return UndecodableError(operation="decode export", subject=file, cause=exc, file=file, line=line)


def _refuse_garbled(text: str, file: str) -> None:
    nul = text.find("\0")
    if nul >= 0:
        raise UndecodableError(operation="decode export", subject=file, file=file, line=_line_of(text, nul))
    lost = text.find("\ufffd")
    if lost < 0:
        lost = _garbled_at(text)
    if lost >= 0:
        raise MojibakeError(operation="decode export", subject=file, file=file, line=_line_of(text, lost))


def _garbled_at(text: str) -> int:
    if text.isascii():
        return -1
    wide = sum(ord(c) > 0x7F for c in text)
    for signs in (_UTF8_AS_CP932, _CP932_AS_LATIN):
        count = sum(text.count(sign) for sign in signs)
        if count >= _SIGNS_NEEDED and count >= wide * _SIGN_SHARE:
            return min(at for at in (text.find(sign) for sign in signs) if at >= 0)
    return _utf8_as_latin_at(text)


def _utf8_as_latin_at(text: str) -> int:
    """Find a line whose characters are really the bytes of UTF-8; names such as João never form valid UTF-8."""
    at = 0
    for line in text.splitlines(keepends=True):
        if not line.isascii() and _is_utf8_again(line):
            return at
        at += len(line)
    return -1


def _is_utf8_again(line: str) -> bool:
    try:
        raw = b"".join(c.encode("latin-1") if ord(c) <= 0xFF else c.encode("cp1252") for c in line)
        raw.decode("utf-8")
    except UnicodeError:
        return False
    return True


def _line_of(text: str, at: int) -> int:
    return text.count("\n", 0, at) + 1
