"""Bringing a school up as a standby at the board: its next epoch, restored and proven, with the door for browsers.

Invariant: the standby is the school's next box in everything that counts (grant, lease, keys, merge); what makes
it a standby is in its folder before it stands for the school, so nobody is served there as if they were at it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from appliance.board.folder import BoardFolder
from appliance.board.replacement import Replaced, Replacement, replace_box
from appliance.config import load_config, write_config
from appliance.credentials import StoreKey, write_credential
from appliance.standby.section import CERTIFICATE, CLIENT_SECRET, DEVICE_CA, DEVICE_CRL, TLS_KEY, StandbySection
from crypto.identity import Identity, KdfProfile
from crypto.secret import Secret
from sync.atomic import atomic_write
from sync.restore import Stage


@dataclass(frozen=True, slots=True)
class Standby:
    """What is needed: the school, the folder, how browsers reach it, and the contents of the files for that."""

    school: str
    site_dir: Path
    section: StandbySection
    certificate: bytes
    tls_key: Secret
    client_secret: Secret
    device_ca: bytes = b""
    device_crl: bytes = b""
    key: StoreKey | None = None


def make_standby(
    board: BoardFolder,
    root: Identity,
    wanted: Standby,
    stage: Stage | None = None,
    profile: KdfProfile = KdfProfile.STANDARD,
) -> Replaced:
    """Make the standby of a school; raises what `replace_box` raises, and may then be called again."""
    replacement = Replacement(wanted.school, wanted.site_dir, wanted.key, furnish=_furnishing(wanted))
    return replace_box(board, root, replacement, stage, profile)


def _furnishing(wanted: Standby) -> Callable[[Path], None]:
    def furnish(folder: Path) -> None:
        atomic_write(folder / CERTIFICATE, wanted.certificate, mode=0o644)
        for name, data in ((DEVICE_CA, wanted.device_ca), (DEVICE_CRL, wanted.device_crl)):
            if data:
                atomic_write(folder / name, data, mode=0o644)
        write_credential(folder, TLS_KEY, wanted.tls_key.reveal())
        write_credential(folder, CLIENT_SECRET, wanted.client_secret.reveal())
        write_config(folder, msgspec.structs.replace(load_config(folder), standby=wanted.section))

    return furnish
