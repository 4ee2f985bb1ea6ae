"""重要性分類 I–IV, the classes of information that the whole product is built around.

Source: 教育情報セキュリティポリシーに関するガイドライン (文科省), chapter on classification.
"""

from enum import IntEnum


class Importance(IntEnum):
    """I is the gravest. The number is what stands in every format."""

    I = 1  # noqa: E741 - the rule's own name
    II = 2
    III = 3
    IV = 4

    @property
    def label(self) -> str:
        """Return the roman numeral that documents use."""
        return "ⅠⅡⅢⅣ"[self - 1]
