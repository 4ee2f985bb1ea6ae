"""What the board publishes to a school: roster, calendar, meetings, corrections, from files an officer can write.

Invariant: a file is understood whole or refused with the place that is wrong; nothing of a refused one is kept.
"""

import tomllib
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from appliance.classification.signed import policies, policy_draft, sign_policy
from appliance.errors import ApplianceError
from appliance.ledger.ledger import read_ledger
from appliance.ledger.published import publish_lines
from appliance.meetings.records import AgendaItem, Meeting
from appliance.office import Office
from appliance.schooldays import SchoolYear
from appliance.session import JST
from appliance.views import FoundPupil, Saved
from crypto.identity import Identity
from sync.clock import wall_ms
from sync.sealed import SealedStore

T = TypeVar("T")


class PublishFileError(ApplianceError):
    """A file to be published cannot be read as what it should be."""

    code = "APP-020"


class PupilNotFoundError(ApplianceError):
    """No pupil, or more than one, is meant by what was typed."""

    code = "APP-021"


class AgendaText(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An agenda item as an officer writes it; `papers` are files beside the TOML file."""

    section: str
    title: str
    department: str = ""
    proposer: str = ""
    minutes: int = 10
    body: str = ""
    papers: tuple[str, ...] = ()


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
    return office.calendar.keep(read_file(file, SchoolYear))


def meeting_records(text: MeetingText, stem: str, papers: Mapping[str, str]) -> tuple[Meeting, list[AgendaItem]]:
    """Return a meeting with its agenda. `stem` is the meeting's own name, `papers` name → document id."""
    starts = text.starts if text.starts.tzinfo else text.starts.replace(tzinfo=JST)
    meeting_id = f"board-{starts:%Y%m%d}-{stem}"
    meeting = Meeting(
        id=meeting_id,
        title=text.title,
        starts=starts,
        place=text.place,
        chair=text.chair,
        recorder=text.recorder,
    )
    return meeting, agenda_items(meeting_id, text.item, papers)


def publish_policy(store: SealedStore, root: Identity, text: str) -> int | None:
    """Sign and keep the policy that a school goes by from now on; return its version, None if it stands already.

    Raises PolicyFileError; then the present one stays in force.
    """
    former = policies(store, root.sign.verify_key)
    if former and former[-1].policy.text.source == text:
        return None
    version = former[-1].version + 1 if former else 1
    store.put([policy_draft(store, sign_policy(store.keyring.school, version, wall_ms(), text, root.sign))])
    return version


def publish_ledger(store: SealedStore, text: str) -> int | None:
    """Keep the board's own standard lines of the asset ledger; return how many, None if they stand already.

    Raises LedgerLineError, FixedClassError, UnknownAssetError; then the present ones stay.
    """
    return publish_lines(store, read_ledger(text))


def publish_correction(
    office: Office, pupil: str, on: date, code: str, reason: str | None = None, school_class: str = ""
) -> Saved:
    """Correct one pupil's mark; `pupil` is the name or its beginning in kana, `school_class` the class's title.

    Raises PupilNotFoundError.
    """
    found = _the_pupil(office, pupil, on, school_class)
    return office.attendance.mark(found.class_id, on, found.pupil_id, code, reason=reason)


def agenda_items(
    meeting_id: str, texts: Sequence[AgendaText], papers: Mapping[str, str] | None = None
) -> list[AgendaItem]:
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
            documents=tuple(papers[name] for name in text.papers) if papers else (),
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


def read_text(file: Path) -> str:
    """Return a file's text; raises PublishFileError."""
    try:
        return file.read_text("utf-8")
    except (OSError, ValueError) as exc:  # no UTF-8 is a ValueError
        raise _unreadable(file, exc) from exc


def read_file(file: Path, kind: type[T]) -> T:
    """Return what a TOML file says; raises PublishFileError."""
    text = read_text(file)
    try:
        raw: dict[str, Any] = tomllib.loads(text)
        return msgspec.convert(raw, kind)
    except ValueError as exc:  # TOML and validation errors are ValueErrors
        raise _unreadable(file, exc) from exc


def _unreadable(file: Path, exc: Exception) -> PublishFileError:
    return PublishFileError(operation="publish", subject=file.name, cause=exc, file=file.name, problem=str(exc))
