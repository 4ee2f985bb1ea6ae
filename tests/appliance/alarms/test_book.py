"""The book of alarms: state and queue in one file, two messages of one alarm at most, nothing lost."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.alarms.book import FILE, Book, read_book, write_book
from sync.site import SitePaths
from tests.appliance.health.machines import site_at

WHO = ("email:a@example.jp", "webhook")


@pytest.fixture
def paths(tmp_path: Path) -> SitePaths:
    return site_at(tmp_path / "site")


def test_raised_and_told_are_one_write(paths: SitePaths) -> None:
    book = Book().changed("disk", True, 5, WHO, {"percent": 3})
    write_book(paths, book)
    assert read_book(paths) == book and book.raised == {"disk": 5}
    assert [(one.alarm, one.raised, one.due) for one in book.messages] == [("disk", True, WHO)]
    assert (paths.run / FILE).stat().st_mode & 0o777 == 0o600


def test_a_message_leaves_when_everybody_was_told() -> None:
    book = Book().changed("disk", True, 5, WHO)
    first = book.messages[0]
    book = book.delivered(first, "webhook")
    assert book.messages[0].due == ("email:a@example.jp",) and book.messages[0].id == first.id
    assert book.delivered(book.messages[0], "email:a@example.jp").messages == ()


def test_what_comes_and_goes_all_night_is_two_messages() -> None:
    book = Book()
    for turn in range(101):
        book = book.changed("disk", turn % 2 == 0, turn, WHO)
    assert [(one.raised, one.at_ms, one.times) for one in book.messages] == [(True, 0, 1), (True, 100, 100)]
    assert book.raised == {"disk": 100}


def test_whoever_is_no_longer_in_the_configuration_holds_nothing_up() -> None:
    book = Book().changed("disk", True, 5, WHO).addressed(("webhook",))
    assert book.messages[0].due == ("webhook",)
    assert book.addressed(()).messages == () and book.addressed(()).raised == {"disk": 5}


def test_with_nobody_to_be_told_it_is_raised_all_the_same() -> None:
    assert Book().changed("disk", True, 5, ()) == Book({"disk": 5})


@pytest.mark.parametrize("junk", [b"", b"{", b"[]", b'{"raised": 3}', b"\xff"])
def test_a_book_that_cannot_be_read_is_an_empty_one(junk: bytes, paths: SitePaths) -> None:
    (paths.run / FILE).write_bytes(junk)
    assert read_book(paths) == Book()


def test_alarms_of_a_later_release_are_left_out(paths: SitePaths) -> None:
    book = (
        Book().changed("flood", True, 5, WHO).changed("doctor.flood", True, 6, WHO).changed("disk", True, 7, WHO)
    )
    write_book(paths, book)
    found = read_book(paths)
    assert found.raised == {"disk": 7} and [one.alarm for one in found.messages] == ["disk"]


@given(st.lists(st.tuples(st.sampled_from(["disk", "usb", "lease"]), st.booleans()), max_size=60))
def test_the_last_message_always_says_how_it_stands(steps: list[tuple[str, bool]]) -> None:
    """Whatever happens while nobody is told: the newest message of an alarm agrees with the book."""
    book = Book()
    for at_ms, (alarm, deliver) in enumerate(steps, 1):
        book = book.changed(alarm, alarm not in book.raised, at_ms, WHO)
        if deliver:
            book = book.delivered(book.messages[0], WHO[0])
            book = book.delivered(book.messages[0], WHO[1]) if book.messages else book
    for alarm in {alarm for alarm, _ in steps}:
        mine = [one for one in book.messages if one.alarm == alarm]
        assert len(mine) <= 2
        assert not mine or mine[-1].raised is (alarm in book.raised)
