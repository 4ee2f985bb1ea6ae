"""`kurabako status`: how far the entries have got, in words or as JSON. Imports as little as possible.

Invariant: what the daemon does not tell now is not claimed; conflicts and quarantine are counted in the store
itself, without any key.
"""

import contextlib
import json
from datetime import datetime, timedelta, timezone
from pathlib import Path

import click

from appliance.config import load_config
from appliance.exits import Exit
from appliance.messages import explain_code
from sync.clock import wall_ms
from sync.conflicts import ConflictCounter
from sync.database import DatabaseError
from sync.errors import SyncError
from sync.reader import Reader
from sync.site import SitePaths
from sync.status import Status, read_status

JST = timezone(timedelta(hours=9), "JST")
Counts = tuple[int | None, int | None]
"""Records in conflict and changes in quarantine; None when the store cannot be read."""
_SKEW_MS = 60_000
_LEASES = {  # by LeaseState, whose module would bring the ciphers in
    "unleased": "なし（教育委員会がまだ出していません）",
    "live": "生きている",
    "lapsed": "切れている（重要性分類Ⅰ・Ⅱは開きません）",
    "revoked": "取り消された（重要性分類Ⅰ・Ⅱは開きません）",
}


@click.command()
@click.argument("site", type=click.Path(path_type=Path), envvar="KURABAKO_SITE")
@click.option("--json", "as_json", is_flag=True, help="print one JSON object")
def status(site: Path, as_json: bool) -> int:
    """Show 保存済 / 送信済 / 確認済, the line, and the last verified restore of the site at SITE.

    Exit code 0 when everything saved was also read back from the store, 3 when entries are waiting, 1 when
    the sync daemon does not run (then nothing is known and nothing is claimed).
    """
    config = load_config(site)
    paths = SitePaths(site)
    told, counts = read_status(paths), counted(paths)
    if as_json:
        click.echo(json.dumps(shape(config.site.school, told, counts), ensure_ascii=False, indent=2))
    else:
        for line in lines(config.site.school, config.site.name, told, counts):
            click.echo(line)
    if told is None:
        return Exit.FAILED
    return Exit.OK if told.waiting == 0 else Exit.INCOMPLETE


def when(ms: int | None) -> str:
    """Return a point in time (ms since 1970) as Japanese local time, or a dash."""
    return "—" if not ms else datetime.fromtimestamp(ms / 1000, JST).strftime("%Y-%m-%d %H:%M:%S")


def counted(paths: SitePaths) -> Counts:
    """Count conflicts and quarantined changes in a site's store; opens nothing."""
    try:
        with contextlib.closing(Reader(paths.store)) as reader:
            return ConflictCounter(reader).counts()
    except (DatabaseError, OSError, SyncError):
        return None, None


def shape(school: str, told: Status | None, counts: Counts = (None, None)) -> dict[str, object]:
    """Return the documented JSON shape; what only the daemon knows is null while it does not run."""
    known = told is not None
    return {
        "school": school,
        "running": known,
        "link": told.link if told else "unknown",
        "saved": told.saved if told else None,
        "sent": told.sent if told else None,
        "waiting": told.waiting if told else None,
        "sent_at_ms": told.sent_at_ms if told else None,
        "sent_age_s": age_s(told.sent_at_ms) if told else None,
        "confirmed": told.confirmed if told else None,
        "confirmed_at_ms": told.confirmed_at_ms if told else None,
        "confirmed_age_s": age_s(told.confirmed_at_ms) if told else None,
        "superseded": told.superseded if told else None,
        "clock_skew_ms": told.clock_skew_ms if told else None,
        "conflicts": counts[0],
        "quarantined": counts[1],
        "verified_at_ms": told.verified_at_ms if told else None,
        "replica_resets": told.replica_resets if told else None,
        "lease": str(told.lease) if told else None,
        "lease_until_ms": told.lease_until_ms if told else None,
        "warnings": list(told.warnings) if told else [],
    }


def age_s(at_ms: int | None) -> int | None:
    """Return how many seconds ago that was; a time ahead of this clock is 0."""
    return None if not at_ms else max(0, (wall_ms() - at_ms) // 1000)


def lines(school: str, name: str, told: Status | None, counts: Counts = (None, None)) -> list[str]:
    """Return the words of the terminal form."""
    head = [f"{name}（{school}）"]
    waiting = [
        f"{word}{count}件" for word, count in zip(("競合      ", "隔離      "), counts, strict=True) if count
    ]
    if told is None:
        lost = "状態不明: 同期の係（kurabako serve）が動いていません。保存済の記録はこの箱にあります。"
        return [*head, lost, *waiting]
    line = {"online": "● 接続", "degraded": "◐ 不安定", "offline": "○ 切断"}.get(told.link, "？ 不明")
    if told.superseded:
        head.append("交代済    この端末は読み取り専用です")
    out = [
        *head,
        f"線        {line}",
        f"保存済    {told.saved}",
        f"送信済    {told.sent}（{when(told.sent_at_ms)} に読み返し）",
        f"未送信    {told.waiting}件",
        confirmed(told),
        f"最終検証  {when(told.verified_at_ms)}",
        leased(told),
        *waiting,
    ]
    if abs(told.clock_skew_ms or 0) >= _SKEW_MS:
        out.append(f"時計のずれ {abs(told.clock_skew_ms or 0) // 60_000}分")
    return out + [f"注意      {explain_code(code).sentence} [{code}]" for code in told.warnings]


def confirmed(told: Status) -> str:
    """Return how much the education board countersigned, and when it last did."""
    if told.confirmed is None:
        return "確認済    —（教育委員会なし）"
    return f"確認済    {told.confirmed}（{when(told.confirmed_at_ms)} に教育委員会が確認）"


def leased(told: Status) -> str:
    """Return whether importance I and II open here, and for how long the board's lease still lives."""
    rest = left(told.lease_until_ms) if told.lease == "live" else ""
    return f"使用許可（リース） {_LEASES.get(told.lease, '不明')}{rest}"


def left(until_ms: int | None) -> str:
    """Return how long it is until a point in time (ms since 1970), rounded down: nothing is promised."""
    if not until_ms:
        return ""
    hours = max(0, until_ms - wall_ms()) // 3_600_000
    days = hours // 24
    return f"（あと {days}日）" if days else f"（あと {hours}時間）" if hours else "（あと 1時間未満）"
