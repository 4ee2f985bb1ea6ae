"""Texts that came from anywhere: made comparable for searching, made safe for a terminal.

Invariant: pure functions; what `folded` returns is never shown or kept.
"""

import re
import unicodedata
from typing import Final

import jaconv

_NO_SOUND_YET: Final = "bcdfghjklmpqrstvwxyz"
_HIRAGANA: Final = {code: code - 0x60 for code in range(ord("ァ"), ord("ヶ") + 1)}


def folded(text: str) -> str:
    """Return text for searching: half width to full, katakana to hiragana, small letters, no spaces."""
    wide = unicodedata.normalize("NFKC", text).replace(" ", "").lower()
    return wide.translate(_HIRAGANA)


def as_kana(typed: str) -> str:
    """Return what Latin letters sound like (`sato` → さと), for whoever left the IME off; other text as it is.

    Consonants at the end are no sound yet and are left out, so that every key on the way finds something.
    """
    letters = unicodedata.normalize("NFKC", typed).lower()
    return jaconv.alphabet2kana(letters.rstrip(_NO_SOUND_YET)) if letters.isascii() else typed


def unfussy(text: str) -> str:
    """Return text as one line in which `finder` finds: half width to full, and the like; fit to be kept."""
    return " ".join(unicodedata.normalize("NFKC", text).split())


def finder(word: str) -> "re.Pattern[str]":
    """Return what finds a word in an `unfussy` text, however it was typed: kana of both kinds, case, spaces."""
    letters = [_either(letter) for letter in unicodedata.normalize("NFKC", word) if not letter.isspace()]
    return re.compile(" ?".join(letters), re.IGNORECASE)


def _either(letter: str) -> str:
    if "ぁ" <= letter <= "ゖ":
        return f"[{letter}{chr(ord(letter) + 0x60)}]"
    if "ァ" <= letter <= "ヶ":
        return f"[{letter}{chr(ord(letter) - 0x60)}]"
    return re.escape(letter)


def printable(text: str) -> str:
    """Return a text as one line that holds no command of a terminal."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)
