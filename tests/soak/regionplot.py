"""Run as `python -m tests.soak.regionplot FILE... --out docs/region.svg`: what a school costs in a region.

FILEs are what `tests.soak.region` wrote, one for each size; a run in which workers were killed is no point of the
plot. They are kept beside it in one file, and the table that stands in the pages is printed.
"""

import argparse
import json
from pathlib import Path
from typing import Any, Final

import msgspec
import typst

from appliance.release.glyphs import FAMILY, FOLDER

PANELS: Final = (
    ("Processor, ms a visit", ("cpu_ms_per_visit",)),
    ("Processor, ms a school and minute", ("cpu_ms_per_school_minute",)),
    ("GETs a school and minute", ("gets_per_school_minute",)),
    ("Entry to 確認済, s: median, 99 in 100, longest", ("confirmed_s_p50", "confirmed_s_p99", "confirmed_s_max")),
)
COLUMNS: Final = (
    ("schools", "schools"),
    ("entries", "entries"),
    ("killed", "workers killed"),
    ("lost", "lost"),
    ("twice", "twice"),
    ("visits", "visits"),
    ("cpu_ms_per_visit", "processor, ms/visit"),
    ("cpu_ms_per_school_minute", "processor, ms/school/min"),
    ("gets_per_visit", "GETs/visit"),
    ("gets_per_school_minute", "GETs/school/min"),
    ("confirmed_s_p50", "確認済 p50, s"),
    ("confirmed_s_p99", "p99, s"),
    ("confirmed_s_max", "max, s"),
    ("harness_late_s", "boxes late, s"),
    ("idle_gets_per_school_day", "idle GETs/school/day"),
    ("load", "load"),
)
_DRAWING: Final = Path(__file__).with_name("regionplot.typ")


def main() -> None:
    """Draw and print."""
    parser = argparse.ArgumentParser(prog="tests.soak.regionplot")
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--out", type=Path, default=Path("docs/region.svg"))
    args = parser.parse_args()
    rows = sorted(
        (json.loads(file.read_text("utf-8")) for file in args.files), key=lambda row: int(row["schools"])
    )
    args.out.write_bytes(drawn(rows))
    args.out.with_suffix(".json").write_text(json.dumps(rows, indent=1) + "\n", "utf-8")
    print(table(rows))


def drawn(rows: list[dict[str, Any]]) -> bytes:
    """Return the plot as SVG."""
    panels = [
        {
            "title": title,
            "lines": [[[row["schools"], row[name]] for row in rows if not row["killed"]] for name in names],
        }
        for title, names in PANELS
    ]
    data = msgspec.json.encode({"font": FAMILY, "panels": panels}).decode()
    compiler = typst.Compiler(root=str(_DRAWING.parent), font_paths=[str(FOLDER)], ignore_system_fonts=True)
    made = compiler.compile(str(_DRAWING), format="svg", sys_inputs={"data": data})
    assert isinstance(made, bytes)
    return made


def table(rows: list[dict[str, Any]]) -> str:
    """Return the rows as a table for a document."""
    head = "| " + " | ".join(title for _, title in COLUMNS) + " |"
    lines = [head, "|" + "---|" * len(COLUMNS)]
    for row in rows:
        lines.append("| " + " | ".join(f"{round(row[name], 1):,g}" for name, _ in COLUMNS) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
