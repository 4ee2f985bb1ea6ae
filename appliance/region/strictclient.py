"""A client of Dask that leaves nothing behind when it cannot start.

Invariant: none that did not start is left to the garbage collector. distributed's own closes itself after an
OSError only; after a bad address it is closed whenever it is collected, and hangs where that happens while the
same thread starts another one (`LoopRunner` holds a lock then that no thread may take twice).
"""

from typing import Any

from distributed import Client


class StrictClient(Client):
    """`Client`, closed when its start fails."""

    def start(self, **kwargs: Any) -> Any:
        """Connect; raises what `Client` raises, and is closed then."""
        try:
            return super().start(**kwargs)  # type: ignore[no-untyped-call]
        except BaseException:
            self.close()  # type: ignore[no-untyped-call]
            raise
