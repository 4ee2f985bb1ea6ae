"""What stops an exchange with the school system.

Invariant: whoever raises one of these has changed nothing; params hold counts, sheets and codes, never a value.
"""

from appliance.errors import ApplianceError
from appliance.oneroster.errors import RefusedExportError


class UnknownArrivalError(ApplianceError):
    """No such file waits: it was taken or refused meanwhile, or there is none."""

    code = "APP-680"


class AgreementNeededError(ApplianceError):
    """Many would leave, or the file is an old one: somebody has to say yes to just that. Params: `count`."""

    code = "APP-681"


class RosterChangedError(ApplianceError):
    """The roster is no longer the one that the plan was made for."""

    code = "APP-682"


class WorkbookUnreadableError(RefusedExportError):
    """The workbook is damaged, protected by a password, or larger than any roster. Params: `file`."""

    code = "APP-683"


class WorkbookHeadingsError(RefusedExportError):
    """No sheet has a row of headings with a name in it. Params: `file`, `sheets`."""

    code = "APP-684"


class AnswerUnreadableError(RefusedExportError):
    """A receipt of the school system has no column that names a file. Params: `file`."""

    code = "APP-685"


class AnswerUnknownError(RefusedExportError):
    """A receipt of the school system names nothing that went out from here. Params: `file`."""

    code = "APP-686"


class NothingNewError(ApplianceError):
    """What would go out is what went out last. Params: `what`."""

    code = "APP-687"
