"""The installer as a bare box runs it: a plain file, the system's Python, no pip, no index."""

import contextlib
import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

from appliance.provision.bundle import Bundle
from appliance.provision.install import LOCK, MANIFEST, install, installed
from appliance.provision.slots import InstallFailedError, SlotInUseError, Slots
from tests.appliance.provision.bundles import BASE_PYTHON, MACHINE, PYTHON, make_bundle, unpacked
from tests.sync.cloud import wait_until

UNIT = "systemd/kurabako-keeper.service"


def run(folder: Path, slot: Path, digest: str, *, hide: str = "") -> subprocess.CompletedProcess[str]:
    """Run the bundle's own installer; `hide` is a module that this Python shall not have."""
    script = str(folder / "install.py")
    without = f"import sys; sys.modules[{hide!r}] = None; sys.argv = sys.argv[1:]; import runpy;"
    start = ["-c", f"{without} runpy.run_path(sys.argv[0], run_name='__main__')", script] if hide else [script]
    command = [BASE_PYTHON, "-I", *start, str(folder), str(slot), "--manifest", digest]
    return subprocess.run(command, capture_output=True, text=True)


def command_lines() -> str:
    """Return the command lines of all processes that run."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            found.append(path.read_bytes().decode("utf-8", "replace").replace("\0", " "))
    return "\n".join(found)


def free(lock: Path) -> bool:
    """Say whether nobody holds a lock."""
    with lock.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def says(slot: Path) -> str:
    return subprocess.run([slot / "bin" / "kurabako"], capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    return unpacked(tmp_path_factory.mktemp("made"))


@pytest.fixture
def bundle(made: tuple[Path, str], tmp_path: Path) -> tuple[Path, str]:
    """Return an unpacked bundle that may be spoilt."""
    folder, digest = made
    return Bundle.open(_whole(folder)).unpack(tmp_path / "bundle", PYTHON, MACHINE), digest


def _whole(folder: Path) -> Path:
    return folder.parent / "kurabako-bundle-0.1.0.tar"


def test_a_python_without_ensurepip_is_enough(made: tuple[Path, str], tmp_path: Path) -> None:
    folder, digest = made
    done = run(folder, tmp_path / "a", digest, hide="ensurepip")
    assert (done.returncode, done.stdout) == (0, f"installed {tmp_path / 'a'}\n"), done.stderr
    assert says(tmp_path / "a") == "kurabako 0.1.0"
    assert (tmp_path / "a" / UNIT).read_bytes() == (folder / UNIT).read_bytes()
    assert not (tmp_path / "a" / "bin" / "pip").exists()


def test_the_second_run_finds_nothing_to_do(made: tuple[Path, str], tmp_path: Path) -> None:
    folder, digest = made
    slot = tmp_path / "a"
    assert install(folder, slot, digest)
    before = {path: path.lstat().st_mtime_ns for path in slot.rglob("*")}
    assert run(folder, slot, digest).stdout == f"unchanged {slot}\n"
    assert {path: path.lstat().st_mtime_ns for path in slot.rglob("*")} == before


def test_another_user_can_run_what_a_careful_root_installed(made: tuple[Path, str], tmp_path: Path) -> None:
    folder, digest = made
    before = os.umask(0o077)
    try:
        assert run(folder, tmp_path / "a", digest).returncode == 0
    finally:
        os.umask(before)
    closed = [path for path in (tmp_path / "a").rglob("*") if path.lstat().st_mode & 0o044 != 0o044]
    assert closed == []


@pytest.mark.parametrize("what", ["wheels/kurabako-0.1.0-py3-none-any.whl", UNIT, MANIFEST, "pip"])
def test_an_altered_file_is_refused_before_anything_is_made(
    bundle: tuple[Path, str], tmp_path: Path, what: str
) -> None:
    folder, digest = bundle
    path = next((folder / "wheels").glob("pip-*")) if what == "pip" else folder / what
    path.write_bytes(path.read_bytes() + b" ")
    done = run(folder, tmp_path / "a", digest)
    assert done.returncode == 1 and "[APP-543]" in done.stderr and not (tmp_path / "a").exists()


def test_a_unit_that_the_manifest_does_not_name_is_refused(bundle: tuple[Path, str], tmp_path: Path) -> None:
    folder, digest = bundle
    (folder / "systemd" / "more.service").symlink_to("/etc/passwd")
    done = run(folder, tmp_path / "a", digest)
    assert "[APP-543]" in done.stderr and not (tmp_path / "a").exists()


def test_a_missing_wheel_is_named(bundle: tuple[Path, str], tmp_path: Path) -> None:
    folder, digest = bundle
    (folder / "wheels" / "other-1.0-py3-none-any.whl").unlink()
    assert "lacks wheels/other-1.0" in run(folder, tmp_path / "a", digest).stderr


def test_another_machine_is_refused(made: tuple[Path, str], tmp_path: Path) -> None:
    folder, digest = made
    code = (
        "import platform, sys; platform.machine = lambda: 'riscv64'; sys.argv = sys.argv[1:];"
        "import runpy; runpy.run_path(sys.argv[0], run_name='__main__')"
    )
    script = str(folder / "install.py")
    done = subprocess.run(
        [sys.executable, "-I", "-c", code, script, str(folder), str(tmp_path / "a"), "--manifest", digest],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1 and "[APP-542]" in done.stderr and f"{PYTHON}-{MACHINE}" in done.stderr


@pytest.mark.faults
@pytest.mark.parametrize("after", ["venv", "pip", "units"])
def test_a_power_cut_at_any_step_is_made_good_by_the_next_run(
    made: tuple[Path, str], tmp_path: Path, after: str
) -> None:
    folder, digest = made
    slot = tmp_path / "a"
    last = {"venv": "_run_pip", "pip": "shutil.copytree", "units": "_finish"}[after]
    code = (
        f"import os, shutil, sys; sys.path.insert(0, {str(folder)!r}); import install;"
        f"dead = lambda *_, **__: os._exit(9);"
        f"target, name = (shutil, 'copytree') if {last!r} == 'shutil.copytree' else (install, {last!r});"
        "setattr(target, name, dead); install.main(sys.argv[1:])"
    )
    cut = subprocess.run([BASE_PYTHON, "-c", code, str(folder), str(slot), "--manifest", digest])
    assert cut.returncode == 9 and slot.exists() and not installed(slot)
    (slot / "bin" / "left-over").write_text("of the first try")
    assert run(folder, slot, digest).stdout.startswith("installed")
    assert says(slot) == "kurabako 0.1.0" and not (slot / "bin" / "left-over").exists()


@pytest.mark.faults
def test_the_next_one_waits_for_what_a_cut_left_running(made: tuple[Path, str], tmp_path: Path) -> None:
    folder, digest = made
    slot, lock = tmp_path / "a", tmp_path / LOCK
    script, wheels = str(folder / "install.py"), str(folder / "wheels")
    # pip of the first: it is held up in its midst until a file is there, as the writing of a slow card would.
    slow = (
        "import os, sys, time, subprocess; sys.argv = sys.argv[1:]; import runpy; run = subprocess.run\n"
        "def held(command, **more):\n"
        f"    wait = 'until [ -e {tmp_path}/go ]; do sleep 0.05; done; '\n"
        "    return run(['sh', '-c', wait + 'exec \"$@\"', 'sh', *command], **more)\n"
        "subprocess.run = held\n"
        "runpy.run_path(sys.argv[0], run_name='__main__')\n"
    )
    words = [script, str(folder), str(slot), "--manifest", digest]
    first = subprocess.Popen([BASE_PYTHON, "-I", "-c", slow, *words])
    wait_until(lambda: str(wheels) in command_lines())
    first.kill()  # the installer itself is gone: what it started goes on
    first.wait()
    assert not free(lock)
    second = subprocess.Popen([BASE_PYTHON, "-I", *words], stdout=subprocess.PIPE, text=True)
    with pytest.raises(subprocess.TimeoutExpired):
        second.wait(1)
    assert slot.exists(), "it was not removed below the first one's hands"
    (tmp_path / "go").touch()
    told, _ = second.communicate(timeout=60)
    assert (second.returncode, told) == (0, f"installed {slot}\n") and says(slot) == "kurabako 0.1.0"
    assert free(lock)


def test_two_at_once_install_it_once(made: tuple[Path, str], tmp_path: Path) -> None:
    folder, digest = made
    words = [BASE_PYTHON, "-I", str(folder / "install.py"), str(folder), str(tmp_path / "a"), "--manifest", digest]
    both = [subprocess.Popen(words, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    told = sorted(one.communicate(timeout=60)[0].split()[0] for one in both)
    assert told == ["installed", "unchanged"] and says(tmp_path / "a") == "kurabako 0.1.0"


def test_what_runs_is_never_written_to(tmp_path: Path) -> None:
    old, old_digest = unpacked(tmp_path)
    new, new_digest = unpacked(tmp_path, "0.2.0")
    slots = Slots(tmp_path / "opt", BASE_PYTHON)
    slots.root.mkdir()
    assert (slots.current(), slots.idle()) == (None, "a")
    assert slots.install(old, "a", old_digest) and not slots.install(old, "a", old_digest)
    slots.switch("a")
    assert (slots.current(), slots.idle()) == ("a", "b")
    done = run(new, slots.path("a"), new_digest)
    assert "[APP-547]" in done.stderr
    with pytest.raises(SlotInUseError):
        slots.install(new, "a", new_digest)
    assert says(slots.root / "current") == "kurabako 0.1.0"


def test_current_points_to_whole_slots_only(tmp_path: Path) -> None:
    folder, digest = unpacked(tmp_path)
    slots = Slots(tmp_path / "opt", BASE_PYTHON)
    slots.root.mkdir()
    for wrong in ("a", "b", "..", "c"):
        with pytest.raises(SlotInUseError):
            slots.switch(wrong)
    slots.install(folder, "b", digest)
    slots.switch("b")
    release = slots.release("b")
    assert slots.current() == "b" and release is not None and release.version == "0.1.0"
    (slots.path("b") / MANIFEST).unlink()
    assert slots.release("b") is None


def test_a_failed_installation_says_why_and_leaves_no_mark(tmp_path: Path) -> None:
    folder, digest = unpacked(tmp_path)
    slots = Slots(tmp_path / "opt", BASE_PYTHON)
    slots.root.mkdir()
    next((folder / "wheels").glob("other-*")).unlink()
    with pytest.raises(InstallFailedError) as caught:
        slots.install(folder, "a", digest)
    assert "APP-543" in str(caught.value.params["problem"]) and slots.release("a") is None


def test_the_installer_needs_nothing_but_the_standard_library(tmp_path: Path) -> None:
    tar = make_bundle(tmp_path)
    script = tmp_path / "install.py"
    script.write_bytes(Bundle.open(tar).file("install.py"))
    done = subprocess.run([BASE_PYTHON, "-I", "-S", str(script), "--help"], capture_output=True, text=True)
    assert done.returncode == 0 and "SHA256" in done.stdout
