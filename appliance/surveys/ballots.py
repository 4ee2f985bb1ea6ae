"""A ballot: the answers of one person without their name, sealed so that all ballots look alike.

Invariant: a ballot holds the answers and nothing else, and is padded to a few sizes; it opens with the class key
of importance III that every member of staff has, since whose it is nobody can tell.
"""

from typing import Final

import msgspec

from appliance.surveys.records import Given, SurveyForm
from crypto.classkeys import ClassKeyPair, ClassPublic
from crypto.errors import CryptoError
from crypto.framing import frame
from crypto.hybrid import hybrid_open, hybrid_seal

_DOMAIN: Final = b"kurabako/ballot/v1"
_STEP: Final = 1024
_MARK: Final = b"\x80"


def seal_ballot(public: ClassPublic, survey: str, given: tuple[Given, ...]) -> bytes:
    """Return a sealed ballot."""
    plain = msgspec.msgpack.encode(given) + _MARK
    padded = plain + bytes(-len(plain) % _STEP)
    return hybrid_seal(public.key, padded, _info(public, survey))


def open_ballot(pair: ClassKeyPair, survey: str, ballot: bytes, form: SurveyForm) -> tuple[Given, ...] | None:
    """Return the answers of a ballot, None for what no desk would have sealed."""
    try:
        padded = hybrid_open(pair.private, ballot, _info(pair.public, survey))
        given = msgspec.msgpack.decode(padded.rstrip(b"\0").removesuffix(_MARK), type=tuple[Given, ...])
    except (CryptoError, msgspec.DecodeError, UnicodeDecodeError):
        return None
    return given if fits(form, given) else None


def fits(form: SurveyForm, given: tuple[Given, ...]) -> bool:
    """Say whether answers are such as the questions ask for."""
    if len(given) != len(form.questions):
        return False
    for question, one in zip(form.questions, given, strict=True):
        if isinstance(one, str) is not (question.way == "text"):
            return False
        if not isinstance(one, str):
            most = 1 if question.way == "one" else len(question.choices)
            known = all(0 <= place < len(question.choices) for place in one)
            if not known or len({*one}) != len(one) or len(one) > most:
                return False
    return True


def _info(public: ClassPublic, survey: str) -> bytes:
    return frame(_DOMAIN, public.id.to_bytes(), survey.encode())
