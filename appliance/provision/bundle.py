"""A bundle: everything that a box without internet needs to become, or go on being, a Kurabako.

Invariant: no byte of a bundle is handed out before it was compared with the manifest. A tar is read as a list of
plain files and never unpacked by the tar library: links, devices, other names and second copies are refused.
"""

import os
import stat
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from appliance.errors import ApplianceError
from appliance.provision.manifest import (
    FILE_NAME,
    BundleFormatError,
    FileNote,
    Manifest,
    plain_name,
    read_manifest,
    sha256_of,
)
from sync.atomic import atomic_write, sync_folder

_LARGEST = 512 * 1024 * 1024


class BundleMissingError(ApplianceError):
    """There is no bundle at this path, or it cannot be read. Params: `file`."""

    code = "APP-540"


class BundleTamperedError(ApplianceError):
    """A file is not the one that the manifest names: altered, cut short, or not there. Params: `file`."""

    code = "APP-543"


class BundleContentError(ApplianceError):
    """A bundle holds what no bundle holds: a link, a name that leads elsewhere, a file twice. Params: `file`."""

    code = "APP-544"


class OtherVersionError(ApplianceError):
    """The bundle is of another release than the one that was asked for. Params: `found`, `wanted`."""

    code = "APP-545"


class _Source(Protocol):
    def names(self) -> set[str]: ...

    def read(self, name: str, most: int) -> bytes: ...


class Bundle:
    """An opened bundle."""

    def __init__(self, manifest: Manifest, raw: bytes, source: _Source) -> None:
        self.manifest = manifest
        self.digest = sha256_of(raw)
        self._raw = raw
        self._source = source

    @classmethod
    def open(cls, path: Path, *, version: str | None = None) -> "Bundle":
        """Open a bundle, a folder or a tar, and check that every file is there and is what the manifest says.

        Raises BundleMissingError, BundleFormatError, BundleContentError, BundleTamperedError, and with `version`
        OtherVersionError.
        """
        try:
            source = _Folder(path) if path.is_dir() else _Tar(path)
            raw = source.read(FILE_NAME, _LARGEST)
        except OSError as exc:
            raise BundleMissingError(
                operation="open bundle", subject=path.name, cause=exc, file=str(path)
            ) from exc
        bundle = cls(read_manifest(raw), raw, source)
        found = bundle.manifest.version
        if version is not None and found != version:
            raise OtherVersionError(operation="open bundle", subject=path.name, found=found, wanted=version)
        for name in source.names() - {FILE_NAME} - set(bundle.manifest.files):
            raise BundleContentError(operation="open bundle", subject=name, file=name)
        bundle.verify()
        return bundle

    @property
    def version(self) -> str:
        """Return which release this is."""
        return self.manifest.version

    def verify(self) -> None:
        """Compare every file with the manifest; raises BundleTamperedError."""
        for name in self.manifest.files:
            self.file(name)

    def wheels(self, python: str, machine: str) -> tuple[str, ...]:
        """Return the wheels for a Python ("3.11") and a machine ("x86_64"); raises TargetMissingError."""
        return self.manifest.wheels(python, machine)

    def names(self, python: str, machine: str) -> tuple[str, ...]:
        """Return what one box needs beside the manifest; raises TargetMissingError."""
        return self.manifest.names(python, machine)

    def file(self, name: str) -> bytes:
        """Return a file's bytes, compared with the manifest; raises BundleTamperedError."""
        if name == FILE_NAME:
            return self._raw
        note = self.manifest.files.get(name)
        if note is None:
            raise BundleTamperedError(operation="read bundle", subject=name, file=name)
        return _checked(name, note, self._source)

    def unpack(self, to: Path, python: str, machine: str) -> Path:
        """Write what one box needs into a folder, the manifest last; return it. What lies there already stays."""
        for name in self.names(python, machine):
            path = to / name
            if path.is_file() and sha256_of(path.read_bytes()) == self.manifest.files[name].sha256:
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            atomic_write(path, self.file(name), mode=0o644, durable=False)
        os.sync()
        atomic_write(to / FILE_NAME, self._raw, mode=0o644)
        sync_folder(to)
        return to


def _checked(name: str, note: FileNote, source: _Source) -> bytes:
    try:
        raw = source.read(name, note.size)
    except OSError as exc:
        raise BundleTamperedError(operation="read bundle", subject=name, cause=exc, file=name) from exc
    if len(raw) != note.size or sha256_of(raw) != note.sha256:
        raise BundleTamperedError(operation="read bundle", subject=name, file=name)
    return raw


class _Folder:
    """A bundle as a folder. A link in it could show another file at the second look: it is refused."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def names(self) -> set[str]:
        return set(self._walk(self._path))

    def read(self, name: str, most: int) -> bytes:
        descriptor = os.open(self._path / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            return file.read(most + 1)

    def _walk(self, folder: Path) -> Iterator[str]:
        with os.scandir(folder) as found:
            entries = list(found)
        for entry in entries:
            name = str(Path(entry.path).relative_to(self._path))
            mode = entry.stat(follow_symlinks=False).st_mode
            if stat.S_ISDIR(mode):
                yield from self._walk(Path(entry.path))
            elif stat.S_ISREG(mode):
                yield name
            else:
                raise BundleContentError(operation="open bundle", subject=name, file=name)


class _Tar:
    """A bundle as one file: a plain tar with one folder at the top."""

    def __init__(self, path: Path) -> None:
        try:
            with tarfile.open(path, "r:") as tar:
                self._members = dict(self._plain(tar))
        except (tarfile.TarError, EOFError, ValueError) as exc:
            raise BundleFormatError(
                operation="open bundle", subject=path.name, cause=exc, problem=str(exc)
            ) from exc
        self._path = path

    def names(self) -> set[str]:
        return set(self._members)

    def read(self, name: str, most: int) -> bytes:
        if name not in self._members:
            raise FileNotFoundError(name)
        offset, size = self._members[name]
        with self._path.open("rb") as file:
            file.seek(offset)
            return file.read(min(size, most + 1))

    def _plain(self, tar: tarfile.TarFile) -> Iterator[tuple[str, tuple[int, int]]]:
        seen: set[str] = set()
        for member in tar:
            top, _, name = member.name.partition("/")
            if member.isdir() and not member.issparse():
                continue
            plain = member.isreg() and not member.issparse() and plain_name(top)
            if not plain or not (plain_name(name) or name == FILE_NAME) or name in seen:
                raise BundleContentError(operation="open bundle", subject=member.name, file=member.name)
            seen.add(name)
            yield name, (member.offset_data, member.size)
