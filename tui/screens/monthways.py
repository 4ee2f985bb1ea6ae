"""In which forms a class's month leaves."""

from datetime import date, timedelta

from appliance.office import Office
from appliance.permits.gate import Lock, Released
from appliance.permits.releases import Form
from appliance.release.typeset import Paper
from tui.i18n import _
from tui.releasing import Way


def month_ways(class_id: str, month: date) -> tuple[Way, ...]:
    """Return paper first, then tables, what the school system takes, and the clipboard."""

    def of(form: Form, paper: Paper = Paper.A4_LANDSCAPE) -> Way:
        return Way(_WORDS[form, paper], lambda o, lock: o.releases.month(class_id, month, form, "", lock, paper))

    def for_system(office: Office, lock: Lock) -> Released:
        last = min(office.today(), (month + timedelta(days=31)).replace(day=1) - timedelta(days=1))
        return office.releases.for_system(office.system_mapping(), month, last, lock)

    def cells(office: Office, lock: Lock) -> Released:
        return office.releases.month(class_id, month, Form.CELLS, "", lock)

    return (
        of(Form.PDF),
        of(Form.PDF, Paper.A3_LANDSCAPE),
        of(Form.XLSX),
        of(Form.CSV),
        Way(_("校務支援システムに取り込む CSV（全学級のこの月）"), for_system),
        Way(_("写す（ファイルにせず、表計算ソフトに貼り付ける）"), cells, copied=True),
    )


_WORDS = {
    (Form.PDF, Paper.A4_LANDSCAPE): _("印刷用 PDF（A4 横）"),
    (Form.PDF, Paper.A3_LANDSCAPE): _("印刷用 PDF（A3 横）"),
    (Form.XLSX, Paper.A4_LANDSCAPE): _("Excel（xlsx）"),
    (Form.CSV, Paper.A4_LANDSCAPE): _("CSV"),
}
