import itertools
from collections.abc import Iterator
from datetime import date, timedelta

import pytest

from appliance.session import Session
from tests.school import SCHOOL_DAY, School
from tests.tui.driving import Slot

_CLASSES = 21
_OCTOBER = [date(2026, 10, day) for day in (1, 2, 5, 6, 7, 8, 9, 13, 14, 15, 16, 19, 20, 21, 22, 23)]


@pytest.fixture(scope="session")
def places() -> Iterator[tuple[int, date]]:
    """A class and a day for each test that marks: the school is shared, and Octobers are not used elsewhere."""
    return ((place, on) for on, place in itertools.product(_OCTOBER, range(_CLASSES)))


@pytest.fixture
def slot(school: School, places: Iterator[tuple[int, date]], monkeypatch: pytest.MonkeyPatch) -> Slot:
    """A class on a school day that is today and on which nothing was entered."""
    place, on = next(places)
    freeze(monkeypatch, on)
    office = school.office("sato")
    view = office.attendance.classes(on)[place]
    rows = office.attendance.day(view.class_id, on).rows
    office.logout()
    return Slot(view.class_id, view.title, on, rows)


@pytest.fixture
def today(monkeypatch: pytest.MonkeyPatch) -> date:
    """A school day that is today, before any test's entries."""
    on = SCHOOL_DAY - timedelta(days=4)
    freeze(monkeypatch, on)
    return on


def freeze(monkeypatch: pytest.MonkeyPatch, on: date) -> None:
    """Make a day today."""
    monkeypatch.setattr(Session, "today", lambda _session: on)
