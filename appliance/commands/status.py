"""`kurabako status`: how far the entries have got, in words or as JSON. Imports as little as possible."""

import json
from datetime import datetime, timedelta, timezone
from pathlib import Path

import click

from appliance.config import load_config
from appliance.exits import Exit
from appliance.messages import explain_code
from sync.site import SitePaths
from sync.status import Status, read_status

JST = timezone(timedelta(hours=9), "JST")


@click.command()
@click.argument("site", type=click.Path(path_type=Path), envvar="KURABAKO_SITE")
@click.option("--json", "as_json", is_flag=True, help="print one JSON object")
def status(site: Path, as_json: bool) -> int:
    """Show 保存済 / 送信済, the line, and the last verified restore of the site at SITE.

    Exit code 0 when everything saved was also read back from the store, 3 when entries are waiting, 1 when
    the sync daemon does not run (then nothing is known and nothing is claimed).
    """
    config = load_config(site)
    told = read_status(SitePaths(site))
    if as_json:
        click.echo(json.dumps(shape(config.site.school, told), ensure_ascii=False, indent=2))
    else:
        for line in lines(config.site.school, config.site.name, told):
            click.echo(line)
    if told is None:
        return Exit.FAILED
    return Exit.OK if told.waiting == 0 else Exit.INCOMPLETE


def when(ms: int | None) -> str:
    """Return a point in time (ms since 1970) as Japanese local time, or a dash."""
    return "—" if not ms else datetime.fromtimestamp(ms / 1000, JST).strftime("%Y-%m-%d %H:%M:%S")


def shape(school: str, told: Status | None) -> dict[str, object]:
    """Return the documented JSON shape; every figure is null when the daemon does not run."""
    known = told is not None
    return {
        "school": school,
        "running": known,
        "link": told.link if told else "unknown",
        "saved": told.saved if told else None,
        "sent": told.sent if told else None,
        "waiting": told.waiting if told else None,
        "sent_at_ms": told.sent_at_ms if told else None,
        "verified_at_ms": told.verified_at_ms if told else None,
        "replica_resets": told.replica_resets if told else None,
        "warnings": list(told.warnings) if told else [],
    }


def lines(school: str, name: str, told: Status | None) -> list[str]:
    """Return the words of the terminal form."""
    head = f"{name}（{school}）"
    if told is None:
        return [head, "状態不明: 同期の係（kurabako serve）が動いていません。保存済の記録はこの箱にあります。"]
    line = {"online": "● 接続", "degraded": "◐ 不安定", "offline": "○ 切断"}.get(told.link, "？ 不明")
    out = [
        head,
        f"線        {line}",
        f"保存済    {told.saved}",
        f"送信済    {told.sent}（{when(told.sent_at_ms)} に読み返し）",
        f"未送信    {told.waiting}件",
        f"最終検証  {when(told.verified_at_ms)}",
    ]
    return out + [f"注意      {explain_code(code).sentence} [{code}]" for code in told.warnings]
