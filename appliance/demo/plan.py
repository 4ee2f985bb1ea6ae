"""A seeded morning of a whole school: who is absent, late or suspended, and why.

Invariant: the same seed and roster give the same steps; every class ends with its confirmation.
"""

import random
from datetime import date
from typing import Final

from appliance.demo.staffroom import Step
from appliance.office import Office

_REASONS: Final[dict[str, tuple[str, ...]]] = {
    "sick": ("発熱 38度2分", "腹痛", "頭痛とだるさ、受診の予定", "咳がひどい"),
    "other_absence": ("家庭の都合", "連絡なし、電話をかけた"),
    "suspended": ("インフルエンザA型", "新型コロナ、発症日を確認中"),
    "mourning": ("祖父の葬儀",),
    "attended_elsewhere": ("教育支援センターに通所",),
}
_CODES: Final = (
    "sick",
    "sick",
    "sick",
    "late",
    "other_absence",
    "suspended",
    "left_early",
    "attended_elsewhere",
    "mourning",
)
_SHARE: Final = 0.12


def morning(office: Office, on: date, seed: int) -> dict[str, list[Step]]:
    """Return class id → steps, in the order of the classes."""
    source = random.Random(seed)  # noqa: S311 - reproducible on purpose
    plan: dict[str, list[Step]] = {}
    for school_class in office.attendance.classes(on):
        steps: list[Step] = []
        for row in office.attendance.day(school_class.class_id, on).rows:
            if source.random() < _SHARE:
                steps.append(_exception(source, school_class.class_id, on, row.pupil_id))
        steps.append({"do": "present", "class": school_class.class_id, "on": on.isoformat()})
        steps.append({"do": "confirm", "class": school_class.class_id, "on": on.isoformat()})
        plan[school_class.class_id] = steps
    return plan


def _exception(source: random.Random, class_id: str, on: date, pupil: str) -> Step:
    code = source.choice(_CODES)
    step: Step = {"do": "mark", "class": class_id, "on": on.isoformat(), "pupil": pupil, "code": code}
    reasons = _REASONS.get(code)
    return step | ({"reason": source.choice(reasons)} if reasons else {})
