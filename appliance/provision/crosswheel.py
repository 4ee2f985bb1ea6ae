"""The one wheel that the index lacks: pysqlite3 for arm64, built here for there, with the SQLite of the others.

Invariant: nothing goes in but by its hash: the binding's source by requirements.lock; compiler, builder and SQLite
as pinned here. SQLite must be the very one that the wheel of this machine carries, so both machines run the same.

Compiler: zig, from the package index, which brings glibc's headers of every machine. SQLite: the amalgamation out
of the npm package better-sqlite3 (the index has none). Headers: those of a Python of that version on this machine;
Debian's of amd64 and arm64 differ in four lines of pyconfig.h, none of which an extension sees (compared).
"""

import hashlib
import io
import re
import sys
import tarfile
import urllib.request
from pathlib import Path
from typing import Final

from appliance.provision.bundlesteps import BundleBuildError, failed, run_step
from sync.database import sqlite_source

PACKAGE: Final = "pysqlite3"
_MACHINES: Final = {"aarch64": "aarch64-linux-gnu.2.17"}  # as zig says it; glibc 2.17 is manylinux2014
_ZIG: Final = (
    "ziglang==0.17.1"
    " --hash=sha256:ea6cc5d87b033cf0aedfbc8f9549a908cae6c50ac31f1698188fa48a74524b54"  # Linux on amd64
    " --hash=sha256:b7c5f02fccd40f89b999ee16a1f5ddced56e6182370f8affe494bcf8a28cf07e"  # on arm64
)
_BUILDER: Final = (
    "packaging==26.4"
    " --hash=sha256:81383611a09c1bc0b08b76e0fd5829d7c6824c65b27a6aee339da133f4233ea2\n"
    "setuptools==84.2.1"
    " --hash=sha256:ca140b45d5325a9478f880e351484f62fef15f336462e449ca0c03c873d589c2\n"
    "wheel==0.48.0"
    " --hash=sha256:3217dcc807155e45db462d7ef2431f5ddda0d7273b700d05a67b271ceb1287ab\n"
)
_SQLITE: Final = "https://registry.npmjs.org/better-sqlite3/-/better-sqlite3-13.0.2.tgz"
_SQLITE_SHA256: Final = "785493c44913bd6415eb4ef244f97b4774a8ba1ee7c45137f05c3ad09282bc75"
_SOURCES: Final = ("sqlite3.c", "sqlite3.h")
_ID: Final = re.compile(r'#define SQLITE_SOURCE_ID\s+"([^"]+)"')
_UV: Final = Path(sys.executable).with_name("uv")


def can_build(package: str, python: str, machine: str) -> bool:
    """Say whether a wheel can be built here: this package, a machine that is known, a Python of that version."""
    if package != PACKAGE or machine not in _MACHINES:
        return False
    try:
        run_step(f"Python {python}", (_UV, "python", "find", "--no-python-downloads", python))
    except BundleBuildError:
        return False
    return True


def build_wheel(python: str, machine: str, locked: str, work: Path, into: Path) -> None:
    """Build the wheel into a folder; `locked` is the package's line of the lock. Raises BundleBuildError."""
    work.mkdir()
    zig, source = _compiler(work), _source(locked, work)
    for name, data in read_amalgamation(_download(), sqlite_source()).items():
        (source / name).write_bytes(data)
    compiler = f"{zig} cc -target {_MACHINES[machine]}"
    environment = {
        "CC": compiler,
        "LDSHARED": f"{compiler} -shared -s",
        "CFLAGS": "-O2 -g0",
        "SETUPTOOLS_EXT_SUFFIX": f".cpython-{python.replace('.', '')}-{machine}-linux-gnu.so",
        "SOURCE_DATE_EPOCH": "1577836800",
    }
    builder = work / "builder.txt"
    builder.write_text(_BUILDER)
    uv = (_UV, "build", "--quiet", "--no-python-downloads", "--python", python, "--wheel", "--out-dir", into)
    pinned = ("--build-constraints", builder, "--require-hashes")
    run_step(
        PACKAGE, (*uv, *pinned, f"-C--build-option=--plat-name=manylinux_2_17_{machine}", source), environment
    )


def read_amalgamation(packed: bytes, wanted: str) -> dict[str, bytes]:
    """Return SQLite's sources out of the npm package; `wanted` is the source id that they must have.

    Raises BundleBuildError for other bytes than the pinned ones and for another SQLite.
    """
    if hashlib.sha256(packed).hexdigest() != _SQLITE_SHA256:
        raise failed("SQLite", f"{_SQLITE}: not the bytes that are pinned")
    with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
        members = {name: tar.extractfile(f"package/deps/sqlite3/{name}") for name in _SOURCES}
        found = {name: member.read() for name, member in members.items() if member is not None}
    told = _ID.search(found["sqlite3.h"].decode())
    if told is None or told[1] != wanted:
        raise failed("SQLite", f"{told[1] if told else '-'} is pinned, this machine's {PACKAGE} has {wanted}")
    return found


def _compiler(work: Path) -> Path:
    wanted = work / "zig.txt"
    wanted.write_text(f"{_ZIG}\n")
    which = ("--no-deps", "--only-binary=:all:", "--require-hashes", "--target", work / "zig", "-r", wanted)
    run_step("zig", (sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *which))
    return work / "zig" / "ziglang" / "zig"


def _source(locked: str, work: Path) -> Path:
    wanted = work / "source.txt"
    wanted.write_text(locked)
    pip = (sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--dest", work)
    run_step(PACKAGE, (*pip, "--no-deps", "--no-binary=:all:", "--require-hashes", "-r", wanted))
    (packed,) = work.glob(f"{PACKAGE}-*.tar.gz")
    with tarfile.open(packed) as tar:
        tar.extraction_filter = getattr(tarfile, "data_filter", None)  # Debian 12's Python has none
        tar.extractall(work)  # noqa: S202 - its hash was compared
    return work / packed.name.removesuffix(".tar.gz")


def _download() -> bytes:
    try:
        with urllib.request.urlopen(_SQLITE, timeout=60) as answer:  # noqa: S310 - our own https address
            return bytes(answer.read())
    except OSError as exc:
        raise failed("SQLite", f"{_SQLITE}: {exc}") from exc
