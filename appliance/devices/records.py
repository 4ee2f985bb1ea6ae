"""What is kept of a USB device that was refused.

Invariant: neither a serial number nor a name that the device gives itself is kept, since both can tell whose it
is: vendor, product and class are enough to find it in the room.
"""

import re
from typing import ClassVar, Final, Self

import msgspec

from appliance.errors import ApplianceError
from crypto.importance import Importance

_NAME: Final = re.compile(r"([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{6})")
_OTHER: Final = "そのほかの機器"
_WORDS: Final = {  # by interface class, the gravest first: what one device is called whose interfaces were refused
    "08": "USBメモリなどの記憶装置",
    "06": "カメラ・電話（写真や文書の転送）",
    "02": "通信機器（LAN・テザリング）",
    "0a": "通信機器（LAN・テザリング）",
    "e0": "通信機器（LAN・テザリング・無線）",
    "0e": "映像の機器",
    "07": "プリンター",
    "01": "音の機器",
}


class DeviceNameError(ApplianceError):
    """What udev handed over does not name a device."""

    code = "APP-310"


class Device(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A refused interface: USB vendor and product (4 hexadecimal digits), class, subclass and protocol (6)."""

    vendor: str
    product: str
    interface: str

    @classmethod
    def parse(cls, name: str) -> Self:
        """Read VENDOR-PRODUCT-INTERFACE, as udev names the unit; raises DeviceNameError."""
        match = _NAME.fullmatch(name)
        if match is None:
            raise DeviceNameError(operation="read device", subject="udev")
        return cls(*match.groups())

    @property
    def name(self) -> str:
        """Return VENDOR-PRODUCT-INTERFACE."""
        return f"{self.vendor}-{self.product}-{self.interface}"

    @property
    def words(self) -> str:
        """Return what kind of device it is, in words."""
        return _WORDS.get(self.interface[:2], _OTHER)

    @property
    def gravity(self) -> int:
        """Return the place of its class among those that were refused, the gravest first."""
        return [*_WORDS, self.interface[:2]].index(self.interface[:2])


class DeviceRefused(msgspec.Struct, frozen=True, kw_only=True):
    """A device was refused `count` times between `first_ms` and `last_ms` (ms since 1970).

    `what` says in words what kind it is; `others` counts devices that were too many to be told one by one.
    """

    kind: ClassVar[str] = "device.refused"
    importance: ClassVar[Importance] = Importance.III
    vendor: str
    product: str
    what: str
    count: int
    first_ms: int
    last_ms: int
    others: int = 0


class DeviceSeen(msgspec.Struct, frozen=True):
    """A manager looked at the refusals whose record is not newer than `until_ms` (ms since 1970)."""

    kind: ClassVar[str] = "device.seen"
    importance: ClassVar[Importance] = Importance.III
    until_ms: int
