"""`[alarms]` of kurabako.toml: who is told, and from where on something is told.

Invariant: nothing secret stands here; the mail server's password and the webhook's token are files of their own in
`credentials/`.
"""

from typing import Final, Literal
from urllib.parse import urlsplit

import msgspec

SMTP_PASSWORD: Final = "smtp.password"  # noqa: S105 - the names of files
WEBHOOK_TOKEN: Final = "webhook.token"  # noqa: S105


class AlarmsSection(msgspec.Struct, frozen=True):
    """Where alarms go, and limits. Without `email_to` and `webhook` nobody is told; `doctor` uses the limits.

    `smtp_security` is how the line to `smtp_host` is encrypted; with `smtp_user` its password is the credential
    smtp.password. `webhook` gets one JSON object for each alarm, with the credential webhook.token as its bearer
    if there is one. `mute` names alarms that are not sent. `disk_free_percent`, `lease_days`: told below;
    `confirmed_h`, `verified_h`, `clock_s`: told above.
    """

    email_to: tuple[str, ...] = ()
    email_from: str = ""
    smtp_host: str = ""
    smtp_port: int = 587
    smtp_security: Literal["starttls", "tls", "none"] = "starttls"
    smtp_user: str = ""
    webhook: str = ""
    mute: tuple[str, ...] = ()
    disk_free_percent: int = 10
    confirmed_h: int = 24
    verified_h: int = 24
    lease_days: int = 3
    clock_s: int = 120

    def __post_init__(self) -> None:
        """Refuse what does not go together; the text reaches whoever wrote the file."""
        if self.email_to and not (self.smtp_host and self.email_from):
            raise ValueError("`email_to` needs `smtp_host` and `email_from`")
        for address in (*self.email_to, *filter(None, [self.email_from])):
            if address.count("@") != 1 or not address.isascii() or not address.isprintable() or " " in address:
                raise ValueError("`email_to` and `email_from` take addresses such as support@example.jp")
        if self.smtp_user and self.smtp_security == "none":
            raise ValueError("`smtp_user` needs an encrypted line: a password never goes over an open one")
        if not 0 < self.smtp_port < 65536:
            raise ValueError("`smtp_port` is no TCP port")
        if self.webhook:
            parts = urlsplit(self.webhook)
            if parts.scheme not in ("https", "http") or not parts.hostname or parts.username:
                raise ValueError("`webhook` is an address such as https://example.jp/alarms")

    @property
    def channels(self) -> tuple[str, ...]:
        """Return the ways by which somebody is told."""
        given = (("email", bool(self.email_to)), ("webhook", bool(self.webhook)))
        return tuple(name for name, there in given if there)
