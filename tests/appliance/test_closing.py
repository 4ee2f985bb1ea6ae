"""締め: a month that stands; who may open it again, and what comes in from a site that had not heard of it."""

from collections.abc import Callable, Iterator
from datetime import date

import pytest

from appliance.attendance.absences import Absence
from appliance.attendance.closing import MonthClosedError, MonthNotReadyError
from appliance.attendance.monthsheet import month_sheet
from appliance.attendance.sheetform import load_sheet_form
from appliance.attendance.standing import Standing
from appliance.office import Office
from appliance.policy import PolicyDeniedError
from tests.school import School

MONTH = date(2027, 1, 1)


@pytest.fixture
def kocho(school: School) -> Iterator[Office]:
    office = school.office("kocho")
    yield office
    office.logout()


@pytest.fixture
def sato(school: School) -> Iterator[Office]:
    office = school.office("sato")
    yield office
    office.logout()


def confirmed(office: Office, class_id: str, *, but: int = 0) -> list[date]:
    """Confirm every school day of the month but the last ones; return the school days."""
    days = [day.on for day in office.attendance.month(class_id, MONTH).days if day.open]
    for on in days[: len(days) - but]:
        office.attendance.confirm(class_id, on)
    return days


def test_a_month_closes_only_when_every_class_day_is_confirmed(kocho: Office, sato: Office) -> None:
    view = sato.attendance.classes(MONTH)[14]
    days = confirmed(sato, view.class_id, but=1)
    with pytest.raises(MonthNotReadyError) as caught:
        sato.attendance.close_month(view.class_id, MONTH)
    assert caught.value.params["days"] == str(days[-1].day)
    sato.attendance.confirm(view.class_id, days[-1])
    sato.attendance.close_month(view.class_id, days[3])
    grid = kocho.attendance.month(view.class_id, MONTH)
    assert (grid.closed_by, grid.late) == ("佐藤 葵", 0) and grid.closed_at is not None
    assert any(
        note.startswith("締め: 佐藤 葵")
        for note in month_sheet(grid, kocho.attendance.codes(), load_sheet_form()).notes
    )


def test_nothing_is_entered_in_a_closed_month_until_the_principal_opens_it(kocho: Office, sato: Office) -> None:
    view = sato.attendance.classes(MONTH)[15]
    days = confirmed(sato, view.class_id)
    pupil = sato.attendance.day(view.class_id, days[0]).rows[0].pupil_id
    earlier = sato.attendance.mark(view.class_id, days[0], pupil, "late", why="あとから登校した")
    sato.attendance.close_month(view.class_id, MONTH)
    attempts: tuple[Callable[[], object], ...] = (
        lambda: sato.attendance.mark(view.class_id, days[1], pupil, "sick"),
        lambda: sato.attendance.mark_many(view.class_id, [(pupil, days[1], "sick")]),
        lambda: sato.attendance.mark_rest_present(view.class_id, days[1]),
        lambda: sato.attendance.reopen(view.class_id, days[1]),
        lambda: sato.attendance.undo(earlier),
        lambda: sato.absences.keep(Absence(pupil, days[1], days[2], "sick")),
        lambda: kocho.attendance.mark(view.class_id, days[1], pupil, "sick"),
    )
    for attempt in attempts:
        with pytest.raises(MonthClosedError) as caught:
            attempt()
        assert caught.value.params["month"] == "2027-01"
    row = sato.attendance.day(view.class_id, days[1]).rows[0]
    assert row.code == "present"
    sato.attendance.mark(view.class_id, date(2027, 2, 1), pupil, "sick")  # the next month is open
    with pytest.raises(PolicyDeniedError):
        sato.attendance.reopen_month(view.class_id, MONTH, "直したい")
    kocho.attendance.reopen_month(view.class_id, MONTH, "診断書が出たため")
    sato.attendance.mark(view.class_id, days[1], pupil, "sick", why="診断書")
    grid = sato.attendance.month(view.class_id, MONTH)
    assert grid.closed_at is None
    sato.attendance.close_month(view.class_id, MONTH)
    again = sato.attendance.month(view.class_id, MONTH)
    assert again.closed_at is not None and again.late == 0


def test_an_entry_from_a_site_that_had_not_heard_of_it_is_kept_and_counted(
    sato: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    view = sato.attendance.classes(MONTH)[16]
    days = confirmed(sato, view.class_id)
    pupil = sato.attendance.day(view.class_id, days[0]).rows[2].pupil_id
    sato.attendance.close_month(view.class_id, MONTH)
    with monkeypatch.context() as apart:
        apart.setattr(Standing, "check_months", lambda standing: None)
        sato.attendance.mark(view.class_id, days[4], pupil, "sick", why="線が切れていた")
    grid = sato.attendance.month(view.class_id, MONTH)
    assert grid.late == 1
    row = next(p for p in grid.pupils if p.pupil_id == pupil)
    assert row.codes[days[4].day - 1] == "sick"
    notes = month_sheet(grid, sato.attendance.codes(), load_sheet_form()).notes
    assert any("締めのあとの記入 1件" in note for note in notes)
