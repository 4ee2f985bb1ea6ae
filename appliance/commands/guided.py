"""`kurabako board restore --guided`: asks for school, day and second, with the timeline, in plain Japanese.

Invariant: only asks; what is restored and how it is proven is what `board restore` does with the same answers.
"""

from datetime import date, datetime, time
from pathlib import Path

import click

from appliance.board.folder import BoardFolder
from appliance.board.restored import RestoreRequest
from appliance.board.restorereport import JST
from appliance.commands.showing import show_restored
from appliance.commands.timeline import RECENT_DAYS, days_lines, today

_TIMES = ("%H:%M:%S", "%H:%M")
_WAIT = "   保管先を読んでいます。少しお待ちください …"


def ask_request(board: BoardFolder, school: str | None, target: Path | None, full: bool) -> RestoreRequest:
    """Ask for what was not given; raises what reading the timeline raises."""
    from appliance.board.timelines import recent_days

    chosen = school or _ask_school(board)
    place = board.place(chosen)
    click.echo(f"\n2. いつの {place.name} に戻しますか", err=True)
    click.echo(_WAIT, err=True)
    days = recent_days(board, chosen, today(), RECENT_DAYS)
    for line in days_lines([row for row in days if row[1]]) or [f"この{RECENT_DAYS}日の記録はありません。"]:
        click.echo(f"   {line}", err=True)
    at = _ask_time(board, chosen, next((day for day, changes in days if changes), today()))
    folder = target or _ask_target(chosen)
    when = f"{at:%Y-%m-%d %H:%M:%S} まで" if at else "いま（いちばん新しい状態）"
    click.echo(f"\n   学校 {place.name}（{chosen}）\n   時点 {when}\n   戻す先 {folder}", err=True)
    click.confirm("   これで始めますか。学校の箱と保管先は、何も変わりません", default=True, abort=True, err=True)
    return RestoreRequest(chosen, folder, at, full)


def offer_to_show(board: BoardFolder, request: RestoreRequest) -> None:
    """Offer to open what came back, and show the day that was asked for."""
    who = "教育委員会の合言葉で" if board.one_opens else "担当者2人で"
    day = request.at.astimezone(JST).date() if request.at else today()
    if click.confirm(f"\n4. {who}開けて、{day:%Y-%m-%d} の出欠を見ますか", default=True, err=True):
        show_restored(board, request.target, day, False)


def _ask_school(board: BoardFolder) -> str:
    click.echo("1. どの学校ですか", err=True)
    schools = board.schools
    for number, code in enumerate(schools, 1):
        click.echo(f"   {number:>3}  {code}  {board.place(code).name}", err=True)
    while True:
        given = str(click.prompt("   番号か学校コード", err=True)).strip()
        if given.isdecimal() and 1 <= int(given) <= len(schools):
            return schools[int(given) - 1]
        if given in schools:
            return given
        click.echo("   その学校はありません。", err=True)


def _ask_time(board: BoardFolder, school: str, suggested: date) -> datetime | None:
    """Return the second to restore to, None for now."""
    from appliance.board.timelines import day_lines, school_day

    while True:
        given = _ask("   日付（例 2026-11-24）。いまに戻すなら、そのまま Enter")
        if not given:
            return None
        try:
            on = date.fromisoformat(given)
        except ValueError:
            click.echo(f"   日付として読めません。例 {suggested:%Y-%m-%d}", err=True)
            continue
        click.echo(_WAIT, err=True)
        for line in day_lines(school_day(board, school, on)):
            click.echo(f"   {line}", err=True)
        at = _read_time(_ask("   時刻（例 08:29:59。この秒までの記録を戻します）。日付に戻るなら、そのまま Enter"))
        if at is not None:
            return datetime.combine(on, at, JST)


def _read_time(given: str) -> time | None:
    for form in _TIMES:
        try:
            return datetime.strptime(given, form).time()  # noqa: DTZ007 - a time of day; the day is in Japan
        except ValueError:
            continue
    if given:
        click.echo("   時刻として読めません。", err=True)
    return None


def _ask_target(school: str) -> Path:
    suggested = f"restored-{school}-{datetime.now(JST):%Y%m%d-%H%M%S}"
    click.echo("\n3. 戻す先の、新しい（空の）フォルダ", err=True)
    return Path(str(click.prompt("   フォルダ", default=suggested, err=True))).expanduser()


def _ask(text: str) -> str:
    return str(click.prompt(text, default="", show_default=False, err=True)).strip()
