"""Write the committed vectors anew: `python -m tests.crypto.make_vectors`.

Invariant: keys are fixed, nonces and encapsulations are random and simply stored; every vector is run before it is
written, so a file never promises what the code does not do.
"""

from collections.abc import Iterator

import msgspec

from crypto.errors import CryptoError
from tests.crypto import vectors_documents, vectors_keys, vectors_pairs, vectors_rows, vectors_signed
from tests.crypto.running import FOLDER, Vector


def all_vectors() -> Iterator[Vector]:
    """Make every vector."""
    for module in (vectors_rows, vectors_keys, vectors_pairs, vectors_signed, vectors_documents):
        yield from module.vectors()


def check(vector: Vector) -> None:
    """Refuse a vector that the code does not fulfil."""
    try:
        outcome: object = vector.run()
    except CryptoError as exc:
        outcome = type(exc).__name__
    if outcome != (vector.values if vector.failure is None else vector.failure):
        raise SystemExit(f"{vector.name}: {outcome}")


def main() -> None:
    """Write every vector to a file of its own and remove those that are no longer made."""
    made = list(all_vectors())
    for vector in made:
        check(vector)
    if len({vector.name for vector in made}) != len(made):
        raise SystemExit("two vectors of one name")
    FOLDER.mkdir(exist_ok=True)
    for path in FOLDER.glob("*.json"):
        path.unlink()
    for vector in made:
        text = msgspec.json.format(msgspec.json.encode(vector), indent=2)
        (FOLDER / f"{vector.name}.json").write_bytes(text + b"\n")


if __name__ == "__main__":
    main()
