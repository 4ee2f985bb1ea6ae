"""Finding pupils of a roster by what somebody types at a telephone."""

from datetime import date

from appliance.rosterindex import RosterIndex
from appliance.text import as_kana, folded
from appliance.views import FoundPupil


def find_pupils(roster: RosterIndex, typed: str, on: date) -> tuple[FoundPupil, ...]:
    """Return pupils of a day whose reading or name begins with what was typed: kana of any kind, or Latin letters.

    Those whose family name begins so come first; else by class and number. Whoever calls asked the policy.
    """
    wanted = tuple(filter(None, {folded(typed), folded(as_kana(typed))}))
    if not wanted:
        return ()
    found = []
    for school_class in roster.classes():
        for member in roster.members(school_class.id, on):
            user = member.user
            if any(folded(key).startswith(wanted) for key in (user.kana, user.kana_given, user.name)):
                place = (user.id, school_class.id, school_class.title, member.number)
                found.append(FoundPupil(*place, user.name, user.kana))
    return tuple(sorted(found, key=lambda hit: not folded(hit.kana or hit.name).startswith(wanted)))
