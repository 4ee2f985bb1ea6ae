"""What a bundle says of itself: which release it is, which files it has, which of them a box needs.

Invariant: a manifest is wholly understood or refused; a name in it leads nowhere but into the bundle. The same
bytes are read on a bare box by `install`, which knows the standard library only: change both together.
"""

import hashlib
import re
from pathlib import PurePosixPath
from typing import Final, NewType

import msgspec

from appliance.errors import ApplianceError

FORMAT: Final = 1
FILE_NAME: Final = "manifest.json"
MACHINES: Final = {"x86_64": "amd64", "aarch64": "arm64"}
_NAME: Final = re.compile(r"[A-Za-z0-9_@+-][A-Za-z0-9._@+-]*(/[A-Za-z0-9_@+-][A-Za-z0-9._@+-]*)*")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_VERSION: Final = re.compile(r"[0-9]+(\.[0-9]+)*((a|b|rc)[0-9]+)?(\.(post|dev)[0-9]+)*")

TargetName = NewType("TargetName", str)


class BundleFormatError(ApplianceError):
    """A manifest does not read, is of a newer format, or contradicts itself. Params: `problem`."""

    code = "APP-541"


class TargetMissingError(ApplianceError):
    """The bundle has nothing for this Python and machine. Params: `target`, `known`."""

    code = "APP-542"


class FileNote(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file of the bundle: SHA-256 in hexadecimal, size in bytes."""

    sha256: str
    size: int


class SchemaNote(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How far this release's migrations go, and from which of those levels on a program can work with the result.

    Levels count migrations. A release that only adds keeps `readable_from` where it was; see docs/decisions.md.
    """

    store: int
    local: int
    store_readable_from: int
    local_readable_from: int


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A whole manifest. `targets`: PYTHON-MACHINE → names of its wheels; `pip`: the wheel that installs them."""

    format: int
    version: str
    pip: str
    schema: SchemaNote
    files: dict[str, FileNote]
    targets: dict[str, list[str]]

    def wheels(self, python: str, machine: str) -> tuple[str, ...]:
        """Return the wheels for a Python ("3.11") and a machine ("x86_64"); raises TargetMissingError."""
        target = target_name(python, machine)
        if target not in self.targets:
            known = ", ".join(sorted(self.targets))
            raise TargetMissingError(operation="choose wheels", subject=target, target=target, known=known)
        return tuple(self.targets[target])

    def names(self, python: str, machine: str) -> tuple[str, ...]:
        """Return what one box needs beside the manifest: installer and unit files, pip's wheel, its own wheels."""
        common = (name for name in self.files if not name.endswith(".whl"))
        return tuple(dict.fromkeys((*common, self.pip, *self.wheels(python, machine))))


def target_name(python: str, machine: str) -> TargetName:
    """Return how a target is called: 3.11-x86_64. `amd64` and `arm64` are taken for Linux's own words."""
    linux = {debian: name for name, debian in MACHINES.items()}
    return TargetName(f"{python}-{linux.get(machine, machine)}")


def write_manifest(manifest: Manifest) -> bytes:
    """Return the bytes of a manifest: the same for the same content."""
    return msgspec.json.format(msgspec.json.encode(manifest, order="sorted"), indent=1) + b"\n"


def read_manifest(raw: bytes) -> Manifest:
    """Read and check a manifest; raises BundleFormatError."""
    try:
        manifest = msgspec.json.decode(raw, type=Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise BundleFormatError(operation="read manifest", subject=FILE_NAME, cause=exc, problem=str(exc)) from exc
    problem = _problem(manifest)
    if problem:
        raise BundleFormatError(operation="read manifest", subject=FILE_NAME, problem=problem)
    return manifest


def plain_name(name: str) -> bool:
    """Say whether a name leads nowhere but below the bundle's folder."""
    return bool(_NAME.fullmatch(name)) and ".." not in PurePosixPath(name).parts and name != FILE_NAME


def sha256_of(raw: bytes) -> str:
    """Return the SHA-256 of some bytes, in hexadecimal."""
    return hashlib.sha256(raw).hexdigest()


def _problem(manifest: Manifest) -> str:
    """Return what is wrong with a manifest that reads, nothing when it is sound."""
    if manifest.format != FORMAT:
        return f"format {manifest.format}"
    if not _VERSION.fullmatch(manifest.version):
        return f"version {manifest.version!r}"
    for name, note in manifest.files.items():
        if not plain_name(name):
            return f"name {name!r}"
        if not _SHA256.fullmatch(note.sha256) or note.size < 0:
            return f"hash or size of {name}"
    listed = {manifest.pip, *(name for names in manifest.targets.values() for name in names)}
    absent = sorted(name for name in listed if name not in manifest.files or not name.endswith(".whl"))
    return f"no wheel {absent[0]!r}" if absent else ""
