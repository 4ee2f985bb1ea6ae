"""Somebody proves at an open session who they are, with login and passphrase.

Invariant: the attempt is counted like any login, and the identity that opened is for the caller's one act.
"""

from typing import TYPE_CHECKING

from appliance.errors import ApplianceError
from appliance.identities import open_own
from crypto.identity import Identity
from crypto.people import Person
from sync.errors import ReadOnlyError

if TYPE_CHECKING:
    from appliance.session import Session


class NotInOfficeError(ApplianceError):
    """The person is not, or no longer, in the board's signed roster of people."""

    code = "APP-014"


def prove(session: "Session", login: str, passphrase: str) -> tuple[Person, Identity]:
    """Return the person and the opened identity.

    Raises UnknownLoginError, LoginLockedError, WrongPassphraseError, NotInOfficeError.
    """
    client = session.store.client
    if client is None:
        raise ReadOnlyError(operation="prove")
    identity = open_own(client, session.site, login, passphrase)
    person = session.store.keyring.people.person(identity.person)
    if person is None or not person.valid(session.now_ms()):
        raise NotInOfficeError(operation="prove")
    return person, identity
