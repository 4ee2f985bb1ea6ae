"""A school's timeline for an officer: a day in quarters of an hour, in words and as JSON.

Invariant: shows counts, times and places only; what a person did or whom it concerns is not in here.
"""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import groupby

from appliance.board.folder import BoardFolder
from appliance.board.restored import store_of
from appliance.board.restorereport import JST, iso_time, place_words
from sync.healing import CORRUPT, FAILED_WRITE, OPERATOR, UNCLEAN
from sync.objectstore import ObjectStore
from sync.replicastates import ReplicaSpan, replica_spans
from sync.timeline import Event, Progress, Quarter, Timeline, known_origins, read_timeline

_EVENTS = {
    "checkpoint": "区切り（署名）",
    "countersign": "確認済",
    "grant": "箱やハブの許可",
    "gap": "欠け: この後の束がありません",
    "damaged": "壊れ: この後の束が読めません",
}
_CAUSES = {
    UNCLEAN: "箱の急な停止",
    FAILED_WRITE: "書き込みの失敗",
    CORRUPT: "検証に通らなかった",
    OPERATOR: "人の指示",
    "": "わけは読めない",
}
_QUARTER = timedelta(minutes=15)
_BAR = 30  # cells; a bar this long is the busiest quarter


@dataclass(frozen=True, slots=True)
class Day:
    """One day of a school, in Japan."""

    school: str
    on: date
    timeline: Timeline
    replicas: tuple[ReplicaSpan, ...] = ()


def school_day(board: BoardFolder, school: str, on: date, progress: Progress | None = None) -> Day:
    """Read a day; raises UnknownSchoolError, StoreUnreachableError, StoreRefusedError."""
    place = board.place(school)
    begin = datetime.combine(on, time(), JST)
    span = tuple(int(at.timestamp() * 1000) for at in (begin, begin + timedelta(days=1)))
    library = ObjectStore(store_of(place))
    told = read_timeline(library, place.school, (span[0], span[1]), progress)
    replicas = replica_spans(store_of(place), known_origins(library, place.school), (span[0], span[1]))
    return Day(place.school, on, told, tuple(replicas))


def recent_days(board: BoardFolder, school: str, until: date, days: int) -> list[tuple[date, int]]:
    """Return how many changes were made on each of the last days, newest first."""
    place = board.place(school)
    begin = datetime.combine(until - timedelta(days=days - 1), time(), JST)
    end = datetime.combine(until + timedelta(days=1), time(), JST)
    span = (int(begin.timestamp() * 1000), int(end.timestamp() * 1000))
    counts: dict[date, int] = {}
    for quarter in read_timeline(ObjectStore(store_of(place)), place.school, span).quarters:
        on = _at(quarter.start_ms).date()
        counts[on] = counts.get(on, 0) + quarter.changes
    return [(on, counts.get(on, 0)) for on in (until - timedelta(days=back) for back in range(days))]


def day_lines(day: Day) -> list[str]:
    """Return a day in words: a line for every quarter of an hour in which anything happened."""
    told = day.timeline
    busiest = max((quarter.changes for quarter in told.quarters), default=1)
    lines = [f"{day.school}  {day.on:%Y-%m-%d}  記録 {told.changes:,}件（まだ検証していません）"]
    moments: list[tuple[int, Quarter | Event]] = [(quarter.start_ms, quarter) for quarter in told.quarters]
    moments += [(event.at_ms, event) for event in told.events if event.kind != "countersign"]
    quarter_ms = int(_QUARTER.total_seconds() * 1000)
    moments.sort(key=lambda moment: (moment[0] // quarter_ms, isinstance(moment[1], Event), moment[0]))
    for _, moment in moments:
        lines.append(_quarter_line(moment, busiest) if isinstance(moment, Quarter) else _event_line(moment))
    lines += _countersigned(told)
    lines += [line for replica in day.replicas for line in _replica_lines(replica)]
    return lines if len(lines) > 1 else [*lines, "この日の記録はありません。"]


def day_json(day: Day) -> dict[str, object]:
    """Return the documented JSON shape."""
    told = day.timeline
    return {
        "school": day.school,
        "on": day.on.isoformat(),
        "changes": told.changes,
        "quarters": [
            {
                "from": iso_time(quarter.start_ms),
                "site": quarter.origin.prefix,
                "changes": quarter.changes,
                "first": iso_time(quarter.first_ms),
                "last": iso_time(quarter.last_ms),
            }
            for quarter in told.quarters
        ],
        "events": [
            {"at": iso_time(event.at_ms), "site": event.origin.prefix, "kind": event.kind, "seq": event.seq}
            for event in told.events
        ],
        "replicas": [_replica_json(replica) for replica in day.replicas],
    }


def _quarter_line(quarter: Quarter, busiest: int) -> str:
    start, bar = _at(quarter.start_ms), "#" * max(1, quarter.changes * _BAR // busiest)
    times = f"{_at(quarter.first_ms):%H:%M:%S}–{_at(quarter.last_ms):%H:%M:%S}"
    where = place_words(quarter.origin)
    return f"{start:%H:%M}–{start + _QUARTER:%H:%M}  {quarter.changes:>6,}件  {times}  {where}  {bar}"


def _event_line(event: Event) -> str:
    return f"   {_at(event.at_ms):%H:%M:%S}  {_EVENTS[event.kind]}  {place_words(event.origin)}  {event.seq:,}件目"


def _countersigned(told: Timeline) -> list[str]:
    """Return the newest countersign of every site on that day: the others before it say less."""
    signs = sorted((event for event in told.events if event.kind == "countersign"), key=lambda e: e.origin.prefix)
    lines = []
    for origin, events in groupby(signs, key=lambda event: event.origin):
        last = max(events, key=lambda event: event.at_ms)
        lines.append(
            f"   {_at(last.at_ms):%H:%M:%S}  最後の確認済  {place_words(origin)}が {last.seq:,}件目まで署名"
        )
    return lines


def _replica_lines(replica: ReplicaSpan) -> list[str]:
    """Return what the store holds of a site's database on that day, and when its replica was made anew."""
    where, lines = place_words(replica.origin), []
    if replica.states:
        times = f"{_at(replica.first_ms):%H:%M:%S}–{_at(replica.last_ms):%H:%M:%S}"
        whole = "、".join(f"{_at(at):%H:%M:%S}" for at in replica.whole_ms) or "なし"
        lines.append(f"   {times}  複製の状態 {replica.states:,}点  {where}  全体の写し {whole}")
    for entry in replica.healings:
        cause = _CAUSES.get(entry.cause, _CAUSES[""])
        proven = f"{entry.seconds:,.0f}秒後に {entry.seq:,}件目まで確かめた"
        lines.append(f"   {_at(entry.began_ms):%H:%M:%S}  複製の作り直し  {where}  {cause}、{proven}")
    return lines


def _replica_json(replica: ReplicaSpan) -> dict[str, object]:
    return {
        "site": replica.origin.prefix,
        "states": replica.states,
        "first": iso_time(replica.first_ms),
        "last": iso_time(replica.last_ms),
        "whole": [iso_time(at) for at in replica.whole_ms],
        "healings": [
            {"at": iso_time(entry.began_ms), "cause": entry.cause, "seconds": entry.seconds, "seq": entry.seq}
            for entry in replica.healings
        ],
    }


def _at(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, JST)
