"""Letting people in, and giving them new keys, at a box that is elsewhere: through the school's hub.

Invariant: roster, wraps and the letters with people's sealed identities are one batch of the hub's store, so at
the box either all of it holds or the former state does. Only that box opens the letters.
"""

import os
from collections.abc import Callable, Sequence

from appliance.board.enrolment import admit_sealed, renew_sealed
from appliance.board.folder import BoardFolder
from appliance.board.hubs import board_store, open_hub
from appliance.errors import ApplianceError
from appliance.people import StaffMember
from crypto.hybrid import HybridPublicKey
from crypto.identity import Identity, KdfProfile, seal_identity
from crypto.importance import Importance
from crypto.secret import Secret
from sync.clock import wall_ms
from sync.ids import Origin
from sync.leases import find_box
from sync.locking import read_locking
from sync.openrecords import POST, post_record
from sync.post import LetterSecrets, newest_post_key, write_letter
from sync.sealed import Draft, SealedStore


class PostKeyMissingError(ApplianceError):
    """The school's box has published no key to seal to, or its word has not come yet. Params: `school`."""

    code = "APP-524"


class _Letters:
    """Identities as letters to one box."""

    def __init__(self, store: SealedStore, root: Identity, profile: KdfProfile) -> None:
        self._store, self._root, self._profile = store, root, profile
        self._box, self._to = _address(store, root)
        self._drafts: list[Draft] = []

    def seal(self, identity: Identity, login: str, passphrase: Secret) -> None:
        """Seal an identity under its owner's passphrase, and that to the box."""
        pepper, record = os.urandom(32), post_record(self._box, login)
        sealed = seal_identity(identity, passphrase.reveal().decode(), Secret(pepper), self._profile)
        letter = write_letter(
            self._box,
            login,
            identity.sign.verify_key,
            LetterSecrets(pepper, sealed),
            self._to,
            self._root.sign,
            wall_ms(),
        )
        base = self._store.base_of(POST, [record]).get(record, ())
        self._drafts.append(Draft(POST, record, Importance.IV, letter, base))

    def drafts(self) -> Sequence[Draft]:
        """Return the letters."""
        return self._drafts


def admit_through_hub(
    board: BoardFolder,
    root: Identity,
    school: str,
    staff: Sequence[StaffMember],
    profile: KdfProfile = KdfProfile.STANDARD,
) -> None:
    """Let people in at a school's box, wherever it is; it knows them after the next exchange.

    Raises UnknownSchoolError, HubMissingError, PostKeyMissingError, LoginTakenError, ShortPassphraseError; then
    nobody of them was let in.
    """
    with board_store(open_hub(board, school), root) as store:
        locking = read_locking(store.reader, root.sign.verify_key)
        admit_sealed(store, root, staff, locking, _Letters(store, root, profile))


def renew_through_hub(
    board: BoardFolder,
    root: Identity,
    school: str,
    passphrase: Callable[[str], Secret],
    logins: Sequence[str],
    profile: KdfProfile = KdfProfile.STANDARD,
) -> list[str]:
    """Give people new keys under a new passphrase each; return their logins; raises as `admit_through_hub`."""
    with board_store(open_hub(board, school), root) as store:
        locking = read_locking(store.reader, root.sign.verify_key)
        return renew_sealed(store, root, passphrase, locking, _Letters(store, root, profile), logins)


def _address(store: SealedStore, root: Identity) -> tuple[Origin, HybridPublicKey]:
    school = store.reader.origin.school
    box = find_box(store.reader, root.sign.verify_key)
    key = newest_post_key(store.reader, box) if box else None
    if box is None or key is None:
        raise PostKeyMissingError(operation="seal to box", subject=school, school=school)
    return box, key
