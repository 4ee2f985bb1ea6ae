"""Signed forms: what opens is what was signed, and nothing is read that its key did not sign."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypto.errors import BadSignatureError, MalformedError, UnknownVersionError
from crypto.framing import frame
from crypto.signedform import SignedForm, versioned
from crypto.signing import SigningKey, VerifyKey

KEY, OTHER = SigningKey.generate(), SigningKey.generate()
VERSION, DOMAIN = 3, "kurabako/test-note/v3"


class Note(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A body; `by` is the key that its writer claims."""

    text: str
    by: bytes = b""


FORM = SignedForm(Note, VERSION, DOMAIN, "note")


def signed(raw: bytes, key: SigningKey = KEY, domain: str = DOMAIN) -> bytes:
    return bytes((VERSION,)) + frame(raw, key.sign(domain, bytes((VERSION,)) + raw))


@given(st.text(), st.lists(st.binary(), max_size=3))
def test_what_opens_is_what_was_signed(text: str, beside: list[bytes]) -> None:
    blob = FORM.sign(Note(text), KEY, *beside)
    assert FORM.open_beside(blob, KEY.verify_key, len(beside)) == (Note(text), beside)
    with pytest.raises(MalformedError):
        FORM.open_beside(blob, KEY.verify_key, len(beside) + 1)


@pytest.mark.parametrize(
    ("blob", "error"),
    [
        (b"", MalformedError),
        (b"\x02" + FORM.sign(Note("a"), KEY)[1:], UnknownVersionError),
        (FORM.sign(Note("a"), OTHER), BadSignatureError),
        (signed(msgspec.msgpack.encode(Note("a")), domain="kurabako/other/v3"), BadSignatureError),
        (SignedForm(Note, 4, DOMAIN, "note").sign(Note("a"), KEY).replace(b"\x04", b"\x03", 1), BadSignatureError),
        (signed(b"\xc1"), MalformedError),
        (signed(msgspec.msgpack.encode({"text": "a", "more": 1})), MalformedError),
        (signed(b"\x81\xa4text\xa1\xff"), MalformedError),
        (FORM.sign(Note("a"), KEY)[:-1], MalformedError),
    ],
    ids=[
        "nothing",
        "another version",
        "another key",
        "another purpose",
        "a version that was not signed",
        "no msgpack",
        "a field too many",
        "no UTF-8",
        "cut off",
    ],
)
def test_what_is_no_such_form_is_refused(blob: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        FORM.open(blob, KEY.verify_key)


def test_nothing_is_read_before_its_signature_fits() -> None:
    with pytest.raises(BadSignatureError):
        FORM.open(signed(b"\xc1", OTHER), KEY.verify_key)


def test_a_body_may_name_the_key_that_signed_it_and_no_other() -> None:
    own = Note("a", KEY.verify_key.to_bytes())
    assert FORM.open_by(FORM.sign(own, KEY), lambda note: VerifyKey.from_bytes(note.by)) == own
    with pytest.raises(BadSignatureError):
        FORM.open_by(FORM.sign(own, OTHER), lambda note: VerifyKey.from_bytes(note.by))


def test_a_version_is_taken_off() -> None:
    assert versioned(b"\x01abc", 1, "read") == b"abc"
