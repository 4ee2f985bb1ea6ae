"""What never leaves the box: sealed identities, login back-off, high-water marks. Written by the keeper alone.

Invariant: an attempt to log in counts as failed from the moment the sealed identity is handed out until the
session says that it opened, so killing the session does not win a free guess.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from sync.clock import wall_ms
from sync.database import OperationalError, open_writer
from sync.errors import LoginLockedError, UnknownLoginError

IDENTITY_SPACE: Final = "identity"
FIRST_SPACE: Final = "first"  # a login's first pepper: until its owner logs in and the box's own takes its place
POST_SPACE: Final = "post"  # a login's letter from the board: until its owner opened it
FENCE: Final = ("site", "superseded")  # stands when a newer box took over: the keeper writes nothing more
LEASE_SECRET: Final = ("lease", "secret")  # a box's lease key: nowhere else, and gone for good when removed
LOGIN_SPACE: Final = "login"
_CHECKPOINT_PAGES: Final = 256
_BUSY_MS: Final = 500
_FREE_ATTEMPTS: Final = 5
_FIRST_WAIT_S: Final = 30
_LONGEST_WAIT_S: Final = 900


class _Attempts(msgspec.Struct, frozen=True, array_like=True):
    failed: int
    last_ms: int


def wait_after(failed: int) -> int:
    """Return the seconds to wait after so many failed attempts: none up to 5, then 30 s doubling up to 15 min."""
    if failed < _FREE_ATTEMPTS:
        return 0
    return min(_LONGEST_WAIT_S, _FIRST_WAIT_S << min(failed - _FREE_ATTEMPTS, 10))


class LocalStore:
    """`local.db` over its one writer connection."""

    def __init__(self, path: Path, now_ms: Callable[[], int] = wall_ms) -> None:
        self._connection = open_writer(path)
        self._connection.execute("PRAGMA secure_delete=ON")
        self._connection.execute(f"PRAGMA wal_autocheckpoint={_CHECKPOINT_PAGES}")  # nobody else does it here
        self._connection.execute(f"PRAGMA busy_timeout={_BUSY_MS}")  # offices wait for whoever reads this file
        self._now_ms = now_ms

    def get(self, space: str, key: str) -> bytes | None:
        """Return a value or None."""
        row = self._connection.execute("SELECT value FROM local WHERE space=? AND key=?", (space, key)).fetchone()
        return bytes(row[0]) if row else None

    def put(self, space: str, key: str, value: bytes | None) -> None:
        """Write a value, durable on return; None removes it."""
        if (space, key) == LEASE_SECRET:
            self._erase(space, key)
        if value is None:
            self._connection.execute("DELETE FROM local WHERE space=? AND key=?", (space, key))
        else:
            self._connection.execute("INSERT OR REPLACE INTO local VALUES (?,?,?)", (space, key, value))

    def _erase(self, space: str, key: str) -> None:
        """Remove a value so that no byte of it is left in the file or beside it."""
        self._connection.execute("DELETE FROM local WHERE space=? AND key=?", (space, key))
        # Pages that were balanced may hold copies of their former cells: only rebuilding the file leaves none.
        self._connection.execute("VACUUM")
        busy, *_ = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if busy:  # somebody else reads the file: the log beside it still holds what was there
            raise OperationalError("local.db is in use")

    def keys(self, space: str) -> tuple[str, ...]:
        """Return the keys of a space, sorted."""
        rows = self._connection.execute("SELECT key FROM local WHERE space=? ORDER BY key", (space,))
        return tuple(row[0] for row in rows)

    def login_begin(self, login: str) -> bytes:
        """Count an attempt and return the login's sealed identity: no bytes while only a letter has one.

        Raises UnknownLoginError, LoginLockedError with `wait_s`.
        """
        sealed = self.get(IDENTITY_SPACE, login)
        if sealed is None and self.get(POST_SPACE, login) is None:
            raise UnknownLoginError(operation="log in", retry_safe=True)
        before, now = self._attempts(login), self._now_ms()
        elapsed_s = max(0, now - before.last_ms) // 1000
        wait_s = wait_after(before.failed) - elapsed_s
        if wait_s > 0:
            if now < before.last_ms:  # the clock was set back: count from here, or the lock would last a year
                self._keep(login, _Attempts(before.failed, now))
            raise LoginLockedError(operation="log in", retry_safe=True, wait_s=wait_s)
        self._keep(login, _Attempts(before.failed + 1, now))
        return sealed or b""

    def login_done(self, login: str, anew: bytes = b"") -> None:
        """Forget the failed attempts of a login that opened.

        `anew` is its identity sealed under the box's own pepper; taken once, while the first pepper or a letter is
        there.
        """
        self.put(LOGIN_SPACE, login, None)
        if anew and any(self.get(space, login) is not None for space in (FIRST_SPACE, POST_SPACE)):
            self._connection.execute("BEGIN IMMEDIATE")  # one without the other would open with nothing
            self.put(IDENTITY_SPACE, login, anew)
            self.put(FIRST_SPACE, login, None)
            self.put(POST_SPACE, login, None)
            self._connection.execute("COMMIT")

    def close(self) -> None:
        """Close the database."""
        self._connection.close()

    def _attempts(self, login: str) -> _Attempts:
        raw = self.get(LOGIN_SPACE, login)
        try:
            return msgspec.msgpack.decode(raw, type=_Attempts) if raw else _Attempts(0, 0)
        except msgspec.DecodeError:  # who can write nonsense here could have removed the count
            return _Attempts(0, 0)

    def _keep(self, login: str, attempts: _Attempts) -> None:
        self.put(LOGIN_SPACE, login, msgspec.msgpack.encode(attempts))
