"""People at a school are let in and renewed at the board by the real commands, with nothing of the box at hand."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from crypto.errors import WrongPassphraseError
from crypto.importance import Importance
from sync.client import KeeperClient
from sync.localstore import POST_SPACE
from sync.site import SitePaths
from tests.faults.city import City, mark, office_at, parsed, wait_until

pytestmark = pytest.mark.faults
FIRST, SECOND = "the-first-passphrase", "the-second-passphrase"


@pytest.fixture
def city(tmp_path: Path) -> Iterator[City]:
    made = City(tmp_path)
    try:
        yield made
    finally:
        made.close()


def letters(site: Path) -> tuple[str, ...]:
    with contextlib.closing(KeeperClient(SitePaths(site).socket)) as client:
        return client.local_keys(POST_SPACE)


def carried(city: City, medium: Path) -> int:
    """Carry a medium from the board to the box, and say how many segments were on it."""
    told = parsed(city.run("segments", "export", city.hub.root, "--sent", "--to", medium, "--json"))
    assert city.run("segments", "import", city.school.site, "--from", medium).returncode == 0
    return int(told["segments"])


def confirmed_box(city: City) -> Path:
    """Serve the box and the board until an entry is 確認済; return the box's folder."""
    box = city.school.site
    city.serve(box)
    city.run_hubs()
    with office_at(box) as office:
        mark(office, 0)
    city.until_confirmed(box)
    return box


def opens(site: Path, words: str) -> bool:
    try:
        with office_at(site, "shinnin", words) as office:
            return bool(office._session.store.keyring.cleared(Importance.II))
    except WrongPassphraseError:
        return False


def test_admitted_and_renewed_while_the_line_is_cut_and_heard_when_it_is_back(city: City, tmp_path: Path) -> None:
    box, words = confirmed_box(city), tmp_path / "words"
    city.line.cut()
    words.write_text(FIRST, "utf-8")
    options = ("--login", "shinnin", "--new-passphrase-file", words, "--passphrase-stdin")
    admit = ("admit", city.code, "--display-name", "新任 花子", "--role", "teacher", *options)
    done = city.as_board(*admit)
    assert (done.returncode, done.stderr) == (0, ""), done
    assert "board run" in done.stdout
    assert city.as_board(*admit).returncode == 2, "the login is taken"
    city.line.mend()
    wait_until(lambda: letters(box) == ("shinnin",), "the letter")
    assert opens(box, FIRST) and letters(box) == ()

    words.write_text(SECOND, "utf-8")
    done = city.as_board("renew", city.code, *options)
    assert (done.returncode, done.stderr) == (0, "")
    wait_until(lambda: letters(box) == ("shinnin",), "the second letter")
    assert not opens(box, FIRST) and opens(box, SECOND)
    with office_at(box, "shinnin", SECOND) as office:
        mark(office, 1)
    city.until_confirmed(box)


def test_a_letter_goes_on_a_medium_to_a_box_that_has_no_line(city: City, tmp_path: Path) -> None:
    box, words, medium = confirmed_box(city), tmp_path / "words", tmp_path / "medium"
    city.line.cut()
    words.write_text(FIRST, "utf-8")
    options = ("--login", "shinnin", "--new-passphrase-file", words, "--passphrase-stdin")
    done = city.as_board("admit", city.code, "--display-name", "新任 花子", "--role", "teacher", *options)
    assert (done.returncode, done.stderr) == (0, ""), done
    city.until(city.hub.root, lambda status: status.waiting == 0, "the hub has sent it")
    assert carried(city, medium) > 0
    wait_until(lambda: letters(box) == ("shinnin",), "the letter, though no line ever came back")
    assert opens(box, FIRST)
