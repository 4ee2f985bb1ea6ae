"""In which forms minutes and dates of meetings leave."""

from appliance.office import Office
from appliance.permits.gate import Lock, Released
from appliance.permits.releases import Form
from tui.i18n import _
from tui.releasing import Way


def minutes_ways(meeting_id: str) -> tuple[Way, ...]:
    """Return paper first, then text and tables."""

    def of(word: str, form: Form) -> Way:
        return Way(word, lambda office, lock: office.releases.minutes(meeting_id, form, "", lock))

    return (
        of(_("印刷用 PDF（A4）"), Form.PDF),
        of(_("文（Markdown）"), Form.MARKDOWN),
        of(_("Excel（xlsx）"), Form.XLSX),
        of(_("CSV"), Form.CSV),
    )


def calendar_ways() -> tuple[Way, ...]:
    """Return the one form for calendars."""

    def make(office: Office, lock: Lock) -> Released:
        return office.releases.calendar(lock)

    return (Way(_("予定表（iCalendar .ics。Outlook や Google に取り込める）"), make),)
