"""Opening one's own sealed identity at a box, and sealing it anew at the first login.

Invariant: the attempt is counted before the sealed identity is handed out. What came in a grant or in a letter of
the board is sealed under a pepper of its own, since the box's never leaves it; the first login seals it under the
box's.
"""

from appliance.credentials import read_pepper
from appliance.site import SiteFolder
from crypto.errors import CryptoError
from crypto.identity import Identity, KdfProfile, open_identity, seal_identity
from crypto.secret import Secret
from sync.client import KeeperClient
from sync.localstore import FIRST_SPACE, POST_SPACE
from sync.post import open_letter, post_key, tell_post_key


def open_own(client: KeeperClient, site: SiteFolder, login: str, passphrase: str) -> Identity:
    """Open the identity of a login: what the board sent last, else what is here.

    Raises UnknownLoginError, LoginLockedError, WrongPassphraseError, BadPassphraseError, CredentialMissingError,
    and what a letter is refused with where nothing else is here.
    """
    letter = client.local_get(POST_SPACE, login)
    sealed, first = client.login_begin(login), client.local_get(FIRST_SPACE, login)
    pepper = read_pepper(site.path)
    if letter is not None:
        try:
            secrets = open_letter(letter, site.root, site.origin).secrets(post_key(pepper))
            sealed, first = secrets.identity, secrets.first_pepper
        except CryptoError:
            if not sealed:  # else what is here still counts: no letter that is none may lock somebody out
                raise
    identity = open_identity(sealed, passphrase, pepper if first is None else Secret(first))
    if first is None:
        client.login_done(login)
    else:
        client.login_done(login, seal_identity(identity, passphrase, pepper, KdfProfile(sealed[1])))
    tell_post_key(client, pepper)
    return identity
