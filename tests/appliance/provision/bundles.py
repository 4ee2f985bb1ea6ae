"""Small bundles for tests: a package of our own making and pip, as wheels that really install."""

import base64
import hashlib
import platform
import sys
import zipfile
from importlib import metadata
from pathlib import Path

from appliance.provision.bundle import Bundle
from appliance.provision.bundling import Plan, lay_out
from appliance.provision.manifest import target_name

PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
MACHINE = platform.machine()
TARGET = target_name(PYTHON, MACHINE)
# What runs `install` on a box is the system's Python; here the one that this environment was made of.
BASE_PYTHON = str(getattr(sys, "_base_executable", sys.executable))
TREE = Path(__file__).resolve().parents[3]
INSTALLER = Path(sys.modules["appliance.provision.bundling"].__file__ or "").with_name("install.py")


def make_wheel(folder: Path, name: str, version: str, files: dict[str, str], script: str = "") -> Path:
    """Write a wheel of one package; `script` is MODULE:FUNCTION of a command of the package's name."""
    info = f"{name}-{version}.dist-info"
    content = {
        **files,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    if script:
        content[f"{info}/entry_points.txt"] = f"[console_scripts]\n{name} = {script}\n"
    return _write(folder / f"{name}-{version}-py3-none-any.whl", info, {n: t.encode() for n, t in content.items()})


def pip_wheel(folder: Path) -> Path:
    """Put the pip of this environment back into a wheel, so that no index is needed."""
    found = metadata.distribution("pip")
    kept = {}
    for file in found.files or ():
        name = str(file)
        plain = not name.startswith("..") and "__pycache__" not in name
        if plain and Path(name).name not in ("RECORD", "INSTALLER", "REQUESTED"):
            kept[name] = Path(str(found.locate_file(file))).read_bytes()
    return _write(folder / f"pip-{found.version}-py3-none-any.whl", f"pip-{found.version}.dist-info", kept)


def make_tree(folder: Path, version: str) -> Path:
    """Make what a bundle takes from the source tree beside wheels."""
    (folder / "systemd" / "udev").mkdir(parents=True)
    (folder / "systemd" / "kurabako-keeper.service").write_text(f"[Unit]\nDescription=keeper {version}\n")
    (folder / "systemd" / "udev" / "70-kurabako-usb.rules").write_text("# rules\n")
    (folder / "appliance" / "provision").mkdir(parents=True)
    (folder / "appliance" / "provision" / "install.py").write_bytes(INSTALLER.read_bytes())
    (folder / "pyproject.toml").write_text(f'[project]\nname = "kurabako"\nversion = "{version}"\n')
    return folder


def make_bundle(work: Path, version: str = "0.1.0", body: str = "") -> Path:
    """Make a bundle for this machine; return its tar. Its command `kurabako` prints the version."""
    tree = make_tree(work / f"tree-{version}", version)
    pool = work / f"pool-{version}"
    pool.mkdir()
    text = body or f"def main():\n    print('kurabako {version}')\n"
    own = make_wheel(pool, "kurabako", version, {"kurabako_main.py": text}, "kurabako_main:main")
    other = make_wheel(pool, "other", "1.0", {"other.py": "VALUE = 1\n"})
    wheels = {str(TARGET): sorted(f"wheels/{wheel.name}" for wheel in (own, other))}
    pip_wheel(pool)
    return lay_out(Plan(tree, work, work / "none"), pool, wheels)


def unpacked(work: Path, version: str = "0.1.0", body: str = "") -> tuple[Path, str]:
    """Make a bundle and unpack what this machine needs; return the folder and the manifest's hash."""
    bundle = Bundle.open(make_bundle(work, version, body))
    return bundle.unpack(work / f"unpacked-{version}", PYTHON, MACHINE), bundle.digest


def _write(path: Path, info: str, content: dict[str, bytes]) -> Path:
    record = [f"{name},sha256={_digest(raw)},{len(raw)}" for name, raw in content.items()]
    content[f"{info}/RECORD"] = "\n".join([*record, f"{info}/RECORD,,", ""]).encode()
    with zipfile.ZipFile(path, "w") as wheel:
        for name, raw in content.items():
            wheel.writestr(zipfile.ZipInfo(name), raw)  # one time for all: the same content is the same wheel
    return path


def _digest(raw: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(raw).digest()).rstrip(b"=").decode()
