"""Why a file in the drop folder was not taken, and what ends its worker.

Invariant: a refusal names no file; its importance is told apart. A refused file stays where it is.
"""

from appliance.errors import ApplianceError


class InboxRefusal(ApplianceError):
    """Base of what is said of one file."""

    code = "APP-000"


class EmptyFileError(InboxRefusal):
    """The file has no bytes."""

    code = "APP-300"


class HugeFileError(InboxRefusal):
    """The file is larger than a document may be."""

    code = "APP-301"


class NoPlainFileError(InboxRefusal):
    """A symbolic link, a pipe, a socket or a device: what it leads to is not looked at."""

    code = "APP-302"


class LinkedFileError(InboxRefusal):
    """The file has another name somewhere (hard link), so removing this one would leave it unsealed."""

    code = "APP-303"


class UnreadableFileError(InboxRefusal):
    """The operating system does not let the file be read."""

    code = "APP-304"


class WaitingError(InboxRefusal):
    """The box cannot keep anything just now (keeper away, disk full); the file waits."""

    code = "APP-305"


class LeftoverFileError(InboxRefusal):
    """The file was sealed and recorded, but the plain one cannot be removed."""

    code = "APP-306"


class InboxBusyError(ApplianceError):
    """Another process already looks after this drop folder."""

    code = "APP-307"


class UnfinishedFileError(InboxRefusal):
    """Somebody has been writing the file for a long time."""

    code = "APP-308"
