"""A grant is the board's word and nobody else's; what a site reads of them follows from that word alone."""

from collections.abc import Iterator
from typing import Final

import msgspec
import pytest

from crypto.errors import (
    BadSignatureError,
    ContextMismatchError,
    CryptoError,
    MalformedError,
    UnknownVersionError,
)
from crypto.framing import frame
from crypto.importance import Importance
from crypto.people import PeopleRoster, sign_people
from crypto.signing import SigningKey
from sync.grants import DOMAIN, VERSION, Grant, grant_name, open_grant, read_grants, sign_grant
from sync.ids import Origin, Site
from sync.openrecords import GRANT, grant_record
from sync.sealed import Draft, SealedStore
from tests.sync.site import SCHOOL, TestSite

ROOT: Final = SigningKey.generate()
MADE: Final = Grant(SCHOOL, "box", 2, bytes(range(32)), 1_795_000_000_000)


def opened(blob: bytes, school: str = SCHOOL) -> Grant:
    return open_grant(blob, ROOT.verify_key, school)


def signed(body: bytes) -> bytes:
    return bytes((VERSION,)) + frame(body, ROOT.sign(DOMAIN, bytes((VERSION,)) + body))


def accepted(candidates: dict[str, bytes]) -> list[str]:
    """Return which of the altered grants were believed; anything raised but a CryptoError goes through."""
    taken = []
    for name, blob in candidates.items():
        try:
            opened(blob)
        except CryptoError:
            continue
        taken.append(name)
    return taken


def test_what_the_board_signed_is_read() -> None:
    assert opened(sign_grant(MADE, ROOT)) == MADE
    assert MADE.origin == Origin(SCHOOL, Site.BOX, 2)
    assert grant_name(MADE.origin) == f"{SCHOOL}/grants/box-00000002"


def test_no_byte_can_be_another_one_missing_or_added() -> None:
    blob = sign_grant(MADE, ROOT)
    candidates = {
        f"{at} ^ {mask}": blob[:at] + bytes((blob[at] ^ mask,)) + blob[at + 1 :]
        for at in range(len(blob))
        for mask in (1, 2, 4, 8, 16, 32, 64, 128, 255)
    }
    candidates |= {f"first {size}": blob[:size] for size in range(len(blob))}
    candidates["one more"] = blob + b"\0"
    assert accepted({"": blob}) == [""]
    assert accepted(candidates) == []


def test_another_schools_is_refused() -> None:
    blob = sign_grant(msgspec.structs.replace(MADE, school="C999999999999"), ROOT)
    assert opened(blob, "C999999999999").school == "C999999999999"
    with pytest.raises(ContextMismatchError):
        opened(blob)


def test_one_that_another_board_signed_is_refused() -> None:
    with pytest.raises(BadSignatureError):
        opened(sign_grant(MADE, SigningKey.generate()))


def test_another_word_of_the_board_is_no_grant() -> None:
    roster = sign_people(PeopleRoster(SCHOOL, 1, 0, 1, ()), ROOT)
    with pytest.raises(BadSignatureError):
        opened(roster)


def test_a_later_version_is_named() -> None:
    with pytest.raises(UnknownVersionError):
        opened(b"\2" + sign_grant(MADE, ROOT)[1:])


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xc1",
        b"\x81\xa6school\xa1\xff",
        msgspec.msgpack.encode({"school": SCHOOL, "site": "box", "epoch": 2}),
        msgspec.msgpack.encode({**msgspec.to_builtins(MADE), "sign_key": bytes(32), "more": 1}),
        msgspec.msgpack.encode(msgspec.structs.replace(MADE, site="moon")),
    ],
    ids=["nothing", "no msgpack", "no text", "too little", "too much", "no such site"],
)
def test_what_is_signed_but_no_grant_is_named(body: bytes) -> None:
    with pytest.raises(MalformedError):
        opened(signed(body))


class Board:
    """The board's session over a store, and what it reads there."""

    def __init__(self, site: TestSite) -> None:
        self.root = site.root
        self.session: SealedStore = site.session()

    def keep(self, site: Site, *bodies: bytes) -> None:
        """Keep grants under the record of a site, each as a head of its own."""
        record = grant_record(SCHOOL, site)
        self.session.put([Draft(GRANT, record, Importance.IV, body) for body in bodies])

    def sign(self, grant: Grant) -> bytes:
        return sign_grant(grant, self.root.sign)

    def read(self) -> list[Grant]:
        return read_grants(self.session.reader, self.root.sign.verify_key)


@pytest.fixture
def board(site: TestSite) -> Iterator[Board]:
    made = Board(site)
    yield made
    made.session.close()


def grant(site: Site, epoch: int, issued_ms: int = 1, key: bytes = bytes(32)) -> Grant:
    return Grant(SCHOOL, str(site), epoch, key, issued_ms)


def test_a_store_without_grants_has_none(board: Board) -> None:
    assert board.read() == []


def test_every_epoch_of_every_site_is_read_in_order(board: Board) -> None:
    hub, box, second = grant(Site.HUB, 1), grant(Site.BOX, 1), grant(Site.BOX, 2)
    board.keep(Site.HUB, board.sign(hub))
    board.keep(Site.BOX, board.sign(second), board.sign(box))
    assert board.read() == [box, second, hub]


def test_one_that_a_later_one_replaced_is_still_read(board: Board) -> None:
    first, second = grant(Site.BOX, 1), grant(Site.BOX, 2)
    board.keep(Site.BOX, board.sign(first))
    record = grant_record(SCHOOL, Site.BOX)
    base = board.session.base_of(GRANT, [record])[record]
    board.session.put([Draft(GRANT, record, Importance.IV, board.sign(second), base)])
    assert board.read() == [first, second]


def test_what_the_board_did_not_sign_is_passed_over(board: Board) -> None:
    good = grant(Site.BOX, 1)
    blob = board.sign(good)
    elsewhere = board.sign(msgspec.structs.replace(good, school="C999999999999", epoch=4))
    board.keep(
        Site.BOX,
        sign_grant(grant(Site.BOX, 2), ROOT),
        blob[:-1] + bytes((blob[-1] ^ 1,)),
        b"no grant",
        elsewhere,
        blob,
    )
    assert board.read() == [good]


def test_one_under_another_sites_record_is_passed_over(board: Board) -> None:
    board.keep(Site.HUB, board.sign(grant(Site.BOX, 2)))
    assert board.read() == []


@pytest.mark.parametrize("last_first", [False, True])
def test_of_two_for_one_epoch_the_one_issued_last_counts(board: Board, last_first: bool) -> None:
    """Whichever stands later in the log: an old one that is put back says nothing new."""
    old, new = grant(Site.BOX, 2, 1, bytes(32)), grant(Site.BOX, 2, 2, bytes((1,)) * 32)
    for one in (new, old) if last_first else (old, new):
        board.keep(Site.BOX, board.sign(one))
    assert board.read() == [new]
