"""A site's figures in the text format of Prometheus.

Invariant: every name stands in `METRICS` with its kind and meaning, and its labels are closed lists (states,
codes, names of checks): no person, no file, nothing that somebody typed.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from appliance.alarms.book import Book
from appliance.health.finding import Finding, State
from appliance.health.look import Look
from appliance.health.programchecks import uptime_s
from appliance.health.words import code_of
from appliance.ownversion import own_version
from sync.status import LinkState, Status

PREFIX: Final = "kurabako_"


class Kind(NamedTuple):
    """What a metric means, its labels, and whether it only grows."""

    help: str
    labels: tuple[str, ...] = ()
    counter: bool = False


METRICS: Final = {
    "info": Kind("1; which box this is", ("version", "school", "site", "epoch")),
    "up": Kind("1 while the sync daemon renews its status"),
    "uptime_seconds": Kind("how long the machine runs"),
    "link": Kind("1 for the state that the line is in", ("state",)),
    "entries_saved": Kind("changes in the box's own log"),
    "entries_sent": Kind("changes that were read back from the object store"),
    "entries_waiting": Kind("changes still to be sent"),
    "entries_confirmed": Kind("changes that the board countersigned"),
    "documents_waiting": Kind("documents still to be sent or fetched"),
    "sent_timestamp_seconds": Kind("when something was last read back from the store"),
    "confirmed_timestamp_seconds": Kind("when the board last countersigned"),
    "verified_timestamp_seconds": Kind("when a restore was last proven whole"),
    "oldest_waiting_timestamp_seconds": Kind("when the oldest entry that is not sent was made"),
    "oldest_unconfirmed_timestamp_seconds": Kind("when the oldest entry that is not confirmed was made"),
    "lease_opens": Kind("1 while importance I and II may open"),
    "lease_expiry_timestamp_seconds": Kind("when the lease ends"),
    "clock_skew_seconds": Kind("the board's clock minus this one"),
    "superseded": Kind("1 when a newer box took over"),
    "quarantined": Kind("changes held back"),
    "replica_resets": Kind("times the replica was replaced by a whole new one", counter=True),
    "litestream_restarts": Kind("times Litestream was started again", counter=True),
    "keeper_restarts": Kind("times the keeper was seen to restart", counter=True),
    "disk_free_bytes": Kind("room on the site's disk"),
    "disk_size_bytes": Kind("size of the site's disk"),
    "memory_available_bytes": Kind("memory that is free for use"),
    "memory_size_bytes": Kind("memory of the machine"),
    "temperature_celsius": Kind("what the machine's hottest sensor says"),
    "check": Kind("what doctor found last: 0 ok, 1 warn, 2 bad, -1 not applicable", ("check", "code")),
    "alarm": Kind("1 for an alarm that is raised", ("alarm",)),
    "alarms_waiting": Kind("messages about alarms that were not delivered yet"),
}
_STATES: Final = {State.OK: 0, State.WARN: 1, State.BAD: 2, State.NONE: -1}
_OPENS: Final = ("unleased", "live")
Sample = tuple[str, tuple[str, ...], float]


class Figures(NamedTuple):
    """What the metrics are made of."""

    look: Look
    findings: tuple[Finding, ...]
    book: Book
    keeper_restarts: int


def exposition(figures: Figures) -> bytes:
    """Return the text that a Prometheus reads."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Once(figures))
    return generate_latest(registry)


class _Once:
    def __init__(self, figures: Figures) -> None:
        self._figures = figures

    def collect(self) -> Iterator[Metric]:
        """Yield a family for each name that has a value now."""
        samples = [*_of_box(self._figures), *_of_machine(self._figures.look), *_of_watch(self._figures)]
        if self._figures.look.told is not None:
            samples += _of_status(self._figures.look.told)
        for name, kind in METRICS.items():
            values = [(labels, value) for found, labels, value in samples if found == name]
            if values:
                family = CounterMetricFamily if kind.counter else GaugeMetricFamily
                metric = family(PREFIX + name, kind.help, labels=kind.labels)
                for labels, value in values:
                    metric.add_metric(labels, value)
                yield metric


def _of_box(figures: Figures) -> Iterator[Sample]:
    look = figures.look
    if look.config is not None:
        site = look.config.site
        yield "info", (own_version(), site.school, site.kind, str(site.epoch)), 1
    yield "up", (), float(look.told is not None)
    yield "keeper_restarts", (), figures.keeper_restarts


def _of_status(told: Status) -> Iterator[Sample]:
    for state in LinkState:
        yield "link", (str(state),), float(told.link is state)
    counts: dict[str, float | None] = {
        "entries_saved": told.saved,
        "entries_sent": told.sent,
        "entries_waiting": told.waiting,
        "entries_confirmed": told.confirmed,
        "documents_waiting": told.documents,
        "lease_opens": float(told.lease in _OPENS),
        "superseded": float(told.superseded),
        "quarantined": told.quarantined,
        "replica_resets": told.replica_resets,
        "litestream_restarts": told.litestream_restarts,
    }
    times_ms = {
        "sent_timestamp_seconds": told.sent_at_ms,
        "confirmed_timestamp_seconds": told.confirmed_at_ms,
        "verified_timestamp_seconds": told.verified_at_ms,
        "oldest_waiting_timestamp_seconds": told.waiting_since_ms,
        "oldest_unconfirmed_timestamp_seconds": told.unconfirmed_since_ms,
        "lease_expiry_timestamp_seconds": told.lease_until_ms,
        "clock_skew_seconds": told.clock_skew_ms,
    }
    counts |= {name: None if ms is None else ms / 1000 for name, ms in times_ms.items()}
    yield from ((name, (), float(value)) for name, value in counts.items() if value is not None)


def _of_machine(look: Look) -> Iterator[Sample]:
    free, size, _ = look.room()
    memory_free, memory_size = look.machine.memory_mb()
    yield "uptime_seconds", (), uptime_s()
    yield "disk_free_bytes", (), free
    yield "disk_size_bytes", (), size
    if memory_size:
        yield "memory_available_bytes", (), memory_free << 20
        yield "memory_size_bytes", (), memory_size << 20
    for celsius in sorted(look.machine.temperatures())[-1:]:
        yield "temperature_celsius", (), celsius


def _of_watch(figures: Figures) -> Iterator[Sample]:
    for finding in figures.findings:
        yield "check", (finding.check, code_of(finding.check)), _STATES[finding.state]
    for alarm in figures.book.raised:
        yield "alarm", (alarm,), 1
    yield "alarms_waiting", (), len(figures.book.messages)
