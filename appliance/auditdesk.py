"""The audit record as managers and the board read it: newest first, in words.

Invariant: reading it is an act of its own and is written down first. An entry is what stood first in its record;
whatever somebody put over it later is listed as an entry of its own kind, 書換, and never hides the first. What no
desk would have written is listed with who wrote it, 不正; no entry can make the others unreadable.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

import msgspec

from appliance.audit import AuditEntry
from appliance.classification.decision import ACTION_WORDS
from appliance.classification.model import Action, Verdict
from appliance.conflictwords import word
from appliance.people import ROLE_NAMES
from appliance.session import Session, local_time
from appliance.text import printable
from crypto.errors import CryptoError
from crypto.importance import Importance
from sync.conflicts import held_back
from sync.errors import ForgedChangeError
from sync.reader import Reader, Row

_VERDICTS: Final = {Verdict.ALLOW: "", Verdict.APPROVAL: "承認待ち", Verdict.DENY: "拒否"}
REWRITTEN: Final = "書換"
UNREADABLE: Final = "不正"


_ENTRIES: Final = (
    "SELECT id, change_id, author, kind, record, base, replaced, importance, key_id, body FROM change"
    " WHERE kind = 'audit.entry' AND id NOT IN (SELECT id FROM quarantine) ORDER BY id"
)
_NO_ENTRY: Final = AuditEntry(action="", asset="", graded=AuditEntry.importance, verdict=Verdict.DENY)


@dataclass(frozen=True, slots=True)
class AuditLine:
    """One act in words. `refused`: it was not done; `rewritten`: somebody put this over another entry."""

    at: datetime
    who: str
    role: str
    what: str
    whose: str
    importance: str
    verdict: str
    rule: str
    permit: str
    purpose: str
    source: str
    place: str
    refused: bool
    rewritten: bool


class AuditDesk:
    """The audit record over one session. `titles` names a thing that is no person by its id."""

    def __init__(self, session: Session, titles: Callable[[str], str] = lambda subject: "") -> None:
        self._session, self._titles = session, titles

    def lines(
        self, days: int | None = None, *, refused_only: bool = False, text: str = "", on: date | None = None
    ) -> tuple[AuditLine, ...]:
        """Return the acts of the last `days` days, newest first; without `days` as far back as the policy says.

        `text` must be part of a line's words; `on` is the one day that is wanted, however long ago.

        Raises PolicyDeniedError for who may not read them.
        """
        session = self._session
        session.ask(Action.VIEW, AuditEntry.kind, AuditEntry.importance, subject="監査記録")
        back = timedelta(days=session.policy.text.audit_days if days is None else days)
        since_ms = session.now_ms() - int(back.total_seconds() * 1000)
        rows = every_entry(session.store.reader)
        later = rewritten(rows)
        found = (self._line(row, rewritten=row.id in later) for row in rows if _falls(row, since_ms, on))
        lines = [line for line in found if (line.refused or not refused_only) and _holds(line, text)]
        return tuple(sorted(lines, key=lambda line: line.at, reverse=True))

    def _line(self, row: Row, *, rewritten: bool) -> AuditLine:
        session, entry = self._session, self._entry(row)
        told = entry or _NO_ENTRY
        person = session.store.keyring.people.person(row.author)
        roles = person.roles if person else ()
        what = f"{_kind_word(told.asset)}の{_action_word(told.action)}" if entry else word("kind.audit.entry")
        verdict = _VERDICTS[Verdict(told.verdict)] if entry else UNREADABLE
        return AuditLine(
            local_time(row.at_ms),
            session.roster.display_name(row.author),
            "・".join(ROLE_NAMES.get(role, "") for role in roles if role in ROLE_NAMES),
            printable(what),
            self._whose(told.subject),
            Importance(told.graded).label,
            REWRITTEN if rewritten else verdict,
            printable(told.rule),
            printable(told.permit),
            printable(told.purpose),
            printable(told.source),
            self._place(row),
            told.verdict != Verdict.ALLOW,
            rewritten,
        )

    def _entry(self, row: Row) -> AuditEntry | None:
        """Return what a change says; None when it is nothing that a desk would have written."""
        try:
            payload = self._session.store.open_row(row).payload
            entry = msgspec.msgpack.decode(payload, type=AuditEntry)
            Importance(entry.graded), Verdict(entry.verdict)
        except (CryptoError, ForgedChangeError, msgspec.DecodeError, ValueError):  # ValueError: UTF-8 and words
            return None
        return entry

    def _whose(self, subject: str) -> str:
        user = self._session.roster.user(subject)
        return user.name if user else printable(self._titles(subject))

    def _place(self, row: Row) -> str:
        origins = self._session.store.reader.origins()
        origin = next(origin for origin, number in origins.items() if number == row.origin_no)
        return word(f"site.{origin.site}")


def every_entry(reader: Reader) -> Sequence[Row]:
    """Return every change of the audit record, of every site, replaced ones too; what is held back is left out.

    It reads the log, not the heads: changes that name each other as replaced leave a record without a head.
    """
    return [Row._make(row) for row in reader.rows(_ENTRIES)]


def rewritten(rows: Iterable[Row]) -> frozenset[int]:
    """Return the changes that somebody put over or beside another entry: every one but the first of its record.

    Which one was first at a site its chained log tells, not the time in it, which the author chose. An author at
    another site, who set the time back, can only make both be looked at: each is listed.
    """
    firsts: dict[bytes, dict[int, Row]] = {}
    for row in (ordered := sorted(rows, key=lambda row: row.id)):
        firsts.setdefault(row.record, {}).setdefault(row.origin_no, row)
    stands = {
        min(of_site.values(), key=lambda row: (row.base != b"", row.change_id)).id for of_site in firsts.values()
    }
    return frozenset(row.id for row in ordered if row.id not in stands)


def held_entries(reader: Reader) -> int:
    """Count the changes of the audit record that are held back: nobody was entitled to write them."""
    area = AuditEntry.kind.partition(".")[0] + "."
    return sum(held.row.kind.startswith(area) for held in held_back(reader))


def _falls(row: Row, since_ms: int, on: date | None) -> bool:
    return row.at_ms >= since_ms if on is None else local_time(row.at_ms).date() == on


def _kind_word(kind: str) -> str:
    return word(f"kind.{kind}")


def _action_word(action: str) -> str:
    try:
        return ACTION_WORDS[Action(action)]
    except ValueError:
        return action


def _holds(line: AuditLine, text: str) -> bool:
    parts: Iterable[str] = (line.who, line.role, line.what, line.whose, line.verdict, line.purpose, line.permit)
    return not text or any(text in part for part in parts)
