"""A client of Dask that leaves nothing behind when it cannot start.

Invariant: none that did not start is left to the garbage collector. distributed's own closes itself after an
OSError only; after a bad address it is closed whenever it is collected, and hangs where that happens while the
same thread starts another one (`LoopRunner` holds a lock then that no thread may take twice).
"""

from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from distributed import Client


@cache
def strict_client() -> "type[Client]":
    """Return `Client`, closed when its start fails. A box has no Dask, and imports this module all the same."""
    from distributed import Client

    class StrictClient(Client):
        def start(self, **kwargs: Any) -> Any:
            try:
                return super().start(**kwargs)  # type: ignore[no-untyped-call]
            except BaseException:
                self.close()  # type: ignore[no-untyped-call]
                raise

    return StrictClient
