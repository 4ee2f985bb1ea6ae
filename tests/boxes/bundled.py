"""The bundles that machines are provisioned and updated from: built once for these sources, kept in a cache."""

import contextlib
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.boxes.rootfs import cache_folder

TREE: Final = Path(__file__).resolve().parents[2]
_SOURCES: Final = ("appliance", "crypto", "sync", "tui", "systemd", "pyproject.toml", "requirements.lock")
_ELSE: Final = shutil.ignore_patterns(".*", "build", "tests", "docs", "__pycache__")


@dataclass(frozen=True)
class Edition:
    """These sources, or another version of them: in `file` the words `old` became `new`."""

    version: str = ""
    file: str = ""
    old: str = ""
    new: str = ""
    python: str = "3.11"  # of Debian 12


THIS: Final = Edition()
TRIXIE: Final = Edition(python="3.13")
NEXT: Final = Edition("0.99.1")
# Everything of it can be imported, and its keeper ends as soon as it begins.
BROKEN: Final = Edition(
    "0.99.2", "appliance/commands/keeper.py", "    folder = open_site(site)", "    sys.exit(1)"
)
EDITIONS: Final = (THIS, TRIXIE, NEXT, BROKEN)


def cached_bundle(edition: Edition = THIS) -> Path:
    """Return the tar of the bundle of these sources, made now if it is not in the cache."""
    folder = cache_folder() / f"bundle-{_digest(edition)}"
    found = sorted(folder.glob("*.tar"))
    if found:
        return found[0]
    if not edition.version:
        return _build(TREE, folder, edition)
    with tempfile.TemporaryDirectory() as work:
        return _build(_edited(Path(work) / "tree", edition), folder, edition)


def _edited(tree: Path, edition: Edition) -> Path:
    shutil.copytree(TREE, tree, ignore=_ELSE)
    _replace(tree / "pyproject.toml", '\nversion = "', f'\nversion = "{edition.version}"  # was "')
    if edition.file:
        _replace(tree / edition.file, edition.old, f"    import sys\n{edition.new}")
    return tree


def _replace(file: Path, old: str, new: str) -> None:
    text = file.read_text("utf-8")
    assert text.count(old) == 1, f"{file.name} has no {old!r} any more"
    file.write_text(text.replace(old, new), encoding="utf-8")


def _build(tree: Path, folder: Path, edition: Edition) -> Path:
    """Build a bundle of a source tree for one Debian on this machine's kind."""
    unfinished = folder.with_name(f".{folder.name}-{os.getpid()}")
    command = [Path(sys.executable).with_name("kurabako"), "bundle", "build", "--tree", tree, "--out", unfinished]
    before = sorted(
        cache_folder().glob("bundle-*/kurabako-bundle-*/wheels"), key=lambda path: path.stat().st_mtime
    )
    wheels = ("--own-wheels", before[-1]) if before else ()  # those of the lock were checked when they came
    subprocess.run(
        [*map(str, (*command, *wheels)), "--target", f"{edition.python}-{platform.machine()}"], check=True
    )
    with contextlib.suppress(OSError):  # somebody else made the same meanwhile
        unfinished.rename(folder)
    shutil.rmtree(unfinished, ignore_errors=True)
    return next(folder.glob("*.tar"))


def _digest(edition: Edition) -> str:
    digest = hashlib.sha256(repr(edition).encode() if edition != THIS else b"")
    for name in _SOURCES:
        top = TREE / name
        files = sorted(top.rglob("*")) if top.is_dir() else [top]
        for file in files:
            if file.is_file() and "__pycache__" not in file.parts:
                digest.update(f"{file.relative_to(TREE)}\0".encode() + hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:12]
