"""A site's own session: what a process that nobody is logged in to may do with the sealed store.

Invariant: it seals to the school's public class keys and signs with the site's key; it holds no key that opens
anything. What a site may add is decided by the rules (see `authority`).
"""

from crypto.hybrid import HybridPrivateKey
from crypto.identity import Identity
from crypto.signing import SigningKey, VerifyKey
from sync.checkpoint import site_person
from sync.client import KeeperClient
from sync.keyring import Keyring, newest_class_keys, read_class_keys, read_people
from sync.reader import Reader
from sync.sealed import SealedStore


def site_session(reader: Reader, client: KeeperClient, root: VerifyKey, key: SigningKey) -> SealedStore:
    """Open a site's own session; raises PeopleMissingError and the errors of the signed roster."""
    school = reader.origin.school
    publics = newest_class_keys(read_class_keys(reader, root, school))
    keyring = Keyring(school, read_people(reader, root, school), publics, {})
    # Nothing is ever wrapped to the site: its half for sealing is made here and forgotten.
    identity = Identity(site_person(reader.origin), HybridPrivateKey.generate(), key)
    return SealedStore(reader, client, identity, keyring)
