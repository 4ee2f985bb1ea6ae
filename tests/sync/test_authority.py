"""Who may write what: a pure question, asked of rosters in plain calls (test_quarantine.py asks whole sites)."""

import itertools
from collections.abc import Sequence
from typing import Final

import pytest

from crypto.errors import BadSignatureError
from crypto.people import PeopleRoster, Person
from crypto.signing import SigningKey
from sync.authority import ENDED, ROLE, UNKNOWN, Authority, Rules
from sync.change import BATCH_DOMAIN
from sync.checkpoint import site_person
from sync.ids import Origin, Site
from sync.openrecords import BATCH_KEY, BOARD_KINDS, PEOPLE, SITE_KINDS
from tests.sync.pair import BOX, HUB
from tests.sync.site import SCHOOL

BOARD, SATO, MORI, GUEST = (bytes((number,)) * 16 for number in range(1, 5))
NOON: Final = 1_795_000_000_000
LAW: Final = Rules({"attendance": ("teacher", "clerk"), "meeting": ("principal",)})
KEY: Final = SigningKey.generate()


def person(who: bytes, *roles: str, until: int | None = None, since: int = 0, key: SigningKey = KEY) -> Person:
    return Person(who, who.hex()[:4], roles, (), bytes(1), key.verify_key.to_bytes(), since, until)


def roster(version: int, *people: Person, issued: int = 0) -> PeopleRoster:
    return PeopleRoster(SCHOOL, version, issued, issued + 1, people)


def fault(
    rosters: Sequence[PeopleRoster], who: bytes, kind: str = "attendance.mark", at: int = NOON, rules: Rules = LAW
) -> str:
    return Authority(rosters, rules).fault(BOX, who, at, kind)


STAFF: Final = roster(1, person(BOARD, "board"), person(SATO, "teacher"), person(MORI, "principal"))


def test_who_may_write_something_at_all_times_is_said_only_of_those() -> None:
    """Nothing of theirs needs to be judged anew when a roster comes."""
    left = roster(2, person(SATO, "teacher", until=NOON), person(MORI, "teacher"), issued=NOON - 50)
    for rosters, who, kind, expected in (
        ([STAFF], SATO, "attendance.mark", True),
        ([STAFF], SATO, "meeting.item", False),
        ([STAFF], GUEST, "attendance.mark", False),
        ([STAFF, left], SATO, "attendance.mark", False),  # not after their end
        ([STAFF, left], MORI, "attendance.mark", False),  # not before they were a teacher
        ([STAFF, left], BOARD, "roster.user", True),
    ):
        authority = Authority(rosters, LAW)
        assert authority.always_allows(BOX, who, kind) is expected, (who, kind)
        asked = [authority.fault(BOX, who, at, kind) for at in (0, NOON - 51, NOON - 50, NOON - 1, NOON, NOON * 2)]
        assert expected is not any(asked)


def test_the_answer_changes_at_the_very_millisecond() -> None:
    left = roster(2, person(SATO, "principal", until=NOON), issued=NOON - 50)
    authority = Authority([STAFF, left], LAW)
    asked = [authority.fault(BOX, SATO, at, "meeting.item") for at in (0, NOON - 51, NOON - 50, NOON - 1, NOON)]
    assert asked == [ROLE, ROLE, "", "", ENDED]


def test_somebody_whom_the_board_does_not_know_may_write_nothing() -> None:
    for kind in ("attendance.mark", BATCH_KEY, *BOARD_KINDS, *SITE_KINDS):
        assert fault([STAFF], GUEST, kind) == UNKNOWN
        assert fault([], SATO, kind) == UNKNOWN


@pytest.mark.parametrize(
    ("who", "kind", "expected"),
    [
        (SATO, "attendance.mark", ""),
        (SATO, "attendance", ""),
        (SATO, "meeting.item", ROLE),
        (SATO, "attendances.mark", ROLE),
        (SATO, "roster.user", ROLE),
        (MORI, "meeting.item", ""),
        (MORI, "attendance.mark", ROLE),
        (BOARD, "meeting.item", ""),
        (BOARD, "roster.user", ""),
        (SATO, BATCH_KEY, ""),
        (BOARD, BATCH_KEY, ""),
    ],
)
def test_a_role_may_write_its_own_areas(who: bytes, kind: str, expected: str) -> None:
    assert fault([STAFF], who, kind) == expected


def test_a_kinds_own_entry_counts_before_its_areas() -> None:
    law = Rules(
        {"permit": ("teacher", "clerk"), "permit.grant": ("principal",), "hours": (), "hours.day": ("teacher",)}
    )
    told = roster(1, person(SATO, "teacher"), person(MORI, "principal"), person(BOARD, "board"))
    for who, kind, expected in (
        (SATO, "permit.request", ""),
        (SATO, "permit.grant", ROLE),
        (SATO, "hours.day", ""),
        (SATO, "hours.shift", ROLE),
        (MORI, "permit.grant", ""),
        (MORI, "permit.request", ROLE),
        (BOARD, "permit.grant", ""),
    ):
        assert fault([told], who, kind, rules=law) == expected, (who, kind)


def test_one_role_of_several_is_enough() -> None:
    both = roster(1, person(SATO, "nurse", "clerk"))
    assert fault([both], SATO) == "" and fault([both], SATO, "meeting.item") == ROLE
    assert fault([roster(1, person(SATO))], SATO) == ROLE


def test_without_rules_everybody_known_may_write_every_area_but_not_the_boards() -> None:
    assert fault([STAFF], SATO, "meeting.item", rules=Rules()) == ""
    assert fault([STAFF], GUEST, "meeting.item", rules=Rules()) == UNKNOWN
    for kind in (*BOARD_KINDS, *SITE_KINDS):
        assert fault([STAFF], SATO, kind, rules=Rules()) == ROLE


def test_keys_rosters_and_grants_are_the_boards_alone() -> None:
    for kind in BOARD_KINDS:
        assert fault([STAFF], BOARD, kind) == ""
        assert fault([STAFF], MORI, kind) == ROLE


def test_a_site_speaks_for_itself_alone_and_writes_nothing_else() -> None:
    box, hub = site_person(BOX), site_person(HUB)
    sites = roster(1, person(box, "site"), person(hub, "site"), person(SATO, "teacher"))
    authority = Authority([sites], LAW)
    for kind in (*SITE_KINDS, BATCH_KEY):
        assert authority.fault(BOX, box, NOON, kind) == ""
        assert authority.fault(BOX, hub, NOON, kind) == ROLE, "in another site's log"
        assert authority.fault(Origin(SCHOOL, Site.BOX, 2), box, NOON, kind) == ROLE, "in its next life"
    for kind in ("attendance.mark", *BOARD_KINDS):
        assert authority.fault(BOX, box, NOON, kind) == ROLE
    for kind in SITE_KINDS:
        assert authority.fault(BOX, SATO, NOON, kind) == ROLE


def test_a_site_may_add_what_the_rules_name_it_for_and_only_in_its_own_log() -> None:
    box, hub = site_person(BOX), site_person(HUB)
    sites = [roster(1, person(box, "site"), person(hub, "site"), person(SATO, "teacher"))]
    authority = Authority(sites, Rules({"document": ("teacher", "site"), "meeting": ("teacher",)}))
    assert authority.fault(BOX, box, NOON, "document.file") == ""
    assert authority.fault(BOX, hub, NOON, "document.file") == ROLE, "in another site's log"
    assert authority.fault(BOX, box, NOON, "meeting.item") == ROLE
    assert Authority(sites, Rules()).fault(BOX, box, NOON, "document.file") == ROLE, "named by no rule"


def test_the_name_of_a_site_is_not_enough() -> None:
    impostor = roster(1, person(site_person(BOX), "teacher"))
    assert all(fault([impostor], site_person(BOX), kind) == ROLE for kind in SITE_KINDS)


def test_what_is_made_after_the_end_of_somebodys_time_counts_for_nothing() -> None:
    over = roster(2, person(SATO, "teacher", until=NOON))
    for kind in ("attendance.mark", BATCH_KEY):
        assert fault([STAFF, over], SATO, kind, NOON - 1) == ""
        assert fault([STAFF, over], SATO, kind, NOON) == ENDED
        assert fault([STAFF, over], SATO, kind, NOON + 1) == ENDED
    assert fault([STAFF], SATO, at=NOON + 1) == "", "without the newer roster nobody could know"


def test_the_board_ends_like_anybody() -> None:
    over = roster(2, person(BOARD, "board", until=NOON))
    assert [fault([over], BOARD, PEOPLE, at) for at in (NOON - 1, NOON)] == ["", ENDED]


def test_somebody_may_come_back() -> None:
    over, again = roster(2, person(SATO, "teacher", until=NOON)), roster(3, person(SATO, "teacher"))
    assert fault([STAFF, over, again], SATO, at=NOON + 1) == ""


def test_a_slow_clock_takes_nobodys_first_day_away() -> None:
    """Given leniently: dated before the admission and before the roster that names them, it counts."""
    fresh = roster(2, person(GUEST, "teacher", since=NOON), issued=NOON)
    assert [fault([STAFF, fresh], GUEST, at=at) for at in (0, NOON - 1, NOON, NOON + 1)] == [""] * 4


def test_a_role_counts_from_the_roster_that_gives_it_to_the_one_that_takes_it() -> None:
    rosters = [
        roster(1, person(MORI, "teacher"), issued=NOON - 100),
        roster(2, person(MORI, "principal"), issued=NOON),
        roster(3, person(MORI, "clerk"), issued=NOON + 100),
    ]
    moments = (NOON - 200, NOON - 1, NOON, NOON + 99, NOON + 100)
    assert [fault(rosters, MORI, "meeting.item", at) for at in moments] == [ROLE, ROLE, "", "", ROLE]
    assert [fault(rosters, MORI, "attendance.mark", at) for at in moments] == ["", "", ROLE, ROLE, ""]


def test_the_answer_does_not_depend_on_the_order_in_which_rosters_came() -> None:
    """Two issued at two sites have one version, and may have come in any order."""
    rosters = [
        STAFF,
        roster(2, person(SATO, "teacher", until=NOON), person(MORI, "clerk"), issued=NOON - 50),
        roster(2, person(SATO, "teacher"), person(MORI, "principal"), issued=NOON - 40),
        roster(2, person(SATO, "principal"), person(MORI, "teacher", until=NOON + 5), issued=NOON - 40),
    ]
    asked = [
        (who, kind, at)
        for who in (SATO, MORI)
        for kind in ("attendance.mark", "meeting.item")
        for at in (NOON - 60, NOON - 45, NOON - 1, NOON, NOON + 10)
    ]
    answers = {tuple(fault(some, *one) for one in asked) for some in itertools.permutations(rosters)}
    assert len(answers) == 1


def test_of_two_rosters_of_one_version_the_one_issued_later_is_the_newer() -> None:
    """As the keyring has it (`read_people`): both must have the same people in office."""
    over = roster(2, person(SATO, "teacher", until=NOON), issued=NOON - 50)
    kept = roster(2, person(SATO, "teacher"), issued=NOON - 40)
    assert fault([kept, over], SATO) == fault([over, kept], SATO) == ""


def test_a_new_key_does_not_take_back_what_the_old_one_signed() -> None:
    old, new, other = SigningKey.generate(), SigningKey.generate(), SigningKey.generate()
    authority = Authority([roster(2, person(SATO, "teacher", key=new)), roster(1, person(SATO, key=old))], LAW)
    assert authority.version == 2
    for key in (old, new, new, old):  # whichever was tried first
        authority.keys[SATO].verify(BATCH_DOMAIN, b"entry", key.sign(BATCH_DOMAIN, b"entry"))
    with pytest.raises(BadSignatureError):
        authority.keys[SATO].verify(BATCH_DOMAIN, b"entry", other.sign(BATCH_DOMAIN, b"entry"))
    assert Authority([], LAW).version == 0
