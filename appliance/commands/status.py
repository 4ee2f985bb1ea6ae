"""`kurabako status`: how far the entries have got, in words or as JSON. Imports as little as possible.

Invariant: what the daemon does not tell now is not claimed; conflicts and quarantine are counted in the store
itself, without any key.
"""

import json
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Final

import click

from appliance.alarms.book import read_book
from appliance.config import load_config
from appliance.exits import Exit
from appliance.health.look import Counts, Look, counted, look_at
from appliance.health.watched import read_watched
from appliance.messages import explain_code, language
from appliance.ownversion import own_version
from sync.clock import wall_ms
from sync.status import Status

JST = timezone(timedelta(hours=9), "JST")
FORMAT = 2
_SKEW_MS = 60_000
_WORDS: Final = {  # leases by LeaseState, whose module would bring the ciphers in
    "ja": {
        "head": "{name}（{school}）",
        "silent": "状態不明: 同期の係（kurabako serve）が動いていません。保存済の記録はこの箱にあります。",
        "conflicts": "競合      {count}件",
        "quarantined": "隔離      {count}件",
        "superseded": "交代済    この端末は読み取り専用です",
        "link": "線        {link}",
        "online": "● 接続",
        "degraded": "◐ 不安定",
        "offline": "○ 切断",
        "unknown": "？ 不明",
        "saved": "保存済    {count}",
        "sent": "送信済    {count}（{at} に読み返し）",
        "waiting": "未送信    {count}件",
        "confirmed": "確認済    {count}（{at} に教育委員会が確認）",
        "no_board": "確認済    —（教育委員会なし）",
        "verified": "最終検証  {at}",
        "lease": "使用許可（リース） {lease}{left}",
        "unleased": "なし（教育委員会がまだ出していません）",
        "live": "有効",
        "lapsed": "期限切れ（重要性分類Ⅰ・Ⅱは開きません）",
        "revoked": "取り消し済み（重要性分類Ⅰ・Ⅱは開きません）",
        "days": "（あと {count}日）",
        "hours": "（あと {count}時間）",
        "soon": "（あと 1時間未満）",
        "skew": "時計のずれ {count}分",
        "warning": "注意      {text} [{code}]",
    },
    "en": {
        "head": "{name} ({school})",
        "silent": "Not known: the sync daemon (kurabako serve) does not run. What is saved is on this box.",
        "conflicts": "conflicts   {count}",
        "quarantined": "held back   {count}",
        "superseded": "replaced    a newer box took over; this one only reads",
        "link": "line        {link}",
        "online": "● online",
        "degraded": "◐ unsteady",
        "offline": "○ cut",
        "unknown": "? not known",
        "saved": "saved       {count}",
        "sent": "sent        {count} (read back {at})",
        "waiting": "waiting     {count}",
        "confirmed": "confirmed   {count} (by the board, {at})",
        "no_board": "confirmed   — (no board's side yet)",
        "verified": "verified    {at}",
        "lease": "lease       {lease}{left}",
        "unleased": "none (the board has issued none yet)",
        "live": "live",
        "lapsed": "over (importance I and II do not open)",
        "revoked": "revoked (importance I and II do not open)",
        "days": " ({count} days left)",
        "hours": " ({count} hours left)",
        "soon": " (less than an hour left)",
        "skew": "clock off   by {count} min",
        "warning": "warning     {text} [{code}]",
    },
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
    free, size, writable = look.room()
    return {"disk_free_bytes": free, "disk_size_bytes": size, "disk_writable": writable}


def age_s(at_ms: int | None) -> int | None:
    """Return how many seconds ago that was; a time ahead of this clock is 0."""
    return None if not at_ms else max(0, (wall_ms() - at_ms) // 1000)


def lines(school: str, name: str, told: Status | None, counts: Counts = (None, None)) -> list[str]:
    """Return the words of the terminal form."""
    words = _WORDS[language()]
    head = [words["head"].format(name=name, school=school)]
    held = zip(("conflicts", "quarantined"), counts, strict=True)
    waiting = [words[word].format(count=count) for word, count in held if count]
    if told is None:
        return [*head, words["silent"], *waiting]
    if told.superseded:
        head.append(words["superseded"])
    out = [
        *head,
        words["link"].format(link=words[str(told.link)]),
        words["saved"].format(count=told.saved),
        words["sent"].format(count=told.sent, at=when(told.sent_at_ms)),
        words["waiting"].format(count=told.waiting),
        confirmed(told),
        words["verified"].format(at=when(told.verified_at_ms)),
        leased(told),
        *waiting,
    ]
    if abs(told.clock_skew_ms or 0) >= _SKEW_MS:
        out.append(words["skew"].format(count=abs(told.clock_skew_ms or 0) // 60_000))
    return out + [words["warning"].format(text=explain_code(code).sentence, code=code) for code in told.warnings]


def confirmed(told: Status) -> str:
    """Return how much the education board countersigned, and when it last did."""
    words = _WORDS[language()]
    if told.confirmed is None:
        return words["no_board"]
    return words["confirmed"].format(count=told.confirmed, at=when(told.confirmed_at_ms))


def leased(told: Status) -> str:
    """Return whether importance I and II open here, and for how long the board's lease still lives."""
    rest, words = left(told.lease_until_ms) if told.lease == "live" else "", _WORDS[language()]
    return words["lease"].format(lease=words.get(told.lease, words["unknown"]), left=rest)


def left(until_ms: int | None) -> str:
    """Return how long it is until a point in time (ms since 1970), rounded down: nothing is promised."""
    if not until_ms:
        return ""
    hours = max(0, until_ms - wall_ms()) // 3_600_000
    days, words = hours // 24, _WORDS[language()]
    if days or hours:
        return words["days" if days else "hours"].format(count=days or hours)
    return words["soon"]
