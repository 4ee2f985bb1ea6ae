"""Where the board's answer to a box's request comes from: a file, or the board's own folder beside us.

Invariant: who provisions needs no key of the board. With the board's folder the officer provisions, and unlocks
the root key here; it never goes to a box.
"""

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from appliance.board.enrolment import NewSchool
from appliance.board.folder import BoardFolder, ReplicaPlace
from appliance.board.granting import Next, grant_enrolment, grant_replacement
from appliance.board.stafffile import read_staff, write_slips
from appliance.enrolment.grantfile import open_grant_file
from appliance.enrolment.request import open_request, request_digest
from appliance.provision.inventory import Box
from appliance.provision.storekeys import StorePairs
from crypto.errors import ContextMismatchError
from crypto.identity import Identity, KdfProfile
from crypto.signing import VerifyKey
from sync.atomic import atomic_write

REQUESTS: Final = "requests"
Announce = Callable[[Box, bytes, Path], None]
"""Is told that a request was written to a file for the board."""


class FileGrants:
    """Grant files that the board's officer sent; a request that none of them answers is written to a folder."""

    def __init__(self, files: Sequence[Path], root: VerifyKey, out: Path, announce: Announce) -> None:
        self._files, self._root, self._out, self._announce = files, root, out, announce

    def answer(self, box: Box, request: bytes) -> bytes | None:
        """Return the grant file that answers this request, None while there is none.

        Raises what `open_grant_file` raises for a file that is no grant of this board.
        """
        for file in self._all():
            blob = file.read_bytes()
            try:
                open_grant_file(blob, self._root, request_digest(request))
            except ContextMismatchError:
                continue  # another box's
            return blob
        asked = open_request(request)
        paper = self._out / REQUESTS / f"{asked.school}-{asked.epoch}.request"
        paper.parent.mkdir(parents=True, exist_ok=True)
        atomic_write(paper, request, mode=0o644)
        self._announce(box, request, paper)
        return None

    def _all(self) -> list[Path]:
        found = [sorted(path.glob("*.grant")) if path.is_dir() else [path] for path in self._files]
        return [file for files in found for file in files]


class BoardGrants:
    """The board itself, in one go: its folder, its unlocked root identity, key pairs of the store, people."""

    def __init__(
        self,
        board: BoardFolder,
        root: Identity,
        pairs: StorePairs,
        staff: Path | None,
        out: Path,
        profile: KdfProfile = KdfProfile.STANDARD,
    ) -> None:
        self._board, self._root, self._pairs, self._staff = board, root, pairs, staff
        self._out, self._profile = out, profile
        self._lock = threading.Lock()  # one school after the other: what is made lies in one folder

    def answer(self, box: Box, request: bytes) -> bytes | None:
        """Grant what is asked for: the first box of a school, or its next one."""
        epoch = open_request(request).epoch
        with self._lock:
            return self._enrol(box, request) if epoch == 1 else self._replace(box, request)

    def _enrol(self, box: Box, request: bytes) -> bytes:
        of_board, of_box = self._pairs.board(box.school), self._pairs.box(box.school)
        section = box.store
        secret = of_board.secret_key.reveal().decode()
        place = ReplicaPlace(
            box.school, box.name, section.endpoint, section.bucket, section.region, of_board.access_key, secret
        )
        file = self._staff / f"{box.school}.toml" if self._staff else None
        staff = read_staff(file) if file else []
        new = NewSchool(box.school, box.name, place, section, key=of_box)
        return grant_enrolment(
            self._board,
            self._root,
            request,
            new,
            staff,
            self._profile,
            lambda passphrases: write_slips(self._slips(box), passphrases),
        )

    def _replace(self, box: Box, request: bytes) -> bytes:
        wanted = Next(box.store, self._pairs.box(box.school))
        grant, _ = grant_replacement(
            self._board,
            self._root,
            request,
            wanted,
            lambda passphrases: write_slips(self._slips(box), passphrases),
            profile=self._profile,
        )
        return grant

    def _slips(self, box: Box) -> Path:
        return self._out / f"{box.school}.slips"
