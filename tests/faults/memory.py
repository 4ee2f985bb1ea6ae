"""What stands in a process's memory, read as root or its parent may read it."""

import contextlib
from collections.abc import Iterable, Iterator
from pathlib import Path

_CHUNK = 1 << 24


def readable(pid: int) -> bool:
    """Say whether this machine lets us read the memory of a process of ours."""
    try:
        with Path(f"/proc/{pid}/mem").open("rb"):
            return True
    except PermissionError:
        return False


def holds(pid: int, wanted: Iterable[bytes], beginning: bytes = b"") -> set[bytes]:
    """Return which byte strings stand in the writable memory of a process.

    Those of `beginning`, all of one length, are looked for by it: a thousand of them cost no more than one.
    """
    alone = {word for word in wanted if not beginning or not word.startswith(beginning)}
    together = {word for word in wanted if word not in alone}
    found: set[bytes] = set()
    for piece in _pieces(pid, max(map(len, (*alone, *together)))):
        found |= {word for word in alone - found if word in piece}
        if together:
            found |= found_in(piece, together, beginning)
    return found


def found_in(piece: bytes, words: set[bytes], beginning: bytes) -> set[bytes]:
    """Return which words, all of one beginning and one length, stand in some bytes."""
    (length,) = {len(word) for word in words}
    found, at = set(), piece.find(beginning)
    while at >= 0:
        found |= {piece[at : at + length]} & words
        at = piece.find(beginning, at + 1)
    return found


def _pieces(pid: int, overlap: int) -> Iterator[bytes]:
    """Yield the writable memory, each piece with the begin of the next one; nothing of a process that ended."""
    with (
        contextlib.suppress(FileNotFoundError, ProcessLookupError),
        Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory,
    ):
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            span, rights = line.split()[:2]
            if not rights.startswith("rw"):
                continue
            start, end = (int(part, 16) for part in span.split("-"))
            for at in range(start, end, _CHUNK):
                try:
                    memory.seek(at)
                    yield memory.read(min(_CHUNK + overlap, end - at))
                except (OSError, OverflowError, ValueError):
                    continue  # a region of the kernel's own
