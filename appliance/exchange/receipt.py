"""A receipt 受領書 in words: what became of a file, which rows stayed out and why, and what to do.

Invariant: pure; a receipt holds counts, codes and places, never a value of a row. Who would leave is named only to
whoever looks at the file.
"""

from collections.abc import Iterator
from typing import Final

from appliance.exchange.incoming import Examined, Form
from appliance.exchange.records import Receipt
from appliance.exchange.views import ReceiptView
from appliance.messages import Language, explain_code
from appliance.oneroster.findings import PROBLEMS
from appliance.oneroster.plan import ImportPlan
from appliance.oneroster.report import report_lines
from appliance.release.sheet import Column, Sheet
from appliance.roster import User
from appliance.text import printable

OUTCOMES: Final[dict[Language, dict[str, str]]] = {
    "ja": {
        "applied": "取り込みました",
        "nothing": "今の名簿と同じでした（変更なし）",
        "refused": "取り込みませんでした（名簿は変えていません）",
        "answer": "書き出したものの受領を記録しました",
    },
    "en": {
        "applied": "imported",
        "nothing": "nothing to change: the roster is the same",
        "refused": "not imported: the roster is as it was",
        "answer": "noted as the receipt of what went out",
    },
}
FORMS: Final[dict[Language, dict[str, str]]] = {
    "ja": {Form.ONEROSTER: "OneRoster", Form.WORKBOOK: "名簿（Excel）", Form.ANSWER: "受領書"},
    "en": {Form.ONEROSTER: "OneRoster", Form.WORKBOOK: "roster (Excel)", Form.ANSWER: "receipt"},
}
DECLINED: Final[dict[Language, tuple[str, str]]] = {
    "ja": ("担当者が取り込まないと決めました。", "内容を確かめて、書き出し直したファイルを置いてください。"),
    "en": ("Somebody decided not to import it.", "Look at what it holds, and put a new export there."),
}
MOST_SHOWN: Final = 40
_COLUMNS: Final = ("項目", "ファイル・シート", "行", "列", "内容", "コード")
_COUNTS: Final = (
    ("追加・更新した記録", "put"),
    ("外した記録", "removed"),
    ("外した人", "people"),
    ("変更のない記録", "unchanged"),
    ("取り込まない行", "quarantined"),
    ("お知らせ", "warnings"),
)


def why(receipt: Receipt, lang: Language) -> tuple[str, str]:
    """Return why a file was refused and what to do; empty where it was not."""
    if receipt.outcome != "refused":
        return "", ""
    if not receipt.code:
        return DECLINED[lang]
    told = explain_code(receipt.code, lang)
    return told.sentence, told.hint


def receipt_sheet(view: ReceiptView, name: str) -> Sheet:
    """Return the receipt as a table for whoever gave the file, by name where it is known."""
    receipt = view.receipt
    reason, todo = why(receipt, "ja")
    facts: list[tuple[str, str | int, str]] = [
        ("ファイル名", printable(name), ""),
        ("SHA-256", receipt.sha256.hex(), ""),
        ("大きさ（バイト）", receipt.size, ""),
        ("形式", FORMS["ja"].get(receipt.form, receipt.form), ""),
        ("処理した日時", f"{view.at:%Y-%m-%d %H:%M:%S}", ""),
        ("処理した人", view.by, ""),
        ("結果", OUTCOMES["ja"].get(receipt.outcome, receipt.outcome), receipt.outcome),
    ]
    facts += [("わけ", reason, receipt.code), ("すること", todo, "")] if reason else []
    facts += [(label, getattr(receipt, field), "") for label, field in _COUNTS]
    rows: list[tuple[str | int, ...]] = [(label, "", "", "", value, code) for label, value, code in facts]
    rows += [
        ("取り込まない行", f.file, f.line or "", f.column, _problem(f.rule, 0), f.rule) for f in receipt.findings
    ]
    left = receipt.quarantined - len({(f.file, f.line) for f in receipt.findings})
    notes = (f"ほかに {left} 行あります。",) if left > 0 else ()
    return Sheet("受領書", tuple(map(Column, _COLUMNS)), tuple(rows), notes)


def receipt_lines(view: ReceiptView, lang: Language) -> Iterator[str]:
    """Yield the receipt as a screen or a terminal shows it."""
    receipt = view.receipt
    yield f"{FORMS[lang].get(receipt.form, receipt.form)}: {OUTCOMES[lang].get(receipt.outcome, receipt.outcome)}"
    yield f"SHA-256 {receipt.sha256.hex()}"
    for line, code in zip(why(receipt, lang), (receipt.code, ""), strict=True):
        if line:
            yield f"{line} [{code}]" if code else f"→ {line}"
    if receipt.outcome in ("applied", "nothing"):
        yield _counts(receipt, lang)
    for found in receipt.findings:
        place = _place(found.file, found.line, found.column, lang)
        yield f"  {place}: {_problem(found.rule, 0 if lang == 'ja' else 1)} [{found.rule}]"


def examined_lines(examined: Examined, lang: Language) -> list[str]:
    """Return what a file is and would do, before anything of it is kept."""
    head = [f"{printable(examined.name)}  {examined.size:,} B", f"SHA-256 {examined.sha256.hex()}"]
    if examined.plan is not None:
        return [*head, *_leavers(examined.plan, lang), *report_lines(examined.plan, lang)]
    if examined.answers:
        words = {"ja": "受領書: {n}件のファイルについて", "en": "receipt: it speaks of {n} files"}
        return [*head, words[lang].format(n=len(examined.answers))]
    return head


def _leavers(plan: ImportPlan, lang: Language) -> list[str]:
    """Return who would leave, for whoever has to say yes to it; stands in no receipt."""
    gone = sorted((one for one in plan.remove if isinstance(one, User)), key=lambda one: (one.grades, one.kana))
    if not gone:
        return []
    head = {"ja": f"外れる人 {len(gone)}人", "en": f"Who would leave: {len(gone)}"}[lang]
    lines = [f"  {'・'.join(one.grades) or '―'}  {printable(one.name)}" for one in gone[:MOST_SHOWN]]
    more = {"ja": "  ほか {n}人", "en": "  and {n} more"}[lang].format(n=len(gone) - MOST_SHOWN)
    return ["", head, *lines, *([more] if len(gone) > MOST_SHOWN else []), ""]


def _counts(receipt: Receipt, lang: Language) -> str:
    counts = {field: getattr(receipt, field) for _, field in _COUNTS}
    words = {
        "ja": "追加・更新 {put}件、外す {removed}件（うち人 {people}）、変更なし {unchanged}件、取り込まない行 "
        "{quarantined}",
        "en": "{put} new or changed, {removed} removed ({people} people), {unchanged} unchanged, {quarantined} "
        "rows left out",
    }
    return words[lang].format(**counts)


def _place(file: str, line: int, column: str, lang: Language) -> str:
    at = {"ja": f"{file} {line}行", "en": f"{file} line {line}"}[lang] if line else file
    return f"{at} {column}".strip()


def _problem(rule: str, at: int) -> str:
    return PROBLEMS.get(rule.rpartition(".")[2], ("読めません", "cannot be read"))[at]
