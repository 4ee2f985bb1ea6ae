"""How far the entries have got, from what the log holds and what the sync daemon says.

Invariant: what is not proven is not claimed; without a daemon nothing is.
"""

from datetime import datetime
from typing import Any

from appliance.session import Session, local_time
from appliance.views import Light
from sync.status import LinkState, read_status


def light_of(session: Session, **more: Any) -> Light:
    """Return the light of a site; `more` are the fields of Light that only a desk can tell."""
    saved = session.store.reader.position().seq
    told = read_status(session.site.paths)
    more["lease_over"] = not session.lease().opens
    if told is None:
        return Light(LinkState.UNKNOWN, saved, 0, saved, **more)
    sent = min(told.sent, saved)
    return Light(
        told.link,
        saved,
        sent,
        saved - sent,
        _time(told.link_since_ms),
        _time(told.sent_at_ms),
        _time(told.verified_at_ms),
        told.warnings[0] if told.warnings else None,
        None if told.confirmed is None else min(told.confirmed, saved),
        _time(told.confirmed_at_ms),
        None if told.clock_skew_ms is None else told.clock_skew_ms / 1000,
        told.superseded,
        **more,
    )


def _time(at_ms: int | None) -> datetime | None:
    return local_time(at_ms) if at_ms else None
