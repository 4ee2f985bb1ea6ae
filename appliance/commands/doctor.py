"""`kurabako doctor`: every check of a box, what it found and what to do. Needs no key and no passphrase."""

import json
from collections.abc import Sequence
from pathlib import Path

import click

from appliance.exits import Exit
from appliance.health.doctor import examined
from appliance.health.finding import Finding, State, worst
from appliance.health.look import Look, look_at
from appliance.health.words import state_word, tell
from appliance.messages import language
from appliance.ownversion import own_version

FORMAT = 1
_SEEN = {"ja": "（{age_s}秒前）", "en": " ({age_s} s ago)"}
_EXITS = {State.BAD: Exit.FAILED, State.WARN: Exit.INCOMPLETE}


@click.command()
@click.argument("site", type=click.Path(path_type=Path), envvar="KURABAKO_SITE")
@click.option("--json", "as_json", is_flag=True, help="print one JSON object")
def doctor(site: Path, as_json: bool) -> int:
    """Check the box of the site at SITE: what, how it stands, what to do, code.

    Reads figures only, never data or credentials. Exit code 0 when all is well, 3 when somebody should look,
    1 when somebody must do something.
    """
    look = look_at(site)
    findings = examined(look)
    if as_json:
        click.echo(json.dumps(shape(look, findings), ensure_ascii=False, indent=2))
    else:
        for line in lines(findings):
            click.echo(line)
    return _EXITS.get(worst([finding.state for finding in findings]), Exit.OK)


def shape(look: Look, findings: Sequence[Finding]) -> dict[str, object]:
    """Return the documented JSON shape."""
    return {
        "format": FORMAT,
        "school": look.config.site.school if look.config is not None else None,
        "version": own_version(),
        "at_ms": look.now_ms,
        "state": str(worst([finding.state for finding in findings])),
        "checks": [_entry(finding) for finding in findings],
    }


def _entry(finding: Finding) -> dict[str, object]:
    told = tell(finding)
    return {
        "check": finding.check,
        "code": told.code,
        "state": str(finding.state),
        "what": told.what,
        "says": told.says,
        "todo": told.todo,
        "reason": finding.reason,
        "figures": finding.figures,
        "age_s": finding.age_s,
    }


def lines(findings: Sequence[Finding]) -> list[str]:
    """Return the words of the terminal form: what is bad first, and what to do below it."""
    order = [State.BAD, State.WARN, State.OK, State.NONE]
    out: list[str] = []
    for finding in sorted(findings, key=lambda one: order.index(one.state)):
        told = tell(finding)
        seen = _SEEN[language()].format(age_s=finding.age_s) if finding.age_s else ""
        out.append(f"{state_word(finding)}  {told.what}: {told.says}{seen} [{told.code}]")
        if told.todo:
            out.append(f"        → {told.todo}")
    return out
