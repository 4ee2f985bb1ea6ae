"""Length-prefixed concatenation: the one way in which parts are joined before they are hashed or signed.

Invariant: `unframe(frame(*parts), len(parts)) == parts`, and no two different lists of parts give the same bytes.
"""

from crypto.errors import MalformedError


def frame(*parts: bytes) -> bytes:
    """Join parts, each after its length as an unsigned 32-bit big-endian number."""
    return b"".join([piece for part in parts for piece in (len(part).to_bytes(4, "big"), part)])


def unframe(data: bytes, count: int) -> list[bytes]:
    """Split bytes made by `frame` into exactly `count` parts; raises MalformedError."""
    parts: list[bytes] = []
    at = 0
    while at < len(data) and len(parts) < count:
        size = int.from_bytes(data[at : at + 4], "big")
        end = at + 4 + size
        if len(data) < at + 4 or end > len(data):
            raise MalformedError(operation="split framed bytes", subject=f"part {len(parts) + 1}")
        parts.append(data[at + 4 : end])
        at = end
    if len(parts) != count or at != len(data):
        raise MalformedError(operation="split framed bytes", subject=f"{count} parts expected")
    return parts
