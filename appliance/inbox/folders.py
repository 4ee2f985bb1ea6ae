"""Which importance a place in the drop folder stands for, and which names there are no documents at all.

Invariant: a label is the first folder's name and nothing else; whatever is no label is importance II and counts as
unlabelled. Names are bytes here; nothing is read, nothing removed.
"""

import contextlib
import re
import unicodedata
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from typing import Final

from crypto.importance import Importance

UNLABELLED: Final = Importance.II
EXCHANGE: Final = "取込"
"""What the school system exports: importance II, and announced to whoever may import it."""
LEAVING: Final = b".leaving"  # what is recorded moves in here before it is removed: nobody finds it by its path
FOLDERS: Final = (*(importance.name for importance in Importance), EXCHANGE)
_LABELS: Final = {importance.name: importance for importance in Importance} | {
    str(int(importance)): importance for importance in Importance
}
_LABELS[EXCHANGE] = UNLABELLED
_APPLE_DOUBLE: Final = bytes.fromhex("00051607")
_JUNK: Final = re.compile(rb"(?i:thumbs\.db|ehthumbs\.db|desktop\.ini)|\.DS_Store|\._.+", re.DOTALL)
_TEMPORARY: Final = re.compile(
    rb"~\$.*|\..*|.*~|.*\.(?i:tmp|temp|part|partial|crdownload|filepart|download|swp|lck|opdownload)", re.DOTALL
)


@dataclass(frozen=True, slots=True)
class Place:
    """What the folders of a file say: importance, whether somebody chose it, and the folders below the label.

    `exchange`: it lies in 取込.
    """

    importance: Importance
    labelled: bool
    under: tuple[bytes, ...]
    exchange: bool = False


class Kind(Enum):
    """What a name is."""

    DOCUMENT = auto()
    JUNK = auto()  # made by a file manager beside the documents, with small pictures of them: removed
    TEMPORARY = auto()  # a program is still at work, or died: left alone


def place_of(folders: tuple[bytes, ...]) -> Place:
    """Return what the folders that a file lies in (outermost first) say of it."""
    label = _label(folders[0]) if folders else ""
    if not label:
        return Place(UNLABELLED, False, folders)
    return Place(_LABELS[label], True, folders[1:], label == EXCHANGE)


def kind_of(name: bytes) -> Kind:
    """Return what a file's name says: Samba, Word, browsers and scanners write under other names first."""
    if _JUNK.fullmatch(name):
        return Kind.JUNK
    return Kind.TEMPORARY if _TEMPORARY.fullmatch(name) else Kind.DOCUMENT


def is_junk(name: bytes, begin: bytes) -> bool:
    """Say whether a file with such a name, whose bytes begin so, may be thrown away.

    Macs put `._name` beside a document: removed only when it is what they write, for anybody may name a file so.
    """
    return not name.startswith(b"._") or begin == _APPLE_DOUBLE


def make_folders(inbox: Path) -> None:
    """Make the folders of the labels where they are missing, with the rights of the drop folder itself."""
    inbox.mkdir(mode=0o700, exist_ok=True)
    mode = inbox.stat().st_mode & 0o7777
    present = {_shown(path.name.encode("utf-8", "surrogateescape")) for path in inbox.iterdir() if path.is_dir()}
    for name in FOLDERS:
        if name not in present:
            (inbox / name).mkdir(exist_ok=True)
            with contextlib.suppress(PermissionError):  # the unit forbids setgid: there tmpfiles made it before
                (inbox / name).chmod(mode)  # whoever shares the folder said who may write here


def _label(folder: bytes) -> str:
    """Read `II`, `Ⅱ`, `2`, `２` or `取込`; empty for anything else."""
    try:
        word = unicodedata.normalize("NFKC", folder.decode()).strip().upper()
    except UnicodeDecodeError:
        return ""
    return word if word in _LABELS else ""


def _shown(folder: bytes) -> str:
    """Return the label in the spelling that folders are made with."""
    label = _label(folder)
    return label if label in ("", EXCHANGE) else _LABELS[label].name
