"""The hand-over sheet: one page that stays beside the box, with its codes, what to do when, and whom to call.

Invariant: nothing secret and nothing of pupils or staff is on it: it may hang on the wall.
"""

import base64
from datetime import datetime, timedelta, timezone
from typing import Final

from appliance.enrolment.request import request_code
from appliance.provision.facts import Facts
from appliance.provision.inventory import Box, Inventory
from appliance.release.glyphs import Fitting
from appliance.release.label import Act, Label
from appliance.release.typeset import typeset

_JST: Final = timezone(timedelta(hours=9), "JST")
_EMERGENCY: Final = (
    (
        "線が切れた（画面の下が ○ 切断）",
        "そのまま使い続けます。入力は箱に保存され（保存済）、線が戻ると自動で送られます。"
        "一日たっても戻らないときは、ICT支援に電話します。",
    ),
    (
        "停電した・電源が抜けた",
        "電源を入れ直すと、2分ほどで自動的に動きます。押しボタンの操作は要りません。保存済の記録は失われません。",
    ),
    (
        "画面が開かない",
        "箱の電源とLANの線を確かめ、ICT支援に電話します。箱を分解したり、初期化したりしないでください。",
    ),
    (
        "箱が壊れた・盗まれた",
        "すぐに教育委員会に電話します。教育委員会は箱の許可を取り消し、代わりの箱に記録を戻します。"
        "箱の中の重要な記録は、職員の合言葉なしには開きません。",
    ),
    (
        "緊急連絡先がすぐ要る",
        "線が切れている間も、校長と教頭の二人で開けます（非常時開示）。だれが何を開いたかは記録されます。",
    ),
    (
        "合言葉を忘れた",
        "教育委員会が新しい最初の合言葉を出します。ICT支援は合言葉も鍵も持っていません。",
    ),
    (
        "「照合番号が合わない」と言われた",
        "入力を続けてかまいません。上の二つの照合番号を教育委員会に読み上げてください。",
    ),
)


def handover_pdf(box: Box, inventory: Inventory, facts: Facts, head: dict[str, object]) -> bytes:
    """Return the sheet of a box that was just provisioned; raises PdfNotMadeError."""
    at = datetime.now(_JST)
    label = Label(box.name, "Ⅲ", "ICT支援", at, "", Act.PRINT)
    fitting = Fitting()
    return typeset("handover.typ", _fitted(_data(box, inventory, facts, head, at), fitting), label, fitting)


def _data(
    box: Box, inventory: Inventory, facts: Facts, head: dict[str, object], at: datetime
) -> dict[str, object]:
    request, status = facts.site.request, facts.site.status
    release = facts.slots.running or ""
    return {
        "title": "蔵箱 引き渡し票",
        "date": f"{at:%Y年%m月%d日 %H:%M}",
        "school": box.name,
        "code": f"学校コード {box.school}",
        "facts": [
            ("箱", f"{head.get('epoch')}代目　住所 {box.host}　Debian {facts.release}（{facts.machine}）"),
            ("教育委員会", inventory.board.name),
            ("保管先", f"{box.store.endpoint or box.store.host}　{box.store.bucket}"),
            ("プログラム", f"検査値 {release[:16]}　時刻合わせ {'済み' if facts.synchronised else 'まだ'}"),
            ("秘密の保管", "TPM2 と箱の鍵で暗号化" if facts.tpm2 else "箱の鍵で暗号化（TPM2 なし）"),
            ("最初の確認済", _time(status.confirmed_at_ms if status else None)),
            ("復元の検証", _time(status.verified_at_ms if status else None)),
        ],
        "codes_title": "番号（電話で読み合わせるときに使います）",
        "codes": [
            ("箱の照合番号", request_code(base64.b64decode(request)) if request else "—"),
            ("SSHの指紋", box.host_key),
            (f"記録の照合番号\n（{head.get('seq')}件目まで）", str(head.get("code") or "—")),
        ],
        "codes_note": "記録の照合番号は kurabako site head --seq で箱でも教育委員会でも同じものが出ます。"
        "違うときは、どちらかの記録が欠けているか、書き換えられています。",
        "emergency_title": "こまったとき",
        "emergency": [list(pair) for pair in _EMERGENCY],
        "call_title": "電話するところ",
        "call": [
            ["教育委員会", inventory.board.name, inventory.board.phone or "　"],
            ["ICT支援", inventory.support.name or "　", inventory.support.phone or "　"],
        ],
        "signed": ["渡した人（ICT支援）", "受け取った人（学校）"],
    }


def _fitted(value: object, fitting: Fitting) -> dict[str, object]:
    fitted = _fit(value, fitting)
    assert isinstance(fitted, dict)  # noqa: S101 - what goes in is one
    return fitted


def _fit(value: object, fitting: Fitting) -> object:
    if isinstance(value, str):
        return fitting.fit(value)
    if isinstance(value, dict):
        return {key: _fit(one, fitting) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_fit(one, fitting) for one in value]
    return value


def _time(ms: int | None) -> str:
    return f"{datetime.fromtimestamp(ms / 1000, _JST):%Y-%m-%d %H:%M:%S}" if ms else "—"
