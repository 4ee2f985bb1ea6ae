"""Replacing a school's box: a grant for the next epoch, everything restored into it, new keys for its staff.

Invariant: the grant is created where none stands, so of two officers one wins; every step may be repeated after a
failure and finds what the former try did. The old box's work is merged whenever it turns up; nothing of it is
overwritten.
"""

import contextlib
import os
import shutil
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from appliance.board.enrolment import NewSchool, furnish_box, grant_for, renew_staff
from appliance.board.folder import BoardFolder, ReplicaPlace
from appliance.board.hubs import board_store, open_hub
from appliance.board.keeping import SiteKeeper
from appliance.board.leasing import end_lease, ensure_hub_key
from appliance.board.passphrases import first_passphrase
from appliance.board.restored import store_of
from appliance.config import OfficeSection, StoreSection
from appliance.credentials import StoreKey, read_pepper, read_site_key
from appliance.errors import ApplianceError
from appliance.policy import writing_rules
from appliance.site import SiteFolder
from crypto.identity import Identity, KdfProfile, PersonKeys
from crypto.secret import Secret
from crypto.signing import SigningKey
from sync.atomic import atomic_write, sync_folder
from sync.checkpoint import site_person
from sync.client import KeeperClient
from sync.clock import wall_ms
from sync.errors import SiteExistsError
from sync.founding import admit, grant_draft, site_member
from sync.grants import grant_name, open_grant, sign_grant
from sync.ids import Origin, Site
from sync.inbox import give_place, known_place
from sync.leaseguard import begin_lease
from sync.merge import Merger, copy_log
from sync.objectstore import ObjectStore
from sync.offlinelog import OfflineLog, rebase
from sync.openrecords import GRANT, grant_record
from sync.outbox import read_outbox
from sync.post import begin_post
from sync.reader import Reader
from sync.restore import Restorer, RestoreReport, Stage, Wanted
from sync.site import SitePaths
from sync.verify import verify_store
from sync.verifypass import Verified


class ReplacedAlreadyError(ApplianceError):
    """Somebody else is replacing, or has replaced, this box."""

    code = "APP-019"


@dataclass(frozen=True, slots=True)
class Replacement:
    """What is needed: the school, the new box's folder, and its own key pair (without one: the board's).

    `store` is how the new box reaches the object store, where that differs from how the board does; `furnish` puts
    into its folder what else it needs, before it stands for the school.
    """

    school: str
    site_dir: Path
    key: StoreKey | None = None
    store: StoreSection | None = None
    office: OfficeSection = OfficeSection()
    furnish: Callable[[Path], None] | None = None


@dataclass(frozen=True, slots=True)
class Replaced:
    """The new box: its files, what was restored and proven, and a first passphrase for every login."""

    paths: SitePaths
    origin: Origin
    restored: RestoreReport
    verified: Verified
    passphrases: Mapping[str, str] = field(repr=False)


def replace_box(
    board: BoardFolder,
    root: Identity,
    wanted: Replacement,
    stage: Stage | None = None,
    profile: KdfProfile = KdfProfile.STANDARD,
) -> Replaced:
    """Make the next box of a school.

    Raises UnknownSchoolError, HubMissingError, SiteExistsError, ReplacedAlreadyError and what a restore raises;
    then the same call may be made again.
    """
    hub, place = open_hub(board, wanted.school), board.place(wanted.school)
    if wanted.site_dir.exists() and any(wanted.site_dir.iterdir()):
        folder = str(wanted.site_dir)
        raise SiteExistsError(operation="replace box", subject=folder, folder=folder)
    work = wanted.site_dir.with_name(f".{wanted.site_dir.name}.replacing")
    work.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = Origin(place.school, Site.BOX, place.epoch + 1)
    key = _site_key(work, new)
    report = restore_for(board, hub, root, new, key.public, work / "restored", stage)
    paths = _furnish(board, hub, place, wanted, work, key)
    with ThreadPoolExecutor(1, "proof") as beside:  # people's keys take as long, outside the interpreter's lock
        proof = beside.submit(
            verify_store, paths.store, board.root, place.school, rules=writing_rules(), proven=report.verified
        )
        passphrases = _renew(root, paths.root, profile)
        verified = proof.result()
    paths.root.rename(wanted.site_dir)
    sync_folder(wanted.site_dir.parent)
    succeed(board, hub, wanted.site_dir / "school.db", new)
    shutil.rmtree(work)
    return Replaced(SitePaths(wanted.site_dir), new, report, verified, passphrases)


def restore_for(
    board: BoardFolder,
    hub: SiteFolder,
    root: Identity,
    new: Origin,
    keys: PersonKeys,
    target: Path,
    stage: Stage | None = None,
) -> RestoreReport:
    """Grant the next epoch to a box's keys and restore the school into `target` as that box's store.

    Raises ReplacedAlreadyError and what a restore raises; then the same call may be made again.
    """
    place = board.place(new.school)
    old = Origin(place.school, Site.BOX, new.epoch - 1)
    _grant(place, root, new, keys)
    _announce(hub, root, new, keys)
    ensure_hub_key(hub, root)
    report = _restore(board, hub, place, old, target, stage)
    restored = report.path / "school.db"
    _share(hub, restored, old)
    rebase(restored, new)
    return report


def succeed(board: BoardFolder, hub: SiteFolder, store: Path, new: Origin) -> None:
    """Let the new box stand for the school: in the board's notes, at the hub, and the old one's lease is over.

    May be repeated.
    """
    board.keep_place(msgspec.structs.replace(board.place(new.school), epoch=new.epoch))
    _tell_hub(hub, store, new)
    end_lease(hub, Origin(new.school, Site.BOX, new.epoch - 1))


def _site_key(work: Path, origin: Origin) -> Identity:
    """Return the new box's identity; one that a former try made is taken up."""
    file, person = work / "site.key", site_person(origin)
    identity = Identity.generate(person)
    try:
        return Identity(person, identity.seal, SigningKey.from_bytes(Secret(file.read_bytes())))
    except FileNotFoundError:
        atomic_write(file, identity.sign.to_bytes().reveal())
        return identity


def _grant(place: ReplicaPlace, root: Identity, new: Origin, keys: PersonKeys) -> None:
    """Create the grant; raises ReplacedAlreadyError when another one stands there."""
    store, name = ObjectStore(store_of(place)), grant_name(new)
    if store.create(name, sign_grant(grant_for(new, keys, wall_ms()), root.sign)):
        return
    there = store.get(name)
    mine = keys.sign.to_bytes()
    if there is None or open_grant(there, root.sign.verify_key, new.school).sign_key != mine:
        raise ReplacedAlreadyError(operation="replace box", subject=name, school=new.school, epoch=new.epoch)


def _announce(hub: SiteFolder, root: Identity, new: Origin, keys: PersonKeys) -> None:
    """Tell the school's sites through the hub: the new box in the roster of people, and its grant."""
    with board_store(hub, root) as store:
        record = grant_record(new.school, new.site)
        if store.keyring.people.person(site_person(new)) is None:
            draft = grant_draft(
                grant_for(new, keys, wall_ms()), root, store.base_of(GRANT, [record]).get(record, ())
            )
            admit(store, root, [site_member(new, keys)], wall_ms(), [draft])


def _restore(
    board: BoardFolder, hub: SiteFolder, place: ReplicaPlace, old: Origin, target: Path, stage: Stage | None
) -> RestoreReport:
    shutil.rmtree(target, ignore_errors=True)
    with contextlib.closing(Reader(hub.paths.store)) as reader:
        known = reader.position(old)
    wanted = Wanted(
        old, board.root, known_seq=known.seq, known_chain=known.chain if known.seq else b"", rules=writing_rules()
    )
    return Restorer(store_of(place), wanted, target, stage).run()


def _share(hub: SiteFolder, restored: Path, old: Origin) -> None:
    """Let hub and restored store learn from each other whatever only one of them had."""
    with (
        SiteKeeper(hub.paths) as client,
        contextlib.closing(Reader(hub.paths.store)) as at_hub,
        contextlib.closing(Reader(restored)) as here,
        contextlib.closing(OfflineLog(restored)) as log,
    ):
        to_hub = Merger(at_hub, client, hub.root, writing_rules())
        copy_log(here, old, to_hub, at_hub.position(old).seq)
        to_here = Merger(here, log, hub.root, writing_rules(), judged=here.position().seq)  # it was just proven
        for origin in at_hub.origins():
            copy_log(at_hub, origin, to_here, here.position(origin).seq)


def _tell_hub(hub: SiteFolder, box: Path, new: Origin) -> None:
    """Let the hub know what the new box begins with, so that its lease can be revoked before it ever calls."""
    with (
        SiteKeeper(hub.paths) as client,
        contextlib.closing(Reader(hub.paths.store)) as at_hub,
        contextlib.closing(Reader(box)) as source,
    ):
        copy_log(source, new, Merger(at_hub, client, hub.root, writing_rules()))


def _furnish(
    board: BoardFolder, hub: SiteFolder, place: ReplicaPlace, wanted: Replacement, work: Path, key: Identity
) -> SitePaths:
    """Make the box's folder around the restored store, and note how far it has read the others."""
    folder = work / "site"
    shutil.rmtree(folder, ignore_errors=True)
    next_place = msgspec.structs.replace(place, epoch=place.epoch + 1)
    store = wanted.store or StoreSection(place.endpoint, place.bucket, place.region)
    new = NewSchool(place.school, place.name, next_place, store, wanted.office, wanted.key)
    paths = furnish_box(folder, board, new, os.urandom(32), key)
    if wanted.furnish is not None:
        wanted.furnish(folder)
    for stale in folder.glob("school.db*"):
        stale.unlink()
    (work / "restored" / "school.db").rename(paths.store)
    with (
        SiteKeeper(paths) as client,
        SiteKeeper(hub.paths) as at_hub,
        contextlib.closing(Reader(paths.store)) as here,
    ):
        for origin, number, digest in places_read(at_hub, here, place):
            give_place(client, origin, number, digest)
        begin_lease(here, client, board.root, key.sign, read_site_key(hub.path))
        begin_post(here, client, key.sign, read_pepper(folder))
    return paths


def places_read(at_hub: KeeperClient, here: Reader, place: ReplicaPlace) -> list[tuple[Origin, int, bytes]]:
    """Return how far a restored store holds the segments of the hub and of the school's boxes so far."""
    sent, found = read_outbox(at_hub), []
    if here.position(_hub_of(place)).seq >= sent.last:
        found.append((_hub_of(place), sent.number, sent.hash))
    boxes = [Origin(place.school, Site.BOX, epoch) for epoch in range(1, place.epoch + 1)]
    return found + [(origin, *known_place(at_hub, origin)) for origin in boxes]


def _renew(root: Identity, folder: Path, profile: KdfProfile) -> dict[str, str]:
    """Give everybody of the school new keys under a first passphrase each."""
    made: dict[str, str] = {}

    def passphrase(login: str) -> Secret:
        made[login] = first_passphrase()
        return Secret(made[login].encode())

    renew_staff(root, folder, passphrase, profile)
    return made


def _hub_of(place: ReplicaPlace) -> Origin:
    return Origin(place.school, Site.HUB, 1)
