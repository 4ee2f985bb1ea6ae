"""Build the wheel, install it with what it asks for into an empty environment and try what a wheel can lack.

Usage: python -I .ci/wheel_gate.py VENV. The wheel must hold every file of its packages; each module must load, and
everything that is imported anywhere must be there, in an environment without the developers' tools; the console
script must answer. Then the command's transcripts are played and a picture is compared, pytest coming from VENV.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import venv
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("crypto", "sync", "appliance", "tui")
TRIED = ("tests/appliance/test_cli.py", "tests/tui/test_snapshots.py::test_attendance")
# Loads every module, and whatever its functions import only when they are called.
LOAD = """
import ast, importlib, pkgutil, sys
from pathlib import Path
for package in map(importlib.import_module, sys.argv[1:]):
    for found in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        module = importlib.import_module(found.name)
        for node in ast.walk(ast.parse(Path(module.__file__).read_text("utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) and not node.level else []
            for name in names:
                importlib.import_module(name)
"""
# The developers' packages come last and without their .pth files: Kurabako itself can only be the wheel's.
TRY = "import sys; sys.path.append(sys.argv.pop(1)); import pytest; sys.exit(pytest.console_main())"


def main() -> int:
    """Return 0; the first step that fails ends the gate with an error."""
    developers = (ROOT / sys.argv[1]).absolute()
    with tempfile.TemporaryDirectory(prefix="kurabako-wheel-") as work:
        wheel = built(developers / "bin" / "python", Path(work) / "dist")
        complete(wheel)
        env = Path(work) / "env"
        venv.create(env, with_pip=True)
        python = env / "bin" / "python"
        needed = Path(work) / "needed.lock"
        needed.write_text(without_tools((ROOT / "requirements.lock").read_text("utf-8")), "utf-8")
        pip = (python, "-m", "pip", "--disable-pip-version-check")
        run(*pip, "install", "--quiet", "--require-hashes", "-r", needed)
        run(*pip, "install", "--quiet", "--no-deps", wheel)
        run(*pip, "check")
        tree = copied(Path(work) / "tree")
        os.chdir(tree)
        run(python, "-I", "-c", LOAD, *PACKAGES)
        run(env / "bin" / "kurabako", "--version")
        run(python, "-I", "-c", TRY, libraries(developers), "-q", *TRIED)
    return 0


def built(python: Path, out: Path) -> Path:
    """Build the wheel and return it."""
    run(python, "-m", "build", "--wheel", "--no-isolation", "--outdir", out, ROOT)
    return next(out.glob("*.whl"))


def complete(wheel: Path) -> None:
    """Stop the gate when the wheel lacks a file of its packages or holds another one."""
    there = set(zipfile.ZipFile(wheel).namelist())
    kept = [path for package in PACKAGES for path in (ROOT / package).rglob("*") if path.is_file()]
    wanted = {str(path.relative_to(ROOT)) for path in kept if path.parent.name != "__pycache__"}
    held = {name for name in there if name.split("/")[0] in PACKAGES}
    if wanted != held:
        sys.exit(f"error: the wheel's files are not the tree's: {sorted(wanted ^ held)}")


def without_tools(lock: str) -> str:
    """Return the lock's entries that the wheel needs: those that some path of "via" leads to from it.

    A name stands there twice when versions differ by Python's.
    """
    entries = re.findall(r"^([a-z0-9.-]+)(==(?:.*\n)(?: .*\n)*)", lock, re.MULTILINE)
    via = [(name, set(re.findall(r"^ +# +(?:via +)?(.+)$", entry, re.MULTILINE))) for name, entry in entries]
    needed, before = {"kurabako (pyproject.toml)"}, set[str]()
    while needed != before:
        before = needed
        needed = needed | {name for name, why in via if why & needed}
    return "".join(name + entry for name, entry in entries if name in needed)


def copied(tree: Path) -> Path:
    """Copy what the tests read, but no package."""
    shutil.copytree(ROOT / "tests", tree / "tests", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "docs", "systemd", "README.md", "README.ja.md", "Makefile"):
        source = ROOT / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, tree / name)
    return tree


def libraries(env: Path) -> Path:
    """Return the folder of an environment's packages."""
    return next(env.glob("lib/python3*/site-packages"))


def run(*command: object) -> None:
    """Run one step, showing it; stop the gate when it fails."""
    words = [str(part) for part in command]
    print("+", " ".join(word for word in words if "\n" not in word), flush=True)
    subprocess.run(words, check=True)


if __name__ == "__main__":
    sys.exit(main())
