"""The label that every released file and every printed page carries.

Invariant: a label is one line, whatever stands in its parts, and its time has an offset.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from appliance.release.cells import one_line


class Act(StrEnum):
    """What was done; the word stands in the label."""

    EXPORT = "書き出し"
    PRINT = "印刷"


@dataclass(frozen=True, slots=True)
class Label:
    """Whose copy this is: `importance` as in ⅠⅡⅢⅣ, `at` local time with an offset, `permit` a number or empty."""

    school: str
    importance: str
    who: str
    at: datetime
    permit: str
    act: Act

    def __post_init__(self) -> None:
        if self.at.utcoffset() is None:
            raise ValueError("a label's time needs an offset")

    @property
    def time(self) -> str:
        """Return when, to the minute."""
        return f"{self.at:%Y-%m-%d %H:%M}"

    def line(self) -> str:
        """Return the whole label as one line."""
        parts = [
            f"重要性分類{self.importance}",
            self.school,
            self.who,
            f"{self.time} {self.act.value}",
            self.number(),
        ]
        return "　".join(one_line(part) for part in parts if part)

    def number(self) -> str:
        """Return the permit in words, empty without one."""
        return f"許可番号 {self.permit}" if self.permit else ""

    def watermark(self) -> tuple[str, ...]:
        """Return the lines that stand large behind each page: name, time, permit."""
        lines = (self.who, f"{self.time} {self.act.value}", self.number())
        return tuple(one_line(line) for line in lines if line)
