"""A new box's request to the board: its public keys, signed by itself.

Invariant: it holds nothing secret, so whoever carries it may read it; a request that reads is signed by the key
that it names. That it is the right box's is for people to see: both sides compare its `code`.
"""

from hashlib import sha256
from typing import Final

import msgspec

from appliance.enrolment.chaincode import letters
from crypto.errors import ContextMismatchError, MalformedError, UnknownVersionError
from crypto.framing import frame, unframe
from crypto.hybrid import HybridPublicKey
from crypto.identity import PersonKeys
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


def sign_request(request: EnrolmentRequest, key: SigningKey) -> bytes:
    """Sign a request: version, msgpack body, signature of the box's own key."""
    body = msgspec.msgpack.encode(request)
    return bytes((VERSION,)) + frame(body, key.sign(DOMAIN, bytes((VERSION,)) + body))


def open_request(blob: bytes) -> EnrolmentRequest:
    """Check and read a request.

    Raises UnknownVersionError, MalformedError, BadSignatureError, ContextMismatchError (an epoch that is none).
    """
    if not blob:
        raise MalformedError(operation="open request", subject="no bytes")
    if blob[0] != VERSION:
        raise UnknownVersionError(operation="open request", subject=f"version {blob[0]}", version=blob[0])
    body, signature = unframe(blob[1:], 2)
    try:
        request = msgspec.msgpack.decode(body, type=EnrolmentRequest)
    except (msgspec.DecodeError, ValueError) as exc:  # bad UTF-8 is a ValueError too
        raise MalformedError(operation="open request", cause=exc) from exc
    if request.epoch < 1:
        raise ContextMismatchError(operation="open request", subject="epoch")
    request.keys.sign.verify(DOMAIN, bytes((VERSION,)) + body, signature)
    return request


def request_digest(blob: bytes) -> bytes:
    """Return the SHA-256 by which a grant names the request that it answers."""
    return sha256(blob).digest()


def request_code(blob: bytes) -> str:
    """Return what both sides read to each other over a telephone: 24 letters and digits in groups of four."""
    return letters(request_digest(blob))
