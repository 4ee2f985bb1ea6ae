"""Vectors of identities, rosters of people and plain signatures."""

from collections.abc import Iterator

import msgspec

from crypto.framing import frame, unframe
from crypto.identity import KdfProfile, seal_identity
from crypto.people import DOMAIN, sign_people
from tests.crypto.fixed import PASSPHRASE, PEPPER, ROOT, SCHOOL, identity, raw, roster, signing_key
from tests.crypto.running import Vector
from tests.crypto.vectors_keys import HEAD, signed


def vectors() -> Iterator[Vector]:
    """Make the vectors of this module."""
    yield from _identities()
    yield from _people()
    yield from _signatures()


def _identities() -> Iterator[Vector]:
    owner = identity("hanako")
    sealed = seal_identity(owner, PASSPHRASE, PEPPER, KdfProfile.QUICK)
    given = {"sealed": sealed, "passphrase": PASSPHRASE.encode(), "pepper": PEPPER.reveal()}
    inputs = {name: value.hex() for name, value in given.items()}
    secrets = [owner.seal.to_bytes().reveal().hex(), owner.sign.to_bytes().reveal().hex()]
    values = [owner.person.hex(), *secrets]
    standard = seal_identity(owner, PASSPHRASE, PEPPER, KdfProfile.STANDARD)
    yield Vector("identity-quick", "identity", inputs, values=values)
    yield Vector("identity-standard", "identity", inputs | {"sealed": standard.hex()}, values=values)
    wide = {"passphrase": "さくら　ＡＢＣ　１２３".encode().hex()}
    yield Vector("identity-full-width", "identity", inputs | wide, values=values)
    for name, other, failure in (
        ("version-2", {"sealed": b"\x02" + sealed[1:]}, "UnknownVersionError"),
        ("profile-0", {"sealed": b"\x01\x00" + sealed[2:]}, "KdfCostError"),
        ("profile-255", {"sealed": b"\x01\xff" + sealed[2:]}, "KdfCostError"),
        ("profile-swapped", {"sealed": b"\x01\x02" + standard[2:]}, "WrongPassphraseError"),
        ("cut", {"sealed": sealed[:-1]}, "MalformedError"),
        ("trailing", {"sealed": sealed + b"\x00"}, "MalformedError"),
        ("empty", {"sealed": b""}, "MalformedError"),
        ("another-passphrase", {"passphrase": b"another"}, "WrongPassphraseError"),
        ("empty-passphrase", {"passphrase": b""}, "BadPassphraseError"),
        ("another-pepper", {"pepper": raw("another pepper", 32)}, "WrongPassphraseError"),
        ("salt-altered", {"sealed": sealed[:2] + bytes(16) + sealed[18:]}, "WrongPassphraseError"),
        ("tag-altered", {"sealed": sealed[:-1] + bytes((sealed[-1] ^ 1,))}, "WrongPassphraseError"),
    ):
        changed = inputs | {field: value.hex() for field, value in other.items()}
        yield Vector(f"identity-{name}", "identity", changed, failure=failure)


def _people() -> Iterator[Vector]:
    blob, people = sign_people(roster(), ROOT), msgspec.msgpack.encode(roster())
    given = {"roster": blob, "root": ROOT.verify_key.to_bytes(), "school": SCHOOL.encode()}
    inputs = {name: value.hex() for name, value in given.items()}
    yield Vector("people-opens", "people", inputs, values=[people.hex()])
    signature = unframe(blob[1:], 2)[1]
    raised = msgspec.structs.replace(roster(), version=4)
    unknown = msgspec.msgpack.encode(msgspec.to_builtins(roster(), builtin_types=(bytes,)) | {"name": "Sakura"})
    not_text = people.replace(b"hanako", b"han\xffko")
    for name, other, failure in (
        ("version-2", {"roster": b"\x02" + blob[1:]}, "UnknownVersionError"),
        ("empty", {"roster": b""}, "MalformedError"),
        ("cut", {"roster": blob[:-1]}, "MalformedError"),
        ("another-root", {"root": signing_key("mallory").verify_key.to_bytes()}, "BadSignatureError"),
        ("altered", {"roster": HEAD + frame(msgspec.msgpack.encode(raised), signature)}, "BadSignatureError"),
        ("another-school", {"school": b"e14-ume"}, "ContextMismatchError"),
        ("unknown-field", {"roster": signed(DOMAIN, unknown, ROOT)}, "MalformedError"),
        ("trailing-msgpack", {"roster": signed(DOMAIN, people + b"\xc0", ROOT)}, "MalformedError"),
        ("login-not-utf8", {"roster": signed(DOMAIN, not_text, ROOT)}, "MalformedError"),
        ("not-msgpack", {"roster": signed(DOMAIN, b"\xc1", ROOT)}, "MalformedError"),
    ):
        changed = inputs | {field: value.hex() for field, value in other.items()}
        yield Vector(f"people-{name}", "people", changed, failure=failure)


def _signatures() -> Iterator[Vector]:
    key, domain, message = signing_key("signer"), "kurabako/test/v1", b"a message"
    signature = key.sign(domain, message)
    given = {
        "key": key.verify_key.to_bytes(),
        "domain": domain.encode(),
        "message": message,
        "signature": signature,
    }
    inputs = {name: value.hex() for name, value in given.items()}
    yield Vector("signature-verifies", "signature", inputs, values=[])
    # The message takes over the end of the domain: without lengths in front both would be the same bytes.
    moved = {"domain": domain[:-1].encode(), "message": domain[-1:].encode() + message}
    for name, other, failure in (
        ("another-domain", {"domain": b"kurabako/test/v2"}, "BadSignatureError"),
        ("another-message", {"message": b"a messagf"}, "BadSignatureError"),
        ("another-key", {"key": signing_key("another").verify_key.to_bytes()}, "BadSignatureError"),
        ("boundary-moved", moved, "BadSignatureError"),
        ("cut", {"signature": signature[:-1]}, "BadSignatureError"),
        ("empty", {"signature": b""}, "BadSignatureError"),
        ("short-key", {"key": bytes(31)}, "MalformedError"),
        ("empty-message", {"message": b""}, "BadSignatureError"),
    ):
        changed = inputs | {field: value.hex() for field, value in other.items()}
        yield Vector(f"signature-{name}", "signature", changed, failure=failure)
