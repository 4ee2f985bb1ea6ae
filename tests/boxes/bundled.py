"""The bundle that machines are provisioned from: built once for these sources, kept in the user's cache."""

import hashlib
import platform
import subprocess
import sys
from pathlib import Path
from typing import Final

from tests.boxes.rootfs import cache_folder

TREE: Final = Path(__file__).resolve().parents[2]
_SOURCES: Final = ("appliance", "crypto", "sync", "tui", "systemd", "pyproject.toml", "requirements.lock")


def cached_bundle() -> Path:
    """Return the tar of the bundle of these sources, made now if it is not in the cache."""
    folder = cache_folder() / f"bundle-{_digest()}"
    found = sorted(folder.glob("*.tar"))
    if found:
        return found[0]
    return build(TREE, folder)


def build(tree: Path, folder: Path) -> Path:
    """Build a bundle of a source tree for Debian 12 on this machine's kind."""
    command = [Path(sys.executable).with_name("kurabako"), "bundle", "build", "--tree", tree, "--out", folder]
    before = sorted(
        cache_folder().glob("bundle-*/kurabako-bundle-*/wheels"), key=lambda path: path.stat().st_mtime
    )
    wheels = ("--own-wheels", before[-1]) if before else ()  # those of the lock were checked when they came
    subprocess.run([*map(str, (*command, *wheels)), "--target", f"3.11-{platform.machine()}"], check=True)
    return next(folder.glob("*.tar"))


def _digest() -> str:
    digest = hashlib.sha256()
    for name in _SOURCES:
        top = TREE / name
        files = sorted(top.rglob("*")) if top.is_dir() else [top]
        for file in files:
            if file.is_file() and "__pycache__" not in file.parts:
                digest.update(f"{file.relative_to(TREE)}\0".encode() + hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:12]
