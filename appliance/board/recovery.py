"""The board's folder made anew on a bare machine, from object storage and two officers' media.

Invariant: nothing appears unless both officers opened it, the deposit has the root's signature and is not older
than either medium; no file of the folder is on disk before all of them were read.
"""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from appliance.board.deposit import Deposit, deposit_name, files_digest, open_deposit
from appliance.board.depositing import DepositState, keep_state
from appliance.board.folder import BoardExistsError, BoardFolder, open_board
from appliance.board.officerkey import OfficerKey
from appliance.board.officers import SCHOOL, SameOfficerError, UnknownOfficerError
from appliance.errors import ApplianceError
from crypto.errors import ContextMismatchError, MalformedError
from crypto.identity import Identity
from crypto.pairwrap import open_pair, read_pair
from crypto.people import open_people
from sync.atomic import atomic_write, sync_folder
from sync.objectstore import ObjectStore

Ask = Callable[[str], str]
"""Is given an officer's name, returns the passphrase."""


class DepositMissingError(ApplianceError):
    """The store holds no deposit of this board. Params: `place`."""

    code = "APP-457"


class DepositOldError(ApplianceError):
    """The store's deposit is older than one that an officer's medium knows of: the store was rolled back."""

    code = "APP-458"


@dataclass(frozen=True, slots=True)
class Recovered:
    """The board's folder, and when the deposit that it comes from was made (ms since 1970)."""

    board: BoardFolder
    made_ms: int


def recover_board(folder: Path, one: OfficerKey, other: OfficerKey, ask: Ask) -> Recovered:
    """Make the board's folder at `folder`.

    Raises BoardExistsError, SameOfficerError, ContextMismatchError (media of two boards), WrongPassphraseError,
    UnknownOfficerError (no longer an officer), DepositMissingError, DepositOldError, StoreUnreachableError,
    StoreRefusedError and what a damaged or forged deposit raises; then nothing was left behind.
    """
    if folder.exists() and any(folder.iterdir()):
        raise BoardExistsError(operation="recover board", subject=str(folder), folder=str(folder))
    if one.person == other.person:
        raise SameOfficerError(operation="open with two officers", subject=one.name, name=one.name)
    if one.root != other.root:
        raise ContextMismatchError(operation="recover board", subject="media of two boards")
    first, second = one.open(ask(one.name)), other.open(ask(other.name))
    place = one.read_place(first)
    name = deposit_name(one.root_key)
    blob = ObjectStore(place.reading()).get(name)
    if blob is None:
        raise DepositMissingError(operation="recover board", subject=name, place=f"{place.bucket}/{name}")
    deposit = open_deposit(blob, one.root_key)
    if deposit.head.serial < max(one.serial, other.serial):
        raise DepositOldError(operation="recover board", subject=str(deposit.head.serial))
    files = deposit.files(_open_root(deposit, (one, first), (other, second)))
    _write(folder, files)
    head = deposit.head
    keep_state(folder, DepositState(head.serial, head.made_ms, files_digest(files).hex()))
    return Recovered(open_board(folder), head.made_ms)


def _open_root(deposit: Deposit, *officers: tuple[OfficerKey, Identity]) -> Identity:
    head, root = deposit.head, officers[0][0].root_key
    roster = open_people(head.roster, root, SCHOOL)
    for key, _ in officers:
        if roster.person(key.person) is None:
            known = ", ".join(person.login for person in roster.people)
            raise UnknownOfficerError(operation="find officer", subject=key.name, name=key.name, known=known)
    first, second = (identity for _, identity in officers)
    wanted = sorted((first.person, second.person))
    for pair in head.pairs:
        header = read_pair(pair)
        if [header.outer, header.inner] == wanted:
            return open_pair(pair, root, roster.version, first, second)
    raise MalformedError(operation="open with two officers", subject="no wrap for this pair")


def _write(folder: Path, files: dict[str, bytes]) -> None:
    work = folder.with_name(f".{folder.name}.recovering")
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(mode=0o700, parents=True)
    try:
        for name, data in files.items():
            for folder_above in reversed((work / name).relative_to(work).parents[:-1]):
                (work / folder_above).mkdir(mode=0o700, exist_ok=True)
            atomic_write(work / name, data, mode=0o600)
        if folder.exists():
            folder.rmdir()
        work.rename(folder)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    sync_folder(folder.parent)
