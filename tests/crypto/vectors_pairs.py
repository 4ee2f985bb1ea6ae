"""Vectors of pair wraps: two officers together, and everything that one of them may try alone."""

from collections.abc import Iterator

from crypto.framing import frame, unframe
from crypto.hybrid import hybrid_seal
from crypto.identity import Identity
from crypto.pairwrap import DOMAIN, wrap_for_pair
from tests.crypto.fixed import ROOT, hybrid_key, identity, person_id, signing_key
from tests.crypto.running import Vector
from tests.crypto.vectors_keys import HEAD, Changes, altered

VERSION = 2
BOARD = Identity(person_id("board"), hybrid_key("board"), ROOT)


def officers() -> tuple[Identity, Identity]:
    """Return two officers, the one of the outer seal first."""
    first, second = sorted((identity("kacho"), identity("shuji")), key=lambda officer: officer.person)
    return first, second


def sealed_pair(root: bytes, secret: bytes) -> bytes:
    """Return a well-made pair wrap for the two officers, whatever is inside."""
    outer, inner = officers()
    head = (root, VERSION.to_bytes(4, "big"), outer.person, inner.person)
    kept = hybrid_seal(inner.seal.public, secret, frame(DOMAIN, *head, b"inner"))
    return HEAD + frame(*head, hybrid_seal(outer.seal.public, kept, frame(DOMAIN, *head, b"outer")))


def vectors() -> Iterator[Vector]:
    """Make the vectors of this module."""
    outer, inner = officers()
    blob = wrap_for_pair(BOARD, VERSION, *((one.person, one.seal.public) for one in (inner, outer)))
    given = {
        "pair": blob,
        "root": ROOT.verify_key.to_bytes(),
        "version": VERSION.to_bytes(4, "big"),
        "one": outer.to_bytes().reveal(),
        "other": inner.to_bytes().reveal(),
    }
    inputs = {name: value.hex() for name, value in given.items()}
    opened = BOARD.to_bytes().reveal().hex()
    yield Vector("pair-opens", "pair", inputs, values=[opened])
    turned = {"one": inputs["other"], "other": inputs["one"]}
    yield Vector("pair-opens-in-either-order", "pair", inputs | turned, values=[opened])
    yield from altered("pair", inputs, _damaged(blob) | _alone(blob) | _readdressed(blob))


def _damaged(blob: bytes) -> Changes:
    root, version, outer, inner, sealed = unframe(blob[1:], 5)
    return {
        "version-2": ("UnknownVersionError", {"pair": b"\x02" + blob[1:]}),
        "empty": ("MalformedError", {"pair": b""}),
        "cut": ("MalformedError", {"pair": blob[:-1]}),
        "trailing": ("MalformedError", {"pair": blob + b"\x00"}),
        "short-id": ("MalformedError", {"pair": HEAD + frame(root, version, outer[1:], inner, sealed)}),
        "outer-suite-9": (
            "UnknownSuiteError",
            {"pair": HEAD + frame(root, version, outer, inner, b"\x01\x09" + sealed[2:])},
        ),
        "ids-swapped": ("MalformedError", {"pair": HEAD + frame(root, version, inner, outer, sealed)}),
        "short-secret": ("MalformedError", {"pair": sealed_pair(root, bytes(143))}),
    }


def _alone(blob: bytes) -> Changes:
    """Make what one officer has without the other: their own key twice, or made-up keys under the other's name."""
    outer, inner = officers()
    root, version, *_ = unframe(blob[1:], 5)
    mallory = identity("mallory")
    as_inner = Identity(inner.person, mallory.seal, mallory.sign)
    as_outer = Identity(outer.person, mallory.seal, mallory.sign)
    head = (root, version, outer.person, inner.person)
    only_outer = hybrid_seal(outer.seal.public, BOARD.to_bytes().reveal(), frame(DOMAIN, *head, b"outer"))
    return {
        "outer-officer-alone": ("ContextMismatchError", {"other": outer.to_bytes().reveal()}),
        "inner-officer-alone": ("ContextMismatchError", {"one": inner.to_bytes().reveal()}),
        "outer-officer-with-a-made-up-second": ("OpenFailedError", {"other": as_inner.to_bytes().reveal()}),
        "inner-officer-with-a-made-up-second": ("OpenFailedError", {"one": as_outer.to_bytes().reveal()}),
        "one-seal-only": ("MalformedError", {"pair": HEAD + frame(*head, only_outer)}),
    }


def _readdressed(blob: bytes) -> Changes:
    root, version, outer, inner, sealed = unframe(blob[1:], 5)
    other_root, later = signing_key("other root"), (VERSION + 1).to_bytes(4, "big")
    foreign = Identity(BOARD.person, BOARD.seal, other_root)
    other = other_root.verify_key.to_bytes()
    return {
        "another-officer": ("ContextMismatchError", {"other": identity("mallory").to_bytes().reveal()}),
        "another-root": ("ContextMismatchError", {"root": other}),
        "another-roster": ("ContextMismatchError", {"version": later}),
        "roster-relabelled": (
            "OpenFailedError",
            {"pair": HEAD + frame(root, later, outer, inner, sealed), "version": later},
        ),
        "root-relabelled": (
            "OpenFailedError",
            {"pair": HEAD + frame(other, version, outer, inner, sealed), "root": other},
        ),
        "root-slipped-in": (
            "ContextMismatchError",
            {"pair": sealed_pair(root, foreign.to_bytes().reveal())},
        ),
    }
