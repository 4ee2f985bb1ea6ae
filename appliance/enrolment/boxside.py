"""The box's side of its enrolment: it makes its keys, asks, and takes the board's grant.

Invariant: private keys and pepper are made here and never leave; a grant is taken whole or not at all, only from
the board whose root key was named at the beginning, and only when the store in it passes every check. Both steps
may be repeated after a power cut at any moment.
"""

import contextlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from appliance.board.keeping import SiteKeeper
from appliance.config import FILE_NAME, load_config, with_sections
from appliance.credentials import PEPPER, SITE_KEY, STORE_KEY, store_key_text
from appliance.enrolment.errors import NotRequestedError, OtherSiteError
from appliance.enrolment.grantfile import GrantFile, GrantSecrets, open_grant_file
from appliance.enrolment.request import EnrolmentRequest, open_request, request_digest, sign_request
from appliance.enrolment.vault import FolderVault, Vault
from appliance.policy import writing_rules
from crypto.hybrid import HybridPrivateKey
from crypto.identity import Identity
from crypto.signing import SigningKey, VerifyKey
from sync.atomic import atomic_write, sync_folder
from sync.checkpoint import site_person
from sync.client import KeeperClient
from sync.clock import wall_ms
from sync.errors import ForgedChangeError, SiteExistsError
from sync.ids import Origin, Site
from sync.inbox import give_place
from sync.leaseguard import LeaseBook, take_first_lease
from sync.localstore import FIRST_SPACE, IDENTITY_SPACE
from sync.post import begin_post
from sync.reader import Reader
from sync.site import SitePaths, create_site
from sync.verify import verify_store
from sync.verifypass import Verified

REQUEST: Final = "enrolment.request"
_ROOT: Final = "enrolment.root"
_TRANSPORT: Final = "transport.key"


@dataclass(frozen=True, slots=True)
class Taken:
    """An enrolled box: its files, and what was proven of the store that came with the grant."""

    paths: SitePaths
    origin: Origin
    verified: Verified


def begin_enrolment(site: Path, origin: Origin, root: VerifyKey, vault: Vault | None = None) -> bytes:
    """Make a box's keys beside `site` and return its request; one that was begun before is gone on with.

    Raises OtherSiteError when the box is enrolled already.
    """
    _refuse_enrolled(site)
    work = _work(site)
    try:
        blob = (work / REQUEST).read_bytes()
        if (open_request(blob).origin, _trusted(work)) == (origin, root):
            return blob
    except FileNotFoundError:
        pass
    shutil.rmtree(work, ignore_errors=True)
    blob = _begin(work, origin, root, vault or FolderVault(work / "credentials"))
    sync_folder(work.parent)
    return blob


def take_grant(site: Path, blob: bytes, vault: Vault | None = None, local: str = "") -> Taken:
    """Become the box that a grant speaks of; taking the same one twice changes nothing.

    `local` are sections of kurabako.toml that are this machine's own, such as who may ask its keeper.

    Raises NotRequestedError, OtherSiteError, what `open_grant_file` raises and what a restored store fails with.
    """
    if (site / FILE_NAME).exists():
        return _taken_before(site, blob)
    work = _work(site)
    try:
        request = (work / REQUEST).read_bytes()
    except FileNotFoundError as exc:
        raise NotRequestedError(operation="take grant", subject=site.name, cause=exc) from exc
    root = _trusted(work)
    grant = open_grant_file(blob, root, request_digest(request))
    safe = vault or FolderVault(work / "credentials")
    secrets = grant.secrets(HybridPrivateKey.from_bytes(safe.read(_TRANSPORT)))
    verified = _take(SitePaths(work), grant, secrets, root, safe)
    safe.write(STORE_KEY, store_key_text(secrets.access_key, secrets.secret_key))
    atomic_write(work / FILE_NAME, with_sections(grant.head.config, local).encode(), mode=0o644)
    load_config(work)
    safe.remove(_TRANSPORT)
    _clear(site)
    work.rename(site)
    sync_folder(site.parent)
    return Taken(SitePaths(site), grant.head.origin, verified)


def read_request(site: Path) -> bytes | None:
    """Return the request of a box, whether or not it was answered; None before there is one."""
    for folder in (site, _work(site)):
        with contextlib.suppress(FileNotFoundError):
            return (folder / REQUEST).read_bytes()
    return None


def _begin(work: Path, origin: Origin, root: VerifyKey, vault: Vault) -> bytes:
    paths, key = create_site(work, origin), Identity.generate(site_person(origin))
    vault.write(PEPPER, os.urandom(32))
    vault.write(SITE_KEY, key.sign.to_bytes().reveal())
    vault.write(_TRANSPORT, key.seal.to_bytes().reveal())
    with SiteKeeper(paths) as client, contextlib.closing(Reader(paths.store)) as reader:
        lease = LeaseBook(client, reader, root).make_key().public
    atomic_write(work / _ROOT, root.to_bytes(), mode=0o644)
    public = key.public
    request = EnrolmentRequest(
        origin.school,
        origin.epoch,
        public.sign.to_bytes(),
        public.seal.to_bytes(),
        lease.to_bytes(),
        wall_ms(),
    )
    blob = sign_request(request, key.sign)
    atomic_write(work / REQUEST, blob, mode=0o644)
    return blob


def _take(paths: SitePaths, grant: GrantFile, secrets: GrantSecrets, root: VerifyKey, safe: Vault) -> Verified:
    """Lay the granted store in place of the empty one, prove it, and tell the box's own database the rest."""
    head = grant.head
    for stale in paths.root.glob("school.db*"):
        stale.unlink()
    atomic_write(paths.store, grant.store())
    verified = verify_store(paths.store, root, head.school, full=True, rules=writing_rules())
    if verified.origin != head.origin:
        raise ForgedChangeError(operation="take grant", subject=verified.origin.prefix)
    with SiteKeeper(paths) as client, contextlib.closing(Reader(paths.store)) as reader:
        _tell(client, grant, secrets)
        key = SigningKey.from_bytes(safe.read(SITE_KEY))
        take_first_lease(reader, client, root, key, head.lease)
        begin_post(reader, client, key, safe.read(PEPPER))
    return verified


def _tell(client: KeeperClient, grant: GrantFile, secrets: GrantSecrets) -> None:
    for place in grant.head.places:
        origin = Origin(grant.head.school, Site(place.site), place.epoch)
        give_place(client, origin, place.number, place.digest)
    for login, sealed in secrets.identities.items():
        client.local_put(FIRST_SPACE, login, secrets.first_pepper)
        client.local_put(IDENTITY_SPACE, login, sealed)


def _clear(site: Path) -> None:
    """Remove the empty folders that systemd-tmpfiles laid down for a site to come; raises SiteExistsError."""
    for folder, _, files in os.walk(site, topdown=False):
        if files:
            raise SiteExistsError(operation="take grant", subject=str(site), folder=str(site))
        os.rmdir(folder)


def _taken_before(site: Path, blob: bytes) -> Taken:
    """Return what an earlier call made of this very grant; raises OtherSiteError when it was another one."""
    config = load_config(site)
    root = VerifyKey.from_bytes(bytes.fromhex(config.board.root_key))
    request = read_request(site)
    if request is None:
        raise _enrolled(site)
    head = open_grant_file(blob, root, request_digest(request)).head
    verified = verify_store(SitePaths(site).store, root, head.school, rules=writing_rules())
    return Taken(SitePaths(site), head.origin, verified)


def _refuse_enrolled(site: Path) -> None:
    if (site / FILE_NAME).exists():
        raise _enrolled(site)


def _enrolled(site: Path) -> OtherSiteError:
    config = load_config(site).site
    return OtherSiteError(
        operation="begin enrolment", subject=config.school, school=config.school, epoch=config.epoch
    )


def _trusted(work: Path) -> VerifyKey:
    return VerifyKey.from_bytes((work / _ROOT).read_bytes())


def _work(site: Path) -> Path:
    return site.with_name(f".{site.name}.enrolling")
