"""The two ways by which somebody is told: a letter by SMTP, one POST to a webhook.

Invariant: returning means that the other side took it; anything else raises AlarmUnsentError.
A password or token goes over an encrypted line only, and certificates are always checked.
"""

import http.client
import json
import smtplib
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from appliance.alarms.book import Message
from appliance.alarms.section import SMTP_PASSWORD, WEBHOOK_TOKEN, AlarmsSection
from appliance.alarms.wording import as_json, as_letter
from appliance.config import Config
from appliance.credentials import read_secret
from appliance.errors import ApplianceError
from crypto.secret import Secret

_TIMEOUT_S: Final = 15.0
_OURSELVES: Final = "kurabako"  # asking the network for the box's own name takes seconds without a line
_MAIL: Final = "email:"
_WEBHOOK: Final = "webhook"


class AlarmUnsentError(ApplianceError):
    """An alarm was not taken by the mail server or the webhook."""

    code = "APP-480"


def addressees(section: AlarmsSection) -> tuple[str, ...]:
    """Return everybody who is to be told."""
    return (*(_MAIL + address for address in section.email_to), *([_WEBHOOK] if section.webhook else []))


@dataclass(frozen=True, slots=True)
class Parcel:
    """What is sent: its number, by which a second copy is known, a webhook's bytes, and the letter to somebody."""

    number: str
    body: bytes
    letter: Callable[[str], EmailMessage]


def send(message: Message, to: str, config: Config, site: Path, version: str) -> None:
    """Tell one of those who are due; raises AlarmUnsentError, CredentialMissingError."""
    sender = config.alarms.email_from
    body = json.dumps(as_json(message, config.site, version)).encode()
    parcel = Parcel(message.id, body, lambda who: as_letter(message, config.site, version, sender, who))
    deliver(parcel, to, config.alarms, site)


def deliver(parcel: Parcel, to: str, section: AlarmsSection, folder: Path) -> None:
    """Send a parcel to an addressee, with the credentials in `folder`; raises as `send` does."""
    try:
        if to == _WEBHOOK:
            _post(section, parcel.body, parcel.number, read_secret(folder, WEBHOOK_TOKEN))
        else:
            _mail(parcel.letter(to.removeprefix(_MAIL)), section, folder)
    except (OSError, smtplib.SMTPException, http.client.HTTPException) as exc:
        raise AlarmUnsentError(
            operation="send alarm", subject=to.partition(":")[0], retry_safe=True, cause=exc, problem=_said(exc)
        ) from exc


def _said(error: Exception) -> str:
    """Return what kind of failure it was, without what the other side wrote."""
    code = getattr(error, "smtp_code", None)
    return f"{type(error).__name__} {code}" if code else type(error).__name__


def _mail(letter: EmailMessage, section: AlarmsSection, folder: Path) -> None:
    context = ssl.create_default_context()
    where = (section.smtp_host, section.smtp_port)
    line: smtplib.SMTP
    if section.smtp_security == "tls":
        line = smtplib.SMTP_SSL(*where, local_hostname=_OURSELVES, timeout=_TIMEOUT_S, context=context)
    else:
        line = smtplib.SMTP(*where, local_hostname=_OURSELVES, timeout=_TIMEOUT_S)
    with line:
        if section.smtp_security == "starttls":
            line.starttls(context=context)
        if section.smtp_user:
            password = read_secret(folder, SMTP_PASSWORD, needed=True)
            line.login(section.smtp_user, password.reveal().decode().strip() if password else "")
        line.send_message(letter)


def _post(section: AlarmsSection, body: bytes, number: str, token: Secret | None) -> None:
    parts = urlsplit(section.webhook)
    host, port = parts.hostname or "", parts.port
    headers = {"Content-Type": "application/json", "Idempotency-Key": number}
    line: http.client.HTTPConnection
    if parts.scheme == "https":
        line = http.client.HTTPSConnection(host, port, timeout=_TIMEOUT_S, context=ssl.create_default_context())
        if token is not None:
            headers["Authorization"] = f"Bearer {token.reveal().decode().strip()}"
    else:
        line = http.client.HTTPConnection(host, port, timeout=_TIMEOUT_S)
    try:
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        line.request("POST", path, body, headers)
        status = line.getresponse().status
    finally:
        line.close()
    if not 200 <= status < 300:  # a redirect is not followed: the address in the configuration is the one meant
        raise http.client.HTTPException(f"status {status}")
