"""Logging in: from a login and a passphrase to an open office.

Invariant: the attempt is counted before the sealed identity is handed out; keys live in the returned office only
and are forgotten by its `logout`.
"""

from pathlib import Path

from appliance.attendance.codes import load_codes
from appliance.credentials import read_pepper
from appliance.errors import ApplianceError
from appliance.office import Office
from appliance.session import Session
from appliance.site import SiteFolder, open_site
from crypto.identity import open_identity
from sync.client import KeeperClient
from sync.clock import wall_ms
from sync.keyring import open_keyring
from sync.reader import Reader
from sync.sealed import SealedStore


class NotInOfficeError(ApplianceError):
    """The person is not, or no longer, in the board's signed roster of people."""

    code = "APP-014"


def login(site_dir: Path, name: str, passphrase: str) -> Office:
    """Open the office for one person.

    Raises ConfigError and CredentialMissingError, KeeperGoneError, UnknownLoginError, LoginLockedError,
    WrongPassphraseError, BadPassphraseError, NotInOfficeError.
    """
    site = open_site(site_dir)
    client = KeeperClient(site.paths.socket, patience_s=15.0)
    try:
        session = _open_session(site, client, name, passphrase)
    except BaseException:
        client.close()
        raise
    codes = site.path / site.config.office.codes if site.config.office.codes else None
    return Office(session, load_codes(codes))


def _open_session(site: SiteFolder, client: KeeperClient, name: str, passphrase: str) -> Session:
    identity = open_identity(client.login_begin(name), passphrase, read_pepper(site.path))
    client.login_done(name)
    reader = Reader(site.paths.store)
    keyring = open_keyring(reader, identity, site.root)
    person = keyring.people.person(identity.person)
    if person is None or not person.valid(wall_ms()):
        reader.close()
        raise NotInOfficeError(operation="log in")
    return Session(site, SealedStore(reader, client, identity, keyring), person)
