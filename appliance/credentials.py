"""Secret files of a site: pepper, the site's signing key, the store's key pair.

Invariant: each is a file of its own with mode 0600, taken from `$CREDENTIALS_DIRECTORY` (systemd-creds) when
the service manager offers it there, else from `credentials/` inside the site; none is ever printed.
"""

import os
import tomllib
from dataclasses import dataclass
from pathlib import Path

import msgspec

from appliance.errors import ApplianceError
from appliance.tomltext import toml_lines
from crypto.secret import Secret
from crypto.signing import SigningKey
from sync.atomic import atomic_write

PEPPER = "pepper"
SITE_KEY = "site.key"
STORE_KEY = "store.toml"


class CredentialMissingError(ApplianceError):
    """A secret file is absent or unreadable."""

    code = "APP-005"


@dataclass(frozen=True, slots=True)
class StoreKey:
    """The key pair of the object store."""

    access_key: str
    secret_key: Secret


def read_pepper(site_dir: Path) -> Secret:
    """Return the 32-byte pepper that stands beside every passphrase."""
    return Secret(_read(site_dir, PEPPER))


def read_site_key(site_dir: Path) -> SigningKey:
    """Return the key with which this site signs its checkpoints."""
    return SigningKey.from_bytes(Secret(_read(site_dir, SITE_KEY)))


def read_store_key(site_dir: Path) -> StoreKey:
    """Return the key pair of the object store."""
    raw = tomllib.loads(_read(site_dir, STORE_KEY).decode())
    return StoreKey(raw["access_key"], Secret(raw["secret_key"].encode()))


def read_secret(site_dir: Path, name: str, *, needed: bool = False) -> Secret | None:
    """Return another secret of the site, None without one; raises CredentialMissingError if it is `needed`."""
    try:
        return Secret(_read(site_dir, name))
    except CredentialMissingError as error:
        if needed or error.__cause__ is not None:
            raise
        return None


def write_credential(site_dir: Path, name: str, value: bytes) -> None:
    """Keep a secret in the site's own `credentials/`, mode 0600."""
    folder = site_dir / "credentials"
    folder.mkdir(mode=0o700, exist_ok=True)
    atomic_write(folder / name, value, mode=0o600)


def write_store_key(site_dir: Path, access_key: str, secret_key: str) -> None:
    """Keep the object store's key pair."""
    write_credential(site_dir, STORE_KEY, store_key_text(access_key, secret_key))


def store_key_text(access_key: str, secret_key: str) -> bytes:
    """Return the object store's key pair as its file holds it."""
    return toml_lines(_StoreFile(access_key, secret_key)).encode()


class _StoreFile(msgspec.Struct, frozen=True):
    access_key: str
    secret_key: str


def _read(site_dir: Path, name: str) -> bytes:
    given = os.environ.get("CREDENTIALS_DIRECTORY")
    folders = ([Path(given)] if given else []) + [site_dir / "credentials"]
    for folder in folders:
        try:
            return (folder / name).read_bytes()
        except FileNotFoundError:
            continue
        except OSError as exc:
            raise CredentialMissingError(operation="read credential", subject=name, cause=exc, name=name) from exc
    raise CredentialMissingError(operation="read credential", subject=name, name=name)
