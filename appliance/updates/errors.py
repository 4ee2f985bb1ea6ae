"""What may go wrong with an update; every one of them leaves the version that runs, or brings it back."""

from appliance.errors import ApplianceError


class UpdateError(ApplianceError):
    """Base of every failure of an update."""


class NoUpdatesError(UpdateError):
    """There are no updates at this place, or a part of them is missing there. Params: `place`."""

    code = "APP-560"


class UpdateRolledBackError(UpdateError):
    """Older than what this box has seen already: somebody shows an old state again. Params: `problem`."""

    code = "APP-561"


class UpdateExpiredError(UpdateError):
    """Nobody has vouched for this state lately: it may be held back on purpose. Params: `problem`."""

    code = "APP-562"


class UpdateUnsignedError(UpdateError):
    """Not signed by as many of the board's officers as it takes. Params: `problem`."""

    code = "APP-563"


class UpdateMixedError(UpdateError):
    """Parts that do not belong together, or that were altered. Params: `problem`."""

    code = "APP-564"


class UpdateRootMissingError(UpdateError):
    """The box does not know whose signatures to trust. Params: `file`."""

    code = "APP-565"


class PermitMissingError(UpdateError):
    """An update from a medium takes the number of a permit. Params: `given`."""

    code = "APP-566"


class SchemaGapError(UpdateError):
    """After this release the version that runs now could not read the store any more. Params: `new`, `now`."""

    code = "APP-567"


class SelfTestError(UpdateError):
    """The new version does not pass its self-test; it was never switched to. Params: `version`, `problem`."""

    code = "APP-568"


class UpdateReturnedError(UpdateError):
    """The new version did not become healthy; the former one runs again. Params: `version`, `problem`."""

    code = "APP-569"


class NothingToReturnToError(UpdateError):
    """There is no whole former version in the other slot. Params: `slot`."""

    code = "APP-570"


class UpdateUnderwayError(UpdateError):
    """Another update is at work."""

    code = "APP-571"


class StillWritingError(UpdateError):
    """The version that was stopped still writes; nothing was switched. Params: `problem`."""

    code = "APP-572"


class RepositoryStateError(UpdateError):
    """The board's folder of updates is not in the state for that step. Params: `problem`."""

    code = "APP-573"


class OfficerKeyError(UpdateError):
    """This key is none of the officers', or there is one already. Params: `file`."""

    code = "APP-574"
