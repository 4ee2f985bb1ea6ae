"""The script that a box answers the question "how do you stand?" with, in one round trip.

Invariant: it only looks. It needs nothing but Python 3.11's standard library; what it cannot find out is null, so
a bare Debian answers it too. Argument: a JSON object (`files`, `users`, `units`, `programs`, `bundle`, `site`).
"""

from typing import Final

FACTS: Final = r'''
import base64, grp, hashlib, importlib.util, json, os, platform, pwd, shutil, subprocess, sys, time

ask = json.loads(sys.argv[1])


def said(*argv, timeout=20):
    try:
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None


def read(path):
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return None


def digest(path):
    raw = read(path)
    return None if raw is None else hashlib.sha256(raw).hexdigest()


def looked(path):
    try:
        found = os.lstat(path)
    except OSError:
        return None
    if os.path.islink(path):
        return {"link": os.readlink(path)}
    try:
        owner = f"{pwd.getpwuid(found.st_uid).pw_name}:{grp.getgrgid(found.st_gid).gr_name}"
    except KeyError:
        owner = f"{found.st_uid}:{found.st_gid}"
    return {"sha256": digest(path), "mode": found.st_mode & 0o7777, "owner": owner}


def release():
    lines = (read("/etc/os-release") or b"").decode("utf-8", "replace").splitlines()
    return {key: value.strip('"') for key, _, value in (line.partition("=") for line in lines)}


def known_users():
    names = {user.pw_name for user in pwd.getpwall()}
    return [name for name in ask["users"] if name in names]


def units():
    found = {}
    text = said("systemctl", "show", "-p", "Id,UnitFileState,ActiveState,NeedDaemonReload", *ask["units"]) or ""
    for block in text.strip().split("\n\n"):
        values = dict(line.partition("=")[::2] for line in block.splitlines())
        if values.get("Id"):
            stale = values.get("NeedDaemonReload") == "yes"
            found[values["Id"]] = [values.get("UnitFileState", ""), values.get("ActiveState", ""), stale]
    return found


def free(path):
    while not os.path.isdir(path):
        path = os.path.dirname(path)
    return shutil.disk_usage(path).free


def came_from():
    """The address that we are logged in from: sudo drops the variable, so the parents are asked."""
    pid = os.getpid()
    while pid > 1:
        for word in (read(f"/proc/{pid}/environ") or b"").split(b"\0"):
            if word.startswith(b"SSH_CONNECTION="):
                return word.split(b"=", 1)[1].split()[0].decode()
        stat = (read(f"/proc/{pid}/stat") or b") S 0").rpartition(b")")[2].split()
        pid = int(stat[1])
    return ""


def tpm():
    return (read("/sys/class/tpm/tpm0/tpm_version_major") or b"").strip() == b"2"


def slots():
    root = ask["slots"]
    try:
        current = os.readlink(f"{root}/current")
    except OSError:
        current = None
    manifests = {name: digest(f"{root}/{name}/manifest.json") for name in "ab"}
    try:
        version = str(json.loads(read(f"{root}/{current}/manifest.json") or b"{}").get("version", ""))
    except ValueError:
        version = ""
    return {"current": current, "manifests": manifests, "version": version}


def bundled():
    folder, found = ask["bundle"]["folder"], {}
    for name, size in ask["bundle"]["files"].items():
        try:
            if os.path.getsize(f"{folder}/{name}") == size:
                found[name] = digest(f"{folder}/{name}")
        except OSError:
            pass
    return found


def site():
    folder = ask["site"]
    parent, name = os.path.split(folder)
    enrolled, request = os.path.exists(f"{folder}/kurabako.toml"), None
    for place in (folder, f"{parent}/.{name}.enrolling"):
        request = request or read(f"{place}/enrolment.request")
    told = said("/usr/local/bin/kurabako", "status", folder, "--json") if enrolled else None
    if enrolled and told is None:  # it ends with 3 while entries wait
        try:
            told = subprocess.run(["/usr/local/bin/kurabako", "status", folder, "--json"], capture_output=True,
                                  text=True, timeout=20).stdout
        except (OSError, subprocess.TimeoutExpired):
            told = None
    try:
        status = json.loads(told) if told else None
    except ValueError:
        status = None
    config = read(f"{folder}/kurabako.toml")
    return {
        "enrolled": enrolled,
        "config": config.decode("utf-8", "replace") if config else "",
        "request": base64.b64encode(request).decode() if request else None,
        "status": status,
    }


def marks():
    try:
        return json.loads(read(ask["marks"]) or b"{}")
    except ValueError:
        return {}


os_release, version = release(), (said("systemctl", "--version") or "").split()
print(json.dumps({
    "os": os_release.get("ID", ""),
    "release": os_release.get("VERSION_ID", ""),
    "machine": platform.machine(),
    "python": f"{sys.version_info.major}.{sys.version_info.minor}",
    "modules": [name for name in ask["modules"] if importlib.util.find_spec(name)],
    "systemd": int(version[1]) if len(version) > 1 and version[1].isdigit() else 0,
    "booted": os.path.isdir("/run/systemd/system"),
    "programs": [name for name in ask["programs"] if shutil.which(name, path="/usr/sbin:/usr/bin:/sbin:/bin")],
    "files": {path: looked(path) for path in ask["files"]},
    "users": known_users(),
    "units": units() if ask["units"] else {},
    "synchronised": (said("timedatectl", "show", "-p", "NTPSynchronized", "--value") or "").strip() == "yes",
    "clock_ms": int(time.time() * 1000),
    "free_bytes": min(free("/opt"), free("/var/lib")),
    "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
    "tpm2": tpm(),
    "came_from": came_from(),
    "slots": slots(),
    "bundle": bundled() if ask["bundle"] else {},
    "site": site(),
    "marks": marks(),
}))
'''
