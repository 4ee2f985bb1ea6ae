"""What an import has to say about rows: one finding for each, in the clerk's words and in English.

Invariant: a finding names file, line, column and a stable rule id and never repeats a value, since values are
personal data; `Findings` keeps the order of the file and folds what a whole column has in common.
"""

from dataclasses import dataclass, field, replace

# problem → (Japanese, English). The rule id is `<part>.<column>.<problem>`.
PROBLEMS: dict[str, tuple[str, str]] = {
    "absent": ("ファイルがありません", "the file is missing"),
    "age": ("生年月日が学年と合いません。確かめてください", "does not fit the school year; check it"),
    "ambiguous": ("学校コードで確かめられません", "the school cannot be confirmed by its code"),
    "april": ("4月1日から翌年3月31日までではありません", "does not run from 1 April to 31 March"),
    "before": ("終わりの日が始めの日より前です", "ends before it begins"),
    "board_code": ("教育委員会コード（数字6桁）ではありません", "is no six-digit code of a board of education"),
    "bulk": ("一括（bulk）では空欄の決まりです", "must be empty in bulk mode"),
    "class": (
        "学級が分かりません（組の列にも、今の名簿にもありません）",
        "no class: neither in the file nor the roster",
    ),
    "column": ("列がありません", "the column is missing"),
    "columns": ("列の数が見出しと合いません", "the number of fields differs from the header"),
    "conflict": ("manifest.csv では「なし」のファイルです。取り込みません", "is absent by the manifest; not read"),
    "control": ("改行などの制御文字が含まれています", "contains control characters"),
    "date": ("日付ではありません", "is no date"),
    "delta": ("差分（delta）では必要な値です", "is needed in delta mode"),
    "disabled": ("無効な利用者です（取り込みます）", "is a disabled user (imported all the same)"),
    "doubled": ("同じ列が2つあります", "names a column twice"),
    "duplicate": ("前の行と同じ値です", "repeats the value of an earlier row"),
    "empty": ("見出しだけでデータの行がありません", "holds a header and no rows"),
    "gaiji": ("外字が含まれています。表示できないことがあります", "contains private characters (gaiji)"),
    "grade": ("学年のコード（P1〜P6、J1〜J3など）ではありません", "is no grade code (P1–P6, J1–J3 …)"),
    "halfwidth": ("半角カタカナが含まれています", "contains half-width katakana"),
    "iso": ("日付の形が YYYY-MM-DD ではありません", "is not written YYYY-MM-DD"),
    "malformed": ("引用符の使い方が壊れています", "has broken quotation marks"),
    "many": (
        "今の名簿の半分より多くが外れます。確かめてください",
        "removes more than half of the roster; check it",
    ),
    "missing": ("値がありません", "is empty"),
    "not_empty": ("空欄の決まりです", "must be empty"),
    "order": ("列の並びが規格と違います", "the columns are not in the profile's order"),
    "parent_forbidden": ("教育委員会は親の組織を持ちません", "a district has no parent"),
    "parent_required": ("学校には親の組織が必要です", "a school needs a parent"),
    "password": ("パスワードが書かれています。取り込みません", "holds a password; it is not imported"),
    "primary": ("児童生徒は false の決まりです", "must be false for a pupil"),
    "primary_missing": ("主（primary）の役割がありません", "has a secondary role but no primary one"),
    "range": ("1〜99の数ではありません。番号なしで取り込みます", "is not 1–99; imported without a number"),
    "reference": ("参照先の行がありません", "refers to a row that does not exist"),
    "school_code": ("学校コードの決まりに合いません", "is no valid school code"),
    "subject": ("教科のコードではありません", "is no subject code"),
    "time": ("日時（ISO 8601）ではありません", "is no moment in ISO 8601"),
    "title": ("「YYYY年度」の形ではありません", "is not of the form YYYY年度"),
    "twins": ("同じ氏名の児童生徒が二人以上いて、どちらか分かりません", "fits more than one pupil of the roster"),
    "undivided": ("姓と名の間に空白がありません。全体を姓として取り込みます", "has no blank between the names"),
    "unlisted": ("manifest.csv に書かれていません", "is not listed in the manifest"),
    "user_ids": ("{種類:番号} の形ではありません", "is not of the form {type:id}"),
    "uuid": ("UUID（第4版）の形ではありません", "is no UUID of version 4"),
    "value": ("決められた値ではありません", "is not one of the allowed values"),
    "withheld": (
        "読めない行があるため、載っていない人や学級を外しません",
        "nothing is removed, because rows could not be read",
    ),
    "year": ("西暦4桁ではありません", "is no year of four digits"),
}
FOLD_ABOVE = 3


@dataclass(frozen=True, slots=True)
class Quarantined:
    """One finding. `line` is the physical line in the file, from 1; 0 speaks of the file as a whole."""

    file: str
    line: int
    column: str
    rule: str
    message_ja: str
    message_en: str


@dataclass(slots=True)
class Findings:
    """Collects quarantined rows and warnings while an export is read."""

    quarantined: list[Quarantined] = field(default_factory=list)
    warnings: list[Quarantined] = field(default_factory=list)

    def quarantine(self, file: str, line: int, column: str, rule: str) -> None:
        """Record that a row stays out."""
        self.quarantined.append(make_finding(file, line, column, rule))

    def warn(self, file: str, line: int, column: str, rule: str) -> None:
        """Record that a row goes in although something is not as it should be."""
        self.warnings.append(make_finding(file, line, column, rule))

    def left_out(self) -> tuple[Quarantined, ...]:
        """Return what was quarantined, file by file in the order of lines."""
        return tuple(sorted(self.quarantined, key=lambda found: (found.file, found.line)))

    def folded_warnings(self) -> tuple[Quarantined, ...]:
        """Return the warnings, one line for a rule that many rows break alike."""
        groups: dict[tuple[str, str, str], list[Quarantined]] = {}
        for warning in self.warnings:
            groups.setdefault((warning.file, warning.column, warning.rule), []).append(warning)
        folded: list[Quarantined] = []
        for group in groups.values():
            folded += [_fold(group)] if len(group) > FOLD_ABOVE else group
        return tuple(folded)


def make_finding(file: str, line: int, column: str, rule: str) -> Quarantined:
    """Word a finding; the last part of `rule` is the problem."""
    japanese, english = PROBLEMS[rule.rpartition(".")[2]]
    return Quarantined(file, line, column, rule, japanese, english)


def _fold(group: list[Quarantined]) -> Quarantined:
    first, others = group[0], len(group) - 1
    return replace(
        first,
        message_ja=f"{first.message_ja}（ほか{others}行も同じ）",
        message_en=f"{first.message_en} ({others} more rows alike)",
    )
