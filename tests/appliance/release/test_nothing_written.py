"""No format passes through a file: the kernel itself is told to kill whoever writes one."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

# A limit of 0 bytes for files, and its signal left deadly: a write by Python, by Rust or by C ends the process.
GUARD = """
import io, os, resource, signal, sys
from appliance.release.agefile import for_passphrase, for_recipients
from appliance.release.csvfile import Encoding, csv_file
from appliance.release.pdf import sheet_pdf
from appliance.release.stamp import document_pdf
from appliance.release.xlsx import xlsx_file
from tests.appliance.release.samples import LABEL, hand_pdf, roll
import openpyxl, pyrage

def told(event, args):
    if event == "open" and args[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
        print("wrote", args[0], flush=True)
sys.addaudithook(told)
signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
"""
ALL = """
sheet, key = roll(120), str(pyrage.x25519.Identity.generate().to_public())
csv_file(sheet, LABEL, Encoding.UTF8), xlsx_file(sheet, LABEL)
for_recipients(document_pdf(sheet_pdf(sheet, LABEL).pdf, LABEL).pdf, [key])
for_passphrase(document_pdf(hand_pdf(), LABEL).pdf, "twelve letters")
print("done")
"""


def guarded(program: str, folder: Path) -> subprocess.CompletedProcess[str]:
    import appliance.release

    root = Path(next(iter(appliance.release.__path__))).parents[1]
    here = Path(__file__).parents[3]
    path = os.pathsep.join([str(here), str(root), *(p for p in sys.path if p)])
    env = {"PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1", "TMPDIR": str(folder), "HOME": str(folder)}
    command = [sys.executable, "-W", "error", "-c", GUARD + program]
    return subprocess.run(command, env=env, cwd=folder, capture_output=True, text=True, timeout=100, check=False)


def test_every_format_is_made_without_a_file(tmp_path: Path) -> None:
    ended = guarded(ALL, tmp_path)
    assert (ended.returncode, ended.stdout, list(tmp_path.rglob("*"))) == (0, "done\n", []), ended.stderr


@pytest.mark.parametrize(
    "program", ["openpyxl.Workbook().save(io.BytesIO())", "os.write(os.open('f', 577), b'x')"]
)
def test_the_guard_sees_a_file(tmp_path: Path, program: str) -> None:
    ended = guarded(program, tmp_path)
    assert ended.returncode == -signal.SIGXFSZ and ended.stdout.startswith("wrote ")
