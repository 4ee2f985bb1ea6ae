"""The desk over a real keeper: who sees what, corrections and their answers, the recorder's file, the report."""

import csv
import io
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from os import urandom
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from appliance.classification.model import Line
from appliance.cli import cli
from appliance.conflicts import RecordWords
from appliance.hours.cards import Cards
from appliance.hours.desk import NoCorrectionError
from appliance.hours.forms import ClockFileError, HoursFormError, UnknownStaffError
from appliance.hours.limits import Reason, Signal
from appliance.hours.reckoning import DayKind, Doubt, Span, Staff, Way, day_kind
from appliance.hours.records import Approval, Correction, DayRecord, Press, Punch, Shift, of_day
from appliance.hours.report import difference_text, hours_text, line_text, year_name
from appliance.hours.timeclock import Refusal
from appliance.office import Office
from appliance.permits.releases import Form
from appliance.policy import PolicyDeniedError
from appliance.session import JST, Session
from crypto.importance import Importance
from sync.sealed import Draft
from tests.appliance.hours.test_timeclock import FULL, HALF, REAL, needs_real, row
from tests.school import PASSPHRASE, SCHOOL_DAY, School, enrol

JUNE = date(2026, 6, 1)
WHO = ("kocho", "kyoto", "sato", "suzuki", "jimu", "shien")


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[School]:
    made = enrol(tmp_path_factory.mktemp("hours"), imported=False)
    yield made
    made.close()


@pytest.fixture
def people(own: School, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Office]]:
    monkeypatch.setattr(Session, "_line_now", lambda session: Line.ONLINE)
    monkeypatch.setattr(Session, "today", lambda session: SCHOOL_DAY)
    opened = {name: own.office(name) for name in WHO}
    yield opened
    for office in opened.values():
        office.logout()


def me(office: Office) -> str:
    return office._session.person.id.hex()


def shift(office: Office, **more: object) -> Shift:
    usual = Shift(person=me(office), since=date(2024, 4, 1), name="A", begin=480, end=990, rest=45)
    return msgspec.structs.replace(usual, **more)


def at(on: date, hour: int, minute: int = 0) -> int:
    """Return a time in Japan as ms since 1970."""
    return int(datetime(on.year, on.month, on.day, hour, minute, tzinfo=JST).timestamp() * 1000)


def press(office: Office, monkeypatch: pytest.MonkeyPatch, way: Way, now_ms: int) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(Session, "now_ms", lambda session: now_ms)
        office.hours.punch(way)


def test_punching_and_seeing_it(people: dict[str, Office], monkeypatch: pytest.MonkeyPatch) -> None:
    sato, suzuki, kocho = people["sato"], people["suzuki"], people["kocho"]
    press(sato, monkeypatch, Way.IN, at(SCHOOL_DAY, 7, 30))
    today = next(day for day in sato.hours.own_month(SCHOOL_DAY).days if day.on == SCHOOL_DAY)
    assert today.came is not None and today.doubts == ()
    press(sato, monkeypatch, Way.OUT, at(SCHOOL_DAY, 19, 30))
    sato.hours.declare(SCHOOL_DAY, rest=15, self_study=60)
    month = sato.hours.own_month(SCHOOL_DAY)
    assert month.name == "佐藤 葵" and (month.total.at_work, month.total.overtime) == (645, 180)
    assert month.standing.signal is Signal.GREEN and month.doubtful == month.waiting == 0
    seen = {one.name: one.total.overtime for one in kocho.hours.all_months(SCHOOL_DAY)}
    assert seen["佐藤 葵"] == 180 and len(seen) == len(WHO)
    assert kocho.hours.month_of(me(sato), SCHOOL_DAY) == month
    assert suzuki.hours.own_month(SCHOOL_DAY).total.presence == 0


def test_others_are_for_managers_only(people: dict[str, Office]) -> None:
    for name in ("sato", "jimu", "shien"):
        desk, other = people[name].hours, me(people["suzuki"])
        with pytest.raises(PolicyDeniedError):
            desk.all_months(JUNE)
        with pytest.raises(PolicyDeniedError):
            desk.month_of(other, JUNE)
        with pytest.raises(PolicyDeniedError):
            desk.trend_of(other, JUNE)
        with pytest.raises(PolicyDeniedError):
            desk.waiting()
    with pytest.raises(PolicyDeniedError):
        people["sato"].hours.plan_import(Path("dakoku.csv"))
    with pytest.raises(PolicyDeniedError):
        people["sato"].hours.set_shifts([shift(people["sato"])])
    with pytest.raises(PolicyDeniedError):
        people["jimu"].hours.approve(me(people["sato"]), JUNE, Correction(reason="x", scheduled=0))
    with pytest.raises(UnknownStaffError):
        people["kocho"].hours.month_of("00" * 16, JUNE)


def test_an_assistant_punches_and_declares_without_any_key(
    people: dict[str, Office], monkeypatch: pytest.MonkeyPatch
) -> None:
    shien, day = people["shien"], date(2026, 6, 10)
    press(shien, monkeypatch, Way.IN, at(day, 8))
    press(shien, monkeypatch, Way.OUT, at(day, 17))
    shien.hours.declare(day, rest=45)
    with pytest.raises(PolicyDeniedError):
        shien.hours.own_month(day)
    assert people["kocho"].hours.month_of(me(shien), day).total.at_work == 8 * 60 + 15


def test_a_correction_counts_once_a_manager_let_it(
    people: dict[str, Office], monkeypatch: pytest.MonkeyPatch
) -> None:
    sato, kyoto, day = people["sato"], people["kyoto"], date(2026, 7, 6)
    press(sato, monkeypatch, Way.IN, at(day, 8))
    wanted = Correction(reason="退勤の押し忘れ", spans=((480, 1080),))
    sato.hours.declare(day, rest=45, correction=wanted)
    before = next(d for d in sato.hours.own_month(day).days if d.on == day)
    assert (before.doubts, before.waiting, before.reckoned.presence) == ((Doubt.NO_OUT,), wanted, 0)
    (waiting,) = (one for one in kyoto.hours.waiting() if one.on == day)
    kyoto.hours.approve(waiting.person, day, waiting.correction)
    after = next(d for d in sato.hours.own_month(day).days if d.on == day)
    assert (after.spans, after.doubts, after.waiting) == ((Span(480, 1080),), (), None)
    assert after.reckoned.overtime == 600 - 45 - 465 and after.corrected == wanted
    with pytest.raises(NoCorrectionError):
        kyoto.hours.approve(waiting.person, day, waiting.correction)
    other = Correction(reason="やはり19時", spans=((480, 1140),))
    sato.hours.declare(day, rest=45, self_study=30, correction=other)
    with pytest.raises(HoursFormError):
        kyoto.hours.refuse(me(sato), day, other, " ")
    kyoto.hours.refuse(me(sato), day, other, "記録と違います")
    refused = next(d for d in sato.hours.own_month(day).days if d.on == day)
    assert refused.corrected == wanted and refused.refused == "記録と違います"
    assert refused.reckoned.at_work == 600 - 45 - 30


def test_what_changed_since_it_was_shown_is_not_let_pass(people: dict[str, Office]) -> None:
    sato, kocho, day = people["sato"], people["kocho"], date(2026, 7, 7)
    shown = Correction(reason="振替", scheduled=0)
    sato.hours.declare(day, correction=shown)
    sato.hours.declare(day, correction=Correction(reason="振替", scheduled=60))
    with pytest.raises(NoCorrectionError):
        kocho.hours.approve(me(sato), day, shown)


def test_nobody_answers_their_own_correction(people: dict[str, Office]) -> None:
    kocho, day = people["kocho"], date(2026, 7, 8)
    wanted = Correction(reason="出張", spans=((480, 990),))
    kocho.hours.declare(day, correction=wanted)
    with pytest.raises(NoCorrectionError):
        kocho.hours.approve(me(kocho), day, wanted)
    people["kyoto"].hours.approve(me(kocho), day, wanted)
    assert kocho.hours.own_month(day).total.presence == 510


@pytest.mark.parametrize(
    "wrong",
    [
        {"rest": -1},
        {"telework": 1441},
        {"on": SCHOOL_DAY + timedelta(days=1)},
        {"correction": Correction(reason="", spans=((1, 2),))},
        {"correction": Correction(reason="理由だけ")},
        {"correction": Correction(reason="逆", spans=((900, 480),))},
        {"correction": Correction(reason="重なり", spans=((480, 700), (600, 900)))},
        {"correction": Correction(reason="長すぎ", scheduled=1441)},
    ],
)
def test_a_day_that_cannot_be_is_not_kept(people: dict[str, Office], wrong: dict[str, object]) -> None:
    given: dict[str, object] = {"on": JUNE, **wrong}
    with pytest.raises(HoursFormError):
        people["sato"].hours.declare(**given)  # type: ignore[arg-type]


def test_what_a_colleague_writes_over_ones_record_counts_for_nothing(
    people: dict[str, Office], monkeypatch: pytest.MonkeyPatch
) -> None:
    sato, suzuki, day = people["sato"], people["suzuki"], date(2026, 8, 3)
    press(sato, monkeypatch, Way.IN, at(day, 8))
    press(sato, monkeypatch, Way.OUT, at(day, 17))
    sato.hours.declare(day, rest=60)
    kept = sato.hours.own_month(day)
    store, book = suzuki._session.store, suzuki.hours._book
    forged = [
        Punch(person=me(sato), on=day, presses=(Press(300, Way.IN),), recorder=True),
        Punch(person=me(sato), on=day, presses=(Press(1400, Way.OUT),)),
    ]
    drafts = [Draft(p.kind, urandom(16), Importance.II, msgspec.msgpack.encode(p)) for p in forged]
    for plain in sato._session.store.heads(Punch.kind):
        drafts.append(Draft(Punch.kind, plain.record, Importance.II, drafts[0].payload, plain.heads))
    lie = DayRecord(person=me(sato), on=day, self_study=500)
    name = book.name(DayRecord.kind, *of_day(lie))
    base = store.base_of(DayRecord.kind, [name])[name]
    drafts.append(Draft(lie.kind, name, Importance.II, msgspec.msgpack.encode(lie), base))
    drafts.append(Draft(DayRecord.kind, urandom(16), Importance.II, b"\xc1nonsense"))
    store.put(drafts)
    assert sato.hours.own_month(day) == kept
    assert people["kocho"].hours.month_of(me(sato), day) == kept


@pytest.mark.parametrize("name", ["suzuki", "jimu", "kyoto"])
def test_an_answer_of_ones_own_making_counts_for_nothing(people: dict[str, Office], name: str) -> None:
    office, day = people[name], date(2026, 8, 5)
    wanted = Correction(reason="自分で", spans=((0, 1440),))
    office.hours.declare(day, correction=wanted)
    answer = Approval(person=me(office), on=day, answered=wanted, granted=True)
    office.hours._keep([(office.hours._book.name(Approval.kind, *of_day(answer)), answer)])
    mine = next(found for found in office.hours.own_month(day).days if found.on == day)
    assert mine.corrected is None and mine.waiting == wanted and mine.reckoned.presence == 0
    people["kocho"].hours.approve(me(office), day, wanted)
    assert office.hours.own_month(day).total.presence == 1440


def test_a_recorders_file(people: dict[str, Office], tmp_path: Path) -> None:
    jimu, sato = people["jimu"], people["sato"]
    jimu.hours.set_shifts([shift(sato, cards=("0041",), course="lower"), shift(jimu, staff=Staff.OFFICE)])
    entry = next(one for one in jimu.hours.staff() if one.person == me(sato))
    assert (entry.shift, entry.course, entry.cards) == ("A", "lower", ("0041",))
    file, mapping = tmp_path / "dakoku.csv", tmp_path / "cards.csv"
    mapping.write_bytes("カード番号,名前\r\n42,齋藤　久美子\r\n43,だれでもない\r\n".encode("cp932"))
    rows = [
        FULL.replace("0001", "0041"),
        HALF.replace("0001", "0042"),
        row("20:00", "01:30", card="0041", on="26/06/05"),
        row("08:00", card="0099"),
        row("08:00", card="0043"),
        row("08:00", card="0041", on="30/06/01"),
        "壊れた行",
    ]
    file.write_bytes("\r\n".join([str(len(rows)), *rows, ""]).encode("cp932"))
    before = sato._session.store.reader.position()
    plan = jimu.hours.plan_import(file, mapping)
    assert sato._session.store.reader.position() == before
    assert (len(plan.new), plan.known, plan.people, plan.count_fits) == (3, 0, 2, True)
    assert plan.span == (date(2026, 6, 1), date(2026, 6, 5)) and plan.cards == (("43", 1), ("99", 1))
    assert [(r.line, r.why) for r in plan.refused] == [
        (5, Refusal.UNKNOWN_CARD),
        (6, Refusal.UNKNOWN_CARD),
        (7, Refusal.FUTURE),
        (8, Refusal.COLUMNS),
    ]
    assert jimu.hours.commit_import(plan) is not None
    assert jimu.hours.commit_import(plan) is None
    again = jimu.hours.plan_import(file, mapping)
    assert (again.new, again.known, again.span, again.refused) == ((), 3, None, plan.refused)
    month = sato.hours.own_month(JUNE)
    assert month.course == "lower" and month.total.presence == 227 + 342 + 330
    clerk = people["kocho"].hours.month_of(me(jimu), JUNE)
    assert clerk.staff is Staff.OFFICE and clerk.total.presence == 341
    with pytest.raises(ClockFileError):
        jimu.hours.plan_import(tmp_path / "nowhere.csv")


@pytest.mark.parametrize(
    "wrong", [{"end": 400}, {"rest": 510}, {"name": " "}, {"course": "middle"}, {"end": 2881}, {"begin": -1}]
)
def test_a_shift_that_cannot_be_is_not_kept(people: dict[str, Office], wrong: dict[str, object]) -> None:
    with pytest.raises(HoursFormError):
        people["kocho"].hours.set_shifts([shift(people["suzuki"], **wrong)])
    assert people["kocho"].hours.set_shifts([]) is None


def minutes_of(mean: str, months: int) -> int:
    return int(Decimal(mean) * 60 * months)


def keep_months(clerk: Office, person: str, year: int, total: int) -> None:
    """Keep punches of May–September whose overtime sums to so many minutes."""
    weeks = (date(year, month, day) for month in range(5, 10) for day in range(8, 15))
    days = [day for day in weeks if day_kind(day) is DayKind.WORKDAY]
    each, rest = divmod(total, len(days))
    things = []
    for place, day in enumerate(days):
        over = each + (place < rest)
        punch = Punch(
            person=person, on=day, presses=(Press(480, Way.IN), Press(480 + 465 + over, Way.OUT)), recorder=True
        )
        things.append((urandom(16), punch))
    clerk.hours._keep(things)


def test_the_report_for_the_mayor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Session, "_line_now", lambda session: Line.ONLINE)
    monkeypatch.setattr(Session, "today", lambda session: SCHOOL_DAY)
    school = enrol(tmp_path / "school", imported=False)
    offices = {name: school.office(name) for name in ("jimu", "kocho", "sato", "suzuki", "kyoto")}
    try:
        jimu = offices["jimu"]
        courses = {"sato": "lower", "suzuki": "lower", "kyoto": "upper", "kocho": "upper"}
        jimu.hours.set_shifts([shift(offices[name], course=course) for name, course in courses.items()])
        for year, lower, upper in ((2025, "38.21", "61.68"), (2026, "31.93", "46.03")):
            for mean, two, less in ((lower, ("sato", "suzuki"), 377), (upper, ("kyoto", "kocho"), 901)):
                total = minutes_of(mean, 10)
                keep_months(jimu, me(offices[two[0]]), year, total // 2 - less)
                keep_months(jimu, me(offices[two[1]]), year, total - total // 2 + less)
        report = offices["kocho"].hours.report(2026)
        lines = [
            (hours_text(li.before.hours), hours_text(li.now.hours), difference_text(li.difference), li.now.months)
            for li in report.lines
        ]
        assert lines == [("38.21", "31.93", "▲6.28", 10), ("61.68", "46.03", "▲15.65", 10)]
        assert [line_text(line) for line in report.lines] == ["38.21 → 31.93 (▲6.28)", "61.68 → 46.03 (▲15.65)"]
        command = ["hours", "report", str(school.site), "--login", "kocho", "--year", "2026", "--passphrase-stdin"]
        told = CliRunner().invoke(cli, command, input=PASSPHRASE + "\n", standalone_mode=False).stdout
        assert "前期課程（1〜6年）: 38.21 → 31.93 (▲6.28)" in told and "61.68 → 46.03 (▲15.65)" in told
        assert "目標は月平均30時間程度" in told
        released = jimu.releases.hours(2026, Form.CSV)
        table = list(csv.reader(io.StringIO(released.data.decode("utf-8-sig"))))
        assert table[0][:4] == ["課程", "令和7年度", "令和8年度", "差"]
        assert table[1] == ["前期課程（1〜6年）", "38.21", "31.93", "▲6.28", "2", "2"]
        assert table[2][3] == "▲15.65" and released.name == "hours-2026.csv"
        assert offices["kocho"].releases.hours(2026, Form.PDF).data.startswith(b"%PDF")
        with pytest.raises(PolicyDeniedError):
            offices["sato"].hours.report(2026)
        trend = offices["kyoto"].hours.own_trend(date(2026, 9, 30), 6)
        assert [point.known for point in trend] == [False, True, True, True, True, True]
        assert offices["kocho"].hours.trend_of(me(offices["kyoto"]), date(2026, 9, 1), 6) == trend
        assert Reason.GOAL in {told.reason for told in trend[2].standing.reasons}
        assert sum(point.standing.overtime for point in trend) == minutes_of("46.03", 10) // 2 - 901
    finally:
        for office in offices.values():
            office.logout()
        school.close()


def test_words_of_the_report() -> None:
    assert [year_name(year) for year in (1988, 1989, 2018, 2019, 2026)] == [
        "1988年度", "平成元年度", "平成30年度", "令和元年度", "令和8年度",
    ]  # fmt: skip
    assert [difference_text(d) for d in (None, Decimal("1.50"), Decimal("0.00"), Decimal("-0.01"))] == [
        "—", "1.50", "0.00", "▲0.01",
    ]  # fmt: skip


@needs_real
def test_the_real_file_whole(people: dict[str, Office], monkeypatch: pytest.MonkeyPatch) -> None:
    jimu = people["jimu"]
    monkeypatch.setattr(Cards, "holder", lambda cards, card, on: me(people[WHO[int(card) % len(WHO)]]))
    plan = jimu.hours.plan_import(REAL)
    assert (len(plan.new), plan.known, plan.refused, plan.count_fits) == (9599, 0, (), True)
    jimu.hours.commit_import(plan)
    again = jimu.hours.plan_import(REAL)
    assert (again.new, again.known) == ((), 9599) and jimu.hours.commit_import(again) is None


def test_a_conflict_is_told_in_words(people: dict[str, Office]) -> None:
    session = people["kocho"]._session
    words, whose = RecordWords(session, ()), me(people["sato"])
    asked = Correction(reason="押し忘れ", spans=((480, 1080),), scheduled=465)
    day = DayRecord(person=whose, on=JUNE, rest=15, correction=asked)
    answer = Approval(person=whose, on=JUNE, answered=asked, granted=True)
    told = words.facts(DayRecord.kind, msgspec.msgpack.encode(day))
    assert {"休憩（分）: 15", "訂正: 8:00–18:00", "所定（分）: 465", "理由: 押し忘れ"} <= set(told)
    assert words.facts(Approval.kind, msgspec.msgpack.encode(answer))[0] == "承認"
    usual = msgspec.msgpack.encode(shift(people["sato"]))
    assert "休憩（分）: 45" in words.facts(Shift.kind, usual)
    assert words.whose(DayRecord.kind, b"", [msgspec.msgpack.encode(day)]) == "佐藤 葵 06/01"
    assert words.whose(Shift.kind, b"", [usual]) == "佐藤 葵 04/01"
