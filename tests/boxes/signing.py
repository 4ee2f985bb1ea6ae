"""The board's officers who sign updates, by the commands that they use."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.boxes.town import SCHOOLS, Town

OFFICERS: Final = ("sato", "suzuki", "takahashi")


class Signing:
    """A folder of updates of a town's board; `sato` and `takahashi` sign what comes."""

    def __init__(self, town: Town) -> None:
        self._town, self._folder, self._keys = town, town.folder / "updates", town.folder / "officers"
        self._keys.mkdir()
        self._repo("init", self._folder, "--passphrase-stdin")
        for name in OFFICERS:
            self._repo("make-key", "--key", self._keys / name, "--passphrase-stdin")
            self._repo("add-key", self._folder, "--public", self._keys / f"{name}.pub")
        self._sign(("sato", "suzuki"))
        self._repo("publish", self._folder, "--passphrase-stdin")  # the root; there is no release yet
        town.update_root = town.folder / "update-root.json"
        self._repo("root", self._folder, "--to", town.update_root)

    def release(self, bundle: Path, *to: str | Path, officers: Sequence[str] = ("sato", "takahashi")) -> None:
        """Sign a bundle and send it: to the store of the first school, or where `to` says."""
        self._repo("stage", self._folder, bundle)
        self._sign(officers)
        self.publish(*to)

    def publish(self, *to: str | Path) -> None:
        """Vouch for what was signed last, and send it."""
        where = to or ("--board", self._town.board, "--school", SCHOOLS[0])
        self._repo("publish", self._folder, *where, "--passphrase-stdin")

    def _sign(self, officers: Sequence[str]) -> None:
        for name in officers:
            self._repo("sign", self._folder, "--key", self._keys / name, "--passphrase-stdin")

    def _repo(self, *words: str | Path) -> None:
        self._town.kurabako("update", "repo", *words)
