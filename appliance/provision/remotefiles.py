"""The few lines that run on a box, in its own Python, to write a file there.

Invariant: they need only the standard library of Python 3.11; a file has its name when all of it is on disk.
"""

from typing import Final

# Arguments: path, mode in octal, user:group, whether to make its folder. Content: stdin.
PUT: Final = """
import os, shutil, sys
path, mode, owner, dirs = sys.argv[1:5]
folder = os.path.dirname(path)
if dirs == "1":
    os.makedirs(folder, exist_ok=True)
beside = f"{folder}/.{os.path.basename(path)}.putting"
descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
with os.fdopen(descriptor, "wb") as file:
    shutil.copyfileobj(sys.stdin.buffer, file)
    shutil.chown(beside, *owner.split(":"))
    os.chmod(beside, int(mode, 8))
    file.flush()
    os.fsync(file.fileno())
os.replace(beside, path)
descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
os.fsync(descriptor)
"""

# Argument: path. Prints how many bytes a former try brought, and their SHA-256.
UPLOADED: Final = """
import hashlib, sys
try:
    with open(sys.argv[1] + ".part", "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        print(file.tell(), digest)
except FileNotFoundError:
    print(0, hashlib.sha256().hexdigest())
"""

# Arguments: path, where to go on, the SHA-256 that the whole must have. Content: stdin. Prints the SHA-256.
UPLOAD: Final = """
import hashlib, os, shutil, sys
path, at, digest = sys.argv[1:4]
folder = os.path.dirname(path)
os.makedirs(folder, mode=0o700, exist_ok=True)
descriptor = os.open(path + ".part", os.O_RDWR | os.O_CREAT, 0o600)
with os.fdopen(descriptor, "r+b") as file:
    file.truncate(int(at))
    file.seek(int(at))
    shutil.copyfileobj(sys.stdin.buffer, file, 1 << 20)
    file.flush()
    os.fsync(file.fileno())
    file.seek(0)
    found = hashlib.file_digest(file, "sha256").hexdigest()
if found != digest:
    sys.exit(f"SHA-256 {found} instead of {digest}")
os.replace(path + ".part", path)
descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
os.fsync(descriptor)
print(found)
"""
