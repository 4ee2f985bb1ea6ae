"""`kurabako status`: how far the entries have got, in words or as JSON. Imports as little as possible.

Invariant: what the daemon does not tell now is not claimed; conflicts and quarantine are counted in the store
itself, without any key.
"""

import json
from datetime import datetime, timedelta, timezone
from pathlib import Path

import click

from appliance.alarms.book import read_book
from appliance.config import load_config
from appliance.exits import Exit
from appliance.health.look import Counts, Look, counted, look_at
from appliance.health.machinechecks import room
from appliance.health.programchecks import own_version
from appliance.health.watched import read_watched
from appliance.messages import explain_code
from sync.clock import wall_ms
from sync.status import Status

JST = timezone(timedelta(hours=9), "JST")
FORMAT = 2
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
    look = look_at(site)
    config = look.config or load_config(site)  # what is wrong with it is told
    told, counts = look.told, known_counts(look)
    if as_json:
        click.echo(json.dumps(shape(look, counts), ensure_ascii=False, indent=2))
    else:
        for line in lines(config.site.school, config.site.name, told, counts):
            click.echo(line)
    if told is None:
        return Exit.FAILED
    return Exit.OK if told.waiting == 0 else Exit.INCOMPLETE


def when(ms: int | None) -> str:
    """Return a point in time (ms since 1970) as Japanese local time, or a dash."""
    return "—" if not ms else datetime.fromtimestamp(ms / 1000, JST).strftime("%Y-%m-%d %H:%M:%S")


def known_counts(look: Look) -> Counts:
    """Count conflicts and quarantined changes, or say what the watcher counted where this user may not."""
    counts = counted(look.paths)
    watched = read_watched(look.paths) if counts[0] is None else None
    return counts if watched is None else (watched.conflicts, watched.quarantined)


def shape(look: Look, counts: Counts = (None, None)) -> dict[str, object]:
    """Return the documented JSON shape; what only the daemon knows is null while it does not run."""
    site = look.config.site if look.config is not None else None
    return {
        "format": FORMAT,
        "version": own_version(),
        "at_ms": look.now_ms,
        "school": site.school if site else None,
        "name": site.name if site else None,
        "site": site.kind if site else None,
        "epoch": site.epoch if site else None,
        **_of_daemon(look.told),
        "conflicts": counts[0],
        "quarantined": counts[1],
        "alarms": _alarms(look),
        **_of_disk(look),
    }


def _of_daemon(told: Status | None) -> dict[str, object]:
    fields = (
        *("link", "link_since_ms", "saved", "sent", "waiting", "sent_at_ms", "confirmed", "confirmed_at_ms"),
        *("superseded", "clock_skew_ms", "verified_at_ms", "replica_resets", "litestream_restarts", "documents"),
        *("waiting_since_ms", "unconfirmed_since_ms", "verify_problem", "lease", "lease_until_ms", "warnings"),
    )
    known: dict[str, object] = {name: getattr(told, name) if told else None for name in fields}
    ages = {
        "sent_age_s": told.sent_at_ms if told else None,
        "confirmed_age_s": told.confirmed_at_ms if told else None,
        "verified_age_s": told.verified_at_ms if told else None,
        "waiting_age_s": told.waiting_since_ms if told else None,
        "unconfirmed_age_s": told.unconfirmed_since_ms if told else None,
    }
    known |= {name: age_s(at_ms) for name, at_ms in ages.items()}
    known["link"] = str(told.link) if told else "unknown"
    known["warnings"] = list(told.warnings) if told else []
    return {"running": told is not None, **known}


def _alarms(look: Look) -> list[str] | None:
    try:
        return sorted(read_book(look.paths).raised)
    except PermissionError:
        watched = read_watched(look.paths)
        return list(watched.alarms) if watched is not None else None


def _of_disk(look: Look) -> dict[str, object]:
    free, size, writable = room(look)
    return {"disk_free_bytes": free, "disk_size_bytes": size, "disk_writable": writable}


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
