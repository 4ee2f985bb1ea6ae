"""Every committed vector gives exactly its value or exactly its failure."""

from collections import Counter

import pytest

from crypto import errors
from tests.crypto.make_vectors import all_vectors
from tests.crypto.running import FOLDER, OPENERS, Vector, load

VECTORS = load()
FAILURES = {
    "BadPassphraseError",
    "BadSignatureError",
    "ContextMismatchError",
    "DocumentSizeError",
    "KdfCostError",
    "MalformedError",
    "OpenFailedError",
    "UnknownSuiteError",
    "UnknownVersionError",
    "WrongPassphraseError",
}


@pytest.mark.parametrize("vector", VECTORS, ids=[vector.name for vector in VECTORS])
def test_vector(vector: Vector) -> None:
    assert (vector.values is None) != (vector.failure is None)
    if vector.failure is None:
        assert vector.run() == vector.values
        return
    with pytest.raises(errors.CryptoError) as caught:
        vector.run()
    assert type(caught.value).__name__ == vector.failure


def test_there_are_enough_vectors_and_most_are_negative() -> None:
    negative = sum(vector.failure is not None for vector in VECTORS)
    assert len(VECTORS) >= 40
    assert negative > len(VECTORS) - negative


def test_every_format_has_both_kinds() -> None:
    kinds = Counter((vector.format, vector.failure is None) for vector in VECTORS)
    assert set(kinds) == {(name, positive) for name in OPENERS for positive in (True, False)}


def test_every_failure_of_opening_is_seen() -> None:
    assert {vector.failure for vector in VECTORS if vector.failure} == FAILURES


def test_a_file_is_named_after_its_vector() -> None:
    assert sorted(path.stem for path in FOLDER.glob("*.json")) == sorted(vector.name for vector in VECTORS)


def test_the_generator_still_makes_these_vectors() -> None:
    made = {(vector.name, vector.format, vector.failure) for vector in all_vectors()}
    assert made == {(vector.name, vector.format, vector.failure) for vector in VECTORS}
