"""Bringing the board's deposit into object storage, and saying whether the one there is still the board's folder.

Invariant: a deposit is made only where two officers or more open it; each replaces the one before as a whole, and
that it is there was read back before it is noted.
"""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from appliance.board.deposit import KEPT, DepositHead, deposit_name, files_digest, seal_deposit
from appliance.board.folder import BoardFolder
from appliance.board.officerkey import DepositPlace
from appliance.board.officers import FILE, LEAST, MOST, OfficerCountError, Officers, read_officers
from appliance.errors import ApplianceError
from appliance.tomltext import toml_lines
from crypto.identity import Identity
from sync.atomic import atomic_write
from sync.clock import wall_ms
from sync.errors import StoreRefusedError
from sync.objectstore import ObjectStore

PLACE_FILE: Final = "deposit.toml"
_STATE: Final = "deposit.json"


class DepositPlaceError(ApplianceError):
    """The board was never told where its deposit goes."""

    code = "APP-456"


class DepositState(msgspec.Struct, frozen=True):
    """The newest deposit that the store was seen to hold."""

    serial: int = 0
    made_ms: int = 0
    digest: str = ""


@dataclass(frozen=True, slots=True)
class DepositTold:
    """`made_ms` of the newest deposit, 0 without one; `current`: the board's folder has not changed since."""

    made_ms: int
    current: bool


def deposit_place(board: BoardFolder) -> DepositPlace:
    """Return where the board's deposit goes; raises DepositPlaceError."""
    try:
        raw = tomllib.loads((board.path / PLACE_FILE).read_text("utf-8"))
    except FileNotFoundError as exc:
        raise DepositPlaceError(operation="find deposit", subject=board.name, cause=exc) from exc
    return msgspec.convert(raw, DepositPlace)


def keep_deposit_place(board: BoardFolder, place: DepositPlace) -> None:
    """Write down where the board's deposit goes."""
    atomic_write(board.path / PLACE_FILE, toml_lines(place).encode(), mode=0o600)


def make_deposit(board: BoardFolder, root: Identity) -> DepositState:
    """Put the board's deposit into object storage and read it back.

    Raises DepositPlaceError, OfficerCountError (fewer than two), StoreUnreachableError, StoreRefusedError.
    """
    place, file = deposit_place(board), read_officers(board)
    if file is None or len(Officers(board).people) < LEAST:
        count = len(Officers(board).people)
        raise OfficerCountError(operation="make deposit", subject=str(count), count=count, least=LEAST, most=MOST)
    files = _files(board.path)
    state = DepositState(read_state(board).serial + 1, wall_ms(), files_digest(files).hex())
    head = DepositHead(
        board.name, board.root.to_bytes(), state.serial, state.made_ms, file.roster, file.pairs, b""
    )
    name, blob = deposit_name(board.root), seal_deposit(head, files, root)
    store = ObjectStore(place.writing())
    store.put(name, blob)
    if store.get(name) != blob:
        raise StoreRefusedError(operation="make deposit", subject=name, endpoint=place.endpoint)
    atomic_write(board.path / _STATE, msgspec.json.encode(state), mode=0o600)
    return state


def read_state(board: BoardFolder) -> DepositState:
    """Return the newest deposit that was made from this folder."""
    try:
        return msgspec.json.decode((board.path / _STATE).read_bytes(), type=DepositState)
    except FileNotFoundError:
        return DepositState()


def keep_state(path: Path, state: DepositState) -> None:
    """Note in a recovered folder which deposit it comes from."""
    atomic_write(path / _STATE, msgspec.json.encode(state), mode=0o600)


def deposit_told(board: BoardFolder) -> DepositTold:
    """Say how the newest deposit stands to the folder; asks no store."""
    state = read_state(board)
    return DepositTold(
        state.made_ms, bool(state.serial) and files_digest(_files(board.path)).hex() == state.digest
    )


def _files(folder: Path) -> dict[str, bytes]:
    names = [FILE, "board.toml", "pepper", PLACE_FILE]
    found = [folder / name for name in names]
    found += [*folder.glob("schools/*"), *folder.glob("hubs/*/credentials/site.key")]
    paths = {str(path.relative_to(folder)): path for path in found if path.is_file()}
    return {name: path.read_bytes() for name, path in sorted(paths.items()) if KEPT.fullmatch(name)}
