"""Sealed documents on disk: whole under their names or not there; nothing but sealed bytes, whatever dies."""

import io
import os
import signal
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from typing import Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crypto.classkeys import ClassKeyId, ClassKeyPair
from crypto.errors import DocumentSinkError
from crypto.importance import Importance
from crypto.streaming import open_stream, seal_stream
from sync.blobs import Blobs
from sync.errors import BlobDamagedError, BlobFolderError, BlobMissingError

PAIR: Final = ClassKeyPair.generate(ClassKeyId("C241200000011", Importance.II, 1))
DOCUMENT: Final = bytes(range(16))
MARKER: Final = b"marker-of-the-plaintext " * 40
KILLED: Final = """
import os, signal, sys
from hashlib import sha256
from pathlib import Path
from sync.blobs import Blobs
def die(*_, **__): os.kill(os.getpid(), signal.SIGKILL)
with Blobs(Path(sys.argv[1])).receive() as incoming:
    incoming.file.write(b"sealed")
    if sys.argv[2] == "rename":
        Path.rename = die
    else:
        os.fsync = die
    incoming.keep(sha256(b"sealed").digest())
"""
LIMITED: Final = """
import io, resource, sys
from pathlib import Path
from sync.blobs import Blobs
from tests.sync.test_blobs import DOCUMENT, PAIR
from crypto.errors import DocumentSinkError
from crypto.streaming import seal_stream
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    with Blobs(Path(sys.argv[1])).receive() as incoming:
        seal_stream(io.BytesIO(bytes(1_000_000)), incoming.file, 1_000_000, PAIR.public, DOCUMENT)
except DocumentSinkError as error:
    print(error.code)
"""


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    return Blobs(tmp_path / "blobs")


def add(blobs: Blobs, data: bytes) -> bytes:
    digest = sha256(data).digest()
    with blobs.receive() as incoming:
        incoming.file.write(data)
        incoming.keep(digest)
    return digest


def files(blobs: Blobs) -> list[Path]:
    return [path for path in blobs.folder.rglob("*") if path.is_file()]


def test_a_document_is_sealed_kept_and_opened_without_its_plaintext_touching_the_folder(blobs: Blobs) -> None:
    with blobs.receive() as incoming:
        sealed = seal_stream(io.BytesIO(MARKER), incoming.file, len(MARKER), PAIR.public, DOCUMENT)
        assert not any(MARKER[:24] in path.read_bytes() for path in files(blobs))
        incoming.keep(sealed.sha256)
    assert blobs.size(sealed.sha256) == sealed.sealed_bytes
    assert [path.name for path in files(blobs)] == [sealed.sha256.hex()]
    assert not any(MARKER[:24] in path.read_bytes() for path in files(blobs))
    plain = io.BytesIO()
    with blobs.open(sealed.sha256) as file:
        open_stream(file, plain, PAIR, DOCUMENT)
    assert plain.getvalue() == MARKER


def test_files_and_folders_are_the_owners_only(blobs: Blobs) -> None:
    digest = add(blobs, b"sealed")
    assert blobs.path(digest).parent.name == digest.hex()[:2]
    for path in (blobs.folder, *blobs.folder.rglob("*")):
        assert path.stat().st_mode & 0o077 == 0, path


def test_in_a_shared_folder_each_user_reads_and_removes_what_another_kept(blobs: Blobs) -> None:
    blobs.folder.mkdir()
    blobs.folder.chmod(0o2770)
    before = os.umask(0o077)  # as in a unit
    try:
        digest = add(blobs, b"sealed")
    finally:
        os.umask(before)
    assert blobs.path(digest).stat().st_mode & 0o777 == 0o640
    assert blobs.path(digest).parent.stat().st_mode & 0o777 == 0o770


def test_two_processes_may_make_the_same_folder(blobs: Blobs) -> None:
    digest = add(blobs, b"sealed")
    blobs.make_shard(blobs.path(digest).parent)
    assert blobs.size(digest) == 6
    assert [path.name for path in blobs.folder.iterdir()] == [digest.hex()[:2]]


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.binary(min_size=1, max_size=2000), max_size=8))
def test_what_was_added_is_listed_read_and_removed(blobs: Blobs, many: list[bytes]) -> None:
    digests = [add(blobs, data) for data in many]
    assert list(blobs.names()) == sorted(set(digests))
    for digest, data in zip(digests, many, strict=True):
        with blobs.open(digest) as file:
            assert file.read() == data
    for digest in set(digests):
        assert blobs.remove(digest) and not blobs.remove(digest)
        assert blobs.size(digest) is None
    assert list(blobs.names()) == []


def test_what_is_not_kept_is_gone(blobs: Blobs) -> None:
    with blobs.receive() as incoming:
        incoming.file.write(b"sealed")
    with pytest.raises(RuntimeError), blobs.receive() as incoming:
        incoming.file.write(b"sealed")
        raise RuntimeError
    assert files(blobs) == []


def test_other_bytes_than_were_announced_get_no_name(blobs: Blobs) -> None:
    with pytest.raises(BlobDamagedError), blobs.receive() as incoming:
        incoming.file.write(b"sealed")
        incoming.keep(sha256(b"something else").digest())
    assert files(blobs) == []


@pytest.mark.parametrize("way", ["flip", "cut", "longer", "empty"])
def test_a_damaged_document_is_named_and_can_be_replaced(blobs: Blobs, way: str) -> None:
    data = os.urandom(5000)
    digest = add(blobs, data)
    harm = {"flip": bytes((data[0] ^ 1,)) + data[1:], "cut": data[:-1], "longer": data + b"\0", "empty": b""}
    blobs.path(digest).write_bytes(harm[way])
    with pytest.raises(BlobDamagedError) as caught, blobs.open(digest):
        pass
    assert caught.value.params == {"blob": digest.hex()[:12]}
    assert add(blobs, data) == digest
    with blobs.open(digest) as file:
        assert file.read() == data


def test_a_document_that_is_not_here_is_missing(blobs: Blobs) -> None:
    with pytest.raises(BlobMissingError), blobs.open(bytes(32)):
        pass
    with pytest.raises(ValueError, match="no SHA-256"):
        blobs.path(b"short")


def test_a_link_is_not_followed(blobs: Blobs, tmp_path: Path) -> None:
    digest = add(blobs, b"sealed")
    blobs.path(digest).rename(tmp_path / "elsewhere")
    blobs.path(digest).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(BlobFolderError), blobs.open(digest):
        pass


def test_strangers_in_the_folder_are_no_documents(blobs: Blobs) -> None:
    digest = add(blobs, b"sealed")
    (blobs.folder / "ab").mkdir(exist_ok=True)
    for name in ("readme", "AB" * 32, "cd" * 32, "ab" * 31):  # "cd…" stands in a folder that is not its own
        (blobs.folder / "ab" / name).write_bytes(b"x")
    (blobs.folder / ("ab" * 32)).write_bytes(b"x")
    assert list(blobs.names()) == [digest]


@pytest.mark.faults
@pytest.mark.parametrize("call", ["fsync", "rename"])
def test_a_process_killed_in_between_leaves_no_name_and_its_remains_are_swept(blobs: Blobs, call: str) -> None:
    words = (sys.executable, "-c", KILLED, str(blobs.folder), call)
    assert subprocess.run(words, timeout=60, check=False).returncode == -signal.SIGKILL
    assert list(blobs.names()) == [] and len(files(blobs)) == 1
    assert blobs.sweep() == 1
    assert files(blobs) == []


def test_a_sweep_spares_what_is_being_written_and_what_is_awaited(blobs: Blobs) -> None:
    awaited, forgotten, kept = sha256(b"awaited").digest(), sha256(b"forgotten").digest(), add(blobs, b"kept")
    for digest in (awaited, forgotten):
        with blobs.resume(digest) as part:
            part.file.write(b"begun")
    with blobs.receive() as incoming:
        incoming.file.write(b"new")
        assert blobs.sweep([awaited]) == 1
        incoming.keep(sha256(b"new").digest())
    with blobs.resume(awaited) as part:
        assert part.file.read() == b"begun"
    assert set(blobs.names()) == {kept, sha256(b"new").digest()}


def test_a_part_is_written_by_one_at_a_time(blobs: Blobs) -> None:
    with blobs.resume(bytes(32)), pytest.raises(BlobFolderError), blobs.resume(bytes(32)):
        pass


@pytest.mark.faults
def test_a_disk_that_takes_no_more_leaves_nothing(blobs: Blobs) -> None:
    words = (sys.executable, "-c", LIMITED, str(blobs.folder))
    done = subprocess.run(words, timeout=60, check=True, capture_output=True, text=True)
    assert done.stdout.split() == [DocumentSinkError.code]
    assert files(blobs) == []


@pytest.mark.faults
def test_a_folder_that_cannot_be_written_says_so(blobs: Blobs, tmp_path: Path) -> None:
    blobs.folder.write_bytes(b"no folder")
    with pytest.raises(BlobFolderError) as caught, blobs.receive():
        pass
    assert caught.value.retry_safe
    with pytest.raises(BlobFolderError):
        list(blobs.names())
