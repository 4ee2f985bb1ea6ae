"""The audit record 監査記録: who opened, released or was refused what, when, from where.

Invariant: an entry is on disk before what it tells of is shown; entries are changes of the log like any other
(chained, signed by whoever acted, merged to the hub), each a record of its own that nothing replaces. They name
things by id, and are sealed as importance II.
"""

import os
import socket
import time
from typing import ClassVar, Final

import msgspec

from appliance.classification.model import Action, Asset, Decision, Verdict
from crypto.importance import Importance
from sync.sealed import Draft, SealedStore

CAME_FROM: Final = "KURABAKO_CAME_FROM"
SAME_S: Final = 600.0  # the same person looking at the same thing again within this time is one entry


class AuditEntry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One act; who and when are those of the change.

    `graded` is the importance, `subject` the id of what it was about, `verdict` what was answered and `rule` by
    what, `permit` the 校長の許可番号, `purpose` what was typed in, `count` of how many, `source` the terminal.
    """

    kind: ClassVar[str] = "audit.entry"
    importance: ClassVar[Importance] = Importance.II
    action: str
    asset: str
    graded: int
    verdict: str
    rule: str = ""
    subject: str = ""
    permit: str = ""
    purpose: str = ""
    count: int = 1
    source: str = ""


class AuditLog:
    """Writes the acts of one session."""

    def __init__(self, store: SealedStore) -> None:
        self._store = store
        self._source = where_from()
        self._last: dict[tuple[str, str, int, str, str], float] = {}

    def write(self, action: Action, asset: Asset, decision: Decision, subject: str = "", **more: str) -> None:
        """Keep an entry, unless the same one was kept in the last ten minutes; on return it is on disk."""
        key = (action, asset.kind, asset.importance, decision.verdict, subject)
        now = time.monotonic()
        looking = action is Action.VIEW or decision.verdict is Verdict.DENY
        if looking and not more and now - self._last.get(key, -SAME_S) < SAME_S:
            return
        self.keep(
            AuditEntry(
                action=action,
                asset=asset.kind,
                graded=asset.importance,
                verdict=decision.verdict,
                rule=decision.rule,
                subject=subject,
                source=self._source,
                **more,  # type: ignore[arg-type]  # permit, purpose
            )
        )
        self._last[key] = now

    def keep(self, entry: AuditEntry) -> None:
        """Keep an entry; on return it is on disk."""
        payload = msgspec.msgpack.encode(entry)
        self._store.put([Draft(AuditEntry.kind, os.urandom(16), AuditEntry.importance, payload)])


def where_from() -> str:
    """Return where this session is used from: what the standby's door says, the other end of SSH, this machine."""
    if told := os.environ.get(CAME_FROM, ""):
        return told
    ssh = os.environ.get("SSH_CONNECTION", "").split(" ")[0]
    if ssh:
        return f"ssh {ssh}"
    try:
        terminal = os.ttyname(0).removeprefix("/dev/")
    except OSError:  # no terminal: a command with its input from elsewhere
        terminal = "-"
    return f"{socket.gethostname()} {terminal}"
