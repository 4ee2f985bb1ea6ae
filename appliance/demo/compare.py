"""Comparing what was acknowledged with what came back, entry by entry.

Invariant: an entry counts as restored only when the very changes that its acknowledgement named are in the
restored store, open under the board's key, and say what was entered.
"""

from collections.abc import Iterable

import msgspec

from appliance.attendance.records import ClassDay, Mark, Reason
from appliance.demo.staffroom import Step
from appliance.meetings.records import DecisionRecord
from sync.ids import Origin
from sync.reader import Row
from sync.sealed import Plain, SealedStore


class Restored:
    """One origin's log in a store (by default the store's own), opened once."""

    def __init__(self, store: SealedStore, origin: Origin | None = None) -> None:
        self._store = store
        self._rows: dict[int, Row] = {}
        seq = 0
        while rows := store.reader.since(seq, origin=origin):
            self._rows |= {row.seq: row for row in rows}
            seq = rows[-1].seq

    @property
    def newest(self) -> int:
        """Return the newest sequence number."""
        return max(self._rows, default=0)

    def holds(self, step: Step) -> bool:
        """Say whether an acknowledged step is there in full."""
        found: dict[str, Plain] = {}
        for seq in range(int(step["first_seq"]), int(step["last_seq"]) + 1):
            row = self._rows.get(seq)
            if row is None:
                return False
            if row.key_id:
                found[row.kind] = self._store.open_row(row)
        return _says(step, found)


def lost(restored: Restored, acknowledged: Iterable[Step]) -> list[Step]:
    """Return the acknowledged steps that are not there."""
    return [step for step in acknowledged if not restored.holds(step)]


def _says(step: Step, found: dict[str, Plain]) -> bool:
    match step["do"]:
        case "mark":
            mark = msgspec.msgpack.decode(found[Mark.kind].payload, type=Mark)
            if (mark.pupil, mark.on.isoformat(), mark.code) != (step["pupil"], step["on"], step["code"]):
                return False
            if "reason" not in step:
                return True
            reason = msgspec.msgpack.decode(found[Reason.kind].payload, type=Reason)
            return (reason.pupil, reason.text) == (step["pupil"], step["reason"])
        case "present" | "confirm":
            day = msgspec.msgpack.decode(found[ClassDay.kind].payload, type=ClassDay)
            same = (day.class_id, day.on.isoformat()) == (step["class"], step["on"])
            return same and day.rest_present and (day.confirmed or step["do"] == "present")
        case "decide":
            decision = msgspec.msgpack.decode(found[DecisionRecord.kind].payload, type=DecisionRecord)
            return (decision.item_id, decision.text) == (step["item"], step["text"])
        case _:
            return False
