"""Which pupil of the roster a row of a workbook is, and which class.

Invariant: pure. A row is somebody only where nobody else fits as well; who fits twice is nobody's guess to make.
"""

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

from appliance.exchange.pupilrows import PupilRow
from appliance.oneroster.survival import Roster
from appliance.oneroster.writing import derived_id
from appliance.roster import Enrollment, Guardian, SchoolClass, User
from appliance.text import folded

_VARIANTS: Final = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]")
_BRACKETS: Final = re.compile(r"\(.*?\)")
_YEAR: Final = re.compile(r"^(?:[1-9]年|[小中高][1-9]年?)")


class TwinsError(Exception):
    """More than one pupil fits a row."""


def plain(*names: str) -> str:
    """Return a name for comparing: without blanks, kinds of kana and variants of a character."""
    return folded(_VARIANTS.sub("", "".join(names)))


def class_key(title: str) -> str:
    """Return what is left of a class's title besides year and 組: 1年2組, ２組 and 2 are one."""
    text = _BRACKETS.sub("", unicodedata.normalize("NFKC", title)).replace(" ", "")
    text = _YEAR.sub("", text)
    return text.removesuffix("学級").removesuffix("組").lower() or text.lower()


def digits(phone: str) -> str:
    """Return a telephone number for comparing."""
    return "".join(letter for letter in unicodedata.normalize("NFKC", phone) if letter.isdecimal())


def same_guardian(one: Guardian, other: Guardian) -> bool:
    """Say whether two of a pupil's guardians are one: of one name, or sharing a number where one has no name."""
    if one.name and other.name:
        return plain(one.name) == plain(other.name)
    return not {*map(digits, one.phones)}.isdisjoint(map(digits, other.phones))


class Matcher:
    """Knows the pupils and the classes of a roster. `school` is the 学校コード, `taken` who was found already."""

    def __init__(self, roster: Roster, school: str) -> None:
        self._roster, self._school = roster, school
        self.taken: set[str] = set()
        self._pupils = [u for u in self._of(User) if isinstance(u, User) and "student" in u.roles]
        self._classes = [c for c in self._of(SchoolClass) if isinstance(c, SchoolClass) and c.homeroom]
        self._homes: dict[str, list[Enrollment]] = {}
        for one in self._of(Enrollment):
            if isinstance(one, Enrollment) and one.role == "student":
                self._homes.setdefault(one.user_id, []).append(one)

    def pupil(self, row: PupilRow, of_class: SchoolClass | None) -> User | None:
        """Return the pupil of a row, None for a new one; raises TwinsError."""
        coded = self.new_id(row) if row.code else ""
        own = [one for one in self._pupils if one.id == coded]
        found = own or self._named(row, of_class) or self._numbered(row, of_class)
        return found[0] if found else None

    def class_of(self, row: PupilRow) -> SchoolClass | None:
        """Return the class that a row names, None where the roster has none such."""
        key = class_key(row.word)
        found = [
            one
            for one in self._classes
            if class_key(one.title) == key and (not row.grade or not one.grades or row.grade in one.grades)
        ]
        return found[0] if key and len(found) == 1 else None

    def homes(self, user: str) -> list[Enrollment]:
        """Return where a pupil is enrolled."""
        return self._homes.get(user, [])

    def new_id(self, row: PupilRow) -> str:
        """Return the id of a pupil who came by a workbook."""
        natural = row.code or "/".join((plain(*row.formal), plain(*row.kana), row.grade, plain(row.word)))
        return self.derived("pupil", natural)

    def derived(self, *natural: str) -> str:
        """Return an id that follows from something natural."""
        return derived_id(self._school, *natural)

    def _named(self, row: PupilRow, of_class: SchoolClass | None) -> list[User]:
        """Find by name and reading; of namesakes, by year and class."""
        names, kana = {plain(*row.formal), plain(*row.usual)}, plain(*row.kana)
        same = [
            one
            for one in self._free()
            if names & {plain(one.family_name, one.given_name), plain(one.name)}
            and (not kana or not one.kana or plain(one.kana) == kana)
        ]
        if len(same) > 1 and row.grade:
            same = [one for one in same if row.grade in one.grades] or same
        if len(same) > 1 and of_class is not None:
            same = [one for one in same if self._in(one, of_class)] or same
        if len(same) > 1:
            raise TwinsError
        return same

    def _numbered(self, row: PupilRow, of_class: SchoolClass | None) -> list[User]:
        """Find who is called otherwise by now: one reading in the class, or the number with one given name."""
        if of_class is None:
            return []
        near = [one for one in self._free() if self._in(one, of_class)]
        kana = plain(*row.kana)
        found = [one for one in near if kana and plain(one.kana) == kana]
        if not found and row.number is not None:
            found = [one for one in near if self._number(one, of_class) == row.number and self._given(one, row)]
        return found if len(found) == 1 else []

    def _free(self) -> Iterable[User]:
        return (one for one in self._pupils if one.id not in self.taken)

    def _in(self, user: User, of_class: SchoolClass) -> bool:
        return any(one.class_id == of_class.id for one in self.homes(user.id))

    def _number(self, user: User, of_class: SchoolClass) -> int | None:
        return next((one.number for one in self.homes(user.id) if one.class_id == of_class.id), None)

    @staticmethod
    def _given(user: User, row: PupilRow) -> bool:
        given = {plain(row.formal[1]), plain(row.usual[1])} - {""}
        return plain(user.given_name) in given or plain(user.preferred_given) in given

    def _of(self, kind: type[User | SchoolClass | Enrollment]) -> Iterable[object]:
        return self._roster.get(kind.kind, {}).values()
