"""What goes to the school system: receipts, attendance, meetings, working hours, the roster.

Invariant: the gate is asked before a file is made, and everything handed over went through it.
"""

from typing import Final

from appliance.classification.model import Action
from appliance.exchange.desk import ExchangeDesk
from appliance.exchange.receipt import receipt_sheet
from appliance.exchange.records import Receipt
from appliance.permits.gate import Lock, Released, ReleaseGate, Wanted
from appliance.release.csvfile import csv_file

_NOTHING: Final = Lock()
RECEIPTS: Final = "受領書"


class ExchangeReleases:
    """Lets things out to the school system, over one session."""

    def __init__(self, gate: ReleaseGate, desk: ExchangeDesk) -> None:
        self._gate, self._desk = gate, desk

    def receipt(self, receipt_id: str, name: str = "", lock: Lock = _NOTHING) -> Released:
        """Release the receipt of a file, for whoever gave it; raises UnknownArrivalError, what the gate raises."""
        wanted = Wanted(
            Action.EXPORT,
            Receipt.kind,
            Receipt.importance,
            "受領書（取り込みの結果）",
            lock=lock,
            subject=receipt_id,
        )
        cleared = self._gate.clear(wanted)
        view = self._desk.receipt(receipt_id)
        data = csv_file(receipt_sheet(view, name), cleared.label)
        return self._gate.release(cleared, f"receipt-{view.receipt.sha256.hex()[:12]}.csv", data)
