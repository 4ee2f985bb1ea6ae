"""What a restore brought back, in plain words and as JSON, printed and kept beside the restored folder.

Invariant: a report names places, counts, times and error codes, never a person or anything that was entered.
"""

import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Final

from appliance.messages import explain_code
from sync.atomic import atomic_write
from sync.ids import Origin, Site
from sync.restore import RestoreReport
from sync.shortfall import BOARD, CHECKPOINTED, COUNTERSIGNED, SEGMENT, Lacking

JST: Final = timezone(timedelta(hours=9), "JST")
_SITES: Final = {Site.BOX: "学校の箱", Site.HUB: "教育委員会のハブ", Site.STANDBY: "代わりの職員室"}
_SOURCES: Final = {
    BOARD: "教育委員会が前に確かめた記録",
    SEGMENT: "保管先にある、取り込めない束",
    COUNTERSIGNED: "相手側の署名（確認済）",
    CHECKPOINTED: "署名された区切り",
}


def report_json(report: RestoreReport, at: datetime | None) -> dict[str, object]:
    """Return the documented JSON shape."""
    verified = report.verified
    return {
        "school": verified.origin.school,
        "epoch": verified.origin.epoch,
        "verified": True,
        "complete": report.complete,
        "changes": verified.seq,
        "newest_change": iso_time(verified.newest_ms),
        "asked_for": at.isoformat() if at else None,
        "checkpoint": verified.checkpoint_seq,
        "signatures_checked": verified.signatures,
        "completed": report.completed,
        "complete_to": iso_time(report.complete_to_ms),
        "missing": report.missing,
        "lacking": [_lacking_json(lack) for lack in report.lacking],
        "problem": report.problem or None,
        "fell_back_to": iso_time(report.fell_back_to_ms),
        "seconds": round(report.seconds, 3),
        "store": str(report.path / "school.db"),
    }


def report_lines(report: RestoreReport, at: datetime | None) -> list[str]:
    """Return the report in words."""
    verified = report.verified
    out = [
        f"学校      {place_words(verified.origin)}  {verified.origin.school}",
        f"戻した先  {report.path / 'school.db'}",
        f"検証      合格（記録 {verified.seq}件、署名 {verified.signatures}件）",
        f"最新      {shown_time(verified.newest_ms)}",
        f"時点      {at.astimezone(JST):%Y-%m-%d %H:%M:%S} まで" if at else "時点      いま",
        f"所要時間  {report.seconds:.1f}秒",
    ]
    if report.completed:
        out.append(f"補った分  {report.completed}件（データベースの複製にはまだなく、束にありました）")
    if report.problem:
        told = explain_code(report.problem)
        out.append(f"注意      最新の状態は検証に通りませんでした: {told.sentence} [{report.problem}]")
        out.append(f"          検証に通った最も新しい時点 {shown_time(report.fell_back_to_ms)} まで戻しました。")
    return out + _summary(report, at)


def keep_report(report: RestoreReport, at: datetime | None) -> tuple[Path, Path]:
    """Write the report beside the restored folder, in words and as JSON; return the two files."""
    words, shape = (report.path.with_name(f"{report.path.name}.report.{kind}") for kind in ("txt", "json"))
    atomic_write(words, "".join(f"{line}\n" for line in report_lines(report, at)).encode())
    atomic_write(shape, json.dumps(report_json(report, at), ensure_ascii=False, indent=2).encode() + b"\n")
    return words, shape


def place_words(origin: Origin) -> str:
    """Return what people call an origin, such as 学校の箱（1代目）."""
    return f"{_SITES[origin.site]}（{origin.epoch}代目）"


def iso_time(at_ms: int | None) -> str | None:
    """Return a time in Japan as JSON shows it."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(JST).isoformat() if at_ms else None


def shown_time(at_ms: int | None) -> str:
    """Return a time in Japan as people read it."""
    return datetime.fromtimestamp(at_ms / 1000, JST).strftime("%Y-%m-%d %H:%M:%S") if at_ms else "—"


def _summary(report: RestoreReport, at: datetime | None) -> list[str]:
    """Say up to when it is complete, and what is known to be missing after that."""
    if at and not report.problem:
        return [f"まとめ    {at.astimezone(JST):%Y-%m-%d %H:%M:%S} の学校です。それより後の記録は入れていません。"]
    if not report.missing:
        if report.problem:
            return [f"まとめ    {shown_time(report.verified.newest_ms)} までの記録があります。"]
        return [
            f"まとめ    {shown_time(report.complete_to_ms)} までの記録が、すべてそろっています。",
            "足りない  知られているものはありません。",
        ]
    upto = shown_time(report.complete_to_ms)
    return [
        f"まとめ    {upto} までの記録は、すべてそろっています。",
        f"足りない  {upto} より後の記録が {report.missing}件、あったと分かっていて、ここにありません。",
        *(f"          {_lacking_words(lack)}" for lack in report.lacking),
        "すること  学校の箱が無事なら、箱の線を戻して送り直してください。箱の記録を消さないでください。",
    ]


def _lacking_words(lack: Lacking) -> str:
    here = f"{lack.held:,}件目まであり、{lack.known:,}件目まであったことを"
    return f"{place_words(lack.origin)}: {here}{_SOURCES[lack.source]}が示しています。"


def _lacking_json(lack: Lacking) -> dict[str, object]:
    return {
        "origin": lack.origin.prefix,
        "held": lack.held,
        "known": lack.known,
        "source": lack.source,
        "held_to": iso_time(lack.held_ms),
    }
