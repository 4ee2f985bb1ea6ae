"""A city of many schools, enrolled quickly: what the board does, by several processes, with the log in each.

Invariant: every school is enrolled by the board's own code, with keys, roster, grants and leases of its own. Only
the keeper is no process: to start two for each of a thousand schools takes a quarter of an hour, and what they
answer is the same.
"""

from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import cast

from appliance.board import enrolment, hubs
from appliance.board.folder import BoardFolder, init_board, open_board
from crypto.identity import Identity, KdfProfile
from crypto.secret import Secret
from sync.client import KeeperClient
from sync.objectstore import StoreConfig
from sync.site import SitePaths
from sync.visitlog import VisitLog
from tests.appliance.region.city import City, codes, enrol
from tests.school import BOARD_PASSPHRASE

_AT_ONCE = 3
_PART = 5


class InThisProcess:
    """Is to a site what a SiteKeeper is, without a process."""

    def __init__(self, paths: SitePaths) -> None:
        self._paths = paths

    def __enter__(self) -> KeeperClient:
        self._log = _Log(self._paths)
        return cast(KeeperClient, self._log)

    def __exit__(self, *_: object) -> None:
        self._log.close()


class _Log(VisitLog):
    closed = False

    def close(self) -> None:
        """Close once: a store closes its keeper's client, and so does whoever opened it."""
        if not self.closed:
            self.closed = True
            super().close()


def make_big_city(folder: Path, store: StoreConfig, schools: int) -> City:
    """Enrol schools whose store is `store`; nobody works there yet."""
    board = init_board(folder / "board", "試験県教育委員会", BOARD_PASSPHRASE, KdfProfile.QUICK)
    (folder / "boxes").mkdir()
    wanted = codes(schools)
    parts = [wanted[first : first + _PART] for first in range(0, len(wanted), _PART)]
    secret = store.secret_key.reveal()
    plain = (store.endpoint, store.bucket, store.region, store.access_key)
    with ProcessPoolExecutor(_AT_ONCE, initializer=_begin, initargs=(folder, plain, secret)) as pool:
        for _ in pool.map(_enrol, parts):
            pass
    boxes = {code: SitePaths(folder / "boxes" / code) for code in wanted}
    return City(board, board.unlock(BOARD_PASSPHRASE), boxes, store)


class _Here:
    enrol: "partial[SitePaths]"
    folder: Path


def _begin(folder: Path, plain: tuple[str, str, str, str], secret: bytes) -> None:
    for module in (enrolment, hubs):
        module.SiteKeeper = InThisProcess  # type: ignore[attr-defined]
    board: BoardFolder = open_board(folder / "board")
    root: Identity = board.unlock(BOARD_PASSPHRASE)
    _Here.folder = folder
    _Here.enrol = partial(enrol, board, root, StoreConfig(*plain, Secret(secret)))


def _enrol(part: list[str]) -> None:
    for code in part:
        _Here.enrol(code, _Here.folder / "boxes" / code)
