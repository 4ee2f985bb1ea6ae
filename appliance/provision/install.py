"""Install an unpacked bundle into a private virtual environment. Runs on the bare box: standard library only.

Invariant: a slot holds the bundle's manifest if, and only if, everything of it is installed and on the disk; what
was begun and not ended is removed and begun again. No file of the bundle is used before it was compared with
the manifest, and the manifest with the hash that the caller was told on a trusted way. One installation at a time
writes: where the line to a box goes, the one that was begun over it runs on, and the next waits for its end.

    python3 -I install.py BUNDLE SLOT --manifest SHA256
"""

import argparse
import contextlib
import fcntl
import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

MANIFEST = "manifest.json"
UNITS = "systemd"
CURRENT = "current"
LOCK = ".install.lock"
_PATIENCE_S = 600.0
_LOOK_S = 0.2


class InstallError(Exception):
    """The bundle cannot be installed; `code` is one of docs/errors.md."""

    def __init__(self, code: str, sentence: str, hint: str) -> None:
        super().__init__(sentence)
        self.code, self.hint = code, hint


def main(argv: list[str] | None = None) -> int:
    """Install, and tell in one line whether there was anything to do."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("slot", type=Path)
    parser.add_argument("--manifest", required=True, metavar="SHA256")
    given = parser.parse_args(argv)
    os.umask(0o022)  # what runs from a slot are other users than the one who installs
    try:
        done = install(given.bundle, given.slot, given.manifest)
    except InstallError as error:
        sys.stderr.write(f"error: {error} [{error.code}]\nhint: {error.hint}\n")
        return 1
    sys.stdout.write(f"{'installed' if done else 'unchanged'} {given.slot}\n")
    return 0


def install(bundle: Path, slot: Path, manifest_sha256: str) -> bool:
    """Install a bundle into a slot; return False when this very release is there already. Raises InstallError."""
    raw = _read(bundle, MANIFEST)
    if hashlib.sha256(raw).hexdigest() != manifest_sha256:
        _tampered(MANIFEST)
    if installed(slot) == manifest_sha256:
        return False
    manifest = json.loads(raw)
    if manifest["format"] != 1:
        raise InstallError("APP-541", "The bundle is of a newer format.", "Take a newer installer.")
    wheels = _wheels(manifest)
    _check(bundle, manifest, wheels)
    with _alone(slot.parent) as lock:
        if installed(slot) == manifest_sha256:
            return False
        if (slot.parent / CURRENT).resolve() == slot.resolve() and installed(slot):
            raise InstallError("APP-547", f"{slot} is in use.", "Install into the other slot, then switch.")
        if os.path.lexists(slot):
            shutil.rmtree(slot)
        # A venv of our own Python: without pip, as Debian's has no ensurepip unless python3-venv is there.
        venv.create(slot, with_pip=False, symlinks=True)
        _run_pip(bundle, slot, manifest, wheels, lock)
        shutil.copytree(bundle / UNITS, slot / UNITS)
        _finish(slot, raw)
    return True


def installed(slot: Path) -> str:
    """Return the hash of the manifest that is wholly installed in a slot, nothing where there is none."""
    try:
        return hashlib.sha256((slot / MANIFEST).read_bytes()).hexdigest()
    except OSError:
        return ""


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[int]:
    """Wait until nobody else installs below a folder; yield the lock, which pip holds too while it writes."""
    folder.mkdir(parents=True, exist_ok=True)
    lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        until = time.monotonic() + _PATIENCE_S
        while not _taken(lock):
            if time.monotonic() > until:
                raise InstallError(
                    "APP-546", "Another installation does not end.", "Restart the box and try again."
                )
            time.sleep(_LOOK_S)
        yield lock
    finally:
        os.close(lock)


def _taken(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _wheels(manifest: dict[str, Any]) -> list[str]:
    target = f"{sys.version_info.major}.{sys.version_info.minor}-{platform.machine()}"
    if target not in manifest["targets"]:
        known = ", ".join(sorted(manifest["targets"]))
        raise InstallError("APP-542", f"The bundle has nothing for {target}.", f"It is for: {known}.")
    return list(manifest["targets"][target])


def _check(bundle: Path, manifest: dict[str, Any], wheels: list[str]) -> None:
    """Compare every file that is going to be used with the manifest, and let no other name in."""
    units = {name for name in manifest["files"] if name.startswith(f"{UNITS}/")}
    for name in sorted({manifest["pip"], *wheels, *units}):
        if ".." in name.split("/") or name.startswith("/"):
            _tampered(name)
        if hashlib.sha256(_read(bundle, name)).hexdigest() != manifest["files"][name]["sha256"]:
            _tampered(name)
    lying = (bundle / UNITS).rglob("*")
    others = {str(path.relative_to(bundle)) for path in lying if path.is_symlink() or not path.is_dir()} - units
    for name in sorted(others):
        _tampered(name)


def _run_pip(bundle: Path, slot: Path, manifest: dict[str, Any], wheels: list[str], lock: int) -> None:
    lines = [f"{_requirement(name)} --hash=sha256:{manifest['files'][name]['sha256']}" for name in wheels]
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write("\n".join(lines) + "\n")
        file.flush()
        pip = (slot / "bin" / "python", bundle / manifest["pip"] / "pip", "--isolated", "install")
        quiet = ("--quiet", "--disable-pip-version-check", "--no-cache-dir", "--no-input")
        only = ("--no-index", "--no-deps", "--only-binary=:all:", "--require-hashes")
        places = ("--find-links", bundle / "wheels", "-r", file.name)
        done = subprocess.run(
            [str(word) for word in (*pip, *quiet, *only, *places)],
            env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "PIP_ROOT_USER_ACTION": "ignore"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            pass_fds=(lock,),
        )
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["-"])[-1]
        raise InstallError("APP-546", f"The programs cannot be installed: {said}", "Is the disk full?")


def _finish(slot: Path, manifest: bytes) -> None:
    """Bring everything to the disk, then the mark that says so."""
    os.sync()
    beside = slot / f".{MANIFEST}"
    with beside.open("wb") as file:
        file.write(manifest)
        file.flush()
        os.fsync(file.fileno())
    beside.rename(slot / MANIFEST)
    for folder in (slot, slot.parent):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        os.fsync(descriptor)
        os.close(descriptor)


def _requirement(wheel: str) -> str:
    name, version = Path(wheel).name.split("-")[:2]
    return f"{name}=={version}"


def _read(bundle: Path, name: str) -> bytes:
    try:
        return (bundle / name).read_bytes()
    except OSError as exc:
        raise InstallError("APP-543", f"The bundle lacks {name}.", "Bring the bundle anew.") from exc


def _tampered(name: str) -> NoReturn:
    raise InstallError("APP-543", f"{name} of the bundle was altered.", "Bring the bundle anew.")


if __name__ == "__main__":
    sys.exit(main())
