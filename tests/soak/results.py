"""What a soak found: one row per fault, one table, one file.

Invariant: a row with runs says how many entries were lost and how many replicas stayed corrupt; a fault that could
not be played here has no runs and says why.
"""

import json
import os
import platform
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any, Final

COLUMNS: Final = ("name", "runs", "lost", "corrupt", "confirmed_s_p50", "confirmed_s_max")
SIZES: Final = ("tiny", "short", "full")


@dataclass
class Row:
    """One fault. `confirmed` are the seconds from its end to 確認済, of each run; `failed` is why it broke off."""

    name: str
    runs: int = 0
    lost: int = 0
    corrupt: int = 0
    confirmed: list[float] = field(default_factory=list)
    note: str = ""
    failed: str = ""

    @property
    def passed(self) -> bool:
        """Say whether nothing was lost, nothing corrupt, and it was played to its end."""
        return not (self.lost or self.corrupt or self.failed)

    def figures(self) -> dict[str, Any]:
        """Return the row as it stands in the file."""
        p50 = round(median(self.confirmed), 2) if self.confirmed else None
        most = round(max(self.confirmed), 2) if self.confirmed else None
        note = "; ".join(text for text in (self.failed and f"failed: {self.failed}", self.note) if text)
        return dict(zip(COLUMNS, (self.name, self.runs, self.lost, self.corrupt, p50, most), strict=True)) | {
            "note": note
        }


@dataclass
class Control:
    """The same kills of the writer with nobody healing."""

    runs: int = 0
    corrupt: int = 0
    note: str = ""

    def figures(self) -> dict[str, Any]:
        """Return it as it stands in the file."""
        return {"name": "writer_kill_9_unhealed", **asdict(self)}


@dataclass(frozen=True, slots=True)
class Play:
    """What a scenario is given: a folder of its own, how much to play, the seed, where to tell its progress."""

    folder: Path
    size: str
    seed: int
    say: Callable[[str], None] = print

    def pick(self, tiny: int, short: int, full: int) -> int:
        """Return the number that belongs to the size that is played."""
        return dict(zip(SIZES, (tiny, short, full), strict=True))[self.size]

    def sub(self, name: object) -> Path:
        """Make and return a folder in it."""
        made = self.folder / str(name)
        made.mkdir(parents=True)
        return made


def machine() -> dict[str, Any]:
    """Return what the figures were made on."""
    return {
        "cpus": os.cpu_count(),
        "system": f"{platform.system()} {platform.release()}",
        "machine": platform.machine(),
        "python": platform.python_version(),
    }


def table(rows: Sequence[Row], control: Control | None) -> str:
    """Return all rows as one table of plain text."""
    lines = [f"{'fault':26}{'runs':>6}{'lost':>6}{'corrupt':>9}{'確認済 p50 s':>14}{'max s':>9}  note"]
    for row in rows:
        told = row.figures()
        p50, most = ("-" if told[name] is None else f"{told[name]:.2f}" for name in COLUMNS[4:])
        lines.append(
            f"{row.name:26}{row.runs:>6}{row.lost:>6}{row.corrupt:>9}{p50:>17}{most:>9}  {told['note']}".rstrip()
        )
    if control is not None:
        name = control.figures()["name"]
        lines += ["", f"control: {name}: {control.corrupt} of {control.runs} replicas corrupt. {control.note}"]
    return "\n".join(lines)


def write(path: Path, rows: Sequence[Row], control: Control | None, seed: int, size: str) -> None:
    """Write the file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    told = {
        "faults": [row.figures() for row in rows],
        "control": control.figures() if control else {},
        "machine": machine(),
        "seed": seed,
        "size": size,
    }
    path.write_text(json.dumps(told, ensure_ascii=False, indent=2) + "\n", "utf-8")
