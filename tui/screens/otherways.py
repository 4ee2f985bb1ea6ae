"""In which forms a document, the asset ledger and the audit record leave."""

from appliance.permits.releases import Form
from tui.i18n import _
from tui.releasing import Way

_TABLES = ((Form.PDF, _("印刷用 PDF（A4 横）")), (Form.XLSX, _("Excel（xlsx）")), (Form.CSV, _("CSV")))


def document_ways(document_id: str) -> tuple[Way, ...]:
    """Return taking it along, then sending it to somebody outside: the policy asks more for that."""
    return (
        Way(_("持ち出す"), lambda office, lock: office.releases.document(document_id, "", lock)),
        Way(_("外部へ送る"), lambda office, lock: office.releases.document(document_id, "", lock, outside=True)),
    )


def ledger_ways() -> tuple[Way, ...]:
    """Return the forms of the asset ledger."""
    return tuple(_ledger(form, word) for form, word in _TABLES)


def audit_ways() -> tuple[Way, ...]:
    """Return the forms of the audit record, as far back as the policy says."""
    return tuple(_audit(form, word) for form, word in _TABLES)


def _ledger(form: Form, word: str) -> Way:
    return Way(word, lambda office, lock: office.releases.ledger(form, lock))


def _audit(form: Form, word: str) -> Way:
    return Way(word, lambda office, lock: office.releases.audit(form, None, "", lock))
