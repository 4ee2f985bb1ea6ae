"""Opening one's own sealed identity at a box, and sealing it anew at the first login.

Invariant: the attempt is counted before the sealed identity is handed out. What came in a grant is sealed under a
pepper of its own, since the box's pepper never leaves the box; the first login seals it under the box's.
"""

from pathlib import Path

from appliance.credentials import read_pepper
from crypto.identity import Identity, KdfProfile, open_identity, seal_identity
from crypto.secret import Secret
from sync.client import KeeperClient
from sync.localstore import FIRST_SPACE


def open_own(client: KeeperClient, site: Path, login: str, passphrase: str) -> Identity:
    """Open the identity of a login.

    Raises UnknownLoginError, LoginLockedError, WrongPassphraseError, BadPassphraseError, CredentialMissingError.
    """
    sealed, first = client.login_begin(login), client.local_get(FIRST_SPACE, login)
    if first is None:
        identity = open_identity(sealed, passphrase, read_pepper(site))
        client.login_done(login)
        return identity
    identity = open_identity(sealed, passphrase, Secret(first))
    anew = seal_identity(identity, passphrase, read_pepper(site), KdfProfile(sealed[1]))
    client.login_done(login, anew)
    return identity
