"""What may go wrong between a new box and the board."""

from appliance.errors import ApplianceError


class NotRequestedError(ApplianceError):
    """The box was given a grant and has asked for none: its keys are not there."""

    code = "APP-511"


class OtherSiteError(ApplianceError):
    """The box is a school's box already. Params: `school`, `epoch`."""

    code = "APP-512"


class RequestCodeError(ApplianceError):
    """The officer was told another code than the request has."""

    code = "APP-513"


class OtherRequestError(ApplianceError):
    """The board has answered another request for this epoch already. Params: `school`, `epoch`."""

    code = "APP-514"


class StaffFileError(ApplianceError):
    """The file of people cannot be read as what it should be. Params: `file`, `problem`."""

    code = "APP-515"


class VaultError(ApplianceError):
    """The machine cannot encrypt or decrypt its secrets. Params: `problem`."""

    code = "APP-521"
