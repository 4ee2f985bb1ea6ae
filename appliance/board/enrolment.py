"""Enrolling a school: its box and its hub, first keys, roster of people and everyone's sealed identity.

Invariant: a school is enrolled whole or not at all, and once: another box for it is a replacement. A passphrase is
never written down, and ICT support, who runs the box afterwards, holds none of the keys made here.
"""

import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import msgspec

from appliance.board.folder import BoardFolder, ReplicaPlace
from appliance.board.hubs import hub_path, make_hub
from appliance.board.keeping import SiteKeeper
from appliance.board.passphrases import strong
from appliance.config import BoardSection, Config, OfficeSection, SiteSection, StoreSection, write_config
from appliance.credentials import PEPPER, SITE_KEY, StoreKey, read_pepper, write_credential, write_store_key
from appliance.errors import ApplianceError
from appliance.people import Profile, StaffMember, cleared_importances
from appliance.schoolcode import parse_school_code
from crypto.identity import Identity, KdfProfile, PersonKeys, seal_identity
from crypto.importance import Importance
from crypto.secret import Secret
from sync.atomic import sync_folder
from sync.checkpoint import site_person
from sync.client import KeeperClient
from sync.clock import wall_ms
from sync.errors import SiteExistsError
from sync.founding import Member, admit, found_store, open_as_board, renew, site_member
from sync.grants import Grant
from sync.ids import Origin, Site
from sync.leaseguard import LeaseState, begin_lease, lease_view
from sync.localstore import FIRST_SPACE, IDENTITY_SPACE, POST_SPACE
from sync.locking import Locking, read_locking
from sync.post import begin_post
from sync.reader import Reader
from sync.sealed import Draft, SealedStore
from sync.site import SitePaths, create_site


class EnrolledError(ApplianceError):
    """The school has a box already: another one is a replacement, or two boxes would write one place."""

    code = "APP-018"


class LoginTakenError(ApplianceError):
    """Somebody at this school has this login already; their key would be lost."""

    code = "APP-016"


@dataclass(frozen=True, slots=True)
class NewSchool:
    """What is needed to enrol a school. `place` is its replica; `store` how the box reaches it.

    `key` is the box's key pair for that; without one it uses the board's own: only where both are on one machine.
    """

    code: str
    name: str
    place: ReplicaPlace
    store: StoreSection
    office: OfficeSection = OfficeSection()
    key: StoreKey | None = None


def enrol_school(
    board: BoardFolder,
    root: Identity,
    new: NewSchool,
    staff: Sequence[StaffMember],
    site_dir: Path,
    profile: KdfProfile = KdfProfile.STANDARD,
) -> SitePaths:
    """Make a school's box at `site_dir` and its hub in the board's folder, with keys and people.

    Raises SchoolCodeError, EnrolledError, SiteExistsError, ShortPassphraseError, LoginTakenError; then nothing was
    left behind.
    """
    new = with_code_as_listed(new)
    if board.knows(new.code):
        raise EnrolledError(operation="enrol school", subject=new.code, school=new.code)
    if site_dir.exists() and any(site_dir.iterdir()):
        raise SiteExistsError(operation="enrol school", subject=str(site_dir), folder=str(site_dir))
    hub_dir = hub_path(board, new.code)
    hub_dir.parent.mkdir(mode=0o700, exist_ok=True)
    unfinished = site_dir.with_name(f".{site_dir.name}.enrolling")
    unfinished_hub = hub_dir.with_name(f".{hub_dir.name}.enrolling")
    for left in (unfinished, unfinished_hub, hub_dir):  # without the board's note of its place, it never began
        shutil.rmtree(left, ignore_errors=True)
    hub_key = Identity.generate(site_person(Origin(new.code, Site.HUB, 1)))
    try:
        _make_box(board, root, new, staff, unfinished, hub_key, profile)
        make_hub(unfinished_hub, board, new.place, hub_key, unfinished)
        unfinished_hub.rename(hub_dir)
        unfinished.rename(site_dir)
    except BaseException:
        for left in (unfinished, unfinished_hub, hub_dir):
            shutil.rmtree(left, ignore_errors=True)
        raise
    sync_folder(hub_dir.parent)
    sync_folder(site_dir.parent)
    board.keep_place(new.place)
    return SitePaths(site_dir)


def _make_box(
    board: BoardFolder,
    root: Identity,
    new: NewSchool,
    staff: Sequence[StaffMember],
    folder: Path,
    hub_key: Identity,
    profile: KdfProfile,
) -> None:
    origin = Origin(new.code, Site.BOX, new.place.epoch)
    pepper, key = os.urandom(32), Identity.generate(site_person(origin))
    paths = furnish_box(folder, board, new, pepper, key)
    now, hub = wall_ms(), Origin(new.code, Site.HUB, 1)
    sites = ((origin, key), (hub, hub_key))
    members = [site_member(of, identity.public) for of, identity in sites]
    grants = [grant_for(of, identity.public, now) for of, identity in sites]
    with SiteKeeper(paths) as client:
        reader = Reader(paths.store)
        store = found_store(reader, client, root, members, now, grants)
        try:
            begin_lease(reader, client, board.root, key.sign, hub_key.sign)
            begin_post(reader, client, key.sign, Secret(pepper))
            admit_sealed(store, root, staff, _locking(store, client, root), _at(client, Secret(pepper), profile))
        finally:
            store.close()


def furnish_box(folder: Path, board: BoardFolder, new: NewSchool, pepper: bytes, key: Identity) -> SitePaths:
    """Make a box's folder with its empty databases, configuration and credentials."""
    origin = Origin(new.code, Site.BOX, new.place.epoch)
    paths = create_site(folder, origin)
    write_credential(folder, PEPPER, pepper)
    store_key = new.key or StoreKey(new.place.access_key, Secret(new.place.secret_key.encode()))
    write_store_key(folder, store_key.access_key, store_key.secret_key.reveal().decode())
    write_credential(folder, SITE_KEY, key.sign.to_bytes().reveal())
    write_config(folder, box_config(board, new))
    return paths


def box_config(board: BoardFolder, new: NewSchool) -> Config:
    """Return the configuration that a box begins with."""
    return Config(
        site=SiteSection(new.code, new.name, str(Site.BOX), new.place.epoch),
        board=BoardSection(board.root.to_bytes().hex()),
        store=new.store,
        office=new.office,
    )


def grant_for(origin: Origin, keys: PersonKeys, now_ms: int) -> Grant:
    """Return the grant that lets the holder of some keys write as `origin`."""
    return Grant(origin.school, str(origin.site), origin.epoch, keys.sign.to_bytes(), now_ms)


def admit_staff(
    root: Identity, site_dir: Path, staff: Sequence[StaffMember], profile: KdfProfile = KdfProfile.STANDARD
) -> None:
    """Let more people in at a site whose keeper runs (or not: then one is started for the moment).

    Raises LoginTakenError; then nobody of them was let in.
    """
    paths = SitePaths(site_dir)
    with SiteKeeper(paths) as client:
        store = open_as_board(Reader(paths.store), client, root)
        try:
            keeping = _at(client, read_pepper(site_dir), profile)
            admit_sealed(store, root, staff, _locking(store, client, root), keeping)
        finally:
            store.close()


def with_code_as_listed(new: NewSchool) -> NewSchool:
    """Return the same with its 学校コード as it is compared; raises SchoolCodeError."""
    code = str(parse_school_code(new.code))
    return replace(new, code=code, place=msgspec.structs.replace(new.place, school=code))


class Keeping(Protocol):
    """Where people's identities go."""

    def seal(self, identity: Identity, login: str, passphrase: Secret) -> None:
        """Seal an identity under its owner's passphrase and keep it."""

    def drafts(self) -> Sequence[Draft]:
        """Return what is to stand in one batch with the roster that names these people."""
        ...


@dataclass(frozen=True, slots=True)
class SealedKeeping:
    """Sealed under a pepper at a cost, beside the store; `keep` is given login and sealed identity."""

    keep: Callable[[str, bytes], None]
    pepper: Secret
    profile: KdfProfile = KdfProfile.STANDARD

    def seal(self, identity: Identity, login: str, passphrase: Secret) -> None:
        """Seal an identity under its owner's passphrase and keep it."""
        self.keep(login, seal_identity(identity, passphrase.reveal().decode(), self.pepper, self.profile))

    def drafts(self) -> Sequence[Draft]:
        """Return nothing: what is kept here is in no store."""
        return ()


def _at(client: KeeperClient, pepper: Secret, profile: KdfProfile) -> SealedKeeping:
    def keep(login: str, sealed: bytes) -> None:
        client.local_put(IDENTITY_SPACE, login, sealed)
        for former in (FIRST_SPACE, POST_SPACE):  # either would be opened instead
            client.local_put(former, login, None)

    return SealedKeeping(keep, pepper, profile)


def admit_sealed(
    store: SealedStore,
    root: Identity,
    staff: Sequence[StaffMember],
    locking: Locking | None,
    keeping: Keeping,
) -> None:
    """Let people in at a store that is open as the board.

    Raises LoginTakenError, ShortPassphraseError; then nothing was written.
    """
    taken = {person.login for person in store.keyring.people.people}
    for person in staff:
        if person.login in taken:  # a new identity under an old login would lock its owner out for good
            raise LoginTakenError(operation="admit", subject=person.login, login=person.login)
        taken.add(person.login)
        strong(person.passphrase.reveal().decode())
    members, profiles = [], []
    for person in staff:
        identity = Identity.generate(os.urandom(16))
        keeping.seal(identity, person.login, person.passphrase)
        members.append(Member(identity.public, person.login, person.roles, cleared_importances(person.roles)))
        profiles.append(_profile_draft(store, identity.person, person))
    admit(store, root, members, wall_ms(), keeping.drafts(), locking)
    if profiles:
        store.put(profiles)


def renew_staff(
    root: Identity,
    site_dir: Path,
    passphrase: Callable[[str], Secret],
    profile: KdfProfile = KdfProfile.STANDARD,
    logins: Sequence[str] | None = None,
) -> list[str]:
    """Give people (by default all who may log in) new keys under a new passphrase each; return their logins.

    For a box that has no sealed identities yet, and for somebody who lost their passphrase. Who they are, what
    they may open and what they signed before stays. Raises ShortPassphraseError; then nothing was changed.
    """
    paths = SitePaths(site_dir)
    with SiteKeeper(paths) as client:
        store = open_as_board(Reader(paths.store), client, root)
        try:
            keeping = _at(client, read_pepper(site_dir), profile)
            return renew_sealed(store, root, passphrase, _locking(store, client, root), keeping, logins)
        finally:
            store.close()


def renew_sealed(
    store: SealedStore,
    root: Identity,
    passphrase: Callable[[str], Secret],
    locking: Locking | None,
    keeping: Keeping,
    logins: Sequence[str] | None = None,
) -> list[str]:
    """Give people new keys at a store that is open as the board; return their logins.

    Raises ShortPassphraseError; then nothing was changed.
    """
    now = wall_ms()
    people = [p for p in store.keyring.people.people if not p.login.startswith("@") and p.valid(now)]
    chosen = [p for p in people if logins is None or p.login in logins]
    fresh = [(person, Identity.generate(person.id), passphrase(person.login)) for person in chosen]
    for _, _, words in fresh:
        strong(words.reveal().decode())
    members = [
        Member(new.public, who.login, who.roles, tuple(Importance(value) for value in who.importances))
        for who, new, _ in fresh
    ]
    for who, new, words in fresh:
        keeping.seal(new, who.login, words)
    renew(store, root, members, now, locking, keeping.drafts())
    return [who.login for who, *_ in fresh]


def _locking(store: SealedStore, client: KeeperClient, root: Identity) -> Locking | None:
    leased = lease_view(client).state is not LeaseState.UNLEASED
    return read_locking(store.reader, root.sign.verify_key, leased=leased)


def _profile_draft(store: SealedStore, person: bytes, staff: StaffMember) -> Draft:
    payload = msgspec.msgpack.encode(Profile(person.hex(), staff.display_name))
    record = store.record_id(Profile.kind, Profile.importance, person.hex())
    return Draft(Profile.kind, record, Profile.importance, payload)
