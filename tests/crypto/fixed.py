"""Fixed keys of the crypto tests.

Invariant: every key here is derived from a label, so vectors, properties and bit flips speak of the same keys.
"""

from hashlib import sha256, shake_256
from typing import Final

from crypto.batchkeys import BatchKey
from crypto.classkeys import ClassKeyId, ClassKeyPair
from crypto.hybrid import PRIVATE_BYTES, HybridPrivateKey
from crypto.identity import Identity
from crypto.importance import Importance
from crypto.people import PeopleRoster, Person
from crypto.secret import Secret
from crypto.signing import SigningKey

SCHOOL: Final = "e13-sakura"
PASSPHRASE: Final = "さくら ABC 123"
ISSUED_MS: Final = 1_767_225_600_000
EXPIRES_MS: Final = ISSUED_MS + 400 * 86_400_000


def raw(label: str, size: int) -> bytes:
    """Return test bytes for a label."""
    return shake_256(label.encode()).digest(size)


def signing_key(label: str) -> SigningKey:
    """Return the signing key of a label."""
    return SigningKey.from_bytes(Secret(raw(f"sign {label}", 32)))


def hybrid_key(label: str) -> HybridPrivateKey:
    """Return the hybrid key of a label."""
    return HybridPrivateKey.from_bytes(Secret(raw(f"seal {label}", PRIVATE_BYTES)))


def person_id(label: str) -> bytes:
    """Return the 16-byte person id of a label."""
    return sha256(label.encode()).digest()[:16]


def identity(label: str) -> Identity:
    """Return the identity of a label."""
    return Identity(person_id(label), hybrid_key(label), signing_key(label))


def class_pair(importance: Importance = Importance.II, key_epoch: int = 1, school: str = SCHOOL) -> ClassKeyPair:
    """Return the class key pair of school × importance × epoch; the naming secret ignores the epoch."""
    label = f"{school} {importance.value}"
    naming = Secret(raw(f"naming {label}", 32))
    return ClassKeyPair(ClassKeyId(school, importance, key_epoch), hybrid_key(f"{label} {key_epoch}"), naming)


def batch_key(
    importance: Importance = Importance.II, key_epoch: int = 1, school: str = SCHOOL, label: str = "batch"
) -> BatchKey:
    """Return the batch key of a label under a class key."""
    class_key = ClassKeyId(school, importance, key_epoch)
    return BatchKey(raw(f"id {label}", 16), class_key, Secret(raw(f"secret {label}", 32)))


def person(label: str, *, until_ms: int | None = None) -> Person:
    """Return the roster entry of a label."""
    keys = identity(label).public
    return Person(
        id=keys.person,
        login=label,
        roles=("teacher",),
        importances=(2, 3),
        seal_key=keys.seal.to_bytes(),
        sign_key=keys.sign.to_bytes(),
        valid_from_ms=ISSUED_MS,
        valid_until_ms=until_ms,
    )


def roster(school: str = SCHOOL) -> PeopleRoster:
    """Return a roster of two people."""
    people = (person("hanako"), person("taro", until_ms=ISSUED_MS + 1000))
    return PeopleRoster(school, 3, ISSUED_MS, EXPIRES_MS, people)


ROOT: Final = signing_key("root")
PEPPER: Final = Secret(raw("pepper", 32))
RECORD: Final = raw("record", 16)
CHANGE: Final = raw("change", 24)
KIND: Final = "attendance"
