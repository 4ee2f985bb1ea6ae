"""What a file from the school system is and would do, worked out without doing any of it.

Invariant: pure. A file that cannot be used is no failure here but a finding: it has a refusal instead of a plan.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from hashlib import sha256
from typing import Final

from appliance.exchange.answers import AnsweredFile, is_answer, read_answer
from appliance.exchange.records import Receipt
from appliance.exchange.sheets import OLE
from appliance.oneroster.container import Held
from appliance.oneroster.errors import RefusedExportError
from appliance.oneroster.plan import ImportPlan

FEW: Final = 3
"""So many people may leave with the plain yes that every plan needs."""
_SHEETS: Final = (".xlsx", ".xls")


class Form(StrEnum):
    """What a file is."""

    ONEROSTER = "oneroster"
    WORKBOOK = "workbook"
    ANSWER = "answer"


class Caution(StrEnum):
    """What somebody must say yes to by itself."""

    PEOPLE = "people"  # many leave
    AGAIN = "again"  # the very same file was applied before, and others since
    OLDER = "older"  # a delta older than what was applied last


@dataclass(frozen=True, slots=True)
class Agreement:
    """What somebody said yes to: that exactly so many people leave; that an old file counts."""

    people: int = 0
    old: bool = False


@dataclass(frozen=True, slots=True)
class Examined:
    """A file that was looked at. Either `plan`, `answers` or `refusal` says what it holds.

    `document_id` is empty for a file that did not come by 取込. The bytes are kept in memory only.
    """

    name: str
    data: bytes
    sha256: bytes
    form: Form
    document_id: str = ""
    plan: ImportPlan | None = None
    answers: tuple[AnsweredFile, ...] = ()
    refusal: RefusedExportError | None = None
    cautions: tuple[Caution, ...] = ()

    @property
    def size(self) -> int:
        """Return how many bytes it has."""
        return len(self.data)

    @property
    def changes(self) -> bool:
        """Say whether anything of the roster would be another."""
        return self.plan is not None and bool(self.plan.put or self.plan.remove)


Plan = Callable[[Held], ImportPlan]


def examine(held: Held, plans: dict[Form, Plan], applied: Sequence[Receipt], document_id: str = "") -> Examined:
    """Look at a file. `applied` are the receipts of what was applied, the newest last."""
    form = form_of(held)
    seen = Examined(held.name, held.data, sha256(held.data).digest(), form, document_id)
    try:
        if form is Form.ANSWER:
            return replace(seen, answers=read_answer(held.data, held.name))
        plan = plans[form](held)
    except RefusedExportError as refusal:
        return replace(seen, refusal=refusal)
    return replace(seen, plan=plan, cautions=cautions_of(plan, seen.sha256, applied))


def form_of(held: Held) -> Form:
    """Say what a file is by its bytes; by its name where they are no archive at all."""
    archive = held.data.startswith(b"PK")
    if held.data.startswith(OLE) or (archive and b"xl/workbook.xml" in held.data):
        return Form.WORKBOOK
    if not archive and held.name.lower().endswith(_SHEETS):
        return Form.WORKBOOK
    return Form.ANSWER if is_answer(held.data) else Form.ONEROSTER


def cautions_of(plan: ImportPlan, digest: bytes, applied: Sequence[Receipt]) -> tuple[Caution, ...]:
    """Return what somebody must say yes to; a plan that changes nothing needs none."""
    if not plan.put and not plan.remove:
        return ()
    found = [Caution.PEOPLE] if plan.leavers > FEW else []
    if digest in {receipt.sha256 for receipt in applied}:
        found.append(Caution.AGAIN)
    newest = max((receipt.newest for receipt in applied), default="")
    if plan.newest and plan.newest < newest:
        found.append(Caution.OLDER)
    return tuple(found)


def lacking(examined: Examined, agreement: Agreement) -> tuple[Caution, ...]:
    """Return the cautions that nobody agreed to."""
    leavers = examined.plan.leavers if examined.plan else 0
    told = {
        Caution.PEOPLE: agreement.people == leavers,
        Caution.AGAIN: agreement.old,
        Caution.OLDER: agreement.old,
    }
    return tuple(caution for caution in examined.cautions if not told[caution])
