"""A bundle as the source of a release: read once, shared by the threads of all boxes.

Invariant: every file was compared with the manifest when it was read.
"""

import threading
from pathlib import Path

from appliance.provision.bundle import Bundle
from appliance.provision.manifest import FILE_NAME


class BundleSource:
    """An opened bundle; its files are kept in memory while boxes are being provisioned from it."""

    def __init__(self, path: Path) -> None:
        """Open and check it; raises what `Bundle.open` raises."""
        self._bundle = Bundle.open(path)
        self._lock = threading.Lock()
        self._read: dict[str, bytes] = {}
        self.digest = self._bundle.digest
        self.version = self._bundle.version

    def names(self, python: str, machine: str) -> tuple[str, ...]:
        """Return what a box with this Python and machine needs, beside the manifest; raises TargetMissingError."""
        return self._bundle.names(python, machine)

    def laid_out(self) -> tuple[str, ...]:
        """Return the names of the files that every box gets."""
        return tuple(name for name in self._bundle.manifest.files if not name.endswith(".whl"))

    def note(self, name: str) -> tuple[int, str]:
        """Return size and SHA-256 of a file."""
        if name == FILE_NAME:
            return len(self._bundle.file(name)), self.digest
        note = self._bundle.manifest.files[name]
        return note.size, note.sha256

    def file(self, name: str) -> bytes:
        """Return a file's bytes; raises BundleTamperedError."""
        with self._lock:
            if name not in self._read:
                self._read[name] = self._bundle.file(name)
            return self._read[name]
