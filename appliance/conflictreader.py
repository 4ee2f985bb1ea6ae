"""Reading conflicts, their history and the quarantine as plain views.

Invariant: every opening asks the policy first; what this person may not open is listed all the same, without its
value, and one damaged value never hides the others.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from appliance.classification.model import Action, Verdict
from appliance.conflicts import RecordWords, board_settles, entry_of, read, text_of, value_of
from appliance.conflictwords import word
from appliance.people import ROLE_NAMES
from appliance.policy import PolicyDeniedError
from appliance.session import Session, local_time
from appliance.views import ChangeLine, ConflictSide, ConflictView, HeldChange
from crypto.errors import CryptoError
from crypto.importance import Importance
from sync.conflicts import Held
from sync.errors import ForgedChangeError, NotClearedError
from sync.reader import Row

_BOARD: Final = "board"


def strictest(rows: Iterable[Row]) -> Importance:
    """Return the gravest importance among changes of one record."""
    return Importance(min(row.importance for row in rows))


class ConflictReader:
    """Makes views over one session."""

    def __init__(self, session: Session, words: RecordWords) -> None:
        self._session = session
        self._words = words

    def heads(self, kind: str, record: bytes) -> list[Row]:
        """Return what stands in a record, oldest first: the last one is shown."""
        return sorted(self._session.store.reader.heads(kind, [record]), key=lambda row: row.change_id)

    def open(self, row: Row) -> bytes | None:
        """Return a change's bytes, None when this person may not or cannot open it."""
        try:
            self._session.ask(Action.VIEW, row.kind, Importance(row.importance), subject=row.record.hex())
            return self._session.store.open_row(row).payload
        except (PolicyDeniedError, NotClearedError, ForgedChangeError, CryptoError):
            return None

    def view(self, heads: Sequence[Row]) -> ConflictView:
        """Return a record in conflict; `heads` oldest first."""
        kind, record = heads[0].kind, heads[0].record
        payloads = [self.open(row) for row in heads]
        facts = [None if payload is None else self._words.facts(kind, payload) for payload in payloads]
        sides = []
        for place, (row, payload, own) in enumerate(zip(heads, payloads, facts, strict=True)):
            others = [other for n, other in enumerate(facts) if n != place and other is not None]
            value = self._shut(row) if own is None else value_of(own, others)
            text = text_of(read(kind, payload)) if payload else None
            sides.append(self._side(row, value, text, shown=row is heads[-1], readable=own is not None))
        whose = self._words.whose(kind, record, [payload for payload in reversed(payloads) if payload])
        return ConflictView(
            kind, record, word(f"kind.{kind}"), whose, tuple(sides), self.closed(heads), entry_of(kind)
        )

    def history(self, kind: str, record: bytes) -> tuple[ChangeLine, ...]:
        """Return every change of a record, newest first."""
        standing = {row.change_id for row in self.heads(kind, record)}
        lines = []
        for row in self._session.store.reader.history(kind, record):
            payload = self.open(row)
            value = self._shut(row) if payload is None else "\n".join(self._words.facts(kind, payload))
            stands = row.change_id in standing
            lines.append(ChangeLine(local_time(row.at_ms), *self._author(row), self._where(row)[0], value, stands))
        return tuple(lines)

    def held(self, held: Held) -> HeldChange:
        """Return a quarantined change."""
        row = held.row
        what, reason = word(f"kind.{row.kind}"), word(f"held.{held.reason}")
        return HeldChange(local_time(row.at_ms), *self._author(row), self._where(row)[0], what, reason)

    def closed(self, rows: Sequence[Row]) -> str:
        """Say why this person cannot settle a record; empty when they can."""
        if self.for_the_board(rows):
            return word("board settles")
        kind, gravest = rows[0].kind, strictest(rows)
        answers = (self._session.may(action, kind, gravest) for action in (Action.EDIT, Action.VIEW))
        return next((answer.reason for answer in answers if answer.verdict is not Verdict.ALLOW), "")

    def for_the_board(self, rows: Sequence[Row]) -> bool:
        """Say whether the board alone settles a record, and this person is not the board."""
        by_board = any(_BOARD in self._roles(row.author) for row in rows)
        return by_board and board_settles(rows[0].kind) and _BOARD not in self._session.person.roles

    def _side(self, row: Row, value: str, text: str | None, *, shown: bool, readable: bool) -> ConflictSide:
        at = local_time(row.at_ms)
        return ConflictSide(row.change_id, *self._author(row), at, *self._where(row), value, shown, readable, text)

    def _shut(self, row: Row) -> str:
        importance = Importance(row.importance)
        if self._session.store.keyring.cleared(importance):
            return word("damaged")
        return word("closed", importance=importance.name)

    def _roles(self, person: bytes) -> tuple[str, ...]:
        known = self._session.store.keyring.people.person(person)
        return known.roles if known else ()

    def _author(self, row: Row) -> tuple[str, str]:
        """Return name and role of who made a change."""
        roles = self._roles(row.author)
        for machine in (_BOARD, "site"):
            if machine in roles:
                return word(f"role.{machine}"), ""
        role = "・".join(ROLE_NAMES.get(role, role) for role in roles)
        return self._session.roster.display_name(row.author), role

    def _where(self, row: Row) -> tuple[str, int]:
        """Return the place a change was made at, in words, and its epoch."""
        origins = self._session.store.reader.origins()
        origin = next(origin for origin, number in origins.items() if number == row.origin_no)
        life = word("epoch", epoch=origin.epoch) if origin.epoch > 1 else ""
        return word(f"site.{origin.site}") + life, origin.epoch
