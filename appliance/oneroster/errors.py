"""Failures that stop an import before anything is planned.

Invariant: whoever raises one of these has changed nothing; params name files, lines and codes, never people.
A single bad row is no failure of this kind: it is quarantined (see `findings`).
"""

from appliance.errors import ApplianceError


class RefusedExportError(ApplianceError):
    """Base of every refusal of a whole export."""

    code = "APP-000"


class ContainerBrokenError(RefusedExportError):
    """The ZIP is truncated or damaged. Params: `file`."""

    code = "APP-101"


class ContainerEncryptedError(RefusedExportError):
    """The ZIP asks for a password. Params: `file`."""

    code = "APP-102"


class ContainerUnsafeError(RefusedExportError):
    """An entry of the ZIP points outside it, or is a link. Params: `file`."""

    code = "APP-103"


class ContainerTooLargeError(RefusedExportError):
    """The export is larger than any school's, or swells without measure. Params: `file`, `limit_mib`."""

    code = "APP-104"


class SourceUnreadableError(RefusedExportError):
    """The path does not exist or cannot be read. Params: `file`."""

    code = "APP-105"


class AmbiguousFileError(RefusedExportError):
    """Two files claim to be the same part of the export. Params: `part`, `first`, `second`."""

    code = "APP-106"


class NotOneRosterCsvError(RefusedExportError):
    """This is another format. Params: `looks_like` (a product-neutral name), `file`."""

    code = "APP-107"


class NoRosterFilesError(RefusedExportError):
    """None of users, orgs and classes can be recognised. Params: `file`."""

    code = "APP-108"


class UndecodableError(RefusedExportError):
    """The file is neither UTF-8 nor CP932 text. Params: `file`, `line`."""

    code = "APP-110"


class MojibakeError(RefusedExportError):
    """The text was already garbled when it was written. Params: `file`, `line`."""

    code = "APP-111"


class CsvBrokenError(RefusedExportError):
    """The table cannot be read: a quote is never closed, or a field is too long. Params: `file`, `line`."""

    code = "APP-112"


class MissingColumnError(RefusedExportError):
    """A column without which the file means nothing is missing. Params: `file`, `column`."""

    code = "APP-113"


class WrongSchoolError(RefusedExportError):
    """The export names other schools and not this one. Params: `wanted`, `found` (up to three codes)."""

    code = "APP-120"


class SchoolUnclearError(RefusedExportError):
    """The export holds several schools and none carries a 学校コード. Params: `schools`, `wanted`."""

    code = "APP-121"
