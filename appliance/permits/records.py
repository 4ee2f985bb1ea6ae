"""What is kept of a permit: the request, the principal's answer, what left under it, and that it came back.

Invariant: each is a record of its own, so nothing of the story is overwritten; a number is given once. Staff of
every role may read who takes what out, so its texts are to name no pupil, and a document is named by its id alone:
its title is as secret as it is.
"""

from datetime import date
from typing import ClassVar

import msgspec

from crypto.importance import Importance


class PermitRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Somebody asks to release an asset: `action` and `asset` as the policy names them, `graded` its importance.

    `group` is the class id that it belongs to, `what` it is in words, `due` the day by which it is back or gone,
    `subject` the id of the one document or meeting that it is for. The record's id is the request's own, random
    (16 bytes).
    """

    kind: ClassVar[str] = "permit.request"
    importance: ClassVar[Importance] = Importance.III
    action: str
    asset: str
    graded: int
    what: str
    purpose: str
    destination: str
    due: date
    group: str = ""
    subject: str = ""


class PermitGrant(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The principal's answer, under the request's id: a `number` and its last day, or none and a `reason`."""

    kind: ClassVar[str] = "permit.grant"
    importance: ClassVar[Importance] = Importance.III
    number: str = ""
    until: date | None = None
    reason: str = ""


class TakeOut(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something left: under which permit, what, in which form, its SHA-256; `subject` as above."""

    kind: ClassVar[str] = "permit.takeout"
    importance: ClassVar[Importance] = Importance.III
    number: str
    what: str
    graded: int
    form: str
    size: int
    sha256: bytes
    due: date | None = None
    subject: str = ""


class Return(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of it: 持ち帰り, 廃棄 or 紛失. The record has the id of the take-out's."""

    kind: ClassVar[str] = "permit.return"
    importance: ClassVar[Importance] = Importance.III
    how: str
    note: str = ""
