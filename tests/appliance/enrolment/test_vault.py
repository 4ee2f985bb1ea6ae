import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from appliance.credentials import CredentialMissingError
from appliance.enrolment.errors import VaultError
from appliance.enrolment.vault import FolderVault, MachineVault

CREDS = shutil.which("systemd-creds")


def works() -> bool:
    if CREDS is None or os.getuid() != 0:
        return False
    return subprocess.run([CREDS, "encrypt", "-", "-"], input=b"x", capture_output=True).returncode == 0


@pytest.mark.skipif(not works(), reason="needs systemd-creds, root and a place for the machine's key")
def test_the_machine_s_vault_leaves_nothing_in_clear(tmp_path: Path) -> None:
    vault, secret = MachineVault(tmp_path / "vault", CREDS or ""), os.urandom(32)
    vault.write("pepper", secret)
    assert vault.read("pepper").reveal() == secret
    lying = tmp_path / "vault" / "pepper"
    assert secret not in lying.read_bytes() and stat.S_IMODE(lying.stat().st_mode) == 0o600
    lying.rename(tmp_path / "vault" / "site.key")
    with pytest.raises(VaultError):  # one secret does not pass for another
        vault.read("site.key")
    vault.remove("site.key")
    vault.remove("site.key")
    with pytest.raises(CredentialMissingError):
        vault.read("site.key")


def test_a_machine_that_cannot_encrypt_writes_nothing(tmp_path: Path) -> None:
    for program in ("/bin/false", str(tmp_path / "none")):
        with pytest.raises(VaultError):
            MachineVault(tmp_path / "vault", program).write("pepper", b"secret")
    assert not (tmp_path / "vault" / "pepper").exists()


def test_a_folder_keeps_secrets_for_its_owner(tmp_path: Path) -> None:
    vault = FolderVault(tmp_path / "credentials")
    vault.write("pepper", b"secret")
    assert vault.read("pepper").reveal() == b"secret"
    assert stat.S_IMODE((tmp_path / "credentials" / "pepper").stat().st_mode) == 0o600
    vault.remove("pepper")
    with pytest.raises(CredentialMissingError):
        vault.read("pepper")
