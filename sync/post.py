"""What the board sends to one box alone: a person's sealed identity, carried in the store like every change.

Invariant: a letter counts under the root's signature only, and opens only at the box that it names, with a key
that follows from the box's pepper, which never leaves it. Whoever carries a letter can read nothing in it.
"""

from typing import Final

import msgspec

from crypto.errors import ContextMismatchError, CryptoError, MalformedError
from crypto.framing import frame
from crypto.hybrid import HybridPrivateKey, HybridPublicKey, hybrid_open, hybrid_seal
from crypto.secret import Secret
from crypto.signedform import SignedForm
from crypto.signing import SigningKey, VerifyKey
from sync.client import Keeping
from sync.ids import Origin
from sync.keyring import read_people
from sync.leases import newest_key
from sync.localstore import POST_SPACE
from sync.openrecords import POST, POST_KEY, post_key_record, post_record
from sync.reader import Reader
from sync.sitevoice import SiteVoice
from sync.trustedtime import LocalValues

VERSION: Final = 1
DOMAIN: Final = "kurabako/post/v1"
SEAL_DOMAIN: Final = b"kurabako/post-secrets/v1"
KEY_DOMAIN: Final = "kurabako/post-key/v1"
PUBLIC_NOTE: Final = ("postkey", "public")
_POSTED_SPACE: Final = "posted"  # which letters were laid out already


class LetterSecrets(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What only the box reads: an identity, sealed under its owner's passphrase and this first pepper."""

    first_pepper: bytes
    identity: bytes

    def __repr__(self) -> str:
        return "<redacted>"


class Letter(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a letter says in clear: for which login of which box, and the public half of what is in it."""

    school: str
    epoch: int
    login: str
    sign_key: bytes
    issued_ms: int
    sealed: bytes

    def secrets(self, key: HybridPrivateKey) -> LetterSecrets:
        """Open the secret part; raises OpenFailedError for another box's key, MalformedError."""
        raw = hybrid_open(key, self.sealed, _info(self.school, self.epoch, self.login, self.sign_key))
        try:
            return msgspec.msgpack.decode(raw, type=LetterSecrets)
        except (msgspec.DecodeError, ValueError):  # its text would quote what it reads
            raise MalformedError(operation="open letter", subject="secrets") from None


_FORM: Final = SignedForm(Letter, VERSION, DOMAIN, "letter")


def write_letter(
    box: Origin,
    login: str,
    sign_key: VerifyKey,
    secrets: LetterSecrets,
    to: HybridPublicKey,
    root: SigningKey,
    now_ms: int,
) -> bytes:
    """Seal a letter to a box's key and sign it: version, msgpack body, signature of the board's root."""
    public = sign_key.to_bytes()
    sealed = hybrid_seal(to, msgspec.msgpack.encode(secrets), _info(box.school, box.epoch, login, public))
    return _FORM.sign(Letter(box.school, box.epoch, login, public, now_ms, sealed), root)


def open_letter(blob: bytes, root: VerifyKey, box: Origin) -> Letter:
    """Check and read a letter to `box`; what is sealed in it stays so.

    Raises UnknownVersionError, MalformedError, BadSignatureError, ContextMismatchError (another box's).
    """
    letter = _FORM.open(blob, root)
    if (letter.school, letter.epoch) != (box.school, box.epoch):
        raise ContextMismatchError(operation="open letter", subject="school or epoch")
    return letter


def post_key(pepper: Secret) -> HybridPrivateKey:
    """Return what a box opens its letters with; raises MalformedError for no pepper."""
    return HybridPrivateKey.derive(pepper, KEY_DOMAIN)


def tell_post_key(local: LocalValues, pepper: Secret) -> None:
    """Note the public half for the daemon, which has no pepper, to publish; written once."""
    if local.local_get(*PUBLIC_NOTE) is None:
        local.local_put(*PUBLIC_NOTE, post_key(pepper).public.to_bytes())


def begin_post(reader: Reader, client: Keeping, box_key: SigningKey, pepper: Secret) -> None:
    """Publish a new box's key; said twice it stands once."""
    tell_post_key(client, pepper)
    _publish(reader, client, SiteVoice(reader, client, box_key))


def newest_post_key(reader: Reader, box: Origin) -> HybridPublicKey | None:
    """Return the key that the board seals to for a box, None before the box told one."""
    return newest_key(reader, POST_KEY, post_key_record(box), box)


class PostRoom:
    """Publishes a running box's key, and lays letters out for whoever logs in. Used by one thread."""

    def __init__(self, reader: Reader, client: Keeping, root: VerifyKey, key: SigningKey) -> None:
        self._reader, self._client, self._root = reader, client, root
        self._voice = SiteVoice(reader, client, key)
        self._seen = -1
        self._published = False

    def turn(self) -> None:
        """Do what is due. Raises KeeperGoneError and what a keeper refuses with; then the next call does it."""
        self._published = self._published or _publish(self._reader, self._client, self._voice)
        changes = self._reader.changes()
        if changes == self._seen:
            return
        for letter, blob in self._letters():
            self._lay_out(letter, blob)
        self._seen = changes

    def _letters(self) -> list[tuple[Letter, bytes]]:
        """Return the letters to this box whose identity is the one that the roster has for that login now."""
        box, found = self._reader.origin, list[tuple[Letter, bytes]]()
        rows = self._reader.heads(POST)
        if not rows:
            return found
        people = {person.login: person for person in read_people(self._reader, self._root, box.school).people}
        for row in rows:
            try:
                letter = open_letter(row.body, self._root, box)
            except CryptoError:
                continue  # another box's, or nobody vouches for it
            person = people.get(letter.login)
            if row.record == post_record(box, letter.login) and person and person.sign_key == letter.sign_key:
                found.append((letter, row.body))
        return found

    def _lay_out(self, letter: Letter, blob: bytes) -> None:
        if self._client.local_get(_POSTED_SPACE, letter.login) == letter.sign_key:
            return
        self._client.local_put(POST_SPACE, letter.login, blob)
        self._client.local_put(_POSTED_SPACE, letter.login, letter.sign_key)


def _publish(reader: Reader, client: Keeping, voice: SiteVoice) -> bool:
    """Say the key that is noted here, unless it was said; say whether one is noted (else the next login does)."""
    public, box = client.local_get(*PUBLIC_NOTE), reader.origin
    if public is None:
        return False
    told = newest_post_key(reader, box)
    if told is None or told.to_bytes() != public:
        voice.say([(POST_KEY, post_key_record(box), public)])
    return True


def _info(school: str, epoch: int, login: str, sign_key: bytes) -> bytes:
    return frame(SEAL_DOMAIN, school.encode(), epoch.to_bytes(4, "big"), login.encode(), sign_key)
