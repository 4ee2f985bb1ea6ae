"""The one gate through which anything of the school leaves: policy, permit, label, record.

Invariant: nothing is made for release before the policy allowed it; the record of what leaves is on disk before
whoever asked gets the bytes. What is of importance II or above leaves only encrypted: in clear it would lie on
a disk.
"""

from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from typing import Final

from appliance.classification.model import Action, Asset, Decision, Duty, Verdict
from appliance.errors import ApplianceError
from appliance.permits.desk import PermitDesk
from appliance.permits.records import TakeOut
from appliance.permits.views import PermitView
from appliance.release.agefile import for_passphrase, for_recipients
from appliance.release.label import Act, Label
from appliance.session import Session, local_time
from crypto.importance import Importance

_ENCRYPTED: Final = frozenset((Importance.I, Importance.II))


class LockMissingError(ApplianceError):
    """What is of importance II or above leaves only encrypted, and no recipient or passphrase was given."""

    code = "APP-272"


@dataclass(frozen=True, slots=True)
class Lock:
    """How a released file is encrypted: to age recipients, or under a passphrase."""

    recipients: tuple[str, ...] = ()
    passphrase: str = ""

    def __bool__(self) -> bool:
        return bool(self.recipients or self.passphrase)

    def close(self, data: bytes) -> bytes:
        """Return the encrypted file."""
        return for_recipients(data, self.recipients) if self.recipients else for_passphrase(data, self.passphrase)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to leave. `group` is the class id it belongs to, `permit` the number that covers it, if any.

    `subject` is the id of the document or meeting; `what` is read by all staff, so it never holds a title. What
    can carry no label (`bare`) leaves only encrypted.
    """

    action: Action
    asset: str
    importance: Importance
    what: str
    group: str = ""
    permit: str = ""
    lock: Lock = Lock()
    subject: str = ""
    bare: bool = False


@dataclass(frozen=True, slots=True)
class Clearance:
    """That it may leave, with the label it must carry."""

    wanted: Wanted
    label: Label
    permit: str
    due: date | None


@dataclass(frozen=True, slots=True)
class Released:
    """A file that may be handed over, and in which class it is."""

    name: str
    data: bytes
    importance: Importance
    encrypted: bool


class ReleaseGate:
    """Lets things out over one session."""

    def __init__(self, session: Session, permits: PermitDesk) -> None:
        self._session, self._permits = session, permits

    def clear(self, wanted: Wanted) -> Clearance:
        """Ask before anything is made.

        Raises PolicyDeniedError, ApprovalNeededError (a permit, or a second person, is missing), LockMissingError.
        """
        session = self._session
        asset = Asset(wanted.asset, wanted.importance, wanted.group)
        told = session.may(wanted.action, asset.kind, asset.importance, asset.group)
        permit = self._permit(wanted) if told.verdict is Verdict.APPROVAL else None
        met = frozenset((Duty.PERMIT,)) if permit else frozenset[Duty]()
        number = permit.number if permit else ""
        allowed = permit is not None or told.verdict is Verdict.ALLOW
        if allowed and not wanted.lock and _must_be_locked(wanted, told):
            # Before the entry in the audit record, which would say that it left.
            raise LockMissingError(operation="release", subject=wanted.asset)
        more = {"group": asset.group, "subject": wanted.subject, "permit": number}
        session.ask(wanted.action, asset.kind, asset.importance, met=met, **more)
        return Clearance(wanted, self._label(wanted, number), number, permit.due if permit else None)

    def release(self, clearance: Clearance, name: str, data: bytes) -> Released:
        """Encrypt what is to be, write down that it leaves, and hand it over."""
        wanted = clearance.wanted
        if wanted.lock:
            name, data = f"{name}.age", wanted.lock.close(data)
        if clearance.permit or wanted.importance in _ENCRYPTED:
            self._permits.keep_takeout(
                TakeOut(
                    number=clearance.permit,
                    what=wanted.what,
                    graded=wanted.importance,
                    form=name.partition(".")[2],
                    size=len(data),
                    sha256=sha256(data).digest(),
                    due=clearance.due,
                    subject=wanted.subject,
                )
            )
        return Released(name, data, wanted.importance, bool(wanted.lock))

    def _permit(self, wanted: Wanted) -> PermitView | None:
        """Return a living permit of this person that covers what is wanted."""
        for view in self._permits.granted():
            covers = (view.action, view.asset, view.importance, view.group, view.subject) == (
                wanted.action,
                wanted.asset,
                wanted.importance,
                wanted.group,
                wanted.subject,
            )
            named = wanted.permit in ("", view.number)
            if covers and named:
                return view
        return None

    def _label(self, wanted: Wanted, number: str) -> Label:
        session = self._session
        return Label(
            session.site.config.site.name,
            wanted.importance.label,
            session.roster.display_name(session.person.id),
            local_time(session.now_ms()),
            number,
            Act.PRINT if wanted.action is Action.PRINT else Act.EXPORT,
        )


def _must_be_locked(wanted: Wanted, told: Decision) -> bool:
    return wanted.bare or wanted.importance in _ENCRYPTED or Duty.ENCRYPT in told.duties
