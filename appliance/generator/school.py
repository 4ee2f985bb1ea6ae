"""A believable 義務教育学校: nine years, two or three classes each, special-needs classes, staff.

Invariant: the same seed gives the same school, ids included; what is made here goes through the importer like
anyone's data.
"""

import random
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from appliance.generator.names import Name, Names
from appliance.schoolcode import check_digit

GRADES: Final = ("P1", "P2", "P3", "P4", "P5", "P6", "J1", "J2", "J3")
_PUPILS: Final = (24, 32)
_STAFF: Final = 50


@dataclass(frozen=True, slots=True)
class MadeClass:
    """A class with its pupils; `guests` are pupils of special-needs classes whom it receives 交流."""

    id: str
    title: str
    grades: tuple[str, ...]
    special_needs: bool
    teacher: "MadePerson"
    pupils: "tuple[MadePerson, ...]"
    guests: "tuple[MadePerson, ...]" = ()


@dataclass(frozen=True, slots=True)
class MadePerson:
    """A pupil, teacher or guardian. `number` is 出席番号; `guardian_of` are user ids."""

    id: str
    name: Name
    role: str
    grade: str = ""
    class_id: str = ""
    number: int | None = None
    phone: str = ""
    guardian_of: tuple[str, ...] = ()
    sex: str = "unspecified"


@dataclass(frozen=True, slots=True)
class MadeSchool:
    """A whole school of one 年度."""

    code: str
    name: str
    year: int
    district_id: str
    school_id: str
    session_id: str
    classes: tuple[MadeClass, ...]
    staff: tuple[MadePerson, ...]
    guardians: tuple[MadePerson, ...]


def make_school(seed: int, year: int, name: str = "多良川市立みどり義務教育学校") -> MadeSchool:
    """Make a school of about 600 pupils and 50 staff."""
    maker = _Maker(random.Random(seed))  # noqa: S311 - reproducible on purpose
    body = f"C2412{seed % 9_000_000 + 1_000_000:07d}"
    staff = maker.staff()
    classes: list[MadeClass] = []
    for place, grade in enumerate(GRADES):
        count = 3 if place % 3 == 0 else 2
        for index in range(count):
            classes.append(maker.a_class(grade, index, staff[len(classes) + 2]))
    classes.append(maker.special_class("なのはな学級（知的）", GRADES[:6], staff[len(classes) + 2]))
    classes.append(maker.special_class("たんぽぽ学級（情緒）", GRADES[6:], staff[len(classes) + 2]))
    guardians = tuple(maker.guardian(pupil) for c in classes for pupil in c.pupils)
    return MadeSchool(
        body + check_digit(body),
        name,
        year,
        maker.id(),
        maker.id(),
        maker.id(),
        tuple(classes),
        tuple(staff),
        guardians,
    )


@dataclass
class _Maker:
    source: random.Random
    names: Names = field(init=False)

    def __post_init__(self) -> None:
        self.names = Names(self.source)

    def id(self) -> str:
        return str(UUID(int=self.source.getrandbits(128), version=4))

    def staff(self) -> list[MadePerson]:
        roles = ["principal", "teacher"]
        return [
            MadePerson(self.id(), self.names.draw(), roles[min(index, 1)], phone=self._phone())
            for index in range(_STAFF)
        ]

    def a_class(self, grade: str, index: int, teacher: MadePerson) -> MadeClass:
        class_id = self.id()
        size = self.source.randint(*_PUPILS)
        pupils = self._pupils(class_id, [grade] * size)
        title = f"{GRADES.index(grade) + 1}年{index + 1}組"
        return MadeClass(class_id, title, (grade,), False, teacher, pupils)

    def special_class(self, title: str, grades: tuple[str, ...], teacher: MadePerson) -> MadeClass:
        class_id = self.id()
        own = sorted(self.source.choice(grades) for _ in range(self.source.randint(5, 8)))
        return MadeClass(class_id, title, grades, True, teacher, self._pupils(class_id, own))

    def guardian(self, pupil: MadePerson) -> MadePerson:
        name = self.names.draw((pupil.name.family, pupil.name.kana_family))
        return MadePerson(self.id(), name, "guardian", phone=self._phone(), guardian_of=(pupil.id,))

    def _pupils(self, class_id: str, grades: list[str]) -> tuple[MadePerson, ...]:
        drawn = sorted((self.names.draw() for _ in grades), key=lambda n: (n.kana_family, n.kana_given))
        return tuple(
            MadePerson(
                self.id(),
                name,
                "student",
                grade,
                class_id,
                number,
                sex=self.source.choice(("male", "female")),
            )
            for number, (name, grade) in enumerate(zip(drawn, grades, strict=True), 1)
        )

    def _phone(self) -> str:
        return f"090-0000-{self.source.randrange(10_000):04d}"
