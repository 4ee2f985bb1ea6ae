"""From a site's configuration to the store where its segments lie.

Invariant: None means: where Litestream sends to; the SFTP key is a file of its own like every other secret.
"""

import os
from pathlib import Path

from appliance.config import StoreSection
from sync.folderstore import FolderConfig
from sync.sftpstore import SftpConfig


def segment_place(site_dir: Path, store: StoreSection) -> SftpConfig | FolderConfig | None:
    """Return where segments go when they do not go where Litestream sends to."""
    if store.kind == "folder":
        return FolderConfig(Path(store.folder))
    if store.kind == "sftp":
        key, folder = _key_file(site_dir, store.key_file), store.folder.rstrip("/") or "/"
        return SftpConfig(store.host, store.user, key, store.host_key, folder, store.port)
    return None


def _key_file(site_dir: Path, name: str) -> Path:
    given = os.environ.get("CREDENTIALS_DIRECTORY")
    offered = Path(given, name) if given else None
    return offered if offered and offered.exists() else site_dir / "credentials" / name
