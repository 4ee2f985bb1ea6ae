"""What may go wrong between an operator's machine and a box."""

from appliance.errors import ApplianceError


class UnreachableError(ApplianceError):
    """The box does not answer, or the line to it went. Params: `box`, `problem`."""

    code = "APP-500"


class OtherHostKeyError(ApplianceError):
    """Who answers is not the machine whose fingerprint the installer printed. Params: `box`, `shown`, `pinned`."""

    code = "APP-501"


class NotLetInError(ApplianceError):
    """The box refuses the login, or there is no key to log in with. Params: `box`, `user`, `problem`."""

    code = "APP-502"


class WeakSshError(ApplianceError):
    """The box knows only algorithms that are not used any more. Params: `box`."""

    code = "APP-503"


class RemoteCommandError(ApplianceError):
    """A command on the box failed. Params: `box`, `command`, `exit`, `said`."""

    code = "APP-504"


class RemoteTimeoutError(ApplianceError):
    """A command on the box did not end in time. Params: `box`, `command`, `seconds`."""

    code = "APP-505"


class SudoPasswordError(ApplianceError):
    """The user may not become root without a password that was not given, or is wrong. Params: `box`, `user`."""

    code = "APP-506"


class InventoryMissingError(ApplianceError):
    """There is no such file, or it cannot be read. Params: `file`."""

    code = "APP-507"


class UnknownBoxError(ApplianceError):
    """The inventory has no box for this school. Params: `school`, `known`."""

    code = "APP-508"


class FactsError(ApplianceError):
    """The box's answer about itself does not read. Params: `box`, `problem`."""

    code = "APP-516"


class NotReadyError(ApplianceError):
    """The box cannot be provisioned as it stands. Params: `box`, `problems`."""

    code = "APP-517"


class UnverifiedError(ApplianceError):
    """After everything was applied the box still does not stand as wanted. Params: `box`, `steps`."""

    code = "APP-518"


class NotConfirmedError(ApplianceError):
    """The board did not confirm the box's first entries in time. Params: `box`, `why`."""

    code = "APP-520"


class UnitFailedError(ApplianceError):
    """A unit does not run after its start. Params: `box`, `units`, `said`."""

    code = "APP-522"


class StorePairsError(ApplianceError):
    """A file of key pairs or of other secrets cannot be used. Params: `file`, `problem`."""

    code = "APP-523"
