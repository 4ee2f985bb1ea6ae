"""docs/formats.md says what the code does: its tables are compared with constants and with real blobs."""

import re
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Final

import msgspec
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from crypto import (
    batchkeys,
    classkeys,
    errors,
    hybrid,
    identity,
    leasewrap,
    padme,
    pairwrap,
    people,
    sealing,
    signing,
    streaming,
)
from crypto.framing import frame, unframe
from crypto.people import PeopleRoster, Person
from tests.crypto import fixed, test_hpke, vectors_pairs
from tests.crypto.vectors_documents import seal, split

DOCUMENT: Final = Path(__file__).resolve().parents[2] / "docs" / "formats.md"
TEXT: Final = re.split(r"\n## (?:Policy|Store)", DOCUMENT.read_text("utf-8"))[0]  # the rest is of other layers
SCHOOL_BYTES: Final = len(fixed.SCHOOL.encode())
HEADINGS: Final = (
    "Framing",
    "Hybrid seal",
    "Signatures",
    "Class keys",
    "Wraps",
    "Locks and escrows",
    "Batch keys",
    "Sealed rows",
    "Identities",
    "Pair wraps",
    "Roster of people",
    "Documents",
)


def _cells(line: str) -> list[str]:
    return [cell.strip().strip("`") for cell in line.strip("|").split("|")]


def table(first: str) -> dict[str, list[str]]:
    """Return the rows of the one table whose head starts with this cell, by their own first cells."""
    blocks = re.findall(r"(?m)(?:^\|.*\n)+", TEXT)
    found = [
        rows for rows in ([_cells(line) for line in block.splitlines()] for block in blocks) if rows[0][0] == first
    ]
    assert len(found) == 1, first
    return {row[0]: row[1:] for row in found[0][2:]}


def sizes(first: str) -> dict[str, str]:
    return {name: cells[0] for name, cells in table(first).items()}


def section(heading: str) -> str:
    return TEXT.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]


def _wrap() -> bytes:
    owner = fixed.identity("hanako")
    return classkeys.wrap_class_key(fixed.class_pair(), owner.person, owner.public.seal)


def _header() -> bytes:
    author = fixed.identity("hanako")
    return batchkeys.new_batch_key(fixed.class_pair().public, author.person, author.sign)[1]


def _certificate() -> bytes:
    return classkeys.certify_class_key(fixed.class_pair().public, fixed.ROOT)


def test_headings_stand_in_order() -> None:
    found = re.findall(r"(?m)^## (.*)$", TEXT)
    assert TEXT.startswith("# Formats\n")
    assert tuple(found) == HEADINGS


def test_versions() -> None:
    versions = {name: cells[0] for name, cells in table("Format").items()}
    assert versions == {
        "Hybrid seal": str(hybrid.VERSION),
        "Class certificate": str(classkeys.VERSION),
        "Wrap": str(classkeys.VERSION),
        "Lock": str(leasewrap.VERSION),
        "Escrow": str(leasewrap.VERSION),
        "Lease key id": "none",
        "Batch header": str(batchkeys.VERSION),
        "Sealed row": str(batchkeys.ROW_VERSION),
        "Sealed identity": str(identity.VERSION),
        "Pair wrap": str(pairwrap.VERSION),
        "Roster of people": str(people.VERSION),
        "Document header": str(streaming.VERSION),
        "Naming commitment": "none",
    }


def test_domains() -> None:
    formats = {name: cells[2] for name, cells in table("Format").items()}
    assert formats["Class certificate"] == classkeys.CERTIFICATE_DOMAIN
    assert formats["Wrap"] == classkeys.WRAP_DOMAIN.decode()
    assert formats["Lock"] == leasewrap.LOCK_DOMAIN.decode()
    assert formats["Escrow"] == leasewrap.ESCROW_DOMAIN.decode()
    assert formats["Lease key id"] == leasewrap.LEASE_KEY_DOMAIN.decode()
    assert formats["Batch header"] == batchkeys.HEADER_DOMAIN
    assert formats["Sealed identity"] == identity.DOMAIN.decode()
    assert formats["Pair wrap"] == pairwrap.DOMAIN.decode()
    assert formats["Roster of people"] == people.DOMAIN
    assert formats["Document header"] == streaming.DOMAIN.decode()
    assert formats["Naming commitment"] == classkeys.NAMING_DOMAIN.decode()
    assert set(table("Domain")) == {classkeys.CERTIFICATE_DOMAIN, batchkeys.HEADER_DOMAIN, people.DOMAIN}


def test_no_domain_is_invented() -> None:
    named = {text for text in re.findall(r"`(kurabako/[^`]*)`", TEXT)}
    domains = {cells[2] for cells in table("Format").values()}
    assert named == {text for text in domains if text.startswith("kurabako/")}


@pytest.mark.parametrize(
    ("name", "make"), [("Class certificate", _certificate), ("Wrap", _wrap), ("Batch header", _header)]
)
def test_sizes_that_grow_with_the_school_code(name: str, make: Callable[[], bytes]) -> None:
    base, rest = table("Format")[name][1].split(" + ")
    assert rest == "n"
    assert int(base) + SCHOOL_BYTES == len(make())


def test_sizes_of_lock_and_escrow() -> None:
    wrap, key = _wrap(), fixed.hybrid_key("lease").public
    for name, blob in {
        "Lock": leasewrap.lock_wrap(wrap, 1, key, bytes(leasewrap.KEY_ID_BYTES)),
        "Escrow": leasewrap.seal_escrow(wrap, key),
    }.items():
        base, rest = table("Format")[name][1].split(" + ")
        assert rest == "2n"
        assert int(base) + 2 * SCHOOL_BYTES == len(blob)
    *parts, seal = unframe(leasewrap.lock_wrap(wrap, 1, key, bytes(16))[1:], 6)
    assert [str(len(part)) for part in parts[1:]] == list(sizes("Part of the lock").values())[1:-1]
    assert int(sizes("Part of the lock")["seal"].split(" + ")[0]) + SCHOOL_BYTES == len(seal)


def test_class_key_id() -> None:
    size = re.search(r"Class key id: .*; (\d+) \+ n bytes", section("Class keys"))
    assert size is not None
    raw_id = fixed.class_pair().id.to_bytes()
    assert int(size[1]) + SCHOOL_BYTES == len(raw_id)
    stated = sizes("Part of the id")
    assert stated == {"school": "n", "importance": "1", "key epoch": "4"}
    assert [len(part) for part in unframe(raw_id, 3)] == [SCHOOL_BYTES, 1, 4]


def test_hybrid_seal() -> None:
    parts = sizes("Part of the seal")
    fixed_bytes = sum(int(size) for size in parts.values() if size != "plaintext")
    assert table("Format")["Hybrid seal"][1] == f"{fixed_bytes} + plaintext"
    assert len(hybrid.hybrid_seal(fixed.hybrid_key("doc").public, b"abc", b"")) == fixed_bytes + 3
    assert sizes("Key") == {"public": str(hybrid.PUBLIC_BYTES), "private": str(hybrid.PRIVATE_BYTES)}
    for _, layout in table("Key").values():
        total = {"1184": hybrid.PUBLIC_BYTES, "64": hybrid.PRIVATE_BYTES}
        numbers = re.findall(r" (\d+)(?= ‖|$)", layout)
        assert sum(int(number) for number in numbers) == total[numbers[0]]


def test_suite_is_the_one_that_opens_by_hand() -> None:
    ((suite, algorithms),) = table("Suite byte").items()
    assert int(suite) == hybrid.SUITE_ID
    numbers = [int(cell.split()[0], 16) for cell in algorithms]
    assert numbers == [test_hpke.KEM, test_hpke.KDF, test_hpke.AEAD]


def test_signature_sizes() -> None:
    text = section("Signatures")
    assert f"; {signing.SIGNATURE_BYTES} bytes." in text
    assert f"{signing.KEY_BYTES}-byte seed; public key: {signing.KEY_BYTES} bytes" in text


def test_wrap_secret() -> None:
    parts = sizes("Part of the secret in the seal")
    assert parts == {"private key": str(hybrid.PRIVATE_BYTES), "naming secret": str(classkeys.NAMING_BYTES)}
    assert f"{hybrid.PRIVATE_BYTES + classkeys.NAMING_BYTES} bytes of secret" in section("Wraps")


def test_batch_header_body() -> None:
    parts = unframe(unframe(_header()[1:], 2)[0], 4)
    stated = sizes("Part of the body")
    assert list(stated) == ["key id", "class key id", "author", "seal"]
    assert [
        sum(int(x) for x in size.replace("n", str(SCHOOL_BYTES)).split(" + ")) for size in stated.values()
    ] == [len(part) for part in parts]
    assert f"at most {batchkeys.SEAL_LIMIT} rows" in section("Batch keys")


@pytest.mark.parametrize("size", [0, 1, 63, 64, 65, 200])
def test_row_size(size: int) -> None:
    parts = sizes("Part of the row")
    growing = f"{sealing.BLOCK} × (⌊plaintext ÷ {sealing.BLOCK}⌋ + 1)"
    assert parts.pop("ciphertext") == growing
    overhead = sum(int(part) for part in parts.values())
    assert table("Format")["Sealed row"][1] == f"{overhead} + {growing}"
    assert int(parts["nonce"]) == sealing.NONCE_BYTES
    sealed = sealing.seal_row(fixed.batch_key(), fixed.KIND, fixed.RECORD, fixed.CHANGE, bytes(size))
    assert len(sealed) == overhead + sealing.BLOCK * (size // sealing.BLOCK + 1)


def test_row_associated_data_and_padding() -> None:
    key, stated = fixed.batch_key(), table("Part of the associated data")
    values = {
        "version": bytes((batchkeys.ROW_VERSION,)),
        "school": fixed.SCHOOL.encode(),
        "importance": bytes((key.class_key.importance,)),
        "key id": key.id,
        "kind": fixed.KIND.encode(),
        "record": fixed.RECORD,
        "change id": fixed.CHANGE,
    }
    assert list(stated) == list(values)
    for name, value in values.items():
        assert stated[name][0] in (str(len(value)), "n", "text")
    sealed = sealing.seal_row(key, fixed.KIND, fixed.RECORD, fixed.CHANGE, b"abc")
    padded = key.aead.decrypt(sealed[1:13], sealed[13:], frame(*values.values()))
    assert padded == b"abc\x80" + bytes(60)


def test_identity_parts_and_profiles() -> None:
    parts = {name: int(size) for name, size in sizes("Part of the identity").items()}
    assert list(parts) == ["version", "profile", "salt", "nonce", "ciphertext", "tag"]
    assert sum(parts.values()) == identity.SEALED_BYTES == int(table("Format")["Sealed identity"][1])
    body = identity.PERSON_BYTES + hybrid.PRIVATE_BYTES + signing.KEY_BYTES
    assert parts["ciphertext"] == body
    assert f"exactly {identity.SEALED_BYTES} bytes" in section("Identities")
    costs = {profile.name: [profile.value, *identity._COST[profile]] for profile in identity.KdfProfile}
    assert {name: [int(cell) for cell in cells] for name, cells in table("Profile").items()} == costs


def test_pair_wrap_parts() -> None:
    one, other = vectors_pairs.officers()
    blob = pairwrap.wrap_for_pair(
        vectors_pairs.BOARD, 1, (one.person, one.seal.public), (other.person, other.seal.public)
    )
    stated = sizes("Part of the pair wrap")
    assert [str(len(part)) for part in unframe(blob[1:], 5)] == list(stated.values())
    assert table("Format")["Pair wrap"][1] == str(len(blob))
    secret = len(vectors_pairs.BOARD.to_bytes())
    assert f"{secret} bytes of the root identity" in section("Pair wraps")


def test_roster_fields() -> None:
    assert tuple(table("Field of the roster")) == PeopleRoster.__struct_fields__
    assert tuple(table("Field of a person")) == Person.__struct_fields__
    body = msgspec.msgpack.encode(fixed.roster())
    decoded = msgspec.msgpack.decode(body)
    assert tuple(decoded) == PeopleRoster.__struct_fields__
    assert tuple(decoded["people"][0]) == Person.__struct_fields__
    overhead = len(people.sign_people(fixed.roster(), fixed.ROOT)) - len(body)
    assert table("Format")["Roster of people"][1] == f"{overhead} + body"
    types = {name: cells[0] for name, cells in table("Field of a person").items()}
    assert f"{hybrid.PUBLIC_BYTES} bytes" in types["seal_key"]
    assert f"{signing.KEY_BYTES} bytes" in types["sign_key"]


def test_document_header_and_nonce() -> None:
    header, chunks = split(seal(b""))
    base, rest = table("Format")["Document header"][1].split(" + ")
    assert rest == "n"
    assert int(base) + SCHOOL_BYTES == len(header)
    stated = sizes("Part of the document's body")
    assert list(stated) == ["class key id", "document", "chunk size", "nonce prefix", "seal"]
    parts = unframe(unframe(header[1:], 1)[0], 5)
    assert [
        sum(int(x) for x in size.replace("n", str(SCHOOL_BYTES)).split(" + ")) for size in stated.values()
    ] == [len(part) for part in parts]
    assert list(sizes("Part of the chunk's nonce").values()) == [str(streaming.PREFIX_BYTES), "4", "1"]
    info = frame(streaming.DOMAIN, *parts[:2])
    aead = AESGCM(hybrid.hybrid_open(fixed.class_pair().private, parts[4], info))
    bound = sha256(frame(streaming.DOMAIN, header)).digest()
    plaintext = [aead.decrypt(parts[3] + bytes((0, 0, 0, at, at)), chunks[at], bound) for at in (0, 1)]
    assert plaintext == [bytes(512), bytes(512)]


def test_document_limits_and_padded_sizes() -> None:
    text, smallest, largest = section("Documents"), streaming.CHUNK_SIZES[0], streaming.CHUNK_SIZES[-1]
    assert f"up to {streaming.MAX_PLAIN_BYTES} bytes" in text
    assert f"most {streaming.MAX_BODY_BYTES} bytes" in text
    assert f"from {smallest} to {largest}; {streaming.CHUNK} is\n" in text
    assert f"max(length + {padme.LENGTH_BYTES}, {padme.FLOOR})" in text
    stated = {int(length): int(size) for length, size in sizes("Length").items()}
    assert stated == {length: padme.padded_size(length) for length in stated}


def test_every_refusal_named_exists() -> None:
    for name in set(re.findall(r"`(\w+Error)`", TEXT)):
        assert issubclass(getattr(errors, name), errors.CryptoError)
