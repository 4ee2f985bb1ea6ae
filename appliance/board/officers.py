"""The board's officers: any two of them together open the root identity, one alone opens nothing.

Invariant: `officers.recovery` is replaced as a whole, so roster, sealed keys and pair wraps belong together; the
roster is believed only under the board's root signature. Whoever leaves has no wrap in the next file.
"""

import os
from collections.abc import Sequence
from typing import Final

import msgspec

from appliance.board.folder import BoardFolder
from appliance.errors import ApplianceError
from crypto.errors import ContextMismatchError, MalformedError, UnknownVersionError
from crypto.identity import Identity, KdfProfile, open_identity, seal_identity
from crypto.pairwrap import open_pair, read_pair, wrap_for_pairs
from crypto.people import PeopleRoster, Person, open_people, sign_people
from sync.atomic import atomic_write
from sync.clock import wall_ms
from sync.ids import PERSON_BYTES

FILE: Final = "officers.recovery"
SCHOOL: Final = "@officers"
ROLE: Final = "officer"
LEAST: Final = 2  # where only officers open
MOST: Final = 12  # 66 pair wraps, 170 kB
FORMAT: Final = 1
_NO_END: Final = (1 << 63) - 1
Claim = tuple[str, str]
"""What an officer types: name and passphrase."""


class UnknownOfficerError(ApplianceError):
    """The board has no officer of this name."""

    code = "APP-450"


class SameOfficerError(ApplianceError):
    """Both names are the same officer's; two people are needed."""

    code = "APP-451"


class OfficerTakenError(ApplianceError):
    """There is an officer of this name already."""

    code = "APP-452"


class OfficerCountError(ApplianceError):
    """Too few or too many officers for what was asked; nothing was changed."""

    code = "APP-453"


class OfficersFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What `officers.recovery` holds. See docs/formats.md, "Officers"."""

    format: int
    roster: bytes
    keys: tuple[bytes, ...]
    pairs: tuple[bytes, ...]


class Officers:
    """The officers of a board as its folder names them."""

    def __init__(self, board: BoardFolder) -> None:
        """Read them; raises MalformedError, UnknownVersionError, BadSignatureError, ContextMismatchError."""
        self._board = board
        self._file = read_officers(board)
        self._roster = open_people(self._file.roster, board.root, SCHOOL) if self._file else None

    @property
    def names(self) -> list[str]:
        """Return their names, in the order in which they came."""
        return [person.login for person in self.people]

    @property
    def people(self) -> tuple[Person, ...]:
        """Return their entries in the roster."""
        return self._roster.people if self._roster else ()

    def add(self, root: Identity, name: str, passphrase: str, profile: KdfProfile = KdfProfile.STANDARD) -> None:
        """Let somebody open together with any other officer; raises OfficerTakenError, OfficerCountError."""
        if name in self.names:
            raise OfficerTakenError(operation="add officer", subject=name, name=name)
        _check_count(max(LEAST, len(self.people) + 1))  # the first is welcome too
        officer = Identity.generate(os.urandom(PERSON_BYTES))
        person = Person(
            id=officer.person,
            login=name,
            roles=(ROLE,),
            importances=(),
            seal_key=officer.public.seal.to_bytes(),
            sign_key=officer.public.sign.to_bytes(),
            valid_from_ms=wall_ms(),
        )
        sealed = seal_identity(officer, passphrase, self._board.pepper, profile)
        self._keep(root, (*self.people, person), (*self._keys, sealed))

    def remove(self, root: Identity, name: str) -> None:
        """Take an officer out and wrap anew; raises UnknownOfficerError, OfficerCountError (too few stay)."""
        at = self._index(name)
        if not self._board.one_opens:
            _check_count(len(self.people) - 1)
        left = [index for index in range(len(self.people)) if index != at]
        self._keep(root, [self.people[index] for index in left], [self._keys[index] for index in left])

    def open(self, one: Claim, other: Claim) -> Identity:
        """Return the root identity, opened by two officers.

        Raises UnknownOfficerError, SameOfficerError, WrongPassphraseError, BadPassphraseError, OpenFailedError.
        """
        if one[0] == other[0]:
            raise SameOfficerError(operation="open with two officers", subject=one[0], name=one[0])
        indices = [self._index(name) for name, _ in (one, other)]  # both, before anything costs time
        first, second = (self._identity(*told) for told in zip(indices, (one[1], other[1]), strict=True))
        wanted = sorted((first.person, second.person))
        for pair in self._file.pairs if self._file and self._roster else ():
            header = read_pair(pair)
            if [header.outer, header.inner] == wanted and self._roster:
                return open_pair(pair, self._board.root, self._roster.version, first, second)
        raise MalformedError(operation="open with two officers", subject="no wrap for this pair")

    def entry(self, name: str) -> tuple[Person, bytes]:
        """Return an officer's entry in the roster and their sealed identity; raises UnknownOfficerError."""
        at = self._index(name)
        return self.people[at], self._keys[at]

    def require_both(self, one: Claim, other: Claim) -> None:
        """From now on let only two officers open: the root under one passphrase is removed, once two did open."""
        _check_count(len(self.people))
        self.open(one, other)
        self._board.forget_passphrase()

    @property
    def _keys(self) -> tuple[bytes, ...]:
        return self._file.keys if self._file else ()

    def _index(self, name: str) -> int:
        if name not in self.names:
            known = ", ".join(self.names) or "-"
            raise UnknownOfficerError(operation="find officer", subject=name, name=name, known=known)
        return self.names.index(name)

    def _identity(self, index: int, passphrase: str) -> Identity:
        opened = open_identity(self._keys[index], passphrase, self._board.pepper)
        if opened.person != self.people[index].id:
            raise ContextMismatchError(operation="open officer", subject="another person's key")
        return opened

    def _keep(self, root: Identity, people: Sequence[Person], keys: Sequence[bytes]) -> None:
        version = (self._roster.version if self._roster else 0) + 1
        roster = PeopleRoster(SCHOOL, version, wall_ms(), _NO_END, tuple(people))
        holders = [(person.id, person.public_key) for person in people]
        pairs = tuple(wrap_for_pairs(root, version, holders))
        made = OfficersFile(FORMAT, sign_people(roster, root.sign), tuple(keys), pairs)
        open_people(made.roster, self._board.root, SCHOOL)  # another board's root makes nothing here
        atomic_write(self._board.path / FILE, msgspec.msgpack.encode(made))
        self._file, self._roster = made, roster


def _check_count(count: int) -> None:
    if not LEAST <= count <= MOST:
        raise OfficerCountError(operation="keep officers", subject=str(count), count=count, least=LEAST, most=MOST)


def read_officers(board: BoardFolder) -> OfficersFile | None:
    """Return the file as it stands, None without one; raises MalformedError, UnknownVersionError."""
    try:
        data = (board.path / FILE).read_bytes()
    except FileNotFoundError:
        return None
    try:
        file = msgspec.msgpack.decode(data, type=OfficersFile)
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise MalformedError(operation="read officers", cause=exc) from exc
    if file.format != FORMAT:
        raise UnknownVersionError(operation="read officers", subject=str(file.format), version=file.format)
    return file
