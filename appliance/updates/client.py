"""A box's view of the updates at some place: what is signed, whether it is fresh, and bringing its files here.

Invariant: nothing is believed but what the box's first root, and roots signed by it, vouch for; time is the box's
trusted time, so a clock set back does not make an old state fresh. A file is written only as the manifest of
the signed release has it.
"""

import contextlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from tuf.api import exceptions as tuf
from tuf.api.metadata import TargetFile
from tuf.ngclient import Updater

from appliance.provision.manifest import FILE_NAME, Manifest, read_manifest, sha256_of
from appliance.updates.errors import (
    NoUpdatesError,
    UpdateExpiredError,
    UpdateMixedError,
    UpdateRolledBackError,
    UpdateRootMissingError,
    UpdateUnsignedError,
)
from appliance.updates.places import METADATA, PREFIX, TARGETS, StoreFetcher
from sync.atomic import sync_folder
from sync.stores import Store

FIRST_ROOT: Final = Path("/etc/kurabako/update-root.json")


@dataclass(frozen=True, slots=True)
class Release:
    """A signed release: its manifest and the hash of that."""

    manifest: Manifest
    digest: str


@dataclass(frozen=True, slots=True)
class Trust:
    """Whom a box believes: its first root, and the folder of what it has seen since."""

    first_root: Path
    seen: Path


class UpdateClient:
    """The updates at one place. Ask `release` first. `now_ms` is the box's trusted time."""

    def __init__(self, store: Store, trust: Trust, now_ms: int, *, place: str, prefix: str = PREFIX) -> None:
        self._place = place
        trust.seen.mkdir(mode=0o755, parents=True, exist_ok=True)
        try:
            first = trust.first_root.read_bytes()
        except OSError as exc:
            raise UpdateRootMissingError(
                operation="open updates", subject=place, cause=exc, file=str(trust.first_root)
            ) from exc
        with self._told("read the first root"):
            self._updater = Updater(
                str(trust.seen),
                METADATA,
                target_base_url=TARGETS,
                fetcher=StoreFetcher(store, prefix),
                bootstrap=first,
            )
            # The library asks the machine's clock and has no way to be told another; a test notices if this moves.
            self._updater._trusted_set.reference_time = datetime.fromtimestamp(now_ms / 1000, UTC)

    def release(self, scratch: Path) -> Release:
        """Return the newest signed release.

        Raises NoUpdatesError, UpdateRolledBackError, UpdateExpiredError, UpdateUnsignedError, UpdateMixedError,
        BundleFormatError and what the store fails with.
        """
        with self._told("refresh updates"):
            self._updater.refresh()
        raw = self._fetch(self._target(FILE_NAME), scratch / FILE_NAME).read_bytes()
        return Release(read_manifest(raw), sha256_of(raw))

    def collect(self, release: Release, to: Path, python: str, machine: str) -> Path:
        """Bring what one box needs of a release into a folder, laid out as a bundle; what lies there stays.

        The manifest comes last. Raises TargetMissingError and what `release` raises.
        """
        for name in release.manifest.names(python, machine):
            target = self._target(name)
            note = release.manifest.files[name]
            if (target.hashes.get("sha256"), target.length) != (note.sha256, note.size):
                raise UpdateMixedError(operation="fetch update", subject=name, problem=name)
            if self._updater.find_cached_target(target, str(to / name)) is None:
                self._fetch(target, to / name)
        self._fetch(self._target(FILE_NAME), to / FILE_NAME)
        sync_folder(to)
        return to

    def _target(self, name: str) -> TargetFile:
        with self._told("look up target"):
            found = self._updater.get_targetinfo(name)
        if found is None:
            raise NoUpdatesError(operation="look up target", subject=name, place=f"{self._place} ({name})")
        return found

    def _fetch(self, target: TargetFile, to: Path) -> Path:
        """Bring a target to its place, whole or not at all."""
        to.parent.mkdir(parents=True, exist_ok=True)
        beside = to.with_name(f".{to.name}")
        with self._told("fetch target"):
            self._updater.download_target(target, str(beside))
        beside.chmod(0o644)
        return beside.rename(to)

    @contextlib.contextmanager
    def _told(self, operation: str) -> Iterator[None]:
        """Turn the library's failures into ours. A version that goes back is a state shown again: hashes of what
        belongs together stand in the signed metadata, so parts of different states fail by their hashes first.
        """
        try:
            yield
        except tuf.ExpiredMetadataError as exc:
            raise UpdateExpiredError(operation=operation, cause=exc, problem=str(exc)) from exc
        except tuf.BadVersionNumberError as exc:
            raise UpdateRolledBackError(operation=operation, cause=exc, problem=str(exc)) from exc
        except tuf.UnsignedMetadataError as exc:
            raise UpdateUnsignedError(operation=operation, cause=exc, problem=str(exc)) from exc
        except (tuf.RepositoryError, tuf.DownloadLengthMismatchError) as exc:
            raise UpdateMixedError(operation=operation, cause=exc, problem=str(exc)) from exc
        except tuf.DownloadError as exc:
            raise NoUpdatesError(
                operation=operation, cause=exc, retry_safe=True, place=f"{self._place} ({exc})"
            ) from exc


def sweep(folder: Path, keep: str = "") -> None:
    """Remove what earlier updates left in a folder."""
    if folder.is_dir():
        for path in folder.iterdir():
            if path.name != keep:
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
