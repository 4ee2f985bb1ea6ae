from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from appliance.attendance.alerts import Alert, AlertKind, AlertRules, alerts
from appliance.attendance.codes import load_codes
from appliance.attendance.totals import pupil_days
from appliance.schooldays import Closure, SchoolYear, day_status, days_between, default_year, school_days

CODES = load_codes()
COUNTING = {code.code: code.counting for code in CODES}
UNEXCUSED = frozenset(code.code for code in CODES if code.unexcused)
RULES = AlertRules(UNEXCUSED)
MONDAY = date(2026, 10, 5)
"""A week later stands スポーツの日, 12 October."""


def found(
    entered: dict[date, str],
    last: date,
    *,
    calendar: SchoolYear | None = None,
    rules: AlertRules = RULES,
    unconfirmed: tuple[date, ...] = (),
) -> list[Alert]:
    year = calendar or default_year(2026)
    days = [(on, day_status(year, on, ("P3",), "3-1", 2)) for on in days_between(MONDAY, last)]
    return list(alerts("p-1", pupil_days(days, entered, COUNTING), rules, unconfirmed))


def every_day(code: str, first: date, last: date) -> dict[date, str]:
    return dict.fromkeys(days_between(first, last), code)


def test_seven_school_days_on_end_are_noticed_across_weekend_and_holiday() -> None:
    last = date(2026, 10, 14)  # Mon–Fri, then Tue and Wed: Monday the 12th is a holiday
    assert found(every_day("other_absence", MONDAY, last), last) == [
        Alert(AlertKind.CONSECUTIVE, "p-1", 7, MONDAY, last, open=True)
    ]


def test_six_school_days_are_not_noticed_although_eight_days_went_by() -> None:
    last = date(2026, 10, 13)
    assert found(every_day("other_absence", MONDAY, last), last) == []


def test_illness_is_a_just_cause() -> None:
    last = date(2026, 10, 30)
    assert found(every_day("sick", MONDAY, last), last) == []


def test_which_codes_are_unexcused_is_configured() -> None:
    last = date(2026, 10, 14)
    rules = AlertRules(frozenset({"sick"}))
    assert [alert.days for alert in found(every_day("sick", MONDAY, last), last, rules=rules)] == [7]


def test_a_day_of_attendance_ends_the_run_late_or_not() -> None:
    last = date(2026, 10, 15)
    for code in ("present", "late", "attended_elsewhere", ""):
        entered = every_day("other_absence", MONDAY, last) | {date(2026, 10, 9): code}
        assert found(entered, last) == []


def test_an_excused_day_neither_counts_nor_ends_the_run() -> None:
    last = date(2026, 10, 15)
    for code in ("sick", "mourning", "suspended", "online"):
        entered = every_day("other_absence", MONDAY, last) | {date(2026, 10, 9): code}
        assert [alert.days for alert in found(entered, last)] == [7]
        assert found(entered, last - timedelta(days=1)) == []


def test_a_closed_class_neither_counts_nor_ends_the_run() -> None:
    friday, last = date(2026, 10, 9), date(2026, 10, 15)
    closure = Closure(scope="class", target="3-1", first=friday, last=friday, reason="インフルエンザ")
    calendar = SchoolYear(year=2026, closures=(closure,))
    assert [a.days for a in found(every_day("other_absence", MONDAY, last), last, calendar=calendar)] == [7]


def test_a_run_that_ended_is_told_as_ended() -> None:
    last = date(2026, 10, 15)
    entered = every_day("other_absence", MONDAY, date(2026, 10, 14))
    assert found(entered, last) == [Alert(AlertKind.CONSECUTIVE, "p-1", 7, MONDAY, date(2026, 10, 14), open=False)]


def test_an_unconfirmed_day_without_a_mark_does_not_end_the_run() -> None:
    friday, last = date(2026, 10, 9), date(2026, 10, 15)
    entered = every_day("other_absence", MONDAY, last)
    del entered[friday]
    assert found(entered, last) == []
    assert [alert.days for alert in found(entered, last, unconfirmed=(friday,))] == [7]


def test_thirty_days_of_any_absence_in_the_year_are_noticed() -> None:
    last = date(2027, 3, 19)
    school = school_days(default_year(2026), MONDAY, last, ("P3",), "3-1", 2)[::2]
    entered = dict.fromkeys(school[:29], "sick")
    assert found(entered, last) == []
    entered[school[29]] = "other_absence"
    assert found(entered, last) == [Alert(AlertKind.LONG_TERM, "p-1", 30, MONDAY, school[29])]


def test_suspended_days_are_put_into_the_thirty_only_when_asked() -> None:
    last = date(2026, 12, 18)
    entered = every_day("suspended", MONDAY, last)
    assert found(entered, last) == []
    rules = AlertRules(UNEXCUSED, long_term_counts_suspended=True)
    assert [alert.kind for alert in found(entered, last, rules=rules)] == [AlertKind.LONG_TERM]


@given(st.dictionaries(st.dates(MONDAY, date(2026, 12, 18)), st.sampled_from(["other_absence", "sick", "late"])))
def test_runs_never_overlap_and_are_long_enough(entered: dict[date, str]) -> None:
    told = [a for a in found(entered, date(2026, 12, 18)) if a.kind is AlertKind.CONSECUTIVE]
    assert all(a.days >= 7 and (a.last - a.first).days >= 8 for a in told)
    assert all(a.last < b.first and not a.open for a, b in zip(told, told[1:], strict=False))
