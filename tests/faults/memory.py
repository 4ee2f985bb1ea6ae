"""What stands in a process's memory, read as root or its parent may read it."""

from pathlib import Path

_CHUNK = 1 << 24


def readable(pid: int) -> bool:
    """Say whether this machine lets us read the memory of a process of ours."""
    try:
        with Path(f"/proc/{pid}/mem").open("rb"):
            return True
    except PermissionError:
        return False


def holds(pid: int, wanted: list[bytes]) -> set[bytes]:
    """Return which byte strings stand in the writable memory of a process."""
    found: set[bytes] = set()
    longest = max(map(len, wanted))
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            span, rights = line.split()[:2]
            if not rights.startswith("rw"):
                continue
            start, end = (int(part, 16) for part in span.split("-"))
            for at in range(start, end, _CHUNK):
                try:
                    memory.seek(at)
                    piece = memory.read(min(_CHUNK + longest, end - at))
                except (OSError, OverflowError, ValueError):
                    continue  # a region of the kernel's own
                found.update(word for word in wanted if word not in found and word in piece)
    return found
