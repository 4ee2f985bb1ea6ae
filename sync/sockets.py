"""Unix sockets in folders of any depth.

Invariant: the kernel takes at most 107 bytes of a socket's path; a longer one is reached through the folder's own
descriptor, so a site works wherever it lies.
"""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_LONGEST: Final = 100


@contextlib.contextmanager
def socket_address(path: Path) -> Iterator[str]:
    """Yield an address for `bind` or `connect`; valid inside the block."""
    if len(os.fsencode(path)) <= _LONGEST:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
