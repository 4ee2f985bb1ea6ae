"""`kurabako policy`: why something is allowed or not, and the whole table."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from appliance.exits import Exit

if TYPE_CHECKING:
    from appliance.classification.decision import Policy

_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
_WHICH = (
    click.option("--profile", default="taku-2018", show_default=True, help="a policy that is shipped"),
    click.option("--file", "file", type=_FILE, help="a policy of your own instead"),
)


@click.group()
def policy() -> None:
    """The classification rules 重要性分類: why something is allowed or not."""


@policy.command()
@click.argument("actor")
@click.argument("action")
@click.argument("asset")
@click.option("--line", default="online", show_default=True, help="online, degraded or offline")
@click.option("--place", default="school", show_default=True, help="school, board or away")
@click.option("--lapsed", is_flag=True, help="the board's lease has lapsed")
@click.option("--break-glass", is_flag=True, help="during 非常時開示")
@_WHICH[0]
@_WHICH[1]
def explain(
    actor: str,
    action: str,
    asset: str,
    line: str,
    place: str,
    lapsed: bool,
    break_glass: bool,
    profile: str,
    file: Path | None,
) -> int:
    """Say whether ACTOR may do ACTION with ASSET, and why.

    ACTOR is a role such as `teacher`, or `teacher@3-1` for the teacher of class 3-1. ASSET is kind:importance,
    such as `attendance.reason:II`, or kind:importance:class. Ends with 0 when allowed, 1 when not, 3 when it
    needs approval.
    """
    from appliance.classification.explaining import explanation, question

    asked = question(actor, action, asset, line, place, not lapsed, break_glass)
    decision = _policy(profile, file).decide(*asked)
    for told in explanation(asked, decision):
        click.echo(told)
    return {"allow": Exit.OK, "approval": Exit.INCOMPLETE, "deny": Exit.FAILED}[decision.verdict]


@policy.command()
@click.option("--json", "as_json", is_flag=True, help="print one JSON object")
@_WHICH[0]
@_WHICH[1]
def table(as_json: bool, profile: str, file: Path | None) -> int:
    """Print the whole table: who may do what with which importance, in every situation."""
    from appliance.classification.table import as_data, markdown

    found = _policy(profile, file)
    click.echo(
        json.dumps(as_data(found), ensure_ascii=False, indent=1) if as_json else markdown(found), nl=as_json
    )
    return Exit.OK


def _policy(profile: str, file: Path | None) -> "Policy":
    from appliance.classification.decision import Policy
    from appliance.classification.rules import read_policy_file
    from appliance.policy import shipped

    return Policy(read_policy_file(file)) if file else shipped(profile)
