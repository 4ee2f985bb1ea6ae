"""Taking up a school's hub on a machine that has become the board: its database out of object storage.

Invariant: the hub goes on in the life that it had, so the former machine must never run it again; it takes its
place only when its database was proven and completed from the segments, with the places to read and write on from.
"""

import contextlib
import shutil
from pathlib import Path

from appliance.board.folder import BoardFolder, ReplicaPlace
from appliance.board.hubs import HubMissingError, furnish_hub, hub_path
from appliance.board.keeping import SiteKeeper
from appliance.board.leasing import ensure_hub_key
from appliance.board.restored import store_of
from appliance.credentials import SITE_KEY
from appliance.policy import writing_rules
from appliance.site import open_site
from crypto.identity import Identity
from crypto.secret import Secret
from crypto.signing import SigningKey
from sync.atomic import sync_folder
from sync.errors import SiteExistsError
from sync.healing import OPERATOR, ask_for_healing
from sync.ids import Origin, Site
from sync.objectstore import ObjectStore
from sync.places import give_places
from sync.reader import Reader
from sync.restore import Restorer, RestoreReport, Stage, Wanted


def take_up_hub(board: BoardFolder, root: Identity, school: str, stage: Stage | None = None) -> RestoreReport:
    """Bring a school's hub back.

    Raises UnknownSchoolError, HubMissingError (no key of it here), SiteExistsError (it is here already) and what a
    restore raises; then the same call may be made again.
    """
    place = board.place(school)
    folder, origin = hub_path(board, place.school), Origin(place.school, Site.HUB, 1)
    if (folder / "school.db").exists():
        raise SiteExistsError(operation="take up hub", subject=school, folder=str(folder))
    key = _key(folder, school)
    work = folder.with_name(f".{folder.name}.taking-up")
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(mode=0o700)
    try:
        wanted = Wanted(origin, board.root, rules=writing_rules())
        report = Restorer(store_of(place), wanted, work / "restored", stage).run()
        _settle(board, place, work, key)
        shutil.rmtree(folder)
        (work / "site").rename(folder)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    sync_folder(folder.parent)
    ensure_hub_key(open_site(folder), root)
    return report


def _key(folder: Path, school: str) -> SigningKey:
    try:
        return SigningKey.from_bytes(Secret((folder / "credentials" / SITE_KEY).read_bytes()))
    except FileNotFoundError as exc:
        raise HubMissingError(operation="take up hub", subject=school, cause=exc, school=school) from exc


def _settle(board: BoardFolder, place: ReplicaPlace, work: Path, key: SigningKey) -> None:
    """Make the hub's folder around the restored database, with where its segments and the others' go on."""
    paths = furnish_hub(work / "site", board, place, key)
    for stale in paths.root.glob("school.db*"):
        stale.unlink()
    (work / "restored" / "school.db").rename(paths.store)
    library = ObjectStore(store_of(place))
    with SiteKeeper(paths) as client, contextlib.closing(Reader(paths.store)) as reader:
        give_places(reader, client, library, board.root)
    ask_for_healing(paths, OPERATOR)  # its replica goes on as a new whole one, whatever the former machine left
