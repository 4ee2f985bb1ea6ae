"""What a soak found: one row per fault, one table, one file.

Invariant: a row with runs says how many entries were lost and how many replicas stayed corrupt; a fault that could
not be played here has no runs and says why.
"""

import json
import os
import platform
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from math import inf
from pathlib import Path
from statistics import median
from typing import Any, Final

COLUMNS: Final = ("name", "runs", "lost", "corrupt", "confirmed_s_p50", "confirmed_s_max")
SIZES: Final = ("tiny", "short", "full")
_TELLING: Final = 20  # kills after which a control without a corrupt replica is no control


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
        told = dict(zip(COLUMNS, (self.name, self.runs, self.lost, self.corrupt, p50, most), strict=True))
        return told | {"note": self.note.strip(), "failed": self.failed}


@dataclass
class Control:
    """The same kills of the writer with nobody healing."""

    runs: int = 0
    corrupt: int = 0
    note: str = ""

    @property
    def passed(self) -> bool:
        """Say whether it showed what healing is for: 3 in 10 of these kills leave a replica corrupt."""
        return self.corrupt > 0 or self.runs < _TELLING

    def figures(self) -> dict[str, Any]:
        """Return it as it stands in the file."""
        return {"name": "writer_kill_9_unhealed", **asdict(self)}


@dataclass(frozen=True, slots=True)
class Play:
    """What a scenario is given: a folder of its own, how much to play, the seed, where to tell its progress.

    `share` (2, 4) is the second of four parts that are played elsewhere at the same time; `ends` is when nothing
    new is begun any more (monotonic clock).
    """

    folder: Path
    size: str
    seed: int
    say: Callable[[str], None] = print
    share: tuple[int, int] = (1, 1)
    ends: float = inf

    def pick(self, tiny: int, short: int, full: int) -> int:
        """Return the number that belongs to the size that is played."""
        return dict(zip(SIZES, (tiny, short, full), strict=True))[self.size]

    def runs(self, tiny: int, short: int, full: int) -> int:
        """Return how many runs are this share's of the number that belongs to the size that is played."""
        number, of = self.share
        whole, left = divmod(self.pick(tiny, short, full), of)
        return whole + (number <= left)

    def each(self, row: Row, number: int) -> Iterator[int]:
        """Yield 0, 1, … below a number of runs; ends early, and says so in the row, when the time is over."""
        for turn in range(number):
            if time.monotonic() > self.ends:
                row.note += f"the time was over after {turn} of {number} "
                return
            yield turn

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
            f"{row.name:26}{row.runs:>6}{row.lost:>6}{row.corrupt:>9}{p50:>17}{most:>9}  {_said(row)}".rstrip()
        )
    if control is not None:
        name = control.figures()["name"]
        lines += ["", f"control: {name}: {control.corrupt} of {control.runs} replicas corrupt. {control.note}"]
    return "\n".join(lines)


def _said(row: Row) -> str:
    return "; ".join(text for text in (row.failed and f"failed: {row.failed}", row.note.strip()) if text)


def write(path: Path, rows: Sequence[Row], control: Control | None, seed: int, size: str) -> None:
    """Write the file. `confirmed_s` are all the seconds that the figures sum up: shares are joined by them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    told = {
        "faults": [row.figures() for row in rows],
        "control": control.figures() if control else {},
        "confirmed_s": {row.name: [round(seconds, 3) for seconds in row.confirmed] for row in rows},
        "machine": machine(),
        "seed": seed,
        "size": size,
    }
    path.write_text(json.dumps(told, ensure_ascii=False, indent=2) + "\n", "utf-8")


def read(paths: Sequence[Path]) -> tuple[list[Row], Control | None]:
    """Read the files of shares and add them up; a row that only one of them has stands as it is."""
    rows: dict[str, Row] = {}
    control = Control()
    for path in paths:
        told = json.loads(path.read_text("utf-8"))
        for figures in told["faults"]:
            row = rows.setdefault(figures["name"], Row(figures["name"]))
            row.runs, row.lost, row.corrupt = (
                getattr(row, name) + figures[name] for name in ("runs", "lost", "corrupt")
            )
            row.confirmed += told["confirmed_s"][row.name]
            row.failed = "; ".join(text for text in (row.failed, figures["failed"]) if text)
            row.note = "; ".join(text for text in (row.note, figures["note"]) if text)
        unhealed = told["control"]
        control.runs += unhealed.get("runs", 0)
        control.corrupt += unhealed.get("corrupt", 0)
        control.note = "; ".join(text for text in (control.note, unhealed.get("note", "")) if text)
    return list(rows.values()), control if control.runs else None
