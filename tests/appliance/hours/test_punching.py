"""The terminal at the entrance: it keeps punches that it cannot read, for whoever holds the card that day."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta

import pytest

from appliance.board.enrolment import admit_staff
from appliance.hours.cards import badge_of, badges
from appliance.hours.punching import PunchDesk, UnknownCardError
from appliance.hours.reckoning import Span, Way
from appliance.hours.records import Shift
from appliance.login import login, login_terminal
from appliance.people import StaffMember
from appliance.policy import PolicyDeniedError
from appliance.proving import NotInOfficeError
from appliance.session import JST, Session
from crypto.identity import KdfProfile
from crypto.importance import Importance
from crypto.secret import Secret
from sync.errors import NotClearedError
from tests.school import PASSPHRASE, School, enrol

DAY = (datetime.now(JST) + timedelta(days=1)).date()
"""After everybody was admitted."""
APRIL = date(DAY.year - 1, 4, 1)
CARD, CODE = "0114A2B3C4D5E6F7", "4711"


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[School]:
    made = enrol(tmp_path_factory.mktemp("entrance"), imported=False)
    terminal = StaffMember("genkan", "玄関", ("timeclock",), Secret(PASSPHRASE.encode()))
    admit_staff(made.root, made.site, [terminal], KdfProfile.QUICK)
    yield made
    made.close()


def at(on: date) -> datetime:
    return datetime(on.year, on.month, on.day, 7, 50, tzinfo=JST)


class Clock:
    """The time in Japan, set by the test."""

    def __init__(self) -> None:
        self.now = at(DAY)

    def ms(self) -> int:
        return int(self.now.timestamp() * 1000)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(Session, "now_ms", lambda _session: made.ms())
    return made


@pytest.fixture
def desk(own: School, clock: Clock) -> Iterator[PunchDesk]:
    opened = login_terminal(own.site, "genkan", PASSPHRASE)
    yield opened
    opened.logout()


def person(own: School, name: str) -> str:
    office = own.office(name)
    office.logout()
    return office._session.person.id.hex()


def give(own: School, name: str, *cards: str, since: date = APRIL) -> None:
    office = own.office("jimu")
    who = next(s.person for s in office.hours.staff() if s.person == person(own, name))
    office.hours.set_shifts([Shift(person=who, since=since, name="A", begin=480, end=990, rest=45, cards=cards)])
    office.logout()


def spans(own: School, name: str) -> tuple[Span, ...]:
    office = own.office(name)
    try:
        return office.hours.own_month(DAY).days[DAY.day - 1].spans
    finally:
        office.logout()


def test_a_card_punches_in_and_a_short_code_out(own: School, clock: Clock, desk: PunchDesk) -> None:
    give(own, "sato", CARD, CODE)
    told = desk.punch(CARD.lower(), Way.IN)
    assert (told.name, told.way, told.again) == ("佐藤 葵", Way.IN, False) and told.at == clock.now
    clock.now += timedelta(seconds=90)
    assert desk.punch(CARD, Way.IN).again, "held up twice is one punch"
    clock.now = clock.now.replace(hour=18, minute=20)
    assert not desk.punch("４７１１", Way.OUT).again
    assert spans(own, "sato") == (Span(7 * 60 + 50, 18 * 60 + 20),)


def test_nobodys_card_keeps_nothing(own: School, desk: PunchDesk) -> None:
    before = desk._session.store.reader.changes()
    for card in ("9999", "", "さとう", "G123", "1" * 64):
        with pytest.raises(UnknownCardError) as caught:
            desk.punch(card, Way.IN)
        assert card == "" or card not in str(caught.value)
    assert desk._session.store.reader.changes() == before


def test_a_card_that_moved_on_is_the_new_holders_from_that_day(own: School, clock: Clock, desk: PunchDesk) -> None:
    give(own, "suzuki", "77")
    assert desk.punch("77", Way.IN).name == "鈴木 航"
    give(own, "suzuki", since=DAY + timedelta(days=4))
    give(own, "kyoto", "77", since=DAY + timedelta(days=4))
    clock.now = at(DAY + timedelta(days=3))
    assert desk.punch("77", Way.IN).name == "鈴木 航"
    clock.now = at(DAY + timedelta(days=4))
    assert desk.punch("77", Way.IN).name == "田中 望"


def test_a_card_that_was_taken_away_is_nobodys(own: School, desk: PunchDesk) -> None:
    give(own, "shien", "88")
    assert desk.punch("88", Way.IN).name == "森 遥"
    give(own, "shien")
    with pytest.raises(UnknownCardError):
        desk.punch("88", Way.OUT)


def test_the_terminal_can_open_nothing_of_the_school(own: School, desk: PunchDesk) -> None:
    session = desk._session
    assert [i for i in Importance if session.store.keyring.cleared(i)] == [Importance.IV]
    with pytest.raises(PolicyDeniedError):
        _ = session.roster
    desk.punch(CARD, Way.IN)
    for kind in ("hours.punch", "person.profile"):
        with pytest.raises(NotClearedError):
            list(session.store.heads(kind))


def test_the_office_is_not_opened_as_the_terminal_nor_the_terminal_as_a_person(own: School) -> None:
    with pytest.raises(NotInOfficeError):
        login(own.site, "genkan", PASSPHRASE)
    with pytest.raises(NotInOfficeError):
        login_terminal(own.site, "sato", PASSPHRASE)


def test_the_terminal_is_no_member_of_staff(own: School) -> None:
    office = own.office("kocho")
    assert all(one.name != "玄関" for one in office.hours.staff())
    assert all(month.name != "玄関" for month in office.hours.all_months(DAY))
    office.logout()


def test_a_card_of_two_people_is_nobodys() -> None:
    shifts = [
        Shift(person=who, since=APRIL, name="A", begin=480, end=990, rest=45, cards=("12",))
        for who in ("aa", "bb")
    ]
    assert badges(shifts, str)["12"].holder(DAY) is None


@pytest.mark.parametrize(
    ("typed", "card"),
    [("0042", "42"), ("01-14-a2:b3", "114A2B3"), ("４２", "42"), ("0", "0"), ("", ""), ("x1", ""), ("1" * 33, "")],
)
def test_what_readers_and_people_type(typed: str, card: str) -> None:
    assert badge_of(typed) == card
