"""Make a bundle from the source tree: our own wheel, every wheel of the lock that a box needs, the unit files.

Invariant: a wheel from the index goes in only with a hash that stands in requirements.lock; the same sources give
the same bytes. Runs on a developer's machine (it needs uv, pip and build); a box only reads what it makes.
"""

import re
import shutil
import sys
import tarfile
import tempfile
import tomllib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from appliance.provision import crosswheel
from appliance.provision.bundlesteps import BundleBuildError, WheelMissingError, run_step
from appliance.provision.manifest import (
    FILE_NAME,
    FORMAT,
    FileNote,
    Manifest,
    SchemaNote,
    sha256_of,
    target_name,
    write_manifest,
)
from sync.schema import LOCAL_LEVEL, LOCAL_READABLE_FROM, STORE_LEVEL, STORE_READABLE_FROM

# Debian 12 has Python 3.11 and glibc 2.36, Debian 13 Python 3.13 and glibc 2.41.
PYTHONS: Final = ("3.11", "3.13")
MACHINES: Final = ("x86_64", "aarch64")
TARGETS: Final = tuple((python, machine) for python in PYTHONS for machine in MACHINES)
_GLIBC: Final = 36
_EPOCH: Final = 1_577_836_800  # every file's time, so that the same sources give the same tar
_PIN: Final = re.compile(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)")
_HASH: Final = re.compile(r"--hash=(sha256:[0-9a-f]{64})")
_ABSENT: Final = re.compile(r"No matching distribution found for ([A-Za-z0-9._-]+)")

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """What goes into a bundle: where the source tree is, where own-built wheels lie, where it is written."""

    tree: Path
    out: Path
    own_wheels: Path

    @property
    def version(self) -> str:
        """Return the release that the tree is."""
        raw = tomllib.loads((self.tree / "pyproject.toml").read_text("utf-8"))
        return str(raw["project"]["version"])


def make_bundle(plan: Plan, tell: Tell, targets: Sequence[tuple[str, str]] = ()) -> Path:
    """Make the folder and the tar; return the tar. Raises BundleBuildError.

    A target that was asked for must be whole (WheelMissingError); of all of them, one that cannot be is left out.
    """
    wheels: dict[str, list[str]] = {}
    with tempfile.TemporaryDirectory(prefix="kurabako-bundle-") as work:
        own = _build_own(plan, Path(work))
        pool = Path(work) / "pool"
        pool.mkdir()
        shutil.copy(own, pool)
        for python, machine in targets or TARGETS:
            name = target_name(python, machine)
            try:
                found = _gather(plan, python, machine, Path(work), tell)
            except WheelMissingError as error:
                if targets:
                    raise
                tell(f"{name}: left out, no wheel of {error.params['package']}")
                continue
            for wheel in found:
                shutil.copy(wheel, pool)
            wheels[name] = sorted(f"wheels/{wheel.name}" for wheel in (*found, own))
            tell(f"{name}: {len(wheels[name])} wheels, {sum(f.stat().st_size for f in (*found, own)):,} bytes")
        return lay_out(plan, pool, wheels)


def lay_out(plan: Plan, pool: Path, wheels: dict[str, list[str]]) -> Path:
    """Write folder, manifest and tar from a folder of wheels and the targets that need them; return the tar."""
    folder = plan.out / f"kurabako-bundle-{plan.version}"
    if folder.exists():
        shutil.rmtree(folder)
    shutil.copytree(pool, folder / "wheels")
    shutil.copytree(plan.tree / "systemd", folder / "systemd")
    shutil.copy(plan.tree / "appliance" / "provision" / "install.py", folder / "install.py")
    names = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    files = {name: _note((folder / name).read_bytes()) for name in names}
    pips = [name for name in files if re.fullmatch(r"wheels/pip-[^-]+-py3-none-any\.whl", name)]
    if len(pips) != 1:
        raise BundleBuildError(operation="make bundle", subject="pip", step="pip", problem=f"{len(pips)} wheels")
    schema = SchemaNote(STORE_LEVEL, LOCAL_LEVEL, STORE_READABLE_FROM, LOCAL_READABLE_FROM)
    manifest = Manifest(FORMAT, plan.version, pips[0], schema, files, wheels)
    (folder / FILE_NAME).write_bytes(write_manifest(manifest))
    return _pack(folder, [FILE_NAME, *names])


def _note(raw: bytes) -> FileNote:
    return FileNote(sha256_of(raw), len(raw))


def _pack(folder: Path, names: Iterable[str]) -> Path:
    """Write one plain tar: wheels are compressed already. Sorted, one owner, one time."""
    path = folder.with_name(f"{folder.name}.tar")
    beside = path.with_name(f".{path.name}")
    with tarfile.open(beside, "w", format=tarfile.PAX_FORMAT) as tar:
        for name in names:
            member = tarfile.TarInfo(f"{folder.name}/{name}")
            member.size, member.mtime, member.mode = (folder / name).stat().st_size, _EPOCH, 0o644
            with (folder / name).open("rb") as file:
                tar.addfile(member, file)
    return beside.rename(path)


def _build_own(plan: Plan, work: Path) -> Path:
    build = (sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", work / "own", plan.tree)
    run_step("build", build, {"SOURCE_DATE_EPOCH": str(_EPOCH)})
    return next((work / "own").glob("*.whl"))


def _gather(plan: Plan, python: str, machine: str, work: Path, tell: Tell) -> list[Path]:
    """Bring every wheel of one target, building one that the index lacks; raises as `_fetch` does."""
    try:
        return _fetch(plan, python, machine, work)
    except WheelMissingError as error:
        package = str(error.params["package"])
        if not crosswheel.can_build(package, python, machine):
            raise
        tell(f"{target_name(python, machine)}: building {package} here")
        locked = _locked(plan.tree, package, _pins(plan, python, machine, work)[package])
        plan.own_wheels.mkdir(parents=True, exist_ok=True)
        crosswheel.build_wheel(python, machine, locked, work / f"{package}-{python}-{machine}", plan.own_wheels)
    return _fetch(plan, python, machine, work)


def _fetch(plan: Plan, python: str, machine: str, work: Path) -> list[Path]:
    """Bring every wheel of one target into a folder of its own; raises WheelMissingError, BundleBuildError."""
    target = target_name(python, machine)
    into = work / target
    shutil.rmtree(into, ignore_errors=True)
    into.mkdir()
    pins = _pins(plan, python, machine, work)
    own = [wheel for wheel in sorted(plan.own_wheels.glob("*.whl")) if _fits(wheel, pins, python, machine)]
    for wheel in own:
        shutil.copy(wheel, into)
        del pins[_normal(wheel.name.split("-")[0])]
    wanted = work / f"{target}.txt"
    wanted.write_text("".join(_locked(plan.tree, name, version) for name, version in pins.items()))
    tags = (f"manylinux_2_{minor}_{machine}" for minor in range(_GLIBC, 4, -1))
    platforms = [word for tag in (*tags, f"manylinux2014_{machine}") for word in ("--platform", tag)]
    abis = ("--abi", f"cp{python.replace('.', '')}", "--abi", "abi3", "--abi", "none")
    pip = (sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--dest", into)
    which = ("--no-deps", "--only-binary=:all:", "--require-hashes", "--python-version", python)
    try:
        run_step(target, (*pip, *which, "--implementation", "cp", *abis, *platforms, "-r", wanted))
    except BundleBuildError as exc:
        absent = _ABSENT.search(str(exc.params["problem"]))
        if absent is None:
            raise
        raise WheelMissingError(
            operation="make bundle", subject=absent[1], cause=exc, package=absent[1], target=target
        ) from exc
    return sorted(into.glob("*.whl"))


def _pins(plan: Plan, python: str, machine: str, work: Path) -> dict[str, str]:
    """Return name → version of what one target needs: resolved for it, in the versions of the lock."""
    out = work / f"{python}-{machine}.pins"
    uv = (Path(sys.executable).with_name("uv"), "pip", "compile", "--quiet", "--no-header", "--no-annotate")
    place = ("--python-version", python, "--python-platform", f"{machine}-manylinux_2_{_GLIBC}")
    files = ("-c", plan.tree / "requirements.lock", "-o", out, plan.tree / "pyproject.toml")
    run_step(f"{python}-{machine}", (*uv, *place, *files))
    found = (_PIN.match(line) for line in out.read_text().splitlines())
    return {_normal(match[1]): match[2] for match in found if match}


def _locked(tree: Path, name: str, version: str) -> str:
    """Return a package's line of the lock without its condition; raises BundleBuildError when it is not there."""
    blocks = re.split(r"\n(?=[A-Za-z0-9])", (tree / "requirements.lock").read_text("utf-8"))
    for block in blocks:
        match = _PIN.match(block)
        if match and (_normal(match[1]), match[2]) == (name, version):
            return f"{name}=={version} " + " ".join(f"--hash={one}" for one in _HASH.findall(block)) + "\n"
    raise BundleBuildError(
        operation="make bundle", subject=name, step="requirements.lock", problem=f"{name}=={version}"
    )


def _fits(wheel: Path, pins: dict[str, str], python: str, machine: str) -> bool:
    """Say whether a wheel that was built here is the one that a target needs."""
    name, version, *_, abi, platform = wheel.stem.split("-")
    right = pins.get(_normal(name)) == version and platform.endswith(f"_{machine}")
    return right and abi in (f"cp{python.replace('.', '')}", "abi3", "none")


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
