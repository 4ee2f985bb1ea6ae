"""Logging in: from a login and a passphrase to an open office.

Invariant: the attempt is counted before the sealed identity is handed out; importance I and II open only while the
box's lease lives; keys live in the returned office only
and are forgotten by its `logout`.
"""

import os
from pathlib import Path

from appliance.attendance.absences import load_choices
from appliance.attendance.notices import load_notice_form
from appliance.attendance.sheetform import load_sheet_form
from appliance.classification.model import Action, Verdict
from appliance.documents.records import DocumentFile
from appliance.hours.punching import ROLE, PunchDesk
from appliance.hours.settings import load_hours
from appliance.identities import open_own
from appliance.inbox.janitor import note_rules
from appliance.ledger.ledger import LedgerEntry
from appliance.office import Office
from appliance.proving import NotInOfficeError
from appliance.session import Session
from appliance.site import SiteFolder, open_site
from sync.client import KeeperClient
from sync.clock import wall_ms
from sync.errors import UnknownLoginError
from sync.keyring import open_keyring
from sync.leaseguard import LOGIN_NOTE, LeaseBook
from sync.reader import Reader
from sync.sealed import SealedStore


def login(site_dir: Path, name: str, passphrase: str) -> Office:
    """Open the office for one person.

    Raises ConfigError, what files of codes and of working hours are refused with, CredentialMissingError,
    KeeperGoneError, UnknownLoginError, LoginLockedError,
    WrongPassphraseError, BadPassphraseError, NotInOfficeError.
    """
    site = open_site(site_dir)
    settings = site.config.office
    codes = site.path / settings.codes if settings.codes else None
    choices, form = load_choices(codes), load_sheet_form(codes)
    hours = load_hours(site.path / settings.hours if settings.hours else None)
    notices = load_notice_form(site.path / settings.notices if settings.notices else None)
    session = open_session(site, name, passphrase)
    if ROLE in session.person.roles:
        session.store.close()
        raise NotInOfficeError(operation="log in")  # the terminal at the entrance has no office
    office = Office(session, choices, hours, form, notices)
    client, seen = session.store.client, session.may(Action.VIEW, LedgerEntry.kind, LedgerEntry.importance)
    if client is not None and seen.verdict is Verdict.ALLOW:
        note_rules(client, session.policy, office.ledger.keeps(DocumentFile.kind))
    return office


def login_only(only: str, site_dir: Path, name: str, passphrase: str) -> Office:
    """Open the office for the one person whom the single sign-on named; raises what `login` raises.

    For anybody else it is as if there were no such login; no passphrase is tried.
    """
    if name != only:
        raise UnknownLoginError(operation="log in")
    return login(site_dir, name, passphrase)


def login_terminal(site_dir: Path, name: str, passphrase: str) -> PunchDesk:
    """Open the terminal at the entrance; raises what `login` raises, NotInOfficeError for anybody else."""
    session = open_session(open_site(site_dir), name, passphrase)
    if ROLE not in session.person.roles:
        session.store.close()
        raise NotInOfficeError(operation="log in")
    return PunchDesk(session)


def open_session(site: SiteFolder, name: str, passphrase: str) -> Session:
    """Open a person's session over a site."""
    client = KeeperClient(site.paths.socket, patience_s=15.0)
    try:
        return _open_session(site, client, name, passphrase)
    except BaseException:
        client.close()
        raise


def _open_session(site: SiteFolder, client: KeeperClient, name: str, passphrase: str) -> Session:
    identity = open_own(client, site, name, passphrase)
    reader = Reader(site.paths.store)
    lease = LeaseBook(client, reader, site.root).open_lease()
    if lease is not None:
        client.local_put(*LOGIN_NOTE, os.urandom(8))  # the daemon asks the board at once whether it still stands
    keyring = open_keyring(reader, identity, site.root, lease)
    person = keyring.people.person(identity.person)
    if person is None or not person.valid(wall_ms()):
        reader.close()
        raise NotInOfficeError(operation="log in")
    return Session(site, SealedStore(reader, client, identity, keyring), person)
