"""Secrets of boxes that the board does not grant: of the mail server, the webhook, the SFTP server.

Invariant: they stand in a file that nobody else reads (mode 0600 is asked for), go to a box over SSH, and lie
there encrypted to the machine; no inventory, mark or plan holds one.

    [defaults]                      # or [B101210000018]: one box only
    smtp_password = "…"
    webhook_token = "…"
    sftp_key_file = "keys/sftp"     # beside this file; unencrypted OpenSSH key
"""

from collections.abc import Mapping
from pathlib import Path

import msgspec

from appliance.alarms.section import SMTP_PASSWORD, WEBHOOK_TOKEN
from appliance.provision.inventory import Box
from appliance.provision.storekeys import bad_pairs, read_private
from crypto.secret import Secret


class _Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    smtp_password: str = ""
    webhook_token: str = ""
    sftp_key_file: str = ""


class BoxSecrets:
    """The secrets of a file; without a file none."""

    def __init__(self, file: Path | None = None) -> None:
        """Read it; raises StorePairsError."""
        self._file = file
        self._entries = read_private(file, dict[str, dict[str, str]]) if file else {}

    def of(self, box: Box) -> Mapping[str, Secret]:
        """Return the secrets of a box that are at hand, by their credentials' names; raises StorePairsError."""
        if self._file is None:
            return {}
        merged = {**self._entries.get("defaults", {}), **self._entries.get(box.school, {})}
        try:
            entry = msgspec.convert(merged, _Entry)
        except msgspec.ValidationError:
            raise bad_pairs(self._file, f"[{box.school}]") from None  # its text may quote a secret
        found = {
            SMTP_PASSWORD: entry.smtp_password.encode(),
            WEBHOOK_TOKEN: entry.webhook_token.encode(),
            box.store.key_file: self._key(entry.sftp_key_file),
        }
        return {name: Secret(value) for name, value in found.items() if value and name in box.secret_names()}

    def _key(self, name: str) -> bytes:
        if not name or self._file is None:
            return b""
        try:
            return (self._file.resolve().parent / Path(name).expanduser()).read_bytes()
        except OSError as exc:
            raise bad_pairs(self._file, f"{name}: {exc.strerror}") from exc
