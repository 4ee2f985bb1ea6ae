"""Enrolling a school: its site folder, first keys, roster of people and everyone's sealed identity.

Invariant: the board's root identity is used only here and in `restore`; a passphrase is never written down, and
ICT support, who runs the box afterwards, holds none of the keys made here.
"""

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from appliance.board.folder import BoardFolder, ReplicaPlace
from appliance.config import BoardSection, Config, OfficeSection, SiteSection, StoreSection, write_config
from appliance.credentials import PEPPER, SITE_KEY, read_pepper, write_credential, write_store_key
from appliance.errors import ApplianceError
from appliance.people import PROFILE, Profile, StaffMember, cleared_importances
from appliance.schoolcode import parse_school_code
from crypto.identity import Identity, KdfProfile, seal_identity
from crypto.importance import Importance
from crypto.secret import Secret
from sync.atomic import sync_folder
from sync.checkpoint import site_person
from sync.client import KeeperClient
from sync.clock import wall_ms
from sync.errors import SecondKeeperError, SiteExistsError
from sync.founding import Member, admit, found_store, open_as_board
from sync.ids import Origin, Site
from sync.keeperlock import take_lock
from sync.localstore import IDENTITY_SPACE
from sync.programs import start_child, stop_child
from sync.reader import Reader
from sync.sealed import Draft, SealedStore
from sync.site import SitePaths, create_site


class LoginTakenError(ApplianceError):
    """Somebody at this school has this login already; their key would be lost."""

    code = "APP-016"


@dataclass(frozen=True, slots=True)
class NewSchool:
    """What is needed to enrol a school. `place` is its replica; `store` how the box reaches it."""

    code: str
    name: str
    place: ReplicaPlace
    store: StoreSection
    office: OfficeSection = OfficeSection()


def enrol_school(
    board: BoardFolder,
    root: Identity,
    new: NewSchool,
    staff: Sequence[StaffMember],
    site_dir: Path,
    profile: KdfProfile = KdfProfile.STANDARD,
) -> SitePaths:
    """Make a school's site with its keys and people.

    Raises SchoolCodeError, SiteExistsError, BadPassphraseError, LoginTakenError; then nothing was left behind.
    """
    new = _with_code_as_listed(new)
    if site_dir.exists() and any(site_dir.iterdir()):
        raise SiteExistsError(operation="enrol school", subject=str(site_dir), folder=str(site_dir))
    unfinished = site_dir.with_name(f".{site_dir.name}.enrolling")
    shutil.rmtree(unfinished, ignore_errors=True)
    try:
        _make_site(board, root, new, staff, unfinished, profile)
        unfinished.rename(site_dir)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
    sync_folder(site_dir.parent)
    board.keep_place(new.place)
    return SitePaths(site_dir)


def _make_site(
    board: BoardFolder,
    root: Identity,
    new: NewSchool,
    staff: Sequence[StaffMember],
    folder: Path,
    profile: KdfProfile,
) -> None:
    origin = Origin(new.code, Site.BOX, new.place.epoch)
    paths = create_site(folder, origin)
    pepper = os.urandom(32)
    write_credential(folder, PEPPER, pepper)
    write_store_key(folder, new.place.access_key, new.place.secret_key)
    site_identity = Identity.generate(site_person(origin))
    write_credential(folder, SITE_KEY, site_identity.sign.to_bytes().reveal())
    config = Config(
        site=SiteSection(new.code, new.name, str(origin.site), origin.epoch),
        board=BoardSection(board.root.to_bytes().hex()),
        store=new.store,
        office=new.office,
    )
    write_config(folder, config)
    site_member = Member(site_identity.public, "@box", ("site",), ())
    with _Keeper(paths) as client:
        store = found_store(Reader(paths.store), client, root, [site_member], wall_ms())
        try:
            _admit(store, client, root, staff, Secret(pepper), profile)
        finally:
            store.close()


def admit_staff(
    root: Identity, site_dir: Path, staff: Sequence[StaffMember], profile: KdfProfile = KdfProfile.STANDARD
) -> None:
    """Let more people in at a site whose keeper runs (or not: then one is started for the moment).

    Raises LoginTakenError; then nobody of them was let in.
    """
    paths = SitePaths(site_dir)
    with _Keeper(paths) as client:
        store = open_as_board(Reader(paths.store), client, root)
        try:
            _admit(store, client, root, staff, read_pepper(site_dir), profile)
        finally:
            store.close()


def _with_code_as_listed(new: NewSchool) -> NewSchool:
    code = str(parse_school_code(new.code))
    return replace(new, code=code, place=msgspec.structs.replace(new.place, school=code))


def _admit(
    store: SealedStore,
    client: KeeperClient,
    root: Identity,
    staff: Sequence[StaffMember],
    pepper: Secret,
    profile: KdfProfile,
) -> None:
    taken = {person.login for person in store.keyring.people.people}
    for person in staff:
        if person.login in taken:  # a new identity under an old login would lock its owner out for good
            raise LoginTakenError(operation="admit", subject=person.login, login=person.login)
        taken.add(person.login)
    members, profiles = [], []
    for person in staff:
        identity = Identity.generate(os.urandom(16))
        sealed = seal_identity(identity, person.passphrase.reveal().decode(), pepper, profile)
        client.local_put(IDENTITY_SPACE, person.login, sealed)
        members.append(Member(identity.public, person.login, person.roles, cleared_importances(person.roles)))
        profiles.append(_profile_draft(store, identity.person, person))
    admit(store, root, members, wall_ms())
    if profiles:
        store.put(profiles)


def _profile_draft(store: SealedStore, person: bytes, staff: StaffMember) -> Draft:
    payload = msgspec.msgpack.encode(Profile(person.hex(), staff.display_name))
    record = store.record_id(PROFILE, Importance.III, person.hex())
    return Draft(PROFILE, record, Importance.III, payload)


class _Keeper:
    """A keeper for the moment of enrolment, unless one runs already."""

    def __init__(self, paths: SitePaths) -> None:
        self._paths = paths
        self._client = KeeperClient(paths.socket)
        self._child: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> KeeperClient:
        # The lock tells, not the socket: a keeper that was killed leaves its socket behind.
        with contextlib.suppress(SecondKeeperError):
            os.close(take_lock(self._paths))
            self._child = start_child([sys.executable, "-m", "sync.keeper", str(self._paths.root)])
        self._client.hello()
        return self._client

    def __exit__(self, *_: object) -> None:
        self._client.close()
        stop_child(self._child, 10.0)
