"""What the board publishes to a school: roster, calendar, meetings, corrections, from files an officer can write.

Invariant: a file is understood whole or refused with the place that is wrong; nothing of a refused one is kept.
"""

import tomllib
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from appliance.errors import ApplianceError
from appliance.meetings import AgendaItem, Meeting
from appliance.office import Office
from appliance.schooldays import SchoolYear
from appliance.session import JST
from appliance.views import FoundPupil, Saved

T = TypeVar("T")


class PublishFileError(ApplianceError):
    """A file to be published cannot be read as what it should be."""

    code = "APP-020"


class PupilNotFoundError(ApplianceError):
    """No pupil, or more than one, is meant by what was typed."""

    code = "APP-021"


class AgendaText(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An agenda item as an officer writes it."""

    section: str
    title: str
    department: str = ""
    proposer: str = ""
    minutes: int = 10
    body: str = ""


class MeetingText(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A meeting as an officer writes it; `starts` without an offset is Japanese time."""

    title: str
    starts: datetime
    place: str = ""
    chair: str = ""
    recorder: str = ""
    item: tuple[AgendaText, ...] = ()


def publish_calendar(office: Office, file: Path) -> Saved:
    """Keep a 年度 from a TOML file with the fields of `SchoolYear`; raises PublishFileError."""
    return office.calendar.keep(_read(file, SchoolYear))


def publish_meeting(office: Office, file: Path) -> Saved:
    """Keep a meeting with its agenda from a TOML file; the file's name is the meeting's own."""
    text = _read(file, MeetingText)
    starts = text.starts if text.starts.tzinfo else text.starts.replace(tzinfo=JST)
    meeting_id = f"board-{starts:%Y%m%d}-{file.stem}"
    meeting = Meeting(
        id=meeting_id,
        title=text.title,
        starts=starts,
        place=text.place,
        chair=text.chair,
        recorder=text.recorder,
    )
    return office.meetings.add(meeting, agenda_items(meeting_id, text.item))


def publish_correction(
    office: Office, pupil: str, on: date, code: str, reason: str | None = None, school_class: str = ""
) -> Saved:
    """Correct one pupil's mark; `pupil` is the name or its beginning in kana, `school_class` the class's title.

    Raises PupilNotFoundError.
    """
    found = _the_pupil(office, pupil, on, school_class)
    return office.attendance.mark(found.class_id, on, found.pupil_id, code, reason=reason)


def agenda_items(meeting_id: str, texts: Sequence[AgendaText]) -> list[AgendaItem]:
    """Number the items of a meeting."""
    return [
        AgendaItem(
            id=f"{meeting_id}-{number}",
            meeting_id=meeting_id,
            number=number,
            section=text.section,
            department=text.department,
            title=text.title,
            proposer=text.proposer,
            minutes=text.minutes,
            body=text.body.strip(),
        )
        for number, text in enumerate(texts, 1)
    ]


def _the_pupil(office: Office, pupil: str, on: date, school_class: str) -> FoundPupil:
    every = office.attendance.find_pupils(pupil, on)
    found = [one for one in every if not school_class or one.class_title == school_class]
    exact = [one for one in found if pupil in (one.name, one.kana)] or found
    if len(exact) != 1:
        raise PupilNotFoundError(operation="find pupil", subject=str(len(exact)), count=len(exact))
    return exact[0]


def _read(file: Path, kind: type[T]) -> T:
    try:
        raw: dict[str, Any] = tomllib.loads(file.read_text("utf-8"))
        return msgspec.convert(raw, kind)
    except (OSError, ValueError) as exc:  # TOML, UTF-8 and validation errors are ValueErrors
        raise PublishFileError(
            operation="publish", subject=file.name, cause=exc, file=file.name, problem=str(exc)
        ) from exc
