"""The one door to documents: what is asked of the policy before a record of one is opened.

Invariant: a record says its importance in clear; that is asked about before anything is opened, and the class that
the document belongs to as soon as it is known. A title is as secret as its document, so a list holds only what the
person may see, and what they may not see is as if it were not there.
"""

from typing import Final

from appliance.classification.model import Action, Decision, Duty, Verdict
from appliance.documents.book import DocumentBook, Version
from appliance.documents.records import DocumentFile
from appliance.errors import ApplianceError
from appliance.session import Session
from crypto.importance import Importance

_KIND: Final = DocumentFile.kind


class UnknownDocumentError(ApplianceError):
    """There is no such document, or none that this person may see."""

    code = "APP-294"


class DocumentDoor:
    """Asks about the documents of one session."""

    def __init__(self, session: Session, book: DocumentBook) -> None:
        self._session, self._book = session, book

    def version(
        self, action: Action, document_id: str, blob: bytes = b"", met: frozenset[Duty] = frozenset()
    ) -> tuple[Version, Decision]:
        """Return a document's newest version, or the one that `blob` names, once the policy allows the action.

        Raises UnknownDocumentError, PolicyDeniedError, ApprovalNeededError.
        """
        document = _bytes(document_id)
        importance = self._book.importance(document)
        if importance is None:
            raise UnknownDocumentError(operation="find document", subject=document_id)
        decision = self._session.ask(action, _KIND, importance, subject=document_id, met=met)
        newest = self._book.get(document)
        if newest is None or not newest.file.blob:
            raise UnknownDocumentError(operation="find document", subject=document_id)
        version = newest if blob in (b"", newest.file.blob) else self._former(document, blob)
        if version.file.group or version.importance is not importance:
            decision = self._session.ask(
                action, _KIND, version.importance, group=version.file.group, subject=document_id, met=met
            )
        return version, decision

    def seen(self) -> list[Version]:
        """Return the newest versions of what may be seen, newest first; looking at I or II is written down."""
        cleared = self._book.cleared() or frozenset((Importance.IV,))
        allowed = frozenset(importance for importance in cleared if self._may(importance))
        for importance in sorted(allowed or cleared):
            self._session.ask(Action.VIEW, _KIND, importance)
        answers: dict[tuple[Importance, str], bool] = {}
        found = []
        for version in self._book.all(allowed):
            key = (version.importance, version.file.group)
            if key not in answers:
                answers[key] = self._may(*key)
            if version.file.blob and answers[key]:
                found.append(version)
        return found

    def title(self, document_id: str) -> str:
        """Return a title for somebody who was let in to read what was done; empty when it is not theirs to see."""
        document, importance = self._seen_as(document_id)
        if importance is None:
            return ""
        version = self._book.get(document)
        return version.file.title if version and self._may(importance, version.file.group) else ""

    def listed_title(self, document_id: str) -> str:
        """Return a title as a list shows it; that somebody looks at I or II is written down first."""
        _, importance = self._seen_as(document_id)
        if importance is None:
            return ""
        self._session.ask(Action.VIEW, _KIND, importance)
        return self.title(document_id)

    def _seen_as(self, document_id: str) -> tuple[bytes, Importance | None]:
        """Return a document's id and its importance; None where there is none that this person may see."""
        try:
            document = bytes.fromhex(document_id)
        except ValueError:  # no document
            return b"", None
        importance = self._book.importance(document)
        return document, importance if importance is not None and self._may(importance) else None

    def _former(self, document: bytes, blob: bytes) -> Version:
        for version in self._book.versions(document):
            if version.file.blob == blob:
                return version
        raise UnknownDocumentError(operation="find version", subject=document.hex())

    def _may(self, importance: Importance, group: str = "") -> bool:
        return self._session.may(Action.VIEW, _KIND, importance, group).verdict is Verdict.ALLOW


def _bytes(document_id: str) -> bytes:
    try:
        return bytes.fromhex(document_id)
    except ValueError as exc:
        raise UnknownDocumentError(operation="find document", subject=document_id) from exc
