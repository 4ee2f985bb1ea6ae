"""A site on disk: where its files are, and making a new one.

Invariant: a site is made whole or not at all; its school, site and epoch are fixed at birth.
"""

from dataclasses import dataclass
from pathlib import Path

from sync.atomic import sync_folder
from sync.errors import SiteExistsError
from sync.ids import Origin


@dataclass(frozen=True, slots=True)
class SitePaths:
    """Every path inside a site's folder."""

    root: Path

    @property
    def store(self) -> Path:
        """The sealed store, replicated, written by the keeper alone."""
        return self.root / "school.db"

    @property
    def local(self) -> Path:
        """Never replicated: identities, login back-off, high-water marks; written by the keeper alone."""
        return self.root / "local.db"

    @property
    def blobs(self) -> Path:
        """Sealed documents, each named by its SHA-256."""
        return self.root / "blobs"

    @property
    def inbox(self) -> Path:
        """The drop folder: what lies here is not sealed yet."""
        return self.root / "inbox"

    @property
    def run(self) -> Path:
        """Sockets, locks and marks of running processes; on disk, since the marks must outlive a power cut."""
        return self.root / "run"

    @property
    def socket(self) -> Path:
        """The keeper's socket."""
        return self.run / "keeper.sock"

    @property
    def lock(self) -> Path:
        """Held by the one keeper."""
        return self.run / "keeper.lock"

    @property
    def running_mark(self) -> Path:
        """Stands while a keeper runs; found at its start, the last stop was unclean."""
        return self.run / "keeper.running"

    @property
    def reset_mark(self) -> Path:
        """Stands when Litestream must be reset before its replica can be trusted."""
        return self.run / "reset-needed"

    @property
    def healing(self) -> Path:
        """Stands from when the replica is being replaced until the new one was proven."""
        return self.run / "healing.json"

    @property
    def healing_log(self) -> Path:
        """What was healed when, why, and how long it took; one JSON object a line."""
        return self.root / "log" / "replica.jsonl"

    @property
    def status(self) -> Path:
        """What the sync daemon last knew."""
        return self.run / "status.json"

    @property
    def litestream_meta(self) -> Path:
        """Litestream's own folder; one for each epoch below it."""
        return self.root / "litestream-meta"


def create_site(root: Path, origin: Origin) -> SitePaths:
    """Make a new site's folders and databases; raises SiteExistsError and then touches nothing."""
    from sync.schema import create_local, create_store

    paths = SitePaths(root)
    if paths.store.exists():
        raise SiteExistsError(operation="create site", subject=str(root), folder=str(root))
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    for folder in (paths.run, paths.blobs, paths.inbox):
        folder.mkdir(mode=0o700, exist_ok=True)
    create_local(paths.local)
    unfinished = root / ".school.db.new"
    for suffix in ("", "-wal", "-shm"):
        unfinished.with_name(unfinished.name + suffix).unlink(missing_ok=True)
    create_store(unfinished, origin)
    unfinished.rename(paths.store)
    sync_folder(root)
    return paths
