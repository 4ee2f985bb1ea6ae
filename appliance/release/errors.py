"""Failures of making a file that leaves the box.

Invariant: params name rows, headings and places, never what stands in a cell.
"""

from appliance.errors import ApplianceError


class CellTooLongError(ApplianceError):
    """A cell holds more than a spreadsheet takes; it would be cut or run over into the next cell."""

    code = "APP-280"


class NotInCp932Error(ApplianceError):
    """A cell holds a character that Shift_JIS (cp932) does not have."""

    code = "APP-281"


class BadRecipientError(ApplianceError):
    """A text is no age public key of the kind `age1…`."""

    code = "APP-282"


class WeakPassphraseError(ApplianceError):
    """The passphrase for an encrypted file is too short to keep it safe outside."""

    code = "APP-283"


class UnreadablePdfError(ApplianceError):
    """Bytes that should be a PDF cannot be opened: damaged, locked by a password, or without a page."""

    code = "APP-284"


class PdfNotMadeError(ApplianceError):
    """The typesetter gave no PDF."""

    code = "APP-285"
