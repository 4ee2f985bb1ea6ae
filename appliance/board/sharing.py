"""City-wide sharing: the board gives documents, meetings with their papers and notices to all or some schools.

Invariant: each school gets its own copy, sealed to its own keys, at its hub; one school that fails stops no other.
Given out again, what stands already stays as it is, so a run that was cut off is simply run again.
"""

import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from appliance.board.folder import BoardFolder
from appliance.board.hubs import board_office, open_hub
from appliance.board.publishing import MeetingText, meeting_records, read_file
from appliance.documents.filing import plain_file
from appliance.documents.intake import Incoming
from appliance.errors import ApplianceError
from appliance.noticeboard.records import NoticeItem
from appliance.office import Office
from crypto.errors import KurabakoError
from crypto.identity import Identity
from crypto.importance import Importance


class NoSchoolError(ApplianceError):
    """No school was named, and the board has none."""

    code = "APP-660"


@dataclass(frozen=True, slots=True)
class Shared:
    """What became of one school: `new` says that something changed there; `error` why nothing did."""

    school: str
    name: str
    new: bool
    error: KurabakoError | None = None


@dataclass(frozen=True, slots=True)
class Paper:
    """A file to be given out, in memory: the same bytes go to every school."""

    name: str
    data: bytes
    importance: Importance = Importance.III
    title: str = ""


Give = Callable[[Office], bool]
"""Gives something to a school over its hub's office; says whether it was new there."""


def share(board: BoardFolder, root: Identity, schools: Sequence[str], give: Give) -> Iterator[Shared]:
    """Give something to some schools, to all without any; raises UnknownSchoolError, NoSchoolError at once."""
    places = [board.place(school) for school in dict.fromkeys(schools or board.schools)]
    if not places:
        raise NoSchoolError(operation="share")
    for place in places:
        try:
            with board_office(open_hub(board, place.school), root) as office:
                yield Shared(place.school, place.name, give(office))
        except KurabakoError as error:
            yield Shared(place.school, place.name, new=False, error=error)


def document_of(file: Path, importance: Importance, title: str) -> Give:
    """Return what gives a file out; raises FileUnreadableError at once."""
    paper = Paper(file.name, _bytes(file), importance, title)

    def give(office: Office) -> bool:
        return give_paper(office, paper)[1]

    return give


def meeting_of(file: Path) -> Give:
    """Return what gives a meeting out, each paper sealed as a document beside its item.

    Raises PublishFileError, FileUnreadableError at once.
    """
    text = read_file(file, MeetingText)
    papers = {name: Paper(name, _bytes(file.parent / name)) for item in text.item for name in item.papers}

    def give(office: Office) -> bool:
        ids = [give_paper(office, paper) for paper in papers.values()]
        found = {name: own for name, (own, _) in zip(papers, ids, strict=True)}
        meeting, items = meeting_records(text, file.stem, found)
        kept = office.meetings.give_out(meeting, items)
        return kept is not None or any(new for _, new in ids)

    return give


def notice_of(file: Path) -> Give:
    """Return what gives a notice out, which the school releases itself; raises PublishFileError at once."""
    item = read_file(file, NoticeItem)

    def give(office: Office) -> bool:
        if any(view.item == item for view in office.noticeboard.listed()):
            return False
        office.noticeboard.keep(item)
        return True

    return give


def give_paper(office: Office, paper: Paper) -> tuple[str, bool]:
    """Give one file out; return the document's id, and whether something changed."""
    data, name = paper.data, paper.name
    incoming = Incoming(io.BytesIO(data), len(data), name, paper.importance, paper.title or name)
    document, saved = office.filing.give_out(incoming)
    return document, saved is not None


def _bytes(file: Path) -> bytes:
    with plain_file(file) as (source, _):
        return source.read()
