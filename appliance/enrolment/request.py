"""A new box's request to the board: its public keys, signed by itself.

Invariant: it holds nothing secret, so whoever carries it may read it; a request that reads is signed by the key
that it names. That it is the right box's is for people to see: both sides compare its `code`.
"""

from hashlib import sha256
from typing import Final

import msgspec

from appliance.enrolment.chaincode import letters
from crypto.errors import ContextMismatchError
from crypto.hybrid import HybridPublicKey
from crypto.identity import PersonKeys
from crypto.signedform import SignedForm
from crypto.signing import SigningKey, VerifyKey
from sync.checkpoint import site_person
from sync.ids import Origin, Site

VERSION: Final = 1
DOMAIN: Final = "kurabako/enrolment-request/v1"


class EnrolmentRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who wants to be a school's box: epoch, keys to sign, to seal to and to lock to. `made_ms` is since 1970."""

    school: str
    epoch: int
    sign_key: bytes
    seal_key: bytes
    lease_key: bytes
    made_ms: int

    @property
    def origin(self) -> Origin:
        """Return which life of which box it speaks of."""
        return Origin(self.school, Site.BOX, self.epoch)

    @property
    def keys(self) -> PersonKeys:
        """Return the box's public keys; raises MalformedError."""
        seal, sign = HybridPublicKey.from_bytes(self.seal_key), VerifyKey.from_bytes(self.sign_key)
        return PersonKeys(site_person(self.origin), seal, sign)

    @property
    def lease(self) -> HybridPublicKey:
        """Return the key that a lease will speak of; raises MalformedError."""
        return HybridPublicKey.from_bytes(self.lease_key)


_FORM: Final = SignedForm(EnrolmentRequest, VERSION, DOMAIN, "request")


def sign_request(request: EnrolmentRequest, key: SigningKey) -> bytes:
    """Sign a request: version, msgpack body, signature of the box's own key."""
    return _FORM.sign(request, key)


def open_request(blob: bytes) -> EnrolmentRequest:
    """Check and read a request.

    Raises UnknownVersionError, MalformedError, BadSignatureError, ContextMismatchError (an epoch that is none).
    """
    return _FORM.open_by(blob, _own_key)


def _own_key(request: EnrolmentRequest) -> VerifyKey:
    if request.epoch < 1:
        raise ContextMismatchError(operation="open request", subject="epoch")
    return request.keys.sign


def request_digest(blob: bytes) -> bytes:
    """Return the SHA-256 by which a grant names the request that it answers."""
    return sha256(blob).digest()


def request_code(blob: bytes) -> str:
    """Return what both sides read to each other over a telephone: 24 letters and digits in groups of four."""
    return letters(request_digest(blob))
