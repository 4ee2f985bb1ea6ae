"""Small programs that a step runs on a box: each changes one thing, by one rename.

Invariant: they need nothing but Python 3.11's standard library and systemd, and may be cut off and run again.
"""

from typing import Final

# Arguments: file, key, value. Adds a mark.
MARK: Final = r"""
import json, os, sys
path, key, value = sys.argv[1:4]
try:
    with open(path) as file:
        marks = json.load(file)
except (OSError, ValueError):
    marks = {}
marks[key] = value
os.makedirs(os.path.dirname(path), exist_ok=True)
descriptor = os.open(path + ".new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
with os.fdopen(descriptor, "w") as file:
    json.dump(marks, file, indent=1, sort_keys=True)
    file.flush()
    os.fsync(file.fileno())
os.replace(path + ".new", path)
"""
# Arguments: link, where it leads. Points it there by one rename.
POINT: Final = r"""
import contextlib, os, sys
link, to = sys.argv[1:3]
folder = os.path.dirname(link)
os.makedirs(folder, exist_ok=True)
beside = f"{folder}/.{os.path.basename(link)}.new"
with contextlib.suppress(FileNotFoundError):
    os.unlink(beside)
os.symlink(to, beside)
os.replace(beside, link)
descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
os.fsync(descriptor)
"""
# Argument: file. Encrypts standard input to this machine and keeps it there.
KEEP: Final = r"""
import os, subprocess, sys
path = sys.argv[1]
command = ["systemd-creds", "encrypt", "--name=" + os.path.basename(path), "-", "-"]
sealed = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
descriptor = os.open(path + ".new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
with os.fdopen(descriptor, "wb") as file:
    file.write(sealed)
    file.flush()
    os.fsync(file.fileno())
os.replace(path + ".new", path)
"""
# Argument: site. Prints the request that the box made, in base64.
REQUEST: Final = r"""
import base64, os, sys
parent, name = os.path.split(sys.argv[1])
for folder in (sys.argv[1], f"{parent}/.{name}.enrolling"):
    try:
        with open(f"{folder}/enrolment.request", "rb") as file:
            print(base64.b64encode(file.read()).decode())
            break
    except FileNotFoundError:
        pass
else:
    sys.exit("no request")
"""
