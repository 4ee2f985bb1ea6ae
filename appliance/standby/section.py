"""`[standby]` of a site's configuration: how its office is reached from elsewhere.

Invariant: a site with a `host` is a standby: whoever uses its office is away from the school, and is vouched for
by the board's single sign-on before any screen of it is drawn.
"""

import re
from typing import Final
from urllib.parse import urlsplit

import msgspec

CERTIFICATE: Final = "tls.crt"
DEVICE_CA: Final = "devices.pem"
DEVICE_CRL: Final = "devices.crl"
TLS_KEY: Final = "tls.key"
"""In the site's `credentials/`, as CLIENT_SECRET."""
CLIENT_SECRET: Final = "oidc.secret"  # noqa: S105 - the name of the file
_HOST: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
_CLAIM: Final = re.compile(r"[A-Za-z_]{1,40}")
_CLIENT: Final = re.compile(r"[A-Za-z0-9._:/-]{1,200}")
_LOOPBACK: Final = ("127.0.0.1", "localhost")


class StandbySection(msgspec.Struct, frozen=True):
    """The name under which browsers reach it, and who vouches for people. Times are seconds.

    `issuer` is the OpenID provider's URL, `claim` what it says that is the login here; with `domain` it must
    end in @domain, which is taken off. With `devices` only browsers with a certificate of devices.pem get in.
    """

    host: str = ""
    port: int = 443
    issuer: str = ""
    client_id: str = ""
    claim: str = "preferred_username"
    domain: str = ""
    devices: bool = False
    idle_s: int = 1800
    longest_s: int = 28_800

    def __post_init__(self) -> None:
        """Refuse what would not be safe in the proxy's configuration; the text reaches whoever wrote the file."""
        if not self.host:
            return
        if not _HOST.fullmatch(self.host) or (self.domain and not _HOST.fullmatch(self.domain)):
            raise ValueError("`host` and `domain` are names such as standby.example.lg.jp")
        if not 0 < self.port < 65536 or self.idle_s < 60 or self.longest_s < self.idle_s:
            raise ValueError("`port` is no TCP port, or `idle_s` and `longest_s` are no times")
        if not _CLAIM.fullmatch(self.claim) or not _CLIENT.fullmatch(self.client_id):
            raise ValueError("`claim` or `client_id` has letters that do not belong there")
        self._check_issuer()

    def _check_issuer(self) -> None:
        parts = urlsplit(self.issuer)
        whole = (
            parts.netloc and not re.search(r"[\s\"'\\<>$%{}]", self.issuer) and not (parts.query or parts.fragment)
        )
        if not whole or not (parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)):
            raise ValueError("`issuer` is no URL that begins with https://")

    @property
    def url(self) -> str:
        """Return where browsers find it."""
        return f"https://{self.host}" if self.port == 443 else f"https://{self.host}:{self.port}"
