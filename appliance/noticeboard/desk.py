"""The desk of the noticeboard: staff write notices, and release them to the keyless process that shows them.

Invariant: the one way from the sealed store to the page is `_release`: somebody's act, asked of the policy and
written into the audit record notice by notice, of what is sealed as importance IV. What another site wrote waits
for somebody here to release it.
"""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final

import msgspec

from appliance.classification.model import Action
from appliance.errors import ApplianceError
from appliance.noticeboard.book import NoticeBook, Standing
from appliance.noticeboard.place import noticeboard_folder
from appliance.noticeboard.records import (
    MOST_AUDIENCE,
    MOST_BODY,
    MOST_TEXT_BYTES,
    MOST_TITLE,
    SECTIONS,
    NoticeItem,
)
from appliance.noticeboard.snapshot import PostedNotice, Snapshot, read_snapshot, write_snapshot, writing
from appliance.session import Session, local_time
from appliance.text import printable
from appliance.views import Saved
from sync.ids import Site
from sync.sealed import Draft

_KIND: Final = NoticeItem.kind
_IMPORTANCE: Final = NoticeItem.importance
_ID_BYTES: Final = 16


class NoticeTextError(ApplianceError):
    """A notice has no title, too long a text, or days that make no sense."""

    code = "APP-640"


class UnknownNoticeError(ApplianceError):
    """There is no such notice."""

    code = "APP-641"


class NoticeboardFullError(ApplianceError):
    """So much stands on the noticeboard already that its page would be slow on old tablets."""

    code = "APP-644"


class NoticeboardFolderError(ApplianceError):
    """What is released cannot be written where the page reads it; the notice itself was kept."""

    code = "APP-642"


class Shown(StrEnum):
    """How a notice stands to the page."""

    POSTED = "posted"  # as it stands here
    WAITING = "waiting"  # not as it stands here: somebody has to release it
    OVER = "over"  # its days are over, or it was withdrawn


@dataclass(frozen=True, slots=True)
class NoticeView:
    """A notice in a list; `by` wrote it `at`."""

    notice_id: str
    item: NoticeItem
    by: str
    at: datetime
    shown: Shown
    conflict: bool


class NoticeboardDesk:
    """The noticeboard over one session."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._book = NoticeBook(session.store)
        self._folder = noticeboard_folder(session.site)

    def listed(self) -> tuple[NoticeView, ...]:
        """Return the notices: what waits, what is shown, what is over; the newest first in each."""
        self._session.ask(Action.VIEW, _KIND, _IMPORTANCE)
        posted = self._posted()
        views = [self._view(one, posted) for one in self._book.all()]
        return tuple(sorted(views, key=lambda view: (Shown.WAITING, Shown.POSTED, Shown.OVER).index(view.shown)))

    def waiting(self) -> int:
        """Return how many notices are not on the page as they stand here; 0 where there is no page."""
        if not self._has_page():
            return 0
        self._session.ask(Action.VIEW, _KIND, _IMPORTANCE)
        posted = self._posted()
        return sum(self._shown(one, posted) is Shown.WAITING for one in self._book.all())

    def keep(self, item: NoticeItem, notice_id: str = "") -> tuple[str, Saved]:
        """Keep a notice, or a change to one, and release it; return its id.

        At the board's hub it is kept only: the school releases it. Raises NoticeTextError, UnknownNoticeError,
        NoticeboardFullError, NoticeboardFolderError (then it was kept).
        """
        self._session.ask(Action.EDIT, _KIND, _IMPORTANCE, subject=notice_id)
        item = _checked(item)
        former = self._one(notice_id) if notice_id else None
        record = former.record if former else os.urandom(_ID_BYTES)
        heads = former.heads if former else ()
        self._fits(item, record)
        payload = msgspec.msgpack.encode(item)
        put = self._session.store.put([Draft(_KIND, record, _IMPORTANCE, payload, heads)])
        if self._has_page():
            self._release([record])
        return record.hex(), self._session.saved(put)

    def withdraw(self, notice_id: str, *, withdrawn: bool = True) -> Saved:
        """Take a notice from the page before its time, or put it back; raises as `keep` does."""
        self._session.ask(Action.EDIT, _KIND, _IMPORTANCE, subject=notice_id)
        item = self._one(notice_id).item
        return self.keep(msgspec.structs.replace(item, withdrawn=withdrawn), notice_id)[1]

    def release(self) -> int:
        """Release every notice as it stands, those that the board wrote too; return how many waited.

        Raises NoticeboardFolderError.
        """
        self._session.ask(Action.VIEW, _KIND, _IMPORTANCE)
        posted = self._posted()
        wanted = [one.record for one in self._book.all() if self._shown(one, posted) is Shown.WAITING]
        return self._release(wanted)

    def _release(self, wanted: Sequence[bytes]) -> int:
        """Put some notices on the page as they stand, and take away what no longer stands."""
        for record in wanted:
            self._session.ask(Action.SHARE_LEARNERS, _KIND, _IMPORTANCE, subject=record.hex())
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            with writing(self._folder):
                write_snapshot(self._folder, self._snapshot(wanted))
        except (OSError, ValueError) as exc:
            raise NoticeboardFolderError(
                operation="release notices", subject=str(self._folder), cause=exc
            ) from exc
        return len(wanted)

    def _snapshot(self, wanted: Iterable[bytes]) -> Snapshot:
        """Return what is to be on the page: what was wanted now, and what is there and still stands."""
        today, named, posted = self._session.today(), {*wanted}, self._posted()
        standing = [one for one in self._book.all() if not _over(one.item, today)]
        kept = [
            one
            for one in standing
            if one.record in named or posted.get(one.record.hex()) == one.row.change_id.hex()
        ]
        others = {one.record.hex(): one for one in standing if one not in kept}
        former = read_snapshot(self._folder)
        old = [notice for notice in (former.notices if former else ()) if notice.notice in others]
        return Snapshot(
            school=self._session.site.config.site.name,
            at_ms=self._session.now_ms(),
            notices=(*map(_posted, kept), *old),
        )

    def _fits(self, item: NoticeItem, record: bytes) -> None:
        """Raise NoticeboardFullError where a notice would make the page too large."""
        today = self._session.today()
        others = [one.item for one in self._book.all() if one.record != record and not _over(one.item, today)]
        if not _over(item, today) and sum(map(_bytes, (item, *others))) > MOST_TEXT_BYTES:
            raise NoticeboardFullError(operation="keep notice", count=len(others))

    def _has_page(self) -> bool:
        return self._session.site.config.site.kind == Site.BOX and self._session.store.client is not None

    def _posted(self) -> dict[str, str]:
        """Return notice → the change of it that is on the page."""
        snapshot = read_snapshot(self._folder) if self._has_page() else None
        return {notice.notice: notice.change for notice in snapshot.notices} if snapshot else {}

    def _one(self, notice_id: str) -> Standing:
        try:
            found = self._book.get(bytes.fromhex(notice_id))
        except ValueError:  # no id
            found = None
        if found is None:
            raise UnknownNoticeError(operation="find notice", subject=notice_id)
        return found

    def _shown(self, one: Standing, posted: dict[str, str]) -> Shown:
        change = posted.get(one.record.hex())
        if _over(one.item, self._session.today()):
            return Shown.WAITING if change and one.item.withdrawn else Shown.OVER
        return Shown.POSTED if change == one.row.change_id.hex() else Shown.WAITING

    def _view(self, one: Standing, posted: dict[str, str]) -> NoticeView:
        return NoticeView(
            one.record.hex(),
            one.item,
            self._session.roster.display_name(one.row.author),
            local_time(one.row.at_ms),
            self._shown(one, posted),
            len(one.heads) > 1,
        )


def _over(item: NoticeItem, today: date) -> bool:
    return item.withdrawn or item.until < today


def _bytes(item: NoticeItem) -> int:
    """Return about how much of the page a notice takes; a line's end is a mark of four letters there."""
    text = f"{item.title}{item.audience}{item.body}"
    return len(text.encode()) + 7 * text.count("\n") + 4 * sum(map(text.count, "<>&\"'")) + 300


def _posted(one: Standing) -> PostedNotice:
    item = one.item
    return PostedNotice(
        notice=one.record.hex(),
        change=one.row.change_id.hex(),
        title=item.title,
        body=item.body,
        first=item.first,
        until=item.until,
        section=item.section,
        audience=item.audience,
        urgent=item.urgent,
    )


def _checked(item: NoticeItem) -> NoticeItem:
    """Return a notice fit to be kept; raises NoticeTextError."""
    title, audience = printable(item.title.strip()), printable(item.audience.strip())
    body = "\n".join(printable(line.rstrip()) for line in item.body.strip().splitlines())
    faults = {
        "title": not title or len(title) > MOST_TITLE,
        "body": len(body) > MOST_BODY,
        "audience": len(audience) > MOST_AUDIENCE,
        "section": item.section not in SECTIONS,
        "days": item.until < item.first,
    }
    fault = next((name for name, wrong in faults.items() if wrong), "")
    if fault:
        raise NoticeTextError(operation="keep notice", subject=fault, fault=fault)
    return msgspec.structs.replace(item, title=title, body=body, audience=audience)
