"""Bringing a release to a box: the files of a bundle that are not there yet, in one stream.

Invariant: the box compares every file with the hash that the bundle's manifest names before the file has its name,
so what is there is right, and a cut stream is gone on with at the first file that is missing.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Final, Protocol

import msgspec

from appliance.provision.ssh import Session
from appliance.provision.wanted import ReleaseWanted

Say = Callable[[int, int], None]
_CHUNK: Final = 256 * 1024
# Argument: folder. Stdin: for each file a line of JSON (name, size, sha256) and its bytes.
RECEIVE: Final = r"""
import hashlib, json, os, sys
folder, stream = sys.argv[1], sys.stdin.buffer
while line := stream.readline():
    note = json.loads(line)
    if note["name"].startswith("/") or ".." in note["name"].split("/"):
        sys.exit("name " + note["name"])
    path = os.path.join(folder, note["name"])
    os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
    left, digest = note["size"], hashlib.sha256()
    with open(path + ".part", "wb") as file:
        while left:
            data = stream.read(min(left, 1 << 18))
            if not data:
                sys.exit("the line was cut")
            file.write(data)
            digest.update(data)
            left -= len(data)
        file.flush()
        os.fsync(file.fileno())
    if digest.hexdigest() != note["sha256"]:
        sys.exit("SHA-256 of " + note["name"])
    os.replace(path + ".part", path)
os.sync()
"""


class ReleaseSource(Protocol):
    """A bundle, whose every file is compared with its manifest when it is read."""

    digest: str
    version: str

    def names(self, python: str, machine: str) -> tuple[str, ...]:
        """Return what a box with this Python and machine needs, beside the manifest."""

    def laid_out(self) -> tuple[str, ...]:
        """Return the names of the files that every box gets, those of systemd/ among them."""

    def note(self, name: str) -> tuple[int, str]:
        """Return size and SHA-256 of a file."""

    def file(self, name: str) -> bytes:
        """Return a file's bytes."""


MANIFEST: Final = "manifest.json"


def release_wanted(source: ReleaseSource, python: str, machine: str) -> ReleaseWanted:
    """Return the release that a box with this Python and machine shall run; raises TargetMissingError."""
    names = (*source.names(python, machine), MANIFEST)
    return ReleaseWanted(source.version, source.digest, {name: source.note(name) for name in names})


def send(
    session: Session, source: ReleaseSource, release: ReleaseWanted, names: Sequence[str], folder: str, say: Say
) -> None:
    """Bring some of a release's files into a folder of the box; the manifest comes last."""
    ordered = sorted(names, key=lambda name: (name == MANIFEST, release.files[name][0], name))
    stream = _stream(source, release, ordered, say)
    session.check(["python3", "-I", "-c", RECEIVE, folder], stream, timeout_s=3600)


def _stream(source: ReleaseSource, release: ReleaseWanted, names: Sequence[str], say: Say) -> Iterator[bytes]:
    total = sum(release.files[name][0] for name in names)
    done = 0
    for name in names:
        size, digest = release.files[name]
        yield msgspec.json.encode({"name": name, "size": size, "sha256": digest}) + b"\n"
        raw = source.file(name)
        for at in range(0, len(raw), _CHUNK):
            yield raw[at : at + _CHUNK]
            done += len(raw[at : at + _CHUNK])
            say(done, total)
