from pathlib import Path

from tests.boxes.container import Container


def test_a_bare_machine_boots_and_is_alone_with_its_cable(machine: Container) -> None:
    assert machine.ssh("systemctl is-system-running --wait").stdout.strip() == "running"
    assert machine.ssh("hostname").stdout.strip() == machine.name
    machine.unplug()
    assert machine.ssh("true", check=False).returncode != 0
    machine.plug()
    machine.wait_for_ssh()


def test_power_is_cut_and_it_boots_again(machine: Container) -> None:
    machine.ssh("echo written > /root/note; sync")
    machine.cut_power()
    assert not machine.running
    machine.boot()
    assert machine.ssh("cat /root/note").stdout == "written\n"


def test_a_machine_of_nobody_is_left(machine: Container, tmp_path: Path) -> None:
    machine.destroy()
    assert not machine.root.exists()
    assert not list(Path("/sys/fs/cgroup").glob(f"*/kurabako-{machine.name}"))
