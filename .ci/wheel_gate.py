"""Build the wheel, install it into an empty environment and run the tests against it, not against the tree.

Usage: python -I .ci/wheel_gate.py VENV. A file missing from the wheel, or an import that only works from a
checkout, fails here.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    """Return the exit code of the first step that fails, else 0."""
    built_with = (ROOT / sys.argv[1] / "bin" / "python").absolute()
    with tempfile.TemporaryDirectory(prefix="kurabako-wheel-") as work:
        out = Path(work) / "dist"
        run(built_with, "-m", "build", "--wheel", "--no-isolation", "--outdir", out, ROOT)
        wheel = next(out.glob("*.whl"))
        env = Path(work) / "env"
        venv.create(env, with_pip=True)
        python = env / "bin" / "python"
        pip = (python, "-m", "pip", "install", "--disable-pip-version-check", "--quiet")
        run(*pip, "--require-hashes", "-r", ROOT / "requirements.lock")
        run(*pip, "--no-deps", wheel)
        tree = Path(work) / "tree"
        shutil.copytree(ROOT / "tests", tree / "tests", ignore=shutil.ignore_patterns("__pycache__"))
        for name in ("pyproject.toml", "docs", "systemd", "README.md", "README.ja.md", "Makefile"):
            source = ROOT / name
            (shutil.copytree if source.is_dir() else shutil.copy)(source, tree / name)
        os.chdir(tree)
        # A wheel can lack files and dependencies: bytes, adversaries, faults and looks are tried only once.
        once = ("--ignore=tests/crypto", "--ignore=tests/adversaries")
        run(python, "-I", "-m", "pytest", "-q", "-m", "not faults and not looks", *once)
    return 0


def run(*command: object) -> None:
    """Run one step, showing it; stop the gate when it fails."""
    words = [str(part) for part in command]
    print("+", " ".join(words), flush=True)
    subprocess.run(words, check=True)


if __name__ == "__main__":
    sys.exit(main())
