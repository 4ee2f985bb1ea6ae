"""Letters of the board to one box: who can read them, who can make them, and what a box makes of them."""

import contextlib
import os
from collections.abc import Callable

import msgspec
import pytest

from crypto.errors import (
    BadSignatureError,
    ContextMismatchError,
    CryptoError,
    MalformedError,
    OpenFailedError,
    UnknownVersionError,
)
from crypto.framing import frame, unframe
from crypto.identity import Identity
from crypto.secret import Secret
from sync.ids import Origin, Site
from sync.post import LetterSecrets, open_letter, post_key, write_letter
from tests.sync.site import SCHOOL

BOX = Origin(SCHOOL, Site.BOX, 2)
PEPPER = Secret(bytes(range(32)))
ROOT, PERSON = (Identity.generate(os.urandom(16)) for _ in range(2))
SECRETS = LetterSecrets(b"p" * 32, b"a sealed identity")


def letter(box: Origin = BOX, root: Identity = ROOT) -> bytes:
    to = post_key(PEPPER).public
    return write_letter(box, "sato", PERSON.sign.verify_key, SECRETS, to, root.sign, 1_800_000_000_000)


def test_only_the_box_reads_it() -> None:
    told = open_letter(letter(), ROOT.sign.verify_key, BOX)
    assert (told.login, told.sign_key) == ("sato", PERSON.sign.verify_key.to_bytes())
    assert told.secrets(post_key(PEPPER)) == SECRETS
    assert SECRETS.identity not in letter() and SECRETS.first_pepper not in letter()
    with pytest.raises(OpenFailedError):
        told.secrets(post_key(Secret(bytes(32))))
    assert repr(SECRETS) == "<redacted>"


def test_the_key_follows_from_the_pepper_and_from_nothing_else() -> None:
    assert post_key(PEPPER).public == post_key(PEPPER).public
    assert post_key(PEPPER).public != post_key(Secret(bytes(32))).public
    for short in (b"", bytes(31), bytes(33)):
        with pytest.raises(MalformedError):
            post_key(Secret(short))


def _sealed_for_another_login() -> bytes:
    other = write_letter(BOX, "suzuki", PERSON.sign.verify_key, SECRETS, post_key(PEPPER).public, ROOT.sign, 1)
    sealed = open_letter(other, ROOT.sign.verify_key, BOX).sealed
    told = msgspec.structs.replace(open_letter(letter(), ROOT.sign.verify_key, BOX), sealed=sealed)
    body = msgspec.msgpack.encode(told)
    return b"\x01" + frame(body, ROOT.sign.sign("kurabako/post/v1", b"\x01" + body))


@pytest.mark.parametrize(
    ("made", "error"),
    [
        (lambda: b"", MalformedError),
        (lambda: b"\x02" + letter()[1:], UnknownVersionError),
        (lambda: letter()[:-1], MalformedError),
        (lambda: letter(root=PERSON), BadSignatureError),
        (lambda: letter(Origin(SCHOOL, Site.BOX, 1)), ContextMismatchError),
        (lambda: letter(Origin("B101210000029", Site.BOX, 2)), ContextMismatchError),
        (
            lambda: b"\x01" + frame(unframe(letter()[1:], 2)[0] + b"x", unframe(letter()[1:], 2)[1]),
            BadSignatureError,
        ),
        (lambda: b"\x01" + frame(b"\xc1", ROOT.sign.sign("kurabako/post/v1", b"\x01\xc1")), MalformedError),
        (_sealed_for_another_login, OpenFailedError),
    ],
)
def test_what_is_no_letter_to_this_box_is_refused(made: Callable[[], bytes], error: type[CryptoError]) -> None:
    with pytest.raises(error):
        open_letter(made(), ROOT.sign.verify_key, BOX).secrets(post_key(PEPPER))


def test_no_changed_bit_is_taken() -> None:
    good = letter()
    for at in range(0, len(good), 97):
        bad = bytearray(good)
        bad[at] ^= 1
        with contextlib.suppress(CryptoError):
            open_letter(bytes(bad), ROOT.sign.verify_key, BOX)
            raise AssertionError(f"byte {at}")
