"""What the one embedded font can show, and what is told of the rest.

Invariant: a character that the font lacks shows as 〓, an unknown variant (異体字) as its base character, and both
are reported; only what nobody sees anyway goes unsaid.
"""

import re
import unicodedata
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from fontTools.ttLib import TTFont
from noto_cjk_sans_jp_regular import FONT_PATH

from appliance.release.cells import GETA, lines

FAMILY: Final = "Noto Sans CJK JP"
FOLDER: Final = Path(str(FONT_PATH)).parent
# Marks of kana that Macs write apart. NFC over the whole text would also turn 神 (U+FA19) into 神 and spoil names.
_APART: Final = re.compile("[\u3041-\u30ff][\u3099\u309a]")
# One letter for the eye: a character with its selectors, skin tones, joiners and joined characters.
_CLUSTER: Final = re.compile(
    "[\U0001f1e6-\U0001f1ff]{2}|.(?:[\ufe00-\ufe0f\U000e0100-\U000e01ef\U0001f3fb-\U0001f3ff\u20e3]|\u200d.)*",
    re.S,
)
_UNSEEN: Final = frozenset("\u00ad\u200b\u200c\u200d\u2060\ufeff")
_PRESENTATION: Final = range(0xFE00, 0xFE10)


@dataclass(frozen=True, slots=True)
class Missing:
    """What could not be shown, what shows instead, and how often."""

    text: str
    shown: str
    count: int


class Fitting:
    """Fits the texts of one document to the font and keeps account of what was lost."""

    def __init__(self) -> None:
        self._lost: Counter[tuple[str, str]] = Counter()

    def fit(self, text: str) -> str:
        """Return a text that the font shows whole."""
        joined = _APART.sub(lambda m: unicodedata.normalize("NFC", m[0]), lines(text))
        return _CLUSTER.sub(lambda m: self._cluster(m[0]), joined)

    def missing(self) -> tuple[Missing, ...]:
        """Return what was replaced so far, in the order in which it was met."""
        return tuple(Missing(text, shown, count) for (text, shown), count in self._lost.items())

    def _cluster(self, cluster: str) -> str:
        codes, variants = _coverage()
        if cluster in "\n\t" or (len(cluster) == 1 and ord(cluster) in codes and cluster not in _UNSEEN):
            return cluster
        base, rest = cluster[0], [c for c in cluster[1:] if c not in _UNSEEN]
        if base in _UNSEEN:
            return self.fit("".join(rest)) if rest else ""
        if ord(base) not in codes:
            return self._lose(cluster, GETA)
        if all(ord(c) in _PRESENTATION or (ord(base), ord(c)) in variants for c in rest):
            return base + "".join(c for c in rest if (ord(base), ord(c)) in variants)
        return self._lose(cluster, base)

    def _lose(self, cluster: str, shown: str) -> str:
        self._lost[cluster, shown] += 1
        return shown


@cache
def _coverage() -> tuple[frozenset[int], frozenset[tuple[int, int]]]:
    """Return the code points that the font has, and the pairs of base and variation selector."""
    with TTFont(Path(str(FONT_PATH)), lazy=True) as font:
        cmap = font["cmap"]
        codes = frozenset(
            code for code in cmap.getBestCmap() if unicodedata.category(chr(code)) not in ("Cf", "Cc")
        )
        variants = (table.uvsDict for table in cmap.tables if table.format == 14)
        pairs = frozenset((base, mark) for found in variants for mark, bases in found.items() for base, _ in bases)
    return codes, pairs
