"""The hub of a school: the board's own site for it, below the board's folder.

Invariant: a hub is a site like a box: its folder opens with the same commands, its changes are made through the
same desks and ask the same policy. Only the board's root identity opens what it holds.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from appliance.attendance.absences import load_choices
from appliance.attendance.sheetform import load_sheet_form
from appliance.board.folder import BoardFolder, ReplicaPlace
from appliance.board.keeping import SiteKeeper
from appliance.config import BoardSection, Config, SiteSection, StoreSection, write_config
from appliance.credentials import SITE_KEY, write_credential, write_store_key
from appliance.errors import ApplianceError
from appliance.hours.settings import load_hours
from appliance.office import Office
from appliance.policy import writing_rules
from appliance.session import Session
from appliance.site import SiteFolder, open_site
from crypto.identity import Identity
from crypto.signing import SigningKey
from sync.founding import open_as_board
from sync.ids import Origin, Site
from sync.leaseissuer import HUB_SECRET
from sync.merge import Merger, copy_log
from sync.reader import Reader
from sync.sealed import SealedStore
from sync.site import SitePaths, create_site

HUBS = "hubs"


class HubMissingError(ApplianceError):
    """The board has no hub for this school."""

    code = "APP-017"


def hub_path(board: BoardFolder, school: str) -> Path:
    """Return the folder of a school's hub, whether or not it is there."""
    return board.path / HUBS / school


def open_hub(board: BoardFolder, school: str) -> SiteFolder:
    """Open a school's hub; raises UnknownSchoolError, HubMissingError."""
    place = board.place(school)
    folder = hub_path(board, place.school)
    if not (folder / "school.db").exists():
        raise HubMissingError(operation="open hub", subject=school, school=school)
    return open_site(folder)


def hubs_of(board: BoardFolder) -> list[SiteFolder]:
    """Return the hub of every school that has one, by 学校コード."""
    folder = board.path / HUBS
    return [open_site(path.parent) for path in sorted(folder.glob("*/school.db"))]


def make_hub(folder: Path, board: BoardFolder, place: ReplicaPlace, key: Identity, box: Path) -> None:
    """Make a school's hub at `folder` with everything that stands in the box's store at `box`."""
    paths = furnish_hub(folder, board, place, key.sign)
    with (
        SiteKeeper(paths) as client,
        contextlib.closing(Reader(box / "school.db")) as source,
        contextlib.closing(Reader(paths.store)) as reader,
    ):
        client.local_put(*HUB_SECRET, key.seal.to_bytes().reveal())
        copy_log(source, source.origin, Merger(reader, client, board.root, writing_rules()))


def furnish_hub(folder: Path, board: BoardFolder, place: ReplicaPlace, key: SigningKey) -> SitePaths:
    """Make a hub's folder with its empty databases, configuration and credentials."""
    origin = Origin(place.school, Site.HUB, 1)
    paths = create_site(folder, origin)
    write_store_key(folder, place.access_key, place.secret_key)
    write_credential(folder, SITE_KEY, key.to_bytes().reveal())
    config = Config(
        site=SiteSection(place.school, place.name, str(origin.site), origin.epoch),
        board=BoardSection(board.root.to_bytes().hex()),
        store=StoreSection(place.endpoint, place.bucket, place.region),
    )
    write_config(folder, config)
    return paths


@contextlib.contextmanager
def board_store(site: SiteFolder, root: Identity) -> Iterator[SealedStore]:
    """Open a site's store under the board's root identity, for reading and writing."""
    with SiteKeeper(site.paths) as client:
        store = open_as_board(Reader(site.paths.store), client, root)
        try:
            yield store
        finally:
            store.close()


@contextlib.contextmanager
def board_session(site: SiteFolder, root: Identity) -> Iterator[Session]:
    """Open a session of the board at a site."""
    with board_store(site, root) as store:
        person = store.keyring.people.person(root.person)
        assert person is not None  # noqa: S101 - founding puts the board into the first roster
        yield Session(site, store, person)


@contextlib.contextmanager
def board_office(site: SiteFolder, root: Identity) -> Iterator[Office]:
    """Open the office of a site as the board: what it enters there reaches the school as any change does."""
    with board_session(site, root) as session:
        codes = site.path / site.config.office.codes if site.config.office.codes else None
        hours = site.path / site.config.office.hours if site.config.office.hours else None
        yield Office(session, load_choices(codes), load_hours(hours), load_sheet_form(codes))
