"""Lines of the asset ledger: every record kind has one, and a line that promises too little is refused."""

import importlib
import pkgutil
from typing import Any

import msgspec
import pytest

import appliance
from appliance.classification.signed import IMPORTANCE as POLICY_IMPORTANCE
from appliance.classification.signed import KIND as POLICY
from appliance.ledger.ledger import (
    LedgerLineError,
    UnknownAssetError,
    high_water,
    importance_of,
    period,
    read_ledger,
    read_period,
    standard,
)
from appliance.people import Profile
from crypto.importance import Importance
from tests.appliance.ledgerlines import LINE

MIXED = {"document.file": Importance.I, "document.text": Importance.I}  # sealed as each document is classed


def kinds_of_the_code() -> dict[str, Importance]:
    """Return every kind that the code seals, with the importance that it seals it as."""
    for module in pkgutil.walk_packages(appliance.__path__, "appliance."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    found = {Profile.kind: Profile.importance, POLICY: POLICY_IMPORTANCE}
    pending: list[Any] = [msgspec.Struct]
    while pending:
        struct = pending.pop()
        pending += struct.__subclasses__()
        kind, importance = getattr(struct, "kind", None), getattr(struct, "importance", None)
        if struct.__module__.startswith("appliance.") and isinstance(kind, str):
            importance = MIXED.get(kind, importance)
            assert isinstance(importance, Importance), struct
            found[kind] = importance
    return found


def test_every_record_kind_of_the_code_has_a_line_of_the_same_importance() -> None:
    code = kinds_of_the_code()
    assert len(code) >= 20 and {"attendance.mark", "emergency.card", "ledger.entry"} <= set(code)
    assert {entry.kind: entry.importance for entry in standard() if entry.kind} == code
    assert {kind: importance_of(kind) for kind in code} == code


@pytest.mark.parametrize("kind", ["", "no.such", "指導要録原本"])
def test_a_kind_without_a_line_has_no_importance(kind: str) -> None:
    with pytest.raises(UnknownAssetError):
        importance_of(kind)


@pytest.mark.parametrize(
    ("importance", "names"),
    [
        ("I", "指導要録原本"),
        ("II", "通知表 調査書 進路希望調査 健康診断票 卒業証書授与台帳 学習用端末ID・パスワード管理台帳"),
        ("III", "出席簿 授業用教材 職員会議資料 時間割 座席表・名列表"),
        ("IV", "学校要覧 HP掲載情報 学校便り・配布文書"),
    ],
)
def test_the_usual_documents_stand_in_the_class_of_the_handbook(importance: str, names: str) -> None:
    classes = {entry.name: entry.importance.name for entry in standard()}
    assert {classes[name] for name in names.split()} == {importance}


def test_what_the_guideline_does_not_name_is_marked_as_the_schools_to_set() -> None:
    for entry in standard():
        assert ("名のあがらない" in entry.source) <= ("importance" in entry.to_set), entry.name
        assert (entry.retention == "unset") <= ("retention" in entry.to_set), entry.name


@pytest.mark.parametrize(
    ("was", "now", "fault"),
    [
        ('source = "本校の定め"', 'source = "x"\ncolour = "red"', "colour"),
        ('importance = "III"', 'importance = "V"', "importance: V"),
        ('importance = "III"\n', "", "importance"),
        ('place = "staff_room"', 'place = "moon"', "place: moon"),
        ('["all_staff", "board"]', '["pupils"]', "handlers: pupils"),
        ('["all_staff", "board"]', "[]", "handlers"),
        ('"general_permit"', '"sometimes"', "takeout: sometimes"),
        ('"1y"', '"0y"', "retention: 0y"),
        ('"1y"', '"forever"', "retention: forever"),
        ("kept_locally = true", 'kept_locally = "yes"', "kept_locally"),
        ("kept_locally = true", 'kept_locally = true\nto_set = ["name"]', "to_set: name"),
        ("kept_locally = true\n", "", "kept_locally"),
        ('"本校の定め"', '" "', "source"),
        ("部活動の名簿", "a\\tb", "name"),
        ("[[asset]]", "[[assets]]", "assets"),
        ("[[asset]]", "[[asset]", ""),
        ("[[asset]]\n", 'asset = ["x"]\n[more]\n', "more"),
    ],
)
def test_a_line_that_is_wrong_is_refused_by_the_name_of_what_is_wrong(was: str, now: str, fault: str) -> None:
    assert was in LINE
    with pytest.raises(LedgerLineError) as caught:
        read_ledger(LINE.replace(was, now))
    assert fault in str(caught.value.params["fault"])


@pytest.mark.parametrize(
    ("importance", "handlers", "takeout", "wide"),
    [
        ("I", "staff_in_charge", "permit", "staff_in_charge"),
        ("I", "specific_staff", "general_permit", "general_permit"),
        ("II", "all_staff", "permit", "all_staff"),
        ("II", "staff_in_charge", "general_permit", "general_permit"),
        ("II", "staff_in_charge", "free", "free"),
        ("III", "anyone", "permit", "anyone"),
        ("III", "all_staff", "free", "free"),
    ],
)
def test_a_line_never_promises_less_than_its_class_demands(
    importance: str, handlers: str, takeout: str, wide: str
) -> None:
    text = LINE.replace('"III"', f'"{importance}"').replace("all_staff", handlers)
    with pytest.raises(LedgerLineError) as caught:
        read_ledger(text.replace("general_permit", takeout))
    assert caught.value.params["fault"] == f"{Importance[importance].label}: {wide}"


def test_an_asset_stands_once() -> None:
    with pytest.raises(LedgerLineError, match="APP-260"):
        read_ledger(LINE + LINE)


def test_a_mixed_store_follows_the_gravest_of_what_is_in_it() -> None:
    assert high_water([Importance.III, Importance.I, Importance.IV]) is Importance.I
    assert high_water([Importance.IV, Importance.III]) is Importance.III
    assert high_water(iter([Importance.II])) is Importance.II
    assert high_water([]) is Importance.IV


def test_periods_in_words() -> None:
    assert [period(told) for told in ("5y", "6m", "in_force", "unset")] == [
        "5年",
        "6か月",
        "有効な間",
        "学校で定める",
    ]


@pytest.mark.parametrize("retention", ["5y", "6m", "120m", "in_force", "unset"])
def test_a_period_that_is_told_can_be_typed(retention: str) -> None:
    assert read_period(period(retention)) == retention


@pytest.mark.parametrize(
    ("typed", "retention"),
    [
        ("５年", "5y"),
        (" 6 カ月", "6m"),
        ("3ヶ月", "3m"),
        ("", ""),
        ("0年", ""),
        ("年", ""),
        ("5", ""),
        ("永年", ""),
    ],
)
def test_a_period_is_read_as_people_write_it_or_not_at_all(typed: str, retention: str) -> None:
    assert read_period(typed) == retention
