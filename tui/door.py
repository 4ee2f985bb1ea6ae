"""The screens' one way to the school: every call runs in one thread of its own, so the screen never freezes.

Invariant: at most one call is under way; after `leave` no key is left in this process and every call is refused.
"""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Generic, Protocol, TypeVar


class Desk(Protocol):
    """What somebody logs in to."""

    def logout(self) -> None:
        """Forget every key."""
        ...


T = TypeVar("T")
D = TypeVar("D", bound=Desk)


class NotLoggedInError(RuntimeError):
    """A screen asked for something after the office was left."""


class Door(Generic[D]):
    """One site, at most one logged-in person. `opener` opens the desk from site, login and passphrase."""

    def __init__(self, site_dir: Path, opener: Callable[[Path, str, str], D]) -> None:
        self._site_dir = site_dir
        self._opener = opener
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="office")
        self._office: D | None = None
        self._began: float | None = None

    @property
    def office(self) -> D | None:
        """Return the open desk, for its plain properties."""
        return self._office

    @property
    def busy_s(self) -> float:
        """Return for how many seconds a call has been under way; 0 when none is."""
        return 0.0 if self._began is None else time.monotonic() - self._began

    async def enter(self, name: str, passphrase: str) -> None:
        """Log in; raises what the opener raises."""
        self._office = await self._run(lambda: self._opener(self._site_dir, name, passphrase))

    async def call(self, what: Callable[[D], T]) -> T:
        """Run something on the desk."""
        office = self._office
        if office is None:
            raise NotLoggedInError
        return await self._run(lambda: what(office))

    async def leave(self) -> None:
        """Forget every key."""
        office, self._office = self._office, None
        if office is not None:
            await self._run(office.logout)

    def close(self) -> None:
        """End the thread, then forget every key.

        A call under way is waited for (the keeper's patience bounds it): a database that is closed while another
        thread reads it ends the process.
        """
        office, self._office = self._office, None
        self._thread.shutdown(wait=True, cancel_futures=True)
        if office is not None:
            office.logout()

    async def _run(self, what: Callable[[], T]) -> T:
        self._began = time.monotonic()
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, what)
        finally:
            self._began = None
