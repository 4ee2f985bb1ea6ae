"""The board's answer to a new box's request: the school's store with its people, sealed and signed in one file.

Invariant: no private key of the box is ever here, and the box's pepper neither. A request is answered once: the
file is kept, so the same request gets the same answer and another one for that epoch gets none.
"""

import contextlib
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

import msgspec

from appliance.board.enrolment import (
    EnrolledError,
    NewSchool,
    SealedKeeping,
    admit_sealed,
    box_config,
    grant_for,
    renew_sealed,
    with_code_as_listed,
)
from appliance.board.folder import BoardFolder
from appliance.board.hubs import hub_path, make_hub, open_hub
from appliance.board.keeping import SiteKeeper
from appliance.board.leasing import end_lease, say_lease
from appliance.board.passphrases import first_passphrase
from appliance.board.replacement import (
    ReplacedAlreadyError,
    places_read,
    restore_for,
    succeed,
)
from appliance.config import OfficeSection, StoreSection, render_config
from appliance.credentials import StoreKey
from appliance.enrolment.errors import OtherRequestError
from appliance.enrolment.grantfile import (
    GrantHead,
    GrantSecrets,
    Place,
    open_grant_file,
    pack_store,
    seal_secrets,
    sign_grant_file,
)
from appliance.enrolment.request import EnrolmentRequest, open_request, request_digest
from appliance.people import StaffMember
from appliance.site import open_site
from crypto.errors import ContextMismatchError
from crypto.hybrid import HybridPublicKey
from crypto.identity import Identity, KdfProfile
from crypto.secret import Secret
from sync.atomic import atomic_write, sync_folder
from sync.checkpoint import site_person
from sync.clock import wall_ms
from sync.founding import found_store, open_as_board, site_member
from sync.ids import Origin, Site
from sync.leaseguard import first_lease
from sync.leases import find_hub, sign_lease
from sync.locking import Locking
from sync.offlinelog import OfflineLog
from sync.reader import Reader
from sync.restore import RestoreReport, Stage
from sync.site import SitePaths, create_site

GRANTS: Final = "grants"
HandOut = Callable[[Mapping[str, str]], None]
"""Is given everybody's first passphrase, before the grant is there: it must keep them, or none is known."""


@dataclass(frozen=True, slots=True)
class Next:
    """What a replacement needs beside the request: how the new box reaches its store, its own key pair."""

    store: StoreSection | None = None
    key: StoreKey | None = None
    office: OfficeSection = OfficeSection()


def grant_path(board: BoardFolder, origin: Origin) -> Path:
    """Return where the board keeps the grant file of a box."""
    return board.path / GRANTS / f"{origin.school}-{origin.epoch}.grant"


def grant_enrolment(
    board: BoardFolder,
    root: Identity,
    blob: bytes,
    new: NewSchool,
    staff: Sequence[StaffMember],
    profile: KdfProfile = KdfProfile.STANDARD,
    hand_out: HandOut | None = None,
) -> bytes:
    """Answer the request of a school's first box, and make the school's hub; return the grant file.

    `hand_out` is called when the answer is made, and not again for a request that was answered before.
    Raises what `open_request` raises, ContextMismatchError (another school's), EnrolledError, OtherRequestError,
    LoginTakenError; then nothing was left behind.
    """
    request, new = open_request(blob), with_code_as_listed(new)
    if (request.school, request.epoch) != (new.code, new.place.epoch):
        raise ContextMismatchError(operation="answer request", subject="school or epoch")
    kept = _kept(board, request, blob)
    if kept is not None:
        return kept
    if board.knows(new.code):
        raise EnrolledError(operation="enrol school", subject=new.code, school=new.code)
    hub_dir, work = hub_path(board, new.code), _work(board, request.origin)
    hub_key = Identity.generate(site_person(Origin(new.code, Site.HUB, 1)))
    making = _Making(board, root, request, blob, new, profile)
    try:
        made = making.found(work, hub_key, staff)
        make_hub(work / "hub", board, new.place, hub_key, work / "image")
        hub_dir.parent.mkdir(mode=0o700, exist_ok=True)
        shutil.rmtree(hub_dir, ignore_errors=True)  # without the board's note of its place, it never began
        say_lease(open_site(work / "hub"), request.origin, making.lease)
        if hand_out is not None:
            hand_out({person.login: person.passphrase.reveal().decode() for person in staff})
        _keep_new(board, request.origin, made)
        (work / "hub").rename(hub_dir)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    sync_folder(hub_dir.parent)
    board.keep_place(new.place)
    return _keep(board, request.origin)


def grant_replacement(
    board: BoardFolder,
    root: Identity,
    blob: bytes,
    wanted: Next,
    hand_out: HandOut,
    stage: Stage | None = None,
    profile: KdfProfile = KdfProfile.STANDARD,
) -> tuple[bytes, RestoreReport | None]:
    """Answer the request of a school's next box: epoch granted, everything restored, new keys for its people.

    Returns the grant file, and what was restored (None when the request was answered before). Raises what
    `replace_box` raises, OtherRequestError; then the same call may be made again.
    """
    request = open_request(blob)
    kept = _kept(board, request, blob)
    if kept is not None:
        return kept, None
    hub, place = open_hub(board, request.school), board.place(request.school)
    if request.epoch != place.epoch + 1:
        raise ReplacedAlreadyError(
            operation="replace box", subject=request.school, school=request.school, epoch=request.epoch
        )
    work = _work(board, request.origin)
    report = restore_for(board, hub, root, request.origin, request.keys, work / "restored", stage)
    next_place = msgspec.structs.replace(place, epoch=request.epoch)
    store = wanted.store or StoreSection(place.endpoint, place.bucket, place.region)
    new = NewSchool(place.school, place.name, next_place, store, wanted.office, wanted.key)
    making = _Making(board, root, request, blob, new, profile)
    with SiteKeeper(hub.paths) as at_hub, contextlib.closing(Reader(report.path / "school.db")) as here:
        places = places_read(at_hub, here, place)
    made = making.renew(work, report.path / "school.db", places, hand_out)
    _keep_new(board, request.origin, made)
    succeed(board, hub, work / "image" / "school.db", request.origin)
    say_lease(hub, request.origin, making.lease)
    shutil.rmtree(work)
    return _keep(board, request.origin), report


class _Making:
    """One grant file in the making."""

    def __init__(
        self,
        board: BoardFolder,
        root: Identity,
        request: EnrolmentRequest,
        blob: bytes,
        new: NewSchool,
        profile: KdfProfile,
    ) -> None:
        self._board, self._root, self._request, self._new = board, root, request, new
        self._digest = request_digest(blob)
        self.lease = sign_lease(first_lease(request.origin, request.lease), root.sign)
        self._identities: dict[str, bytes] = {}
        self._keeping = SealedKeeping(self._identities.__setitem__, Secret(os.urandom(32)), profile)

    def found(self, work: Path, hub_key: Identity, staff: Sequence[StaffMember]) -> bytes:
        """Found the school's store in `work`/image with both sites and its people."""
        paths, origin, now = create_site(work / "image", self._request.origin), self._request.origin, wall_ms()
        sites = ((origin, self._request.keys), (Origin(origin.school, Site.HUB, 1), hub_key.public))
        members = [site_member(of, keys) for of, keys in sites]
        grants = [grant_for(of, keys, now) for of, keys in sites]
        with SiteKeeper(paths) as client:
            store = found_store(Reader(paths.store), client, self._root, members, now, grants)
            with contextlib.closing(store):
                admit_sealed(store, self._root, staff, self._locking(hub_key.seal.public), self._keeping)
        return self._file(paths, [])

    def renew(
        self, work: Path, restored: Path, places: Sequence[tuple[Origin, int, bytes]], hand_out: HandOut
    ) -> bytes:
        """Make `work`/image from a restored store, with new keys for everybody."""
        shutil.rmtree(work / "image", ignore_errors=True)
        paths = create_site(work / "image", self._request.origin)
        for stale in paths.root.glob("school.db*"):
            stale.unlink()
        restored.rename(paths.store)
        passphrases: dict[str, str] = {}

        def passphrase(login: str) -> Secret:
            passphrases[login] = first_passphrase()
            return Secret(passphrases[login].encode())

        with SiteKeeper(paths) as client:
            store = open_as_board(Reader(paths.store), client, self._root)
            with contextlib.closing(store):
                hub = find_hub(store.reader, self._board.root)
                assert hub is not None  # noqa: S101 - restore_for made sure of the hub's key
                renew_sealed(store, self._root, passphrase, self._locking(hub.public_key), self._keeping)
        hand_out(passphrases)
        return self._file(paths, places)

    def _locking(self, hub: HybridPublicKey) -> Locking:
        return Locking(hub, self._request.origin, self._request.lease)

    def _file(self, paths: SitePaths, places: Sequence[tuple[Origin, int, bytes]]) -> bytes:
        with contextlib.closing(OfflineLog(paths.store)):
            pass  # it leaves no write-ahead log beside the file
        pair = self._new.key or StoreKey(self._new.place.access_key, Secret(self._new.place.secret_key.encode()))
        secrets = GrantSecrets(
            pair.access_key,
            pair.secret_key.reveal().decode(),
            self._keeping.pepper.reveal(),
            self._identities,
        )
        sealed = seal_secrets(secrets, self._request.keys.seal, self._digest)
        packed = pack_store(paths.store.read_bytes())
        head = GrantHead(
            self._new.code,
            self._new.name,
            self._request.epoch,
            self._digest,
            render_config(box_config(self._board, self._new)),
            self.lease,
            tuple(Place(str(of.site), of.epoch, number, digest) for of, number, digest in places),
            sha256(packed).digest(),
            sha256(sealed).digest(),
            wall_ms(),
        )
        return sign_grant_file(head, sealed, packed, self._root.sign)


def _kept(board: BoardFolder, request: EnrolmentRequest, blob: bytes) -> bytes | None:
    """Return the answer that this request got before; raises OtherRequestError when another one got it."""
    path = grant_path(board, request.origin)
    if not path.exists() and board.knows(request.school) and board.place(request.school).epoch == request.epoch:
        with contextlib.suppress(FileNotFoundError):  # a former try ended just before this
            made, hub = _keep(board, request.origin), open_hub(board, request.school)
            say_lease(hub, request.origin, open_grant_file(made, board.root, request_digest(blob)).head.lease)
            if request.epoch > 1:
                end_lease(hub, Origin(request.school, Site.BOX, request.epoch - 1))
    try:
        made = path.read_bytes()
    except FileNotFoundError:
        return None
    try:
        open_grant_file(made, board.root, request_digest(blob))
    except ContextMismatchError as exc:
        school, epoch = request.school, request.epoch
        raise OtherRequestError(
            operation="answer request", subject=school, cause=exc, school=school, epoch=epoch
        ) from exc
    return made


def _keep_new(board: BoardFolder, origin: Origin, made: bytes) -> None:
    path = grant_path(board, origin)
    path.parent.mkdir(mode=0o700, exist_ok=True)
    atomic_write(path.with_suffix(".new"), made)


def _keep(board: BoardFolder, origin: Origin) -> bytes:
    path = grant_path(board, origin)
    path.with_suffix(".new").rename(path)
    sync_folder(path.parent)
    return path.read_bytes()


def _work(board: BoardFolder, origin: Origin) -> Path:
    """Return an empty folder to make a grant in."""
    work = board.path / GRANTS / f".{origin.school}-{origin.epoch}.making"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(mode=0o700, parents=True)
    return work
