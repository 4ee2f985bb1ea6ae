"""A log line made anew out of known words only.

Invariant: what comes out is built from four closed lists and nothing else: words of `logwords.txt`, error codes,
names of exception classes of this program and of Python, places in our own source. Numbers stay when they have at
most three digits. Anything else becomes `…`; so no log, whatever a library writes into it, carries a name.
"""

import builtins
import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Final

from appliance.messages import catalogue

GAP: Final = "…"
_FRAME: Final = re.compile(r'File "[^"]*?/((?:crypto|sync|appliance|tui)/[\w/]+\.py)", line (\d{1,4})')
_TOKEN: Final = re.compile(r"\x00\d+\x00|[A-Z]{3,6}-\d{2,3}(?!\w)|\w+")
_LONGEST: Final = 4000
_HERE: Final = Path(__file__).resolve().parents[2]
_OTHERS: Final = ("DatabaseError", "OperationalError", "IntegrityError", "SSHException", "ValidationError")


def safe_line(text: str) -> str:
    """Return what may be told of a line; only gaps when nothing of it is known."""
    places: list[str] = []

    def keep(match: re.Match[str]) -> str:
        if not (_HERE / match.group(1)).is_file():
            return " "
        places.append(f"{match.group(1)}:{match.group(2)}")
        return f" \x00{len(places) - 1}\x00 "

    cleaned = text[:_LONGEST].replace("\x00", " ")
    return " ".join(_collapsed(_kept(_TOKEN.findall(_FRAME.sub(keep, cleaned)), places)))


def _kept(tokens: list[str], places: list[str]) -> Iterator[str]:
    for token in tokens:
        if token.startswith("\x00"):
            yield places[int(token.strip("\x00"))]
        elif token.lower() in _words() or token in _codes() or token in _exceptions() or _small(token):
            yield token
        else:
            yield GAP


def _small(token: str) -> bool:
    return token.isascii() and token.isdigit() and len(token) <= 3


def _collapsed(tokens: Iterator[str]) -> Iterator[str]:
    before = ""
    for token in tokens:
        if token != GAP or before != GAP:
            yield token
        before = token


@cache
def _words() -> frozenset[str]:
    text = files("appliance").joinpath("health", "logwords.txt").read_text("utf-8")
    lines = (line for line in text.splitlines() if not line.startswith("#"))
    return frozenset(word for line in lines for word in re.findall(r"\w+", line))


@cache
def _codes() -> frozenset[str]:
    return frozenset(catalogue("en"))


@cache
def _exceptions() -> frozenset[str]:
    own = {
        name for name, value in vars(builtins).items() if isinstance(value, type) and issubclass(value, Exception)
    }
    pattern = re.compile(r"^class (\w+Error)\(", re.M)
    for package in ("crypto", "sync", "appliance", "tui"):
        for file in (_HERE / package).rglob("*.py"):
            own.update(pattern.findall(file.read_text("utf-8")))
    return frozenset(own | {*_OTHERS})
