"""A document of 100 MB, sealed and opened, against copying the file and one AES-256-GCM over the same bytes."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from crypto.classkeys import ClassKeyId, ClassKeyPair
from crypto.importance import Importance
from crypto.streaming import open_stream, seal_stream

SIZE = 100 * 10**6
ROUNDS = 7
_DOCUMENT = bytes(16)
# VmHWM, not ru_maxrss: that one a child inherits from the process that started it, here one of 200 MB
_GROWTH = """
import sys
from pathlib import Path
from tests.benchmarks.documents import new_pair, open_file, peak_kb, seal_file
folder, pair = Path(sys.argv[1]), new_pair()
(folder / "small").write_bytes(b"small")
seal_file(folder / "small", folder / "small.sealed", pair)
open_file(folder / "small.sealed", folder / "small.opened", pair)
before = peak_kb()
seal_file(folder / "plain", folder / "sealed", pair)
open_file(folder / "sealed", folder / "opened", pair)
print(peak_kb() - before)
"""


class Seen(NamedTuple):
    """Seconds of each round (ours, then the plain way beside it) and growth of the process."""

    seal_s: list[float]
    open_s: list[float]
    plain_seal_s: list[float]
    plain_open_s: list[float]
    memory_mb: float


def new_pair() -> ClassKeyPair:
    """Return a class key pair."""
    return ClassKeyPair.generate(ClassKeyId("e13-sakura", Importance.II, 1))


def seal_file(plain: Path, sealed: Path, pair: ClassKeyPair) -> None:
    """Seal a file into another."""
    with plain.open("rb") as source, sealed.open("wb") as sink:
        seal_stream(source, sink, plain.stat().st_size, pair.public, _DOCUMENT)


def open_file(sealed: Path, plain: Path, pair: ClassKeyPair) -> None:
    """Open a file into another."""
    with sealed.open("rb") as source, plain.open("wb") as sink:
        open_stream(source, sink, pair, _DOCUMENT)


def peak_kb() -> int:
    """Return the most memory that this process ever held."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))


def measure(folder: Path) -> Seen:
    """Measure our way and the plain way in turns, so that both see the same machine."""
    folder.mkdir()
    pair, content = new_pair(), os.urandom(SIZE)
    plain, sealed, opened, copied = (folder / name for name in ("plain", "sealed", "opened", "copied"))
    plain.write_bytes(content)
    aead, nonce = AESGCM(bytes(32)), bytes(12)
    ciphertext = aead.encrypt(nonce, content, None)
    seen = Seen([], [], [], [], _growth(folder))
    for _ in range(ROUNDS):
        seen.seal_s.append(_seconds(lambda: seal_file(plain, sealed, pair)))
        seen.open_s.append(_seconds(lambda: open_file(sealed, opened, pair)))
        copy_s = _seconds(lambda: _cp(plain, copied))
        seen.plain_seal_s.append(copy_s + _seconds(lambda: aead.encrypt(nonce, content, None)))
        seen.plain_open_s.append(copy_s + _seconds(lambda: aead.decrypt(nonce, ciphertext, None)))
    if opened.read_bytes() != content:
        raise SystemExit("the document that came out is another")
    return seen


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _cp(source: Path, target: Path) -> None:
    program = shutil.which("cp") or "cp"
    subprocess.run([program, "--reflink=never", source, target], check=True)


def _growth(folder: Path) -> float:
    """Return by how many MB a fresh process grows beyond what sealing and opening a small document takes."""
    done = subprocess.run([sys.executable, "-c", _GROWTH, folder], check=True, capture_output=True, text=True)
    return int(done.stdout) / 1024
