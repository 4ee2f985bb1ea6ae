"""Vectors of class certificates, wraps and batch headers."""

from collections.abc import Iterator, Mapping

from crypto.batchkeys import HEADER_DOMAIN, new_batch_key
from crypto.classkeys import CERTIFICATE_DOMAIN, ClassKeyPair, certify_class_key, wrap_class_key
from crypto.classkeys import WRAP_DOMAIN as WRAP
from crypto.framing import frame, unframe
from crypto.hybrid import hybrid_seal
from crypto.importance import Importance
from crypto.secret import Secret
from crypto.signing import SigningKey
from tests.crypto.fixed import ROOT, class_pair, identity, raw, signing_key
from tests.crypto.running import Vector

HEAD = b"\x01"
Changes = dict[str, tuple[str, dict[str, bytes]]]


def vectors() -> Iterator[Vector]:
    """Make the vectors of this module."""
    yield from _certificates()
    yield from _wraps()
    yield from _batch_headers()


def signed(domain: str, body: bytes, signer: SigningKey) -> bytes:
    """Return version 1, body and signature, whatever the body says."""
    return HEAD + frame(body, signer.sign(domain, HEAD + body))


def altered(format_: str, inputs: Mapping[str, str], changes: Changes) -> Iterator[Vector]:
    """Make a negative vector for each change of the inputs, given as name → (failure, other inputs)."""
    for name, (failure, other) in changes.items():
        changed = dict(inputs) | {field: value.hex() for field, value in other.items()}
        yield Vector(f"{format_.replace('_', '-')}-{name}", format_, changed, failure=failure)


def _certificate_body(pair: ClassKeyPair, key_id: bytes | None = None, key: bytes | None = None) -> bytes:
    public = pair.public
    return frame(public.id.to_bytes() if key_id is None else key_id, key or public.key.to_bytes(), public.naming)


def _certificates() -> Iterator[Vector]:
    pair = class_pair()
    blob = certify_class_key(pair.public, ROOT)
    inputs = {"certificate": blob.hex(), "root": ROOT.verify_key.to_bytes().hex()}
    values = [pair.id.to_bytes().hex(), pair.public.key.to_bytes().hex(), pair.public.naming.hex()]
    yield Vector("class-certificate-opens", "class_certificate", inputs, values=values)

    def by_root(key_id: bytes | None = None, key: bytes | None = None) -> dict[str, bytes]:
        return {"certificate": signed(CERTIFICATE_DOMAIN, _certificate_body(pair, key_id, key), ROOT)}

    body, signature = unframe(blob[1:], 2)
    moved = frame(class_pair(Importance.I).id.to_bytes(), *unframe(body, 3)[1:])
    epoch, school = (1).to_bytes(4, "big"), b"e13-sakura"
    changes: Changes = {
        "version-2": ("UnknownVersionError", {"certificate": b"\x02" + blob[1:]}),
        "empty": ("MalformedError", {"certificate": b""}),
        "cut": ("MalformedError", {"certificate": blob[:-1]}),
        "another-root": ("BadSignatureError", {"root": signing_key("other root").verify_key.to_bytes()}),
        "own-root": ("BadSignatureError", {"certificate": certify_class_key(pair.public, signing_key("mallory"))}),
        "importance-swapped": ("BadSignatureError", {"certificate": HEAD + frame(moved, signature)}),
        "short-signature": ("BadSignatureError", {"certificate": HEAD + frame(body, signature[:-1])}),
        "another-domain": ("BadSignatureError", {"certificate": signed(HEADER_DOMAIN, body, ROOT)}),
        "short-key": ("MalformedError", by_root(key=bytes(1215))),
        "bad-mlkem-key": ("MalformedError", by_root(key=b"\xff" * 1216)),
        "importance-5": ("MalformedError", by_root(key_id=frame(school, b"\x05", epoch))),
        "short-epoch": ("MalformedError", by_root(key_id=frame(school, b"\x02", epoch[1:]))),
        "school-not-utf8": ("MalformedError", by_root(key_id=frame(b"\xff", b"\x02", epoch))),
    }
    yield from altered("class_certificate", inputs, changes)


def _wraps() -> Iterator[Vector]:
    pair, hanako = class_pair(), identity("hanako")
    blob = wrap_class_key(pair, hanako.person, hanako.public.seal)
    given = {
        "wrap": blob,
        "certificate": certify_class_key(pair.public, ROOT),
        "root": ROOT.verify_key.to_bytes(),
        "person": hanako.person,
        "person_key": hanako.seal.to_bytes().reveal(),
    }
    inputs = {name: value.hex() for name, value in given.items()}
    secrets = [pair.private.to_bytes().reveal().hex(), pair.naming.reveal().hex()]
    yield Vector("wrap-opens", "wrap", inputs, values=[pair.id.to_bytes().hex(), *secrets])
    yield from altered("wrap", inputs, _damaged_wraps(blob) | _misused_wraps(pair))


def _damaged_wraps(blob: bytes) -> Changes:
    key_id, person, sealed = unframe(blob[1:], 3)
    taro = identity("taro")
    short = hybrid_seal(identity("hanako").public.seal, bytes(127), frame(WRAP, key_id, person))
    readdressed = HEAD + frame(key_id, taro.person, sealed)
    return {
        "version-2": ("UnknownVersionError", {"wrap": b"\x02" + blob[1:]}),
        "empty": ("MalformedError", {"wrap": b""}),
        "cut": ("MalformedError", {"wrap": blob[:-1]}),
        "inner-version-2": ("UnknownVersionError", {"wrap": HEAD + frame(key_id, person, b"\x02" + sealed[1:])}),
        "inner-suite-9": ("UnknownSuiteError", {"wrap": HEAD + frame(key_id, person, b"\x01\x09" + sealed[2:])}),
        "readdressed": ("OpenFailedError", {"wrap": readdressed, "person": taro.person}),
        "short-secret": ("MalformedError", {"wrap": HEAD + frame(key_id, person, short)}),
    }


def _misused_wraps(pair: ClassKeyPair) -> Changes:
    hanako, taro, later = identity("hanako"), identity("taro"), class_pair(key_epoch=2)
    slipped = ClassKeyPair(pair.id, later.private, pair.naming)
    renamed = ClassKeyPair(pair.id, pair.private, Secret(raw("another naming", 32)))
    key_in, naming_in = (wrap_class_key(p, hanako.person, hanako.public.seal) for p in (slipped, renamed))
    return {
        "another-person": ("ContextMismatchError", {"person": taro.person}),
        "another-persons-key": ("OpenFailedError", {"person_key": taro.seal.to_bytes().reveal()}),
        "another-epoch": ("ContextMismatchError", {"certificate": certify_class_key(later.public, ROOT)}),
        "key-slipped-in": ("ContextMismatchError", {"wrap": key_in}),
        "naming-slipped-in": ("ContextMismatchError", {"wrap": naming_in}),
    }


def _batch_headers() -> Iterator[Vector]:
    pair, author = class_pair(), identity("hanako")
    key, blob = new_batch_key(pair.public, author.person, author.sign)
    given = {
        "header": blob,
        "class_key": pair.id.to_bytes(),
        "class_private": pair.private.to_bytes().reveal(),
        "naming": pair.naming.reveal(),
        "author_key": author.public.sign.to_bytes(),
    }
    inputs = {name: value.hex() for name, value in given.items()}
    values = [key.id.hex(), pair.id.to_bytes().hex(), key.secret.reveal().hex()]
    yield Vector("batch-header-opens", "batch_header", inputs, values=values)
    yield from altered("batch_header", inputs, _damaged_headers(blob) | _resigned_headers(blob))


def _damaged_headers(blob: bytes) -> Changes:
    body, signature = unframe(blob[1:], 2)
    other_private = class_pair(key_epoch=2).private.to_bytes().reveal()
    return {
        "version-2": ("UnknownVersionError", {"header": b"\x02" + blob[1:]}),
        "empty": ("MalformedError", {"header": b""}),
        "cut": ("MalformedError", {"header": blob[:-1]}),
        "trailing": ("MalformedError", {"header": blob + b"\x00"}),
        "another-author": ("BadSignatureError", {"author_key": identity("taro").public.sign.to_bytes()}),
        "signature-altered": ("BadSignatureError", {"header": HEAD + frame(body, bytes(64))}),
        "short-signature": ("BadSignatureError", {"header": HEAD + frame(body, signature[:-1])}),
        "another-class-key": ("ContextMismatchError", {"class_key": class_pair(Importance.III).id.to_bytes()}),
        "another-private-key": ("OpenFailedError", {"class_private": other_private}),
    }


def _resigned_headers(blob: bytes) -> Changes:
    """Make headers that the author really signed, but with another body or for another purpose."""
    body, signer = unframe(blob[1:], 2)[0], identity("hanako").sign
    key_id, class_key, person, sealed = unframe(body, 4)
    info = frame(HEADER_DOMAIN.encode(), key_id, class_key, person)
    short = hybrid_seal(class_pair().public.key, bytes(31), info)

    def resigned(*parts: bytes) -> dict[str, bytes]:
        return {"header": signed(HEADER_DOMAIN, frame(*parts), signer)}

    return {
        "another-domain": ("BadSignatureError", {"header": signed(CERTIFICATE_DOMAIN, body, signer)}),
        "author-replaced": ("OpenFailedError", resigned(key_id, class_key, identity("taro").person, sealed)),
        "short-id": ("MalformedError", resigned(key_id[1:], class_key, person, sealed)),
        "short-secret": ("MalformedError", resigned(key_id, class_key, person, short)),
    }
