"""`kurabako fleet`: every box of an inventory in one table, or as JSON. The table is found by name."""

import importlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import msgspec

from appliance.exits import Exit
from appliance.fleet.boxview import BoxView, Health
from appliance.fleet.gathering import Fleet
from appliance.fleet.reaching import asked_of
from appliance.fleet.remembered import file_of, remember, remembered
from sync.clock import wall_ms

FORMAT = 1


@click.command()
@click.argument("inventory", type=click.Path(path_type=Path))
@click.option("--school", "schools", multiple=True, help="only this 学校コード; may be given several times")
@click.option("--user", default="kurabako-support", show_default=True, help="who logs in")
@click.option("--every", default=30, show_default=True, type=click.IntRange(5, 3600), help="seconds between looks")
@click.option("--json", "as_json", is_flag=True, help="look once and print one JSON object")
def fleet(inventory: Path, schools: Sequence[str], user: str, every: int, as_json: bool) -> int:
    """Show every box of INVENTORY: line, lag, 確認済, last verified restore, lease, disk, clock, version.

    INVENTORY is the file of `kurabako provision`. Boxes are asked over SSH, all at once, for figures only. With
    --json the exit code is 0 when all are well and 3 when one is not, or was not reached.
    """
    boxes = asked_of(inventory, schools, user)
    file = file_of(inventory)
    found = Fleet(boxes, remembered(file))
    try:
        if not as_json:
            return int(importlib.import_module("tui.fleet").run(found, every))
        for thread in found.refresh(lambda _: None):
            thread.join()
        click.echo(json.dumps(shape(found.views), ensure_ascii=False, indent=2))
        well = all(view.health is Health.OK for view in found.views)
        return Exit.OK if well else Exit.INCOMPLETE
    finally:
        remember(file, {**remembered(file), **found.known})
        found.close()


def shape(views: Sequence[BoxView]) -> dict[str, Any]:
    """Return the documented JSON shape; `told` is the last word of a box, null if it never said one."""
    now_ms = wall_ms()
    return {
        "format": FORMAT,
        "at_ms": now_ms,
        "boxes": [
            {
                "school": view.school,
                "name": view.name,
                "host": view.host,
                "health": str(view.health),
                "problem": view.problem,
                "seen_ms": view.seen_ms or None,
                "seen_age_s": max(0, (now_ms - view.seen_ms) // 1000) if view.seen_ms else None,
                "told": msgspec.to_builtins(view.told) if view.told is not None else None,
            }
            for view in views
        ],
    }
